#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>

namespace spdlog {
class logger;
}

namespace gantry::inference_server {

/// What the server says in its log and how: the settings of Triton's logging extension. Any thread.
class LogSettings
{
public:
    using Value = std::variant<bool, std::uint32_t, std::string>;
    using Values = std::map<std::string, Value>;

    struct Choice
    {
        bool info = true, warning = true, error = true;
        std::uint32_t verboseLevel = 0; ///< from 1 on, what is only of use to who looks for a mistake is said too
        std::string format = "default"; ///< or "ISO8601"
        std::string file;               ///< empty: standard error; not to be changed while the server runs
    };

    /// Takes over spdlog's default logger. Errors: CannotWrite (the file), BadInput (the format).
    [[nodiscard]] static Result<std::unique_ptr<LogSettings>> create(const Choice& choice);

    [[nodiscard]] Values values() const;
    /// Changes what is named. Errors: BadInput, Unsupported (log_file), with Triton's wording; nothing is changed then.
    [[nodiscard]] Result<void> change(const Values& values);

private:
    class Filter;
    LogSettings(Choice choice, std::shared_ptr<Filter> filter, std::shared_ptr<spdlog::logger> logger);
    void apply();

    mutable std::mutex m_mutex; ///< everything below
    Choice m_choice;
    std::shared_ptr<Filter> m_filter;
    std::shared_ptr<spdlog::logger> m_logger;
};

} // namespace gantry::inference_server
