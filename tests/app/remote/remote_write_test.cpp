#include "app/remote/remote_write.h"

#include "tests/support/fake_prometheus.h"
#include "tests/support/temporary_folder.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <thread>

namespace gantry::app {
namespace {

using test::FakePrometheus;
using Answer = FakePrometheus::Answer;

RemoteWritePatience quick()
{
    RemoteWritePatience patience;
    patience.firstPause = std::chrono::milliseconds(1);
    patience.mostTries = 4;
    return patience;
}

std::vector<std::function<std::string()>> bodies(int count)
{
    std::vector<std::function<std::string()>> all;
    for (int i = 0; i < count; ++i)
        all.emplace_back([i] { return "body " + std::to_string(i); });
    return all;
}

Result<void> write(const std::string& url, int count, std::size_t& sent, RemoteWriteTarget target = {}, std::stop_token stop = {})
{
    target.url = url;
    return remoteWrite(
        target, bodies(count), [&](std::size_t now) { sent = now; }, stop, quick());
}

TEST(RemoteWriteSender, BodiesGoOneAfterAnotherAsTheProtocolWantsThem)
{
    const FakePrometheus server([](const auto&) { return Answer{204, "", {}}; });
    std::size_t sent = 0;
    const auto written = write(server.url() + "/api/v1/write", 3, sent);
    ASSERT_TRUE(written) << written.error().text();
    EXPECT_EQ(sent, 3U);
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 3U);
    EXPECT_EQ(requests[2].path, "/api/v1/write");
    EXPECT_EQ(requests[2].body, "body 2");
    EXPECT_EQ(requests[2].headers.at("Content-Encoding"), "snappy");
    EXPECT_EQ(requests[2].headers.at("Content-Type"), "application/x-protobuf");
    EXPECT_EQ(requests[2].headers.at("X-Prometheus-Remote-Write-Version"), "0.1.0");
    EXPECT_FALSE(requests[2].headers.contains("Authorization"));
}

TEST(RemoteWriteSender, WhatCannotBeTakenNowIsSentAgainWhenTheServerSays)
{
    std::atomic<int> asked = 0;
    const FakePrometheus server([&](const auto&) {
        const int now = ++asked;
        return now == 2 ? Answer{429, "slow down", {{"Retry-After", "1"}}} : now == 3 ? Answer{503, "", {}} : Answer{200, "", {}};
    });
    std::size_t sent = 0;
    const auto begin = std::chrono::steady_clock::now();
    const auto written = write(server.url(), 2, sent);
    ASSERT_TRUE(written) << written.error().text();
    EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::seconds(1));
    const auto requests = server.requests();
    ASSERT_EQ(requests.size(), 4U);
    for (std::size_t i = 1; i < 4; ++i)
        EXPECT_EQ(requests[i].body, "body 1");
}

TEST(RemoteWriteSender, OneThatNeverCanIsGivenUp)
{
    const FakePrometheus server([](const auto&) { return Answer{500, "disk full", {}}; });
    std::size_t sent = 0;
    const auto written = write(server.url(), 2, sent);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::Unreachable);
    EXPECT_NE(written.error().message.find("disk full"), std::string::npos);
    EXPECT_EQ(server.requests().size(), 4U);
}

TEST(RemoteWriteSender, WhatTheServerRefusesIsSaidInItsWordsAndNothingMoreIsSent)
{
    const FakePrometheus server([](const auto&) { return Answer{400, "out of order sample\n", {}}; });
    std::size_t sent = 0;
    const auto written = write(server.url(), 5, sent);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::BadInput);
    EXPECT_TRUE(written.error().message.ends_with("(status 400): out of order sample")) << written.error().message;
    EXPECT_EQ(server.requests().size(), 1U);
    EXPECT_EQ(sent, 0U);
}

TEST(RemoteWriteSender, AServerWithoutAReceiverIsToldHowToHaveOne)
{
    const FakePrometheus server([](const auto&) { return Answer{404, "", {}}; });
    std::size_t sent = 0;
    EXPECT_NE(write(server.url(), 1, sent).error().message.find("--web.enable-remote-write-receiver"), std::string::npos);
}

TEST(RemoteWriteSender, TheLoginComesFromAFile)
{
    const FakePrometheus server([](const auto&) { return Answer{200, "", {}}; });
    const test::TemporaryFolder folder;
    RemoteWriteTarget target;
    target.secretFile = (folder / "token").string();
    std::ofstream(target.secretFile) << "t0ken\n";
    std::filesystem::permissions(target.secretFile, std::filesystem::perms::owner_read);
    std::size_t sent = 0;
    ASSERT_TRUE(write(server.url(), 1, sent, target));
    EXPECT_EQ(server.requests().at(0).authorization, "Bearer t0ken");
    target.user = "me";
    ASSERT_TRUE(write(server.url(), 1, sent, target));
    EXPECT_EQ(server.requests().at(1).authorization, "Basic bWU6dDBrZW4=");
    const auto refused = write("http://192.0.2.1:9090", 1, sent, target); // TEST-NET-1: nobody is asked
    EXPECT_EQ(refused.error().code, ErrorCode::NotPermitted);
    EXPECT_NE(refused.error().message.find("in plain text"), std::string::npos);
}

TEST(RemoteWriteSender, AnAddressThatIsNoneSaysWhatIsExpected)
{
    std::size_t sent = 0;
    for (const char* url : {"", "host:9090", "http://", "ftp://host/x", "http://me:pw@host/x"}) {
        const auto written = write(url, 1, sent);
        ASSERT_FALSE(written) << url;
        EXPECT_EQ(written.error().code, ErrorCode::BadInput) << url;
    }
}

TEST(RemoteWriteSender, NobodyThereIsSaidAtOnce)
{
    std::string url;
    {
        const FakePrometheus gone([](const auto&) { return Answer{}; });
        url = gone.url();
    }
    std::size_t sent = 0;
    const auto written = write(url, 1, sent);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::Unreachable);
}

TEST(RemoteWriteSender, ItCanBeStoppedWhileItWaits)
{
    std::atomic<bool> isAsked = false;
    const FakePrometheus server([&](const auto&) {
        isAsked = true;
        return Answer{503, "", {{"Retry-After", "60"}}};
    });
    std::stop_source stop;
    const std::jthread stopper([&] {
        while (!isAsked)
            std::this_thread::yield();
        stop.request_stop();
    });
    std::size_t sent = 0;
    const auto written = write(server.url(), 1, sent, {}, stop.get_token());
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::Cancelled);
}

} // namespace
} // namespace gantry::app
