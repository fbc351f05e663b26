#include "remote_server/node/metrics_endpoint.h"

#include "remote_server/node/clock.h"
#include "trace_model/metrics/prometheus_text.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <httplib.h>
#include <openssl/crypto.h>
#include <semaphore>
#include <sys/resource.h>
#include <thread>
#include <unistd.h>
#include <utility>
#include <vector>

namespace gantry::node {
namespace {

constexpr DurationNs kStale = 5'000'000'000;
constexpr std::size_t kThreads = 4;
constexpr std::ptrdiff_t kMostConnections = 16; // that are served or wait for it

std::string numberText(double value)
{
    if (std::isnan(value))
        return "NaN";
    if (std::isinf(value))
        return value > 0 ? "+Inf" : "-Inf";
    return fmt::format("{}", value);
}

/// The text of metrics, each name's lines together.
class Exposition
{
public:
    void add(const std::string& name, const char* type, const std::string& help, const std::map<std::string, std::string>& labels,
             double value)
    {
        std::string& family = m_families[name];
        if (family.empty()) {
            if (!help.empty())
                family += "# HELP " + name + ' ' + escaped(help) + '\n';
            family += "# TYPE " + name + ' ' + type + '\n';
        }
        family += name + (labels.empty() ? "" : '{' + metrics::formatLabels(labels) + '}') + ' ' + numberText(value) + '\n';
    }

    [[nodiscard]] std::string text() const
    {
        std::string all;
        for (const auto& [name, family] : m_families)
            all += family;
        return all;
    }

private:
    static std::string escaped(const std::string& help)
    {
        std::string text;
        for (const char c : help)
            text += c == '\\' ? "\\\\" : c == '\n' ? "\\n" : std::string(1, c);
        return text;
    }

    std::map<std::string, std::string> m_families;
};

/// What gantryd itself costs.
void addOwn(Exposition& text)
{
    rusage usage{};
    if (getrusage(RUSAGE_SELF, &usage) == 0) {
        const auto seconds = [](const timeval& time) { return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6; };
        text.add("gantryd_cpu_seconds_total", "counter", "CPU time of gantryd itself", {},
                 seconds(usage.ru_utime) + seconds(usage.ru_stime));
    }
    std::ifstream statm("/proc/self/statm"); // proc(5): pages, of which are resident
    double pages = 0, resident = 0;
    if (statm >> pages >> resident)
        text.add("gantryd_resident_memory_bytes", "gauge", "Memory of gantryd itself", {},
                 resident * static_cast<double>(sysconf(_SC_PAGESIZE)));
}

bool isAuthorised(const httplib::Request& request, const std::string& token)
{
    const std::string given = request.get_header_value("Authorization"), wanted = "Bearer " + token;
    return given.size() == wanted.size() && CRYPTO_memcmp(given.data(), wanted.data(), given.size()) == 0;
}

/// Threads with a bound on the connections that wait for them: whoever is beyond it is not accepted yet.
class BoundedThreads : public httplib::TaskQueue
{
public:
    void enqueue(std::function<void()> job) override
    {
        m_room.acquire(); // on the thread that accepts; silent clients are given up after the read timeout
        m_threads.enqueue([this, job = std::move(job)] {
            job();
            m_room.release();
        });
    }
    void shutdown() override { m_threads.shutdown(); }

private:
    std::counting_semaphore<> m_room{kMostConnections};
    httplib::ThreadPool m_threads{kThreads};
};

} // namespace

struct MetricsEndpoint::Server
{
    std::unique_ptr<httplib::Server> http;
    int port = 0;
    std::thread thread;

