#include "remote_server/node/sampling/gpu_sampler.h"

#include "remote_server/gpu_sampler/gpu_frames.h"
#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

namespace gantry::node {
namespace {

using gpu_frames::FrameType;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::string frame(FrameType type, const std::string& content)
{
    const gpu_frames::FrameHeader header{gpu_frames::kMagic, type, static_cast<std::uint32_t>(content.size()), 0};
    return std::string(reinterpret_cast<const char*>(&header), sizeof header) + content;
}

std::string sample(std::int64_t end, double a, double b)
{
    const gpu_frames::SampleHead head{end - 10, end};
    const double values[] = {a, b};
    return std::string(reinterpret_cast<const char*>(&head), sizeof head) +
           std::string(reinterpret_cast<const char*>(values), sizeof values);
}

const std::string kSeries = R"([{"name":"gpu_sm_active_ratio","unit":"ratio","help":"h"},{"name":"gpu_clock_hz","unit":"Hz","help":"h"}])";

/// A program in the sampler's place, which writes what it is given and then does as told.
class GpuSamplerTest : public testing::Test
{
protected:
    std::unique_ptr<GpuSampler> start(const std::string& output, const std::string& then = "sleep 100", std::vector<int> devices = {3})
    {
        std::ofstream(folder / "output", std::ios::binary) << output;
        const auto program = folder / "sampler";
        std::ofstream(program) << "#!/bin/sh\ncat '" << (folder / "output").string() << "'\n" << then << "\n";
        std::filesystem::permissions(program, std::filesystem::perms::owner_all);
        return std::make_unique<GpuSampler>(GpuSampler::Options{program, std::move(devices), 100'000});
    }
    static bool eventually(const auto& condition)
    {
        for (const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
             std::chrono::steady_clock::now() < deadline;) {
            if (condition())
                return true;
            std::this_thread::yield();
        }
        return false;
    }

    test::TemporaryFolder folder;
};

TEST_F(GpuSamplerTest, GivesAWindowTheSamplesThatEndInIt)
{
    const auto sampler = start(frame(FrameType::Series, kSeries) +
                               frame(FrameType::Samples, sample(90, 0.1, 1) + sample(100, 0.2, 2) + sample(200, 0.3, 3)) +
                               frame(FrameType::Samples, sample(210, 0.4, 4)));
    ASSERT_TRUE(eventually([&] { return sampler->isReady(); }));
    EXPECT_THAT(sampler->problem(), IsEmpty());
    WindowCapture window;
    window.openMonotonicNs = 100;
    window.closeMonotonicNs = 200;
    sampler->copyTo(window);
    ASSERT_EQ(window.series.size(), 2u);
    EXPECT_EQ(window.series[0].name, "gpu_sm_active_ratio");
    EXPECT_EQ(window.series[0].labels.at("gpu"), "3");
    ASSERT_EQ(window.frames.size(), 1u);
    EXPECT_THAT(window.frames[0].seriesIds, ElementsAre(window.series[0].id, window.series[1].id));
    EXPECT_THAT(window.frames[0].times, ElementsAre(100, 200));
    EXPECT_THAT(window.frames[0].values, ElementsAre(0.2, 2, 0.3, 3));
    sampler->keepFrom(200);
    WindowCapture next = {};
    next.openMonotonicNs = 0;
    next.closeMonotonicNs = 210;
    sampler->copyTo(next);
    EXPECT_THAT(next.frames[0].times, ElementsAre(200, 210)) << "what lies before is given up";
}

TEST_F(GpuSamplerTest, SaysWhyThereAreNoSamples)
{
    const auto refused = start(frame(FrameType::Failed, "the driver lets only administrators sample"), "exit 1");
    ASSERT_TRUE(eventually([&] { return refused->isReady(); }));
    EXPECT_THAT(refused->problem(), HasSubstr("GPU 3 has no counter samples: the driver lets only administrators sample"));
    WindowCapture window;
    refused->copyTo(window);
    EXPECT_THAT(window.frames[0].values, IsEmpty());

    const auto missing = std::make_unique<GpuSampler>(GpuSampler::Options{folder / "nothing", {0}, 100'000});
    ASSERT_TRUE(eventually([&] { return missing->isReady(); }));
    EXPECT_THAT(missing->problem(), HasSubstr("GPU 0"));
}

TEST_F(GpuSamplerTest, KeepsWhatAProgramWroteThatIsKilled)
{
    const auto sampler = start(frame(FrameType::Series, kSeries) + frame(FrameType::Samples, sample(100, 0.2, 2)) + "GMPS", "kill -9 $$");
    ASSERT_TRUE(eventually([&] { return !sampler->problem().empty(); }));
    EXPECT_THAT(sampler->problem(), HasSubstr("ended with status 137"));
    WindowCapture window;
    window.closeMonotonicNs = 1000;
    sampler->copyTo(window);
    EXPECT_THAT(window.frames[0].values, ElementsAre(0.2, 2));
}

TEST_F(GpuSamplerTest, StartsAProgramOnceMoreThatCrashesBeforeItHasBegun)
{
    const auto marker = (folder / "crashed").string();
    std::ofstream(folder / "samples", std::ios::binary)
        << frame(FrameType::Series, kSeries) << frame(FrameType::Samples, sample(100, 0.2, 2));
    const auto sampler = start("", "if [ ! -e '" + marker + "' ]; then touch '" + marker + "'; kill -SEGV $$; fi; cat '" +
                                       (folder / "samples").string() + "'; sleep 100");
    ASSERT_TRUE(eventually([&] { return sampler->isReady(); }));
    EXPECT_THAT(sampler->problem(), IsEmpty());
    WindowCapture window;
    window.closeMonotonicNs = 100;
    sampler->copyTo(window);
    EXPECT_THAT(window.frames[0].values, ElementsAre(0.2, 2));
}

TEST_F(GpuSamplerTest, BelievesNothingThatItDoesNotKnow)
{
    const std::string hostile[] = {
        "Segmentation fault",
        frame(FrameType::Series, "[]"),
        frame(FrameType::Series, "{"),
        frame(FrameType::Samples, sample(100, 1, 2)) + "not a frame, surely",
        std::string("GMPS\2\0\0\0\xFF\xFF\xFF\xFF\0\0\0\0", 16),
    };
    for (const std::string& output : hostile) {
        const auto sampler = start(output);
        EXPECT_TRUE(eventually([&] { return sampler->isReady(); })) << output;
        EXPECT_THAT(sampler->problem(), HasSubstr("gantry-gpu-sampler wrote")) << output;
        WindowCapture window;
        window.closeMonotonicNs = 1000;
        sampler->copyTo(window);
        EXPECT_THAT(window.frames[0].values, IsEmpty()) << output;
    }
}

TEST_F(GpuSamplerTest, CountsTheSamplesThatTheProgramLost)
{
    const auto sampler = start(frame(FrameType::Series, kSeries) + frame(FrameType::End, R"({"lost":7})"), "exit 0");
    ASSERT_TRUE(eventually([&] { return sampler->isReady(); }));
    WindowCapture window;
    window.closeMonotonicNs = 1000;
    sampler->copyTo(window);
    EXPECT_EQ(window.droppedGpuSamples, 7u);
    EXPECT_THAT(sampler->problem(), IsEmpty());
}

} // namespace
} // namespace gantry::node
