#include "remote_server/inference/log_settings.h"

#include <atomic>
#include <fmt/format.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/basic_file_sink.h>
#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

namespace gantry::inference_server {

/// Lets through the kinds that are switched on: each by itself, while spdlog knows only "this and what is worse".
class LogSettings::Filter : public spdlog::sinks::sink
{
public:
    explicit Filter(spdlog::sink_ptr target) : m_target(std::move(target)) {}

    void set(const Choice& choice)
    {
        m_info = choice.info;
        m_warning = choice.warning;
        m_error = choice.error;
        m_verbose = choice.verboseLevel > 0;
        if (choice.format == "ISO8601")
            m_target->set_formatter(
                std::make_unique<spdlog::pattern_formatter>("%Y-%m-%dT%H:%M:%SZ %L %v", spdlog::pattern_time_type::utc));
        else
            m_target->set_formatter(std::make_unique<spdlog::pattern_formatter>());
    }
    void log(const spdlog::details::log_msg& message) override
    {
        if (passes(message.level))
            m_target->log(message);
    }
    void flush() override { m_target->flush(); }
    void set_pattern(const std::string& pattern) override { m_target->set_pattern(pattern); }
    void set_formatter(std::unique_ptr<spdlog::formatter> formatter) override { m_target->set_formatter(std::move(formatter)); }

private:
    [[nodiscard]] bool passes(spdlog::level::level_enum level) const
    {
        switch (level) {
        case spdlog::level::trace:
        case spdlog::level::debug:
            return m_verbose;
        case spdlog::level::info:
            return m_info;
        case spdlog::level::warn:
            return m_warning;
        default:
            return m_error;
        }
    }

    spdlog::sink_ptr m_target;
    std::atomic<bool> m_info{true}, m_warning{true}, m_error{true}, m_verbose{false};
};

namespace {

bool isFormat(const std::string& format)
{
    return format == "default" || format == "ISO8601";
}

Error wrongFormat(const std::string& format)
{
    return {ErrorCode::BadInput, fmt::format("invalid argument for log_format, got: {}", format), {}};
}

Error wrongType(const std::string& name, const char* expected)
{
    return {ErrorCode::BadInput, fmt::format("expect {} for '{}'", expected, name), {}};
}

} // namespace

LogSettings::LogSettings(Choice choice, std::shared_ptr<Filter> filter, std::shared_ptr<spdlog::logger> logger)
    : m_choice(std::move(choice)), m_filter(std::move(filter)), m_logger(std::move(logger))
{
    apply();
}

Result<std::unique_ptr<LogSettings>> LogSettings::create(const Choice& choice)
{
    if (!isFormat(choice.format))
        return wrongFormat(choice.format);
    try {
        const spdlog::sink_ptr target = choice.file.empty() ? spdlog::sink_ptr(std::make_shared<spdlog::sinks::stderr_color_sink_mt>())
                                                            : std::make_shared<spdlog::sinks::basic_file_sink_mt>(choice.file);
        auto filter = std::make_shared<Filter>(target);
        auto logger = std::make_shared<spdlog::logger>("", filter);
        logger->flush_on(spdlog::level::info);
        spdlog::set_default_logger(logger);
        return std::unique_ptr<LogSettings>(new LogSettings(choice, std::move(filter), std::move(logger)));
    } catch (const spdlog::spdlog_ex& error) {
        return Error{ErrorCode::CannotWrite, std::string("cannot write the log: ") + error.what(), {}};
    }
}

void LogSettings::apply()
{
    m_filter->set(m_choice);
    m_logger->set_level(m_choice.verboseLevel > 0 ? spdlog::level::trace : spdlog::level::info);
}

LogSettings::Values LogSettings::values() const
{
    const std::lock_guard lock(m_mutex);
    return {{"log_file", m_choice.file},
            {"log_info", m_choice.info},
            {"log_warning", m_choice.warning},
            {"log_error", m_choice.error},
            {"log_verbose_level", m_choice.verboseLevel},
            {"log_format", m_choice.format}};
}

Result<void> LogSettings::change(const Values& values)
{
    const std::lock_guard lock(m_mutex);
    Choice changed = m_choice;
    for (const auto& [name, value] : values) {
        bool* flag = name == "log_info"      ? &changed.info
                     : name == "log_warning" ? &changed.warning
                     : name == "log_error"   ? &changed.error
                                             : nullptr;
        if (flag && !std::holds_alternative<bool>(value))
            return wrongType(name, "boolean");
        if (flag) {
            *flag = std::get<bool>(value);
        } else if (name == "log_verbose_level") {
            if (!std::holds_alternative<std::uint32_t>(value))
                return wrongType(name, "int32");
            changed.verboseLevel = std::get<std::uint32_t>(value);
        } else if (name == "log_format") {
            const auto* format = std::get_if<std::string>(&value);
            if (!format)
                return wrongType(name, "string");
            if (!isFormat(*format))
                return wrongFormat(*format);
            changed.format = *format;
        } else if (name == "log_file") {
            return Error{ErrorCode::Unsupported, "log file location can not be updated through network protocol", {}};
        } else {
            return Error{ErrorCode::BadInput, fmt::format("there is no log setting '{}'", name), {}};
        }
    }
    m_choice = changed;
    apply();
    return {};
}

} // namespace gantry::inference_server