    ~Server()
    {
        if (http)
            http->stop();
        if (thread.joinable())
            thread.join();
    }
};

MetricsEndpoint::MetricsEndpoint(Parts parts) : m_parts(parts) {}

MetricsEndpoint::~MetricsEndpoint()
{
    m_server.reset();
    m_parts.metrics.remove(*this);
}

Result<std::unique_ptr<MetricsEndpoint>> MetricsEndpoint::listen(const MetricsListen& listen, Parts parts)
{
    std::unique_ptr<MetricsEndpoint> endpoint(new MetricsEndpoint(parts));
    auto server = std::make_unique<Server>();
    if (listen.tlsKey.empty())
        server->http = std::make_unique<httplib::Server>();
    else
        server->http = std::make_unique<httplib::SSLServer>(listen.tlsCertificate.c_str(), listen.tlsKey.c_str());
    httplib::Server& http = *server->http;
    if (!http.is_valid())
        return Error{ErrorCode::BadInput, "the certificate " + listen.tlsCertificate + " or its key cannot be used", {}};
    http.new_task_queue = [] { return new BoundedThreads; }; // the library deletes it
    http.set_payload_max_length(0);
    http.set_socket_options([](socket_t socket) { // the library would share the port with whoever has it
        const int yes = 1;
        setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    });
    http.set_read_timeout(5, 0);
    http.set_write_timeout(5, 0);
    http.Get("/metrics", [self = endpoint.get(), token = listen.token](const httplib::Request& request, httplib::Response& response) {
        if (isAuthorised(request, token))
            return response.set_content(self->text(), "text/plain; version=0.0.4; charset=utf-8");
        response.status = 401;
        response.set_header("WWW-Authenticate", "Bearer");
        response.set_content("the token is missing or wrong: give Prometheus the node's token file as credentials_file\n", "text/plain");
    });
    server->port = listen.port == 0                                      ? http.bind_to_any_port(listen.host.c_str())
                   : http.bind_to_port(listen.host.c_str(), listen.port) ? listen.port
                                                                         : -1;
    if (server->port <= 0)
        return Error{ErrorCode::Unreachable,
                     fmt::format("cannot show metrics on {}:{}: is another program using it?", listen.host, listen.port),
                     {}};
    parts.metrics.add(*endpoint);
    endpoint->m_server = std::move(server);
    endpoint->m_server->thread = std::thread([&http] { http.listen_after_bind(); });
    while (!http.is_running()) // else an end that comes at once would be told to nobody
        std::this_thread::yield();
    return endpoint;
}

int MetricsEndpoint::port() const
{
    return m_server->port;
}

void MetricsEndpoint::onDefinitions(std::span<const metrics::SeriesDefinition> definitions)
{
    const std::lock_guard lock(m_mutex);
    for (const metrics::SeriesDefinition& definition : definitions)
        m_latest[definition.id].definition = definition;
}

void MetricsEndpoint::onSamples(std::span<const metrics::Sample> samples)
{
    const std::lock_guard lock(m_mutex);
    for (const metrics::Sample& sample : samples)
        if (const auto series = m_latest.find(sample.seriesId); series != m_latest.end()) {
            series->second.value = sample.value;
            series->second.time = sample.time;
        }
}

void MetricsEndpoint::onDropped(std::uint64_t samples)
{
    const std::lock_guard lock(m_mutex);
    m_dropped += samples;
}

void MetricsEndpoint::onRemoved(std::span<const std::uint32_t> seriesIds)
{
    const std::lock_guard lock(m_mutex);
    for (const std::uint32_t id : seriesIds)
        m_latest.erase(id);
}

std::string MetricsEndpoint::text() const
{
    Exposition text;
    addOwn(text);
    const auto sources = m_parts.sources.list(); // asks the sampler, which calls this sink: without the mutex
    for (const proto::MetricSource& source : sources) {
        const std::map<std::string, std::string> labels{{"source", source.name}};
        text.add("gantryd_source_up", "gauge", "1: the last reading of this source of metrics succeeded", labels,
                 source.problem.empty() ? 1 : 0);
        if (source.lagNs)
            text.add("gantryd_source_lag_seconds", "gauge", "Age of the newest value of this source", labels,
                     static_cast<double>(*source.lagNs) / 1e9);
    }
    text.add("gantryd_history_dropped_samples_total", "counter", "Samples that are missing in the history of metrics", {},
             static_cast<double>(m_parts.history.dropped()));
    const TimestampNs now = monotonicNow();
    const std::lock_guard lock(m_mutex);
    text.add("gantryd_dropped_samples_total", "counter", "Samples that had no series, since their source has too many", {},
             static_cast<double>(m_dropped));
    for (const auto& [id, latest] : m_latest)
        if (latest.time != 0 && now - latest.time <= kStale)
            text.add(latest.definition.name, latest.definition.kind == metrics::SeriesKind::Counter ? "counter" : "gauge",
                     latest.definition.help, latest.definition.labels, latest.value);
    return text.text();
}

} // namespace gantry::node
