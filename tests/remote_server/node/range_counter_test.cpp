#include "remote_server/node/range_counter.h"

#include "trace_model/records/request_phase.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string_view>
#include <vector>

namespace gantry::node {
namespace {

using records::RecordType;
namespace convention = records::nvtx_convention;

constexpr std::uint32_t kServe = 1, kOther = 2;             // domains
constexpr std::uint32_t kRequestText = 10, kQueueText = 11; // dictionary entries

class RangeCounterTest : public testing::Test
{
protected:
    template <typename Record>
    void take(RecordType type, Record record, std::string_view text = {})
    {
        std::vector<std::byte> bytes(sizeof record + text.size());
        std::memcpy(bytes.data(), &record, sizeof record);
        if (!text.empty())
            std::memcpy(bytes.data() + sizeof record, text.data(), text.size());
        counter.take({type, bytes});
    }
    void text(std::uint32_t id, std::string_view text)
    {
        take(RecordType::Text, records::TextRecord{{}, id, static_cast<std::uint32_t>(text.size())}, text);
    }
    void domain(std::uint32_t id, std::string_view name)
    {
        take(RecordType::Domain, records::NamedRecord{{}, 0, id, static_cast<std::uint32_t>(name.size()), 0}, name);
    }
    void dictionary()
    {
        domain(kServe, convention::kDomain);
        domain(kOther, "somebody.else");
        text(kRequestText, convention::kRequest);
        text(kQueueText, convention::kQueue);
    }
    void start(std::uint64_t range, std::uint32_t textId = kRequestText, std::uint32_t domain = kServe)
    {
        records::NvtxRecord record{};
        record.rangeId = range;
        record.textId = textId;
        record.domain = domain;
        take(RecordType::NvtxStart, record);
    }
    void end(std::uint64_t range)
    {
        records::NvtxRecord record{};
        record.rangeId = range;
        take(RecordType::NvtxEnd, record);
    }

    RangeCounter counter{RangeName::request()};
};

TEST_F(RangeCounterTest, CountsRequestsThatBeganAndEnded)
{
    dictionary();
    start(1);
    start(2);
    EXPECT_EQ(counter.finished(), 0U);
    end(1);
    EXPECT_EQ(counter.finished(), 1U);
    end(2);
    EXPECT_EQ(counter.finished(), 2U);
}

TEST_F(RangeCounterTest, CountsARequestWhoseEndIsReadBeforeItsStart)
{
    // The thread that answers has a chunk of a lower index than the one that took the request.
    dictionary();
    end(1);
    EXPECT_EQ(counter.finished(), 0U) << "it may have begun before the window";
    start(1);
    EXPECT_EQ(counter.finished(), 1U);
}

TEST_F(RangeCounterTest, CountsRequestsThatAreReadBeforeTheDictionary)
{
    start(1);
    end(1);
    EXPECT_EQ(counter.finished(), 0U);
    dictionary();
    EXPECT_EQ(counter.finished(), 1U);
}

TEST_F(RangeCounterTest, CountsPushesAndPopsInShortRecordsAsWell)
{
    dictionary();
    const auto push = [&](std::uint32_t tid, std::uint32_t number) {
        take(RecordType::NvtxShortPush, records::ShortPushRecord{{}, 0, tid, kServe, number, 0, kRequestText, 0});
    };
    const auto pop = [&](std::uint32_t tid, std::uint32_t number) {
        take(RecordType::NvtxShortPop, records::ShortPopRecord{{}, 0, tid, kServe, number, 0});
    };
    push(5, 1);
    push(6, 1);
    pop(5, 1);
    EXPECT_EQ(counter.finished(), 1U) << "the other thread's has the same number";
    pop(6, 1);
    EXPECT_EQ(counter.finished(), 2U);
}

TEST_F(RangeCounterTest, LeavesOutOtherRangesAndOtherDomains)
{
    dictionary();
    start(1, kQueueText);
    end(1);
    start(2, kRequestText, kOther); // somebody's own "request" is not the server's
    end(2);
    EXPECT_EQ(counter.finished(), 0U);
}

TEST_F(RangeCounterTest, LeavesOutRequestsThatBeganBeforeTheWindow)
{
    dictionary();
    end(1);
    end(2);
    start(3);
    EXPECT_EQ(counter.finished(), 0U);
}

} // namespace
} // namespace gantry::node
