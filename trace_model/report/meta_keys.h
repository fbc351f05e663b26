#pragma once

/// Keys of META_DATA_CAPTURE that Gantry writes and reads. Values are text; an absent key is an unknown value.
namespace gantry::report::meta {

inline constexpr char kLabel[] = "GANTRY_LABEL";
inline constexpr char kHostName[] = "GANTRY_HOST_NAME";
inline constexpr char kTargetName[] = "GANTRY_TARGET_NAME";
inline constexpr char kTargetExited[] = "GANTRY_TARGET_EXITED";       ///< "1": it ended inside the window
inline constexpr char kComplete[] = "GANTRY_COMPLETE";                ///< "1": the assembler wrote everything it had
inline constexpr char kClockErrorNs[] = "GANTRY_CLOCK_ERROR_NS";      ///< bound of the error between CUDA and NVTX times
inline constexpr char kWindowCostRatio[] = "GANTRY_WINDOW_COST_RATIO"; ///< req/s in the window over before it, minus 1
inline constexpr char kOpenCostNs[] = "GANTRY_OPEN_COST_NS";
inline constexpr char kCloseCostNs[] = "GANTRY_CLOSE_COST_NS";

} // namespace gantry::report::meta
