#include "remote_server/node/target_profiler.h"

#include <chrono>
#include <exception>
#include <fmt/format.h>
#include <httplib.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace gantry::node {
namespace {

constexpr std::chrono::seconds kConnectTimeout{2};
constexpr std::chrono::seconds kAnswerTimeout{10};
constexpr std::chrono::seconds kLastAnswerTimeout{5};
constexpr int kConflict = 409;

/// `mayHaveStarted`: whether a profiler that did not say so may have started all the same.
Result<void> call(const TargetProfiler::Calls& calls, const ProfilerCall& call, std::chrono::seconds timeout, bool& mayHaveStarted)
{
    const std::string what = fmt::format("{} {}{}", call.method, calls.address, call.path);
    try {
        httplib::Client client(calls.address);
        client.set_connection_timeout(kConnectTimeout);
        client.set_read_timeout(timeout);
        const auto response =
            call.method == "GET" ? client.Get(call.path.c_str()) : client.Post(call.path.c_str(), call.body, "application/json");
        if (!response) {
            mayHaveStarted = response.error() != httplib::Error::Connection;
            return Error{ErrorCode::Unreachable,
                         fmt::format("{} of {} has no answer ({}): does it serve, and on this port?", what, calls.title,
                                     httplib::to_string(response.error())),
                         {}};
        }
        if (response->status >= 200 && response->status < 300)
            return {};
        mayHaveStarted = response->status >= 500;
        if (response->status == 404 || response->status == 405)
            return Error{ErrorCode::Unsupported,
                         fmt::format("{} has no profiler to ask: it answers {} with {}; launch it with --profile, which gives it what it "
                                     "needs, or capture by the clock",
                                     calls.title, what, response->status),
                         {}};
        if (response->status == kConflict)
            return Error{ErrorCode::Busy, fmt::format("another client profiles {}: it answers {} with 409", calls.title, what), {}};
        return Error{ErrorCode::TargetGone,
                     fmt::format("{} answers {} with {}: {}", calls.title, what, response->status, response->body.substr(0, 200)),
                     {}};
    } catch (const std::exception& exception) { // of the HTTP library
        return Error{ErrorCode::Internal, fmt::format("{} failed: {}", what, exception.what()), {}};
    }
}

} // namespace

TargetProfiler::TargetProfiler(OnFailed onFailed) : m_onFailed(std::move(onFailed)), m_thread([this] { run(); }) {}

TargetProfiler::~TargetProfiler()
{
    {
        const std::lock_guard lock(m_mutex);
        m_isEnding = true;
        std::erase_if(m_tasks, [](const Task& task) { return task.isStart; });
        for (auto& [captureId, calls] : m_started)
            m_tasks.push_back({captureId, std::move(calls), false});
        m_started.clear();
    }
    m_changed.notify_all();
}

void TargetProfiler::prepare(const std::string& targetId, Calls calls)
{
    const std::lock_guard lock(m_mutex);
    m_prepared[targetId] = std::move(calls);
}

void TargetProfiler::start(const std::string& captureId, const std::string& targetId)
{
    const std::lock_guard lock(m_mutex);
    const auto prepared = m_prepared.find(targetId);
    if (m_isEnding || prepared == m_prepared.end())
        return;
    m_tasks.push_back({captureId, prepared->second, true});
    m_changed.notify_all();
}

void TargetProfiler::stop(const std::string& captureId)
{
    const std::lock_guard lock(m_mutex);
    std::erase_if(m_tasks, [&](const Task& task) { return task.isStart && task.captureId == captureId; }); // not asked yet
    const auto started = m_started.extract(captureId);
    if (!started)
        return;
    m_tasks.push_back({captureId, started.mapped(), false});
    m_changed.notify_all();
}

void TargetProfiler::run()
{
    std::unique_lock lock(m_mutex);
    for (;;) {
        m_changed.wait(lock, [this] { return m_isEnding || !m_tasks.empty(); });
        if (m_tasks.empty())
            return;
        const Task task = std::move(m_tasks.front());
        m_tasks.pop_front();
        if (task.isStart)
            m_started[task.captureId] = task.calls; // while it is asked: a stop in between comes behind it
        const bool isLast = m_isEnding;
        lock.unlock();
        perform(task, isLast);
        lock.lock();
    }
}

void TargetProfiler::perform(const Task& task, bool isLast)
{
    bool mayHaveStarted = true;
    const auto done =
        call(task.calls, task.isStart ? task.calls.start : task.calls.stop, isLast ? kLastAnswerTimeout : kAnswerTimeout, mayHaveStarted);
    if (done)
        return;
    spdlog::warn("{}", done.error().text());
    if (!task.isStart)
        return;
    if (mayHaveStarted) {
        stop(task.captureId);
    } else {
        const std::lock_guard lock(m_mutex);
        m_started.erase(task.captureId);
    }
    m_onFailed(task.captureId, done.error());
}

} // namespace gantry::node
