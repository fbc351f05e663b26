#include "remote_server/node/nvtx_pairing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace gantry::node {
namespace {

using testing::ElementsAre;

/// Pushes and pops of one thread, with their numbers as the capture library gives them.
class Pairing : public testing::Test
{
protected:
    void push(std::string_view text, TimestampNs start, std::uint64_t id, std::uint64_t enclosing = 0, std::uint32_t domain = 0)
    {
        NvtxSpan span;
        span.text = text;
        span.start = start;
        span.rangeId = id;
        span.enclosing = enclosing;
        span.tid = kThread;
        span.domain = domain;
        m_pairing.push(std::move(span));
    }
    void pop(TimestampNs time, std::uint64_t id, std::uint64_t enclosing = 0, std::uint32_t domain = 0)
    {
        m_pairing.pop(time, kThread, domain, id, enclosing);
    }

    /// Each range as "text start..end", in the order of their starts.
    std::vector<std::string> ranges()
    {
        m_pairing.dropLostEnds();
        std::vector<std::string> result;
        for (const NvtxSpan& span : m_pairing.spans())
            result.push_back(std::string(span.text) + " " + std::to_string(span.start) + ".." +
                             (span.end ? std::to_string(*span.end) : ""));
        return result;
    }

    static constexpr std::uint32_t kThread = 7;
    NvtxPairing m_pairing;
};

TEST_F(Pairing, NestsTheRangesOfADomain)
{
    push("outer", 0, 1);
    push("first", 10, 2, 1);
    pop(20, 2, 1);
    push("second", 30, 3, 1);
    pop(40, 3, 1);
    pop(50, 1);
    EXPECT_THAT(ranges(), ElementsAre("outer 0..50", "first 10..20", "second 30..40"));
}

TEST_F(Pairing, RangesOfDifferentDomainsNeedNotNest)
{
    push("a", 0, 1, 0, 1);
    push("b", 10, 2, 0, 2);
    pop(20, 1, 0, 1);
    pop(30, 2, 0, 2);
    EXPECT_THAT(ranges(), ElementsAre("a 0..20", "b 10..30"));
}

TEST_F(Pairing, ARangeThatIsOpenWhenTheWindowClosesHasNoEnd)
{
    push("outer", 0, 1);
    push("inner", 10, 2, 1);
    pop(20, 2, 1);
    EXPECT_THAT(ranges(), ElementsAre("outer 0..", "inner 10..20"));
}

// The pop of a range whose push was dropped closed the range around it.
TEST_F(Pairing, ThePopOfALostPushEndsNothing)
{
    push("outer", 0, 1);
    pop(20, 2, 1);
    pop(50, 1);
    EXPECT_THAT(ranges(), ElementsAre("outer 0..50"));
    EXPECT_EQ(m_pairing.unmatched(), 0u) << "the push was counted where it was lost";
}

// The range around one whose pop was dropped ended the inner one, and had no end itself.
TEST_F(Pairing, ARangeWhosePopWasLostIsLeftOutWhenTheOneAroundItEnds)
{
    push("outer", 0, 1);
    push("inner", 10, 2, 1);
    pop(50, 1);
    EXPECT_THAT(ranges(), ElementsAre("outer 0..50"));
}

TEST_F(Pairing, ARangeWhosePopWasLostIsLeftOutWhenTheNextOneBegins)
{
    push("first", 0, 1);
    push("second", 30, 2);
    pop(40, 2);
    EXPECT_THAT(ranges(), ElementsAre("second 30..40"));
}

TEST_F(Pairing, AnEndIsNotGivenToARangeOfTheSameDepthThatWasRecorded)
{
    push("first", 0, 1); // its pop and the next push are lost
    pop(40, 2);
    EXPECT_THAT(ranges(), testing::IsEmpty());
}

} // namespace
} // namespace gantry::node
