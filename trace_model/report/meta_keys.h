#pragma once

/// Names of META_DATA_* rows that Gantry gives a meaning to. Values are text; numbers are decimal.
namespace gantry::report::meta {

// META_DATA_EXPORT, written by ReportWriter itself.
inline constexpr char kFormatVersion[] = "GANTRY_FORMAT_VERSION";   ///< schema.h: kReportFormatVersion
inline constexpr char kProductName[] = "EXPORT_PRODUCT_NAME";       ///< "Gantry"
inline constexpr char kProductVersion[] = "EXPORT_PRODUCT_VERSION"; ///< version of the program that wrote the report
inline constexpr char kSchemaVersion[] = "EXPORT_SCHEMA_VERSION";   ///< of the Nsight Systems export whose columns are followed
inline constexpr char kProductNameValue[] = "Gantry";

// META_DATA_CAPTURE, given by the report assembler in ReportWriter::Session::meta. All optional: absent means unknown.
inline constexpr char kWindowCostRatio[] = "GANTRY_WINDOW_COST_RATIO"; ///< req/s in the window over req/s beside it, minus 1
inline constexpr char kWindowCostError[] =
    "GANTRY_WINDOW_COST_ERROR"; ///< one standard deviation: what a window without any cost would show
// What the ratio is made of, and what else the window cost (window_cost.h): GANTRY_COST_{BEFORE,DURING,AFTER}_{LENGTH_NS,REQUESTS,MEAN_NS,
// P50_NS,P99_NS}, GANTRY_COST_{P50,P99}_{NS,ERROR_NS}, and these.
inline constexpr char kCostPrefix[] = "GANTRY_COST_";
inline constexpr char kCostWhyNoRate[] = "GANTRY_COST_WHY_NO_RATE"; ///< part of a sentence
inline constexpr char kCostWhyNoLatency[] = "GANTRY_COST_WHY_NO_LATENCY";
inline constexpr char kCostWhyNoAfter[] = "GANTRY_COST_WHY_NO_AFTER";
inline constexpr char kCostTargetCpuNs[] = "GANTRY_COST_TARGET_CPU_NS"; ///< CPU time of the capture library's threads in the target
inline constexpr char kCostDaemonCpuNs[] = "GANTRY_COST_DAEMON_CPU_NS"; ///< CPU time of gantryd's capture thread
inline constexpr char kCostRecordBytes[] = "GANTRY_COST_RECORD_BYTES";  ///< recorded
inline constexpr char kClockErrorNs[] = "GANTRY_CLOCK_ERROR_NS";        ///< residual of the clock fit, ns
inline constexpr char kTargetExited[] = "GANTRY_TARGET_EXITED";         ///< "1": the target process ended inside the window
inline constexpr char kComplete[] = "GANTRY_COMPLETE";                  ///< "0": the assembler could not use all that was captured
inline constexpr char kSourceProducer[] = "GANTRY_SOURCE_PRODUCER";     ///< what recorded it, where that was not Gantry
inline constexpr char kHostName[] = "GANTRY_HOST_NAME";
inline constexpr char kLabel[] = "GANTRY_LABEL"; ///< what the user called the capture
inline constexpr char kTargetName[] = "GANTRY_TARGET_NAME";
// What the target was set up with when the window opened: for who asks why two windows differ. Values of what may be secret are not kept.
inline constexpr char kTargetCommand[] = "GANTRY_TARGET_COMMAND";   ///< its command line
inline constexpr char kEnvironmentPrefix[] = "GANTRY_ENVIRONMENT_"; ///< and the variable: those of CUDA, of the server and of its libraries
inline constexpr char kModelConfigPrefix[] = "GANTRY_MODEL_CONFIG_"; ///< and the model: its configuration as text (config.pbtxt)
inline constexpr char kNote[] = "GANTRY_NOTE"; ///< what went otherwise than asked, such as a process whose CUDA was not captured
inline constexpr char kSavedBecause[] = "GANTRY_SAVED_BECAUSE";     ///< of a recorder that saves by itself: the condition and its value
inline constexpr char kSession[] = "GANTRY_SESSION";                ///< the same for all windows of one capture
inline constexpr char kSessionWindow[] = "GANTRY_SESSION_WINDOW";   ///< number of this one among them, from 1
inline constexpr char kSessionWindows[] = "GANTRY_SESSION_WINDOWS"; ///< how many were asked for
inline constexpr char kNodeSession[] = "GANTRY_NODE_SESSION";       ///< the same for windows that several nodes opened at one instant
inline constexpr char kNodeSessionNodes[] = "GANTRY_NODE_SESSION_NODES"; ///< how many nodes
// Written by who started the windows: the clock that the reports of kNodeSession have in common.
inline constexpr char kSharedClockOffsetNs[] = "GANTRY_SHARED_CLOCK_OFFSET_NS"; ///< to be added to this report's CLOCK_MONOTONIC
inline constexpr char kSharedClockErrorNs[] = "GANTRY_SHARED_CLOCK_ERROR_NS";   ///< the sum is right up to this, in the whole window
inline constexpr char kOpenCostNs[] = "GANTRY_OPEN_COST_NS";        ///< from the command to recording, slowest process
inline constexpr char kCloseCostNs[] = "GANTRY_CLOSE_COST_NS";      ///< from the end to everything flushed
inline constexpr char kEngine[] = "GANTRY_ENGINE";                  ///< what recorded it, where that was not the capture library
inline constexpr char kEngineCommands[] = "GANTRY_ENGINE_COMMANDS"; ///< what was run for it, a command a line
inline constexpr char kRecipe[] = "GANTRY_RECIPE";                  ///< text of the recipe it was made by
inline constexpr char kRecipeName[] = "GANTRY_RECIPE_NAME";         ///< of that recipe
inline constexpr char kRecipeLoad[] = "GANTRY_RECIPE_LOAD";         ///< what its load measured, as `gantryctl load --json` says it
inline constexpr char kRehearsal[] = "GANTRY_REHEARSAL";            ///< of a report that a rehearsal node gave: what it plays
inline constexpr char kOriginalFile[] = "GANTRY_ORIGINAL_FILE";     ///< beside it on the node, as the engine wrote it

// GANTRY_META, written by ReportWriter.
inline constexpr char kWindowStartNs[] = "WINDOW_START_NS"; ///< session time
inline constexpr char kWindowEndNs[] = "WINDOW_END_NS";
inline constexpr char kRowCountPrefix[] = "ROWS_"; ///< ROWS_<table>: rows written, for the reader to check

} // namespace gantry::report::meta
