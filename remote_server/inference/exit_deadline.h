#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>

namespace gantry::inference_server {

/// Ends the process, with status 1 and a sentence, when this still lives after so long: what is in flight then is not waited for any more.
class ExitDeadline
{
public:
    explicit ExitDeadline(std::chrono::seconds limit) : m_thread([this, limit](const std::stop_token& stop) { wait(stop, limit); }) {}

private:
    void wait(const std::stop_token& stop, std::chrono::seconds limit)
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait_for(lock, stop, limit, [] { return false; });
        if (stop.stop_requested())
            return;
        std::fprintf(stderr, "gantry-serve: not every request was answered within %lld s of --exit-timeout-secs; it ends without them\n",
                     static_cast<long long>(limit.count()));
        std::_Exit(1); // not exit(): destructors would wait for the same requests
    }

    std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::jthread m_thread;
};

} // namespace gantry::inference_server
