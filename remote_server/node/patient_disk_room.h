#pragma once

#include "remote_server/node/detached_call.h"
#include "remote_server/node/readiness/readiness_inputs.h"
#include "trace_model/base/result.h"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>

namespace gantry::node {

/// diskRoomOf() of one folder, with a limit: a mount whose server is gone does not hold up who asks. Copies share the thread that asks.
/// Any thread.
class PatientDiskRoom
{
public:
    using Ask = std::function<Result<DiskRoom>(const std::filesystem::path&)>;

    explicit PatientDiskRoom(std::chrono::milliseconds patience = std::chrono::milliseconds(2'000), Ask ask = &diskRoomOf)
        : m_patience(patience), m_ask(std::move(ask)), m_call(std::make_shared<DetachedCall<Result<DiskRoom>>>())
    {
    }

    /// Errors: those of diskRoomOf(); Unreachable when the file system does not answer.
    [[nodiscard]] Result<DiskRoom> operator()(const std::filesystem::path& folder) const
    {
        auto room = m_call->ask([ask = m_ask, folder] { return ask(folder); }, m_patience);
        if (room)
            return std::move(*room);
        return Error{ErrorCode::Unreachable,
                     "the file system of " + folder.string() + " does not answer: is its server reachable? `mount | grep nfs`",
                     {}};
    }

private:
    std::chrono::milliseconds m_patience;
    Ask m_ask;
    std::shared_ptr<DetachedCall<Result<DiskRoom>>> m_call;
};

} // namespace gantry::node
