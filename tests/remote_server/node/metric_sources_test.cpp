#include "remote_server/node/sampling/metric_sources.h"

#include "remote_server/node/sampling/prometheus_scraper.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <thread>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;

/// An exporter on a port of its own.
class Exporter
{
public:
    Exporter()
    {
        m_server.Get("/metrics", [](const httplib::Request&, httplib::Response& response) {
            response.set_content("# TYPE watts gauge\nwatts 42\n", "text/plain");
        });
        m_port = m_server.bind_to_any_port("127.0.0.1");
        m_thread = std::thread([this] { m_server.listen_after_bind(); });
        while (!m_server.is_running())
            std::this_thread::yield();
    }
    ~Exporter()
    {
        m_server.stop();
        m_thread.join();
    }
    [[nodiscard]] std::string url(const std::string& path = "/metrics") const
    {
        return "http://127.0.0.1:" + std::to_string(m_port) + path;
    }

private:
    httplib::Server m_server;
    int m_port = 0;
    std::thread m_thread;
};

/// Waits until the source with this address is as wanted.
template <typename Wanted>
proto::MetricSource waitFor(const MetricSources& sources, const std::string& url, Wanted wanted)
{
    const auto end = std::chrono::steady_clock::now() + 10s;
    while (true) {
        for (const proto::MetricSource& source : sources.list())
            if (source.url == url && (wanted(source) || std::chrono::steady_clock::now() > end))
                return source;
        std::this_thread::yield();
    }
}

TEST(MetricSources, AnEndpointOfATargetIsNotAskedTwice)
{
    const Exporter exporter;
    const test::TemporaryFolder folder;
    Sampler sampler(5ms);
    sampler.addSource("t1", std::make_unique<PrometheusScraper>(exporter.url(), "t1"));
    MetricSources sources(sampler, folder / "sources.json");
    const auto added = sources.add(exporter.url(), 0);
    ASSERT_FALSE(added);
    EXPECT_EQ(added.error().code, ErrorCode::Busy);
    EXPECT_NE(added.error().message.find("of the target t1"), std::string::npos) << added.error().message;
    EXPECT_TRUE(sources.add(exporter.url("/other"), 0));
}

TEST(MetricSources, AnEndpointThatWasAddedIsMeasuredWithItsPeriodAndLag)
{
    const Exporter exporter;
    const test::TemporaryFolder folder;
    Sampler sampler(5ms);
    MetricSources sources(sampler, folder / "sources.json");
    const auto added = sources.add(exporter.url(), 200'000'000);
    ASSERT_TRUE(added) << added.error().text();
    EXPECT_TRUE(added->isAdded);
    EXPECT_EQ(added->periodNs, 200'000'000);
    const auto measured = waitFor(sources, exporter.url(), [](const auto& source) { return source.lagNs.has_value(); });
    EXPECT_EQ(measured.series, 1U);
    EXPECT_EQ(measured.problem, "");
    ASSERT_TRUE(measured.lagNs);
    EXPECT_LT(*measured.lagNs, 10'000'000'000);
    EXPECT_TRUE(measured.durationNs.has_value());
}

TEST(MetricSources, AnEndpointThatFailsSaysWhy)
{
    const Exporter exporter;
    const test::TemporaryFolder folder;
    Sampler sampler(5ms);
    MetricSources sources(sampler, folder / "sources.json");
    ASSERT_TRUE(sources.add(exporter.url("/nothing"), 0));
    const auto failed =
        waitFor(sources, exporter.url("/nothing"), [](const auto& source) { return source.problem.find("404") != std::string::npos; });
    EXPECT_EQ(failed.problem, "it answers with status 404");
    EXPECT_FALSE(failed.lagNs.has_value()) << "nothing was measured";
}

TEST(MetricSources, EndpointsSurviveTheDaemonUntilTheyAreRemoved)
{
    const Exporter exporter;
    const test::TemporaryFolder folder;
    {
        Sampler sampler(5ms);
        MetricSources sources(sampler, folder / "sources.json");
        ASSERT_TRUE(sources.add(exporter.url(), 0));
    }
    Sampler sampler(5ms);
    MetricSources sources(sampler, folder / "sources.json");
    ASSERT_EQ(sources.list().size(), 1U);
    const std::string id = sources.list()[0].id;
    ASSERT_TRUE(sources.remove(id));
    EXPECT_TRUE(sources.list().empty());
    EXPECT_EQ(sources.remove(id).error().code, ErrorCode::NotFound);
    EXPECT_TRUE(MetricSources(sampler, folder / "sources.json").list().empty());
}

TEST(MetricSources, WhatIsNoEndpointIsRefused)
{
    const test::TemporaryFolder folder;
    Sampler sampler(5ms);
    MetricSources sources(sampler, folder / "sources.json");
    for (const char* url : {"", "file:///etc/passwd", "127.0.0.1:8002/metrics", "http:///metrics"})
        EXPECT_EQ(sources.add(url, 0).error().code, ErrorCode::BadInput) << url;
    EXPECT_EQ(sources.add("http://127.0.0.1:1/metrics", 1).error().code, ErrorCode::BadInput) << "a nanosecond";
    MetricSources recording(sampler, {});
    EXPECT_EQ(recording.add("http://127.0.0.1:1/metrics", 0).error().code, ErrorCode::Unsupported);
}

TEST(MetricSources, AFileThatIsDamagedIsNotWrittenOver)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "sources.json") << "[]";
    Sampler sampler(5ms);
    MetricSources sources(sampler, folder / "sources.json");
    const auto refused = sources.add("http://127.0.0.1:1/metrics", 0);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find("damaged"), std::string::npos);
    EXPECT_TRUE(sources.list().empty());
}

} // namespace
} // namespace gantry::node
