#pragma once

#include <httplib.h>

#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gantry::test {

/// Stands in for the HTTP server of an inference engine: its profiler is started and stopped as those of vLLM and SGLang are (POST
/// /start_profile and /stop_profile, 409 while one runs), and it remembers what it was asked. Throws when it cannot listen.
class FakeEngine
{
public:
    FakeEngine()
    {
        m_server.Post("/start_profile", [this](const httplib::Request& request, httplib::Response& response) {
            const std::lock_guard lock(m_mutex);
            note(request);
            response.status = hasProfiler ? (std::exchange(m_profiles, true) ? 409 : startStatus) : 404;
            if (response.status != 200 && response.status != 409)
                m_profiles = false;
        });
        m_server.Post("/stop_profile", [this](const httplib::Request& request, httplib::Response& response) {
            const std::lock_guard lock(m_mutex);
            note(request);
            m_profiles = false;
            response.status = hasProfiler ? 200 : 404;
        });
        m_port = m_server.bind_to_any_port("127.0.0.1");
        if (m_port <= 0)
            throw std::runtime_error("cannot listen");
        m_thread = std::jthread([this] { m_server.listen_after_bind(); });
        while (!m_server.is_running()) // else the end would be told to nobody
            std::this_thread::yield();
    }
    FakeEngine(const FakeEngine&) = delete;
    FakeEngine& operator=(const FakeEngine&) = delete;
    ~FakeEngine() { m_server.stop(); }

    [[nodiscard]] int port() const { return m_port; }
    [[nodiscard]] std::string address() const { return "http://127.0.0.1:" + std::to_string(m_port); }
    /// "POST /start_profile {…}", in their order.
    [[nodiscard]] std::vector<std::string> asked()
    {
        const std::lock_guard lock(m_mutex);
        return m_asked;
    }

    bool hasProfiler = true; ///< started with --profiler-config
    int startStatus = 200;

private:
    void note(const httplib::Request& request)
    {
        m_asked.push_back(request.method + " " + request.path + (request.body.empty() ? "" : " " + request.body));
    }

    httplib::Server m_server;
    int m_port = 0;
    std::mutex m_mutex; ///< everything below
    std::vector<std::string> m_asked;
    bool m_profiles = false;
    std::jthread m_thread;
};

} // namespace gantry::test
