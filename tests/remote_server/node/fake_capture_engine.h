#pragma once

#include "remote_server/node/capture_engine.h"

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <utility>

namespace gantry::node {

/// A capture engine without processes to talk to: windows are opened, and done when the test says so.
class FakeCaptureEngine : public CaptureEngine
{
public:
    std::vector<AttachedProcess> processes() const override
    {
        const std::lock_guard lock(m_mutex);
        return m_processes;
    }
    void setProcesses(std::vector<AttachedProcess> processes)
    {
        const std::lock_guard lock(m_mutex);
        m_processes = std::move(processes);
    }

    Result<proto::CaptureStatus> start(const proto::CaptureRequest& request) override
    {
        const std::lock_guard lock(m_mutex);
        if (!m_status.captureId.empty() && !m_status.isFinished())
            return Error{ErrorCode::Busy, "a capture window is already open, held by " + m_status.holder, {}};
        m_request = request;
        m_status = {};
        m_status.captureId = "c1";
        m_status.targetId = request.targetId;
        m_status.holder = request.clientName;
        m_status.durationNs = request.durationNs;
        m_status.state = proto::CaptureState::Capturing;
        return m_status;
    }
    Result<proto::CaptureStatus> stop(const std::string&) override
    {
        const std::lock_guard lock(m_mutex);
        m_status.state = proto::CaptureState::Done;
        m_status.reportName = "r.gantry";
        m_changed.notify_all();
        return m_status;
    }
    Result<void> fail(const std::string&, const Error&) override { return {}; }
    Result<proto::CaptureStatus> save(const std::string& captureId, DurationNs lastNs, const std::string& label) override
    {
        const std::lock_guard lock(m_mutex);
        m_status.reportNames.push_back(captureId + " " + std::to_string(lastNs) + " " + label);
        return m_status;
    }
    std::vector<proto::CaptureStatus> captures() const override
    {
        const std::lock_guard lock(m_mutex);
        return m_status.captureId.empty() ? std::vector<proto::CaptureStatus>() : std::vector{m_status};
    }
    Result<proto::CaptureStatus> status(const std::string& captureId) const override
    {
        const std::lock_guard lock(m_mutex);
        if (m_throws)
            throw std::runtime_error("no memory");
        if (captureId != m_status.captureId)
            return Error{ErrorCode::NotFound, "there is no capture " + captureId, {}};
        return m_status;
    }
    Result<proto::CaptureStatus> waitForChange(const std::string& captureId, const proto::CaptureStatus& known,
                                               std::chrono::milliseconds timeout) const override
    {
        {
            std::unique_lock lock(m_mutex);
            m_changed.wait_for(lock, timeout, [&] { return m_status.state != known.state || m_status.events != known.events; });
        }
        return status(captureId);
    }

    /// From now on it throws when it is asked for the state of a window.
    void breakDown()
    {
        const std::lock_guard lock(m_mutex);
        m_throws = true;
    }

    /// More events were captured.
    void capture(std::uint64_t events)
    {
        const std::lock_guard lock(m_mutex);
        m_status.events += events;
        m_changed.notify_all();
    }
    [[nodiscard]] proto::CaptureRequest request() const
    {
        const std::lock_guard lock(m_mutex);
        return m_request;
    }

private:
    mutable std::mutex m_mutex;
    mutable std::condition_variable m_changed;
    std::vector<AttachedProcess> m_processes;
    proto::CaptureRequest m_request;
    proto::CaptureStatus m_status;
    bool m_throws = false;
};

} // namespace gantry::node
