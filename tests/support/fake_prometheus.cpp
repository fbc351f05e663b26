#include "tests/support/fake_prometheus.h"

#include <cstdlib>
#include <fmt/format.h>
#include <httplib.h>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <utility>

namespace gantry::test {

struct FakePrometheus::Impl
{
    Respond respond;
    httplib::Server server;
    int port = 0;
    mutable std::mutex mutex;
    std::vector<Request> requests;
    std::jthread thread;

    void serve(const httplib::Request& asked, httplib::Response& answered)
    {
        Request request{asked.path, asked.get_header_value("Authorization"), asked.body, {}, {}};
        for (const auto& [name, value] : asked.headers)
            request.headers[name] = value;
        for (const auto& [name, value] : asked.params)
            request.parameters[name] = value;
        {
            const std::lock_guard lock(mutex);
            requests.push_back(request);
        }
        const Answer answer = respond(request);
        answered.status = answer.status;
        for (const auto& [name, value] : answer.headers)
            answered.set_header(name.c_str(), value.c_str());
        answered.set_content(answer.body, answer.type);
    }
};

FakePrometheus::FakePrometheus(Respond respond) : m_impl(std::make_unique<Impl>())
{
    m_impl->respond = std::move(respond);
    m_impl->server.Post(
        ".*", [impl = m_impl.get()](const httplib::Request& asked, httplib::Response& answered) { impl->serve(asked, answered); });
    m_impl->port = m_impl->server.bind_to_any_port("127.0.0.1");
    if (m_impl->port <= 0)
        throw std::runtime_error("no port to listen on");
    m_impl->thread = std::jthread([impl = m_impl.get()] { impl->server.listen_after_bind(); });
    while (!m_impl->server.is_running()) // one that has not begun to listen cannot be stopped
        std::this_thread::yield();
}

FakePrometheus::~FakePrometheus()
{
    m_impl->server.stop();
}

std::string FakePrometheus::url() const
{
    return fmt::format("http://127.0.0.1:{}", m_impl->port);
}

std::vector<FakePrometheus::Request> FakePrometheus::requests() const
{
    const std::lock_guard lock(m_impl->mutex);
    return m_impl->requests;
}

FakePrometheus::Answer FakePrometheus::constant(const Request& request, double value)
{
    const auto number = [&](const char* name) {
        const auto found = request.parameters.find(name);
        return found == request.parameters.end() ? 0.0 : std::strtod(found->second.c_str(), nullptr);
    };
    const double step = number("step");
    std::string values;
    for (double at = number("start"); step > 0 && at <= number("end"); at += step)
        values += fmt::format("{}[{},\"{}\"]", values.empty() ? "" : ",", at, value);
    return {
        200, R"({"status":"success","data":{"resultType":"matrix","result":[{"metric":{"job":"fake"},"values":[)" + values + "]}]}}", {}};
}

FakePrometheus::Answer FakePrometheus::failure(int status, const std::string& message)
{
    return {status, fmt::format(R"({{"status":"error","errorType":"bad_data","error":"{}"}})", message), {}};
}

} // namespace gantry::test
