#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gantry::inference_server {

/// What requests are traced: the settings of Triton's trace extension.
struct TraceSettings
{
    bool timestamps = false, tensors = false; ///< trace_level; neither: OFF
    std::uint32_t rate = 1000;                ///< every so many requests one is traced; at least 1
    std::int32_t count = -1;                  ///< so many are traced, then none; -1: no bound
    std::uint32_t logFrequency = 0;           ///< traces of a file, which then gets a number in its name; 0: one file

    [[nodiscard]] bool isOn() const { return (timestamps || tensors) && count != 0; }
};

/// The same for one model, or for all beside what the server was started with: absent ones are inherited.
struct TraceOverrides
{
    struct Level
    {
        bool timestamps = false, tensors = false;
    };
    std::optional<Level> level;
    std::optional<std::uint32_t> rate;
    std::optional<std::int32_t> count;
    std::optional<std::uint32_t> logFrequency;

    [[nodiscard]] TraceSettings over(TraceSettings inherited) const;
    [[nodiscard]] bool isEmpty() const { return !level && !rate && !count && !logFrequency; }
};

/// Settings as on the wire; no value at all means: inherited again.
using SettingValues = std::map<std::string, std::vector<std::string>>;

/// Changes `overrides` by what is named. Errors: BadInput, Unsupported (what only the start of the server decides), with Triton's wording;
/// `overrides` is as it was then.
[[nodiscard]] Result<void> applySettings(const SettingValues& values, TraceOverrides& overrides);

/// The settings as on the wire, all of them.
[[nodiscard]] SettingValues settingValues(const TraceSettings& settings, const std::string& file);

/// What the flag --trace-config of tritonserver says: "MODE,SETTING=VALUE" or "SETTING=VALUE".
struct TraceConfig
{
    TraceSettings settings;
    std::string file;
};

/// Adds one flag's value. Errors: BadInput (no such setting or value), Unsupported (mode opentelemetry).
[[nodiscard]] Result<void> applyTraceFlag(const std::string& flag, TraceConfig& config);

} // namespace gantry::inference_server
