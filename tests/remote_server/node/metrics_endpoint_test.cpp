#include "remote_server/node/metrics_endpoint.h"

#include "remote_server/node/clock.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/metrics/prometheus_text.h"

#include <gtest/gtest.h>
#include <httplib.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>
#include <vector>

namespace gantry::node {
namespace {

using namespace std::chrono_literals;

class MetricsEndpointTest : public testing::Test
{
protected:
    /// What is shown, once it holds this; empty: it was refused.
    std::string textWith(const MetricsEndpoint& endpoint, const std::string& wanted)
    {
        httplib::Client client("127.0.0.1", endpoint.port());
        client.set_bearer_token_auth(listen.token.c_str());
        for (int i = 0; i < 1000; ++i) {
            const auto answer = client.Get("/metrics");
            if (!answer || answer->status != 200)
                return {};
            if (answer->body.find(wanted) != std::string::npos)
                return answer->body;
        }
        ADD_FAILURE() << wanted << " never came";
        return {};
    }

    test::TemporaryFolder folder;
    Sampler sampler{5ms};
    MetricSources sources{sampler, folder / "sources.json"};
    MetricHistory history{{}};
    MetricsListen listen{"127.0.0.1", 0, "a token of sixteen", {}, {}, {}};
};

/// Says one value again and again.
class Wattmeter : public SampleSource
{
public:
    void sample(SampleRound& round) override
    {
        round.report("gpu_power_w", {{"gpu", "0"}, {"name", "a \"b\""}}, "W", metrics::SeriesKind::Gauge, "Power draw\nof the board",
                     250.5);
    }
};

TEST_F(MetricsEndpointTest, APrometheusWithTheTokenReadsWhatTheNodeMeasures)
{
    sampler.addSource("gpu", std::make_unique<Wattmeter>());
    const auto endpoint = MetricsEndpoint::listen(listen, {sampler, sources, history});
    ASSERT_TRUE(endpoint) << endpoint.error().text();
    const std::string text = textWith(**endpoint, "gpu_power_w");
    const auto scrape = metrics::parsePrometheusText(text);
    EXPECT_EQ(scrape.malformedLines, 0U) << text;
    const auto power =
        std::find_if(scrape.samples.begin(), scrape.samples.end(), [](const auto& sample) { return sample.name == "gpu_power_w"; });
    ASSERT_NE(power, scrape.samples.end());
    EXPECT_EQ(power->value, 250.5);
    EXPECT_EQ(power->labels.at("name"), "a \"b\"");
    EXPECT_EQ(scrape.help.at("gpu_power_w"), "Power draw\\nof the board");
    EXPECT_NE(text.find("gantryd_cpu_seconds_total "), std::string::npos);
    EXPECT_NE(text.find("gantryd_source_up{source=\"gpu\"} 1"), std::string::npos);
}

std::ptrdiff_t openFiles()
{
    return std::distance(std::filesystem::directory_iterator("/proc/self/fd"), std::filesystem::directory_iterator());
}

TEST_F(MetricsEndpointTest, ConnectionsThatSayNothingTakeABoundedNumberOfFilesAndAreGivenUp)
{
    constexpr std::ptrdiff_t kClients = 100, kMost = 20;
    const auto endpoint = MetricsEndpoint::listen(listen, {sampler, sources, history});
    ASSERT_TRUE(endpoint);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>((*endpoint)->port()));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const std::ptrdiff_t ours = openFiles() + kClients;
    std::vector<int> clients;
    for (std::ptrdiff_t i = 0; i < kClients; ++i) { // most of them wait in the kernel
        clients.push_back(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        (void)connect(clients.back(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    }
    EXPECT_FALSE(test::eventually([&] { return openFiles() > ours + kMost; }, 2s));
    for (const int client : clients)
        close(client);
    EXPECT_FALSE(textWith(**endpoint, "gantryd_cpu_seconds_total").empty());
}

TEST_F(MetricsEndpointTest, NobodyElseReadsAnything)
{
    const auto endpoint = MetricsEndpoint::listen(listen, {sampler, sources, history});
    ASSERT_TRUE(endpoint);
    httplib::Client client("127.0.0.1", (*endpoint)->port());
    const auto without = client.Get("/metrics");
    ASSERT_TRUE(without);
    EXPECT_EQ(without->status, 401);
    EXPECT_EQ(without->body.find("gantryd_"), std::string::npos);
    client.set_bearer_token_auth("a token of sixteem");
    EXPECT_EQ(client.Get("/metrics")->status, 401);
    EXPECT_EQ(client.Get("/")->status, 404);
}

TEST_F(MetricsEndpointTest, WhatIsNotMeasuredAnyMoreIsAbsent)
{
    const auto endpoint = MetricsEndpoint::listen(listen, {sampler, sources, history});
    ASSERT_TRUE(endpoint);
    const std::vector<metrics::SeriesDefinition> series{{99, "stale_w", "W", metrics::SeriesKind::Gauge, {}, {}},
                                                        {100, "fresh_w", "W", metrics::SeriesKind::Gauge, {}, {}},
                                                        {101, "never_w", "W", metrics::SeriesKind::Gauge, {}, {}}};
    (*endpoint)->onDefinitions(series);
    const TimestampNs now = monotonicNow();
    (*endpoint)->onSamples(std::vector<metrics::Sample>{{99, now - 60'000'000'000, 1}, {100, now, 2}});
    const std::string text = (*endpoint)->text();
    EXPECT_EQ(text.find("stale_w"), std::string::npos);
    EXPECT_EQ(text.find("never_w"), std::string::npos);
    EXPECT_NE(text.find("fresh_w 2"), std::string::npos);
}

TEST_F(MetricsEndpointTest, APortThatIsTakenIsSaid)
{
    const auto first = MetricsEndpoint::listen(listen, {sampler, sources, history});
    ASSERT_TRUE(first);
    listen.port = (*first)->port();
    const auto second = MetricsEndpoint::listen(listen, {sampler, sources, history});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::Unreachable);
}

TEST(MetricsListen, BeyondLoopbackThereMustBeTls)
{
    const test::TemporaryFolder folder;
    ListenOptions options;
    options.tokenFile = folder / "token"; // that of the calls
    options.metrics = "127.0.0.1:0";
    const auto loopback = prepareMetricsListen(options, folder.path());
    ASSERT_TRUE(loopback) << loopback.error().text();
    EXPECT_GE(loopback->token.size(), 16U);
    EXPECT_FALSE(std::filesystem::exists(folder / "token")) << "who reads metrics must not control the node";
    options.metrics = "0.0.0.0:9450";
    EXPECT_EQ(prepareMetricsListen(options, folder.path()).error().code, ErrorCode::NotPermitted);
    for (const char* wrong : {"9450", ":9450", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:70000", ""}) {
        options.metrics = wrong;
        EXPECT_EQ(prepareMetricsListen(options, folder.path()).error().code, ErrorCode::BadInput) << wrong;
    }
}

} // namespace
} // namespace gantry::node
