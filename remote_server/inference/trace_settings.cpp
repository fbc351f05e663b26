#include "remote_server/inference/trace_settings.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <limits>

namespace gantry::inference_server {
namespace {

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

template <typename Number>
Result<Number> numberOf(const std::string& name, const std::string& text, std::int64_t lowest)
{
    std::int64_t number = 0;
    const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
    constexpr auto kHighest = static_cast<std::int64_t>(std::numeric_limits<Number>::max());
    if (problem == std::errc::result_out_of_range || (problem == std::errc() && (number > kHighest || number < lowest)))
        return bad(fmt::format("Unable to parse '{}', value is out of range [ {}, {} ], got: {}", name, lowest, kHighest, text));
    if (problem != std::errc() || end != text.data() + text.size())
        return bad(fmt::format("Unable to parse '{}', got: {}", name, text));
    return static_cast<Number>(number);
}

Result<TraceOverrides::Level> levelOf(const std::vector<std::string>& values)
{
    TraceOverrides::Level level;
    for (const std::string& value : values) {
        if (value == "OFF" && values.size() > 1)
            return bad("Expect only one trace level 'OFF' is specified");
        if (value == "TIMESTAMPS")
            level.timestamps = true;
        else if (value == "TENSORS")
            level.tensors = true;
        else if (value != "OFF")
            return bad(fmt::format("Unable to parse 'trace_level', got: {}; it is OFF, TIMESTAMPS or TENSORS", value));
    }
    return level;
}

Result<void> applyOne(const std::string& name, const std::vector<std::string>& values, TraceOverrides& overrides)
{
    if (name == "trace_file")
        return Error{ErrorCode::Unsupported, "trace file location can not be updated through network protocol", {}};
    if (name == "trace_mode" && (values.size() != 1 || values.front() != "triton"))
        return Error{ErrorCode::Unsupported, "trace mode can not be updated through network protocol", {}};
    if (name == "trace_mode")
        return {};
    if (name == "trace_level") {
        overrides.level.reset();
        if (!values.empty()) {
            GANTRY_TRY(overrides.level, levelOf(values));
        }
        return {};
    }
    if (values.size() > 1)
        return bad(fmt::format("expect only 1 value for '{}'", name));
    const auto set = [&](auto& field, std::int64_t lowest) -> Result<void> {
        field.reset();
        if (!values.empty()) {
            GANTRY_TRY(field, numberOf<typename std::remove_reference_t<decltype(field)>::value_type>(name, values.front(), lowest));
        }
        return {};
    };
    if (name == "trace_rate")
        return set(overrides.rate, 1);
    if (name == "trace_count")
        return set(overrides.count, -1);
    if (name == "log_frequency")
        return set(overrides.logFrequency, 0);
    return bad(fmt::format("there is no trace setting '{}': they are trace_level, trace_rate, trace_count and log_frequency", name));
}

} // namespace

TraceSettings TraceOverrides::over(TraceSettings inherited) const
{
    if (level) {
        inherited.timestamps = level->timestamps;
        inherited.tensors = level->tensors;
    }
    inherited.rate = rate.value_or(inherited.rate);
    inherited.count = count.value_or(inherited.count);
    inherited.logFrequency = logFrequency.value_or(inherited.logFrequency);
    return inherited;
}

Result<void> applySettings(const SettingValues& values, TraceOverrides& overrides)
{
    TraceOverrides changed = overrides;
    for (const auto& [name, value] : values)
        GANTRY_CHECK(applyOne(name, value, changed));
    overrides = changed;
    return {};
}

SettingValues settingValues(const TraceSettings& settings, const std::string& file)
{
    std::vector<std::string> level;
    if (settings.timestamps)
        level.emplace_back("TIMESTAMPS");
    if (settings.tensors)
        level.emplace_back("TENSORS");
    if (level.empty())
        level.emplace_back("OFF");
    return {{"trace_level", level},
            {"trace_rate", {std::to_string(settings.rate)}},
            {"trace_count", {std::to_string(settings.count)}},
            {"log_frequency", {std::to_string(settings.logFrequency)}},
            {"trace_file", {file}},
            {"trace_mode", {"triton"}}};
}

Result<void> applyTraceFlag(const std::string& flag, TraceConfig& config)
{
    const std::size_t equals = flag.find('=');
    if (equals == std::string::npos)
        return bad(fmt::format("--trace-config {}: it must be MODE,SETTING=VALUE or SETTING=VALUE", flag));
    std::string name = flag.substr(0, equals);
    const std::string value = flag.substr(equals + 1);
    if (const std::size_t comma = name.find(','); comma != std::string::npos) {
        if (name.substr(0, comma) != "triton")
            return Error{ErrorCode::Unsupported, fmt::format("--trace-config {}: traces are written in mode triton only", flag), {}};
        name = name.substr(comma + 1);
    }
    if (name == "file") {
        config.file = value;
        return {};
    }
    if (name == "mode")
        return value == "triton"
                   ? Result<void>()
                   : Error{ErrorCode::Unsupported, fmt::format("--trace-config {}: traces are written in mode triton only", flag), {}};
    // The flag names settings as the protocol does, but without their prefix, and may name a level several times.
    TraceOverrides overrides;
    const std::string setting = name == "log-frequency" ? "log_frequency" : "trace_" + name;
    GANTRY_CHECK(applySettings({{setting, {value}}}, overrides).context("--trace-config " + flag));
    if (overrides.level && value != "OFF")
        overrides.level = {.timestamps = overrides.level->timestamps || config.settings.timestamps,
                           .tensors = overrides.level->tensors || config.settings.tensors};
    config.settings = overrides.over(config.settings);
    return {};
}

} // namespace gantry::inference_server
