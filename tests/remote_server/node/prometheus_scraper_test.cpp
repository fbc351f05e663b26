#include "remote_server/node/sampling/prometheus_scraper.h"

#include "tests/support/child_process.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <arpa/inet.h>
#include <atomic>
#include <functional>
#include <stdexcept>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

namespace gantry::node {
namespace {

/// A metrics endpoint on a free port.
class MetricsEndpoint
{
public:
    explicit MetricsEndpoint(
        std::string text, std::function<void()> onRequest = [] {})
    {
        m_server.Get("/metrics",
                     [text = std::move(text), onRequest = std::move(onRequest)](const httplib::Request&, httplib::Response& response) {
                         onRequest();
                         response.set_content(text, "text/plain");
                     });
        m_port = m_server.bind_to_any_port("127.0.0.1");
        m_thread = std::jthread([this] { m_server.listen_after_bind(); });
    }
    ~MetricsEndpoint()
    {
        while (!m_server.is_running())
            std::this_thread::yield();
        m_server.stop();
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(m_port) + "/metrics"; }

private:
    httplib::Server m_server;
    int m_port = 0;
    std::jthread m_thread;
};

struct Reported
{
    std::string name;
    std::map<std::string, std::string> labels;
    std::string unit;
    metrics::SeriesKind kind;
    std::string help;
    double value;
};

class CollectedRound : public SampleRound
{
public:
    void report(std::string_view name, const std::map<std::string, std::string>& labels, std::string_view unit, metrics::SeriesKind kind,
                std::string_view help, double value) override
    {
        reported.push_back({std::string(name), labels, std::string(unit), kind, std::string(help), value});
    }
    std::vector<Reported> reported;
};

/// What the first scrape that arrives reports.
std::vector<Reported> firstScrape(PrometheusScraper& scraper)
{
    CollectedRound round;
    EXPECT_TRUE(test::eventually([&] {
        scraper.sample(round);
        return !round.reported.empty();
    }));
    return round.reported;
}

TEST(PrometheusScraper, KeepsTheServersNamesAndLabelsAndAddsTheTarget)
{
    const MetricsEndpoint endpoint("# HELP nv_inference_request_success Number of successful requests\n"
                                   "# TYPE nv_inference_request_success counter\n"
                                   "nv_inference_request_success{model=\"bert\",version=\"1\"} 42\n"
                                   "# TYPE nv_inference_pending_request_count gauge\n"
                                   "nv_inference_pending_request_count{model=\"bert\",version=\"1\"} 3\n"
                                   "nv_inference_queue_duration_us{model=\"bert\",version=\"1\"} NaN\n");
    PrometheusScraper scraper(endpoint.url(), "t1");
    const auto reported = firstScrape(scraper);
    ASSERT_EQ(reported.size(), 2U) << "NaN is absent";
    EXPECT_EQ(reported[0].name, "nv_inference_request_success");
    EXPECT_EQ(reported[0].value, 42);
    EXPECT_EQ(reported[0].kind, metrics::SeriesKind::Counter);
    EXPECT_EQ(reported[0].help, "Number of successful requests");
    const std::map<std::string, std::string> labels{{"model", "bert"}, {"version", "1"}, {"target", "t1"}};
    EXPECT_EQ(reported[0].labels, labels);
    EXPECT_EQ(reported[1].kind, metrics::SeriesKind::Gauge);
}

TEST(PrometheusScraper, ReportsOneScrapeOnce)
{
    const MetricsEndpoint endpoint("a 1\n");
    PrometheusScraper scraper(endpoint.url(), "t1");
    ASSERT_FALSE(firstScrape(scraper).empty());
    CollectedRound again; // the next scrape is 200 ms away
    scraper.sample(again);
    EXPECT_LE(again.reported.size(), 1U);
}

/// Takes one connection, answers with a beginning and goes on a byte at a time until the client has gone.
class DribblingEndpoint
{
public:
    explicit DribblingEndpoint(std::string beginning) : m_listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))
    {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        if (::bind(m_listener, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(m_listener, 1) != 0 ||
            ::getsockname(m_listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
            throw std::runtime_error("cannot listen");
        m_port = ntohs(address.sin_port);
        m_thread = std::jthread([this, beginning = std::move(beginning)](std::stop_token stop) { answer(stop, beginning); });
    }
    ~DribblingEndpoint()
    {
        m_thread.request_stop();
        ::shutdown(m_listener, SHUT_RDWR);
        m_thread = {};
        ::close(m_listener);
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(m_port) + "/metrics"; }
    [[nodiscard]] int sent() const { return m_sent; } ///< bytes after the beginning
    [[nodiscard]] bool clientHasGone() const { return m_clientHasGone; }

private:
    void answer(std::stop_token stop, const std::string& beginning)
    {
        const int client = ::accept4(m_listener, nullptr, nullptr, SOCK_CLOEXEC);
        bool open = ::send(client, beginning.data(), beginning.size(), MSG_NOSIGNAL) > 0;
        while (open && !stop.stop_requested()) {
            std::this_thread::sleep_for(std::chrono::milliseconds(5)); // much less than the timeout of a read
            open = ::send(client, "x", 1, MSG_NOSIGNAL) == 1;
            ++m_sent;
        }
        m_clientHasGone = !open;
        ::close(client);
    }

    int m_listener, m_port = 0;
    std::atomic<int> m_sent{0};
    std::atomic<bool> m_clientHasGone{false};
    std::jthread m_thread;
};

TEST(PrometheusScraper, EndsInTheMiddleOfAnAnswerThatDoesNot)
{
    for (const char* beginning : {"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Header: "}) {
        const DribblingEndpoint endpoint(beginning);
        {
            const PrometheusScraper scraper(endpoint.url(), "t1");
            ASSERT_TRUE(test::eventually([&] { return endpoint.sent() > 10; })) << beginning;
        }
        EXPECT_TRUE(test::eventually([&] { return endpoint.clientHasGone(); })) << beginning;
    }
}

TEST(PrometheusScraper, GivesUpAnAnswerThatTakesTooLong)
{
    const DribblingEndpoint endpoint("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n");
    const PrometheusScraper scraper(endpoint.url(), "t1");
    EXPECT_TRUE(test::eventually([&] { return endpoint.clientHasGone(); }));
}

TEST(PrometheusScraper, TakesNoAnswerOfAnyLength)
{
    std::atomic<int> answers = 0;
    std::string text;
    while (text.size() < 9 << 20)
        text += "a{label=\"" + std::to_string(text.size()) + "\"} 1\n";
    const MetricsEndpoint endpoint(text, [&] { ++answers; });
    PrometheusScraper scraper(endpoint.url(), "t1");
    ASSERT_TRUE(test::eventually([&] { return answers > 2; })) << "the first ones are done with";
    CollectedRound round;
    scraper.sample(round);
    EXPECT_TRUE(round.reported.empty());
}

TEST(PrometheusScraper, KnowsWhichAddressesItCanScrape)
{
    EXPECT_TRUE(PrometheusScraper::isScrapable("http://127.0.0.1:8002/metrics"));
    EXPECT_TRUE(PrometheusScraper::isScrapable("https://host/metrics"));
    for (const char* url : {"", "127.0.0.1:8002/metrics", "ftp://host/metrics", "http://", "http:///metrics", "file:///etc/passwd"})
        EXPECT_FALSE(PrometheusScraper::isScrapable(url)) << url;
}

TEST(PrometheusScraper, ReportsNothingOfAnEndpointThatDoesNotAnswer)
{
    int port = 0;
    {
        httplib::Server server;
        port = server.bind_to_any_port("127.0.0.1"); // free again when this server is gone
    }
    PrometheusScraper scraper("http://127.0.0.1:" + std::to_string(port) + "/metrics", "t1");
    CollectedRound round;
    scraper.sample(round);
    EXPECT_TRUE(round.reported.empty());
}

} // namespace
} // namespace gantry::node
