#include "remote_server/node/capture_plan.h"

#include <gtest/gtest.h>

#include <vector>

namespace gantry::node {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

proto::CaptureRequest every(std::int64_t periodNs, std::uint32_t kept, std::uint32_t of)
{
    proto::CaptureRequest request;
    request.targetId = "t1";
    request.periodNs = periodNs;
    request.windowCount = 100;
    request.kept = kept;
    request.keptOf = of;
    return request;
}

/// In which seconds windows begin that begin when they are due.
std::vector<std::int64_t> beginnings(const proto::CaptureRequest& request, int count)
{
    CapturePlan plan = CapturePlan::of(request, 0, 0).value();
    std::vector<std::int64_t> seconds;
    for (int i = 0; i < count; ++i) {
        seconds.push_back(plan.dueNs / kSecond);
        plan.begin(plan.dueNs);
    }
    EXPECT_EQ(plan.windowsSkipped, 0u);
    return seconds;
}

using Seconds = std::vector<std::int64_t>;

TEST(CapturePlan, WindowsBeginInTheFirstPeriodsOfEachGroup)
{
    EXPECT_EQ(beginnings(every(10 * kSecond, 1, 1), 4), (Seconds{0, 10, 20, 30}));
    EXPECT_EQ(beginnings(every(kSecond, 1, 10), 4), (Seconds{0, 10, 20, 30}));
    EXPECT_EQ(beginnings(every(kSecond, 2, 5), 5), (Seconds{0, 1, 5, 6, 10}));
    EXPECT_EQ(beginnings(every(kSecond, 3, 3), 4), (Seconds{0, 1, 2, 3}));
}

TEST(CapturePlan, OfThePeriodsThatWentByThoseAreSkippedThatWouldHaveHadAWindow)
{
    CapturePlan plan = CapturePlan::of(every(kSecond, 2, 5), 0, 0).value();
    plan.begin(3 * kSecond); // 1 was missed, 2 and 3 were none
    EXPECT_EQ(plan.windowsSkipped, 1u);
    EXPECT_EQ(plan.dueNs, 5 * kSecond);
    plan.begin(10 * kSecond + 1); // 6 and 10
    EXPECT_EQ(plan.windowsSkipped, 3u);
    EXPECT_EQ(plan.dueNs, 11 * kSecond);
}

TEST(CapturePlan, RefusesAPartThatIsNone)
{
    const auto code = [](const proto::CaptureRequest& request) {
        const auto plan = CapturePlan::of(request, 0, 0);
        return plan ? std::string() : std::string(name(plan.error().code));
    };
    EXPECT_EQ(code(every(kSecond, 3, 2)), name(ErrorCode::BadInput));
    EXPECT_EQ(code(every(kSecond, 0, 2)), name(ErrorCode::BadInput));
    EXPECT_EQ(code(every(kSecond, 1, 2'000'000)), name(ErrorCode::BadInput));
    EXPECT_EQ(code(every(0, 1, 2)), name(ErrorCode::BadInput)) << "of no periods";
    auto ofRanges = every(0, 2, 1);
    ofRanges.trigger = proto::CaptureTrigger::CudaProfiler;
    EXPECT_EQ(code(ofRanges), name(ErrorCode::BadInput));
    ofRanges.triggerEvery = 10;
    EXPECT_EQ(code(ofRanges), "");
}

} // namespace
} // namespace gantry::node
