#pragma once

#include "app/remote/exec_command.h"
#include "app/remote/node_link.h"

#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace gantry::app {

/// The way to a node through a command, which is run again when it has ended.
class ExecLink : public NodeLink
{
public:
    /// Runs nothing yet. `patience`: how long gantryd may take to answer.
    ExecLink(std::vector<std::string> argv, std::chrono::milliseconds patience) : m_argv(std::move(argv)), m_patience(patience) {}

    /// An attempt that failed is told again for a second, so that nobody runs a command that fails at once over and over.
    [[nodiscard]] Result<Stream> open(Purpose purpose, std::stop_token stop) override;
    [[nodiscard]] std::string nextStep() const override;

private:
    const std::vector<std::string> m_argv;
    const std::chrono::milliseconds m_patience;
    mutable std::mutex m_mutex;
    std::shared_ptr<ExecCommand> m_command;                ///< m_mutex; the last that led to a gantryd
    std::optional<Error> m_failure;                        ///< m_mutex; of the last attempt
    std::chrono::steady_clock::time_point m_failedUntil{}; ///< m_mutex
};

} // namespace gantry::app
