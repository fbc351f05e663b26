#include "app/remote/exec_link.h"

#include <fmt/format.h>
#include <utility>

namespace gantry::app {

namespace {

constexpr std::chrono::seconds kBetweenAttempts{1};

} // namespace

Result<NodeLink::Stream> ExecLink::open(Purpose, std::stop_token stop)
{
    {
        const std::lock_guard lock(m_mutex);
        if (m_failure && std::chrono::steady_clock::now() < m_failedUntil)
            return *m_failure;
    }
    const auto attempt = [&]() -> Result<std::shared_ptr<ExecCommand>> {
        GANTRY_TRY(std::unique_ptr<ExecCommand> command, ExecCommand::start(m_argv));
        GANTRY_CHECK(command->awaitServer(m_patience, stop));
        return std::shared_ptr<ExecCommand>(std::move(command));
    };
    auto command = attempt();
    std::shared_ptr<ExecCommand> former; // ends outside of the lock
    const std::lock_guard lock(m_mutex);
    m_failure.reset();
    if (!command) {
        if (command.error().code != ErrorCode::Cancelled) {
            m_failure = command.error();
            m_failedUntil = std::chrono::steady_clock::now() + kBetweenAttempts;
        }
        return std::move(command).error();
    }
    former = std::exchange(m_command, std::move(*command));
    return Stream{UniqueFd(m_command->releaseStream()), {}};
}

std::string ExecLink::nextStep() const
{
    std::shared_ptr<ExecCommand> command;
    {
        const std::lock_guard lock(m_mutex);
        command = m_command;
    }
    return command ? fmt::format("as to the command, {}", command->stateAfterEnd()) : std::string("the command runs no gantryd");
}

} // namespace gantry::app
