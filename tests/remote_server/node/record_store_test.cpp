#include "remote_server/node/record_store.h"

#include "trace_model/records/event_records.h"

#include <gtest/gtest.h>

#include <cstring>

namespace gantry::node {
namespace {

using records::RecordType;

/// Adds a record of `bytes` zeroes behind its header.
void add(RecordStore& store, RecordType type, std::int64_t nowNs, std::size_t bytes = 64)
{
    std::vector<std::byte> memory(sizeof(records::RecordHeader) + bytes);
    const records::RecordHeader header{type, 0, static_cast<std::uint32_t>(memory.size())};
    std::memcpy(memory.data(), &header, sizeof header);
    store.add({type, memory}, nowNs);
}

std::size_t count(const RecordStore& store, RecordType type)
{
    std::size_t records = 0;
    store.forEach([&](const records::RecordView& view) { records += view.type == type; });
    return records;
}

TEST(RecordStoreTest, KeepsTheClockSamplesOfWhatItHoldsAndNoOlderOnes)
{
    RecordStore store;
    constexpr std::int64_t kSeconds = 100'000; // of a recorder that has run for a day
    for (std::int64_t second = 0; second < kSeconds; ++second) {
        add(store, RecordType::ClockSample, second);
        add(store, RecordType::NvtxMark, second, 32 * 1024);
        store.trim(second - 60);
    }
    EXPECT_GE(count(store, RecordType::ClockSample), 60U);
    EXPECT_LT(count(store, RecordType::ClockSample), 400U);
    EXPECT_GE(store.heldFromNs(), kSeconds - 100);
    EXPECT_LE(store.heldFromNs(), kSeconds - 60);
}

TEST(RecordStoreTest, GivesUpTheNamesOfThreadsThatAreLongGone)
{
    RecordStore store;
    constexpr std::size_t kMost = 3 << 20;
    for (int thread = 0; thread < 100'000; ++thread) {
        add(store, RecordType::ThreadName, thread);
        store.trimNames(kMost);
        ASSERT_LE(store.bytes(), kMost);
    }
    EXPECT_EQ(count(store, RecordType::ThreadName) + store.overwritten(), 100'000U) << "what was given up is counted";
}

TEST(RecordStoreTest, CountsBytesThatACopyHoldsAsWellOnce)
{
    RecordStore ring;
    for (int i = 0; i < 4; ++i)
        add(ring, RecordType::NvtxMark, i, 900'000); // a block each
    const RecordStore copy = ring.copy();
    EXPECT_EQ(copy.unsharedBytes(), copy.bytes() / 4) << "the block that still grows was copied";
    ring.giveUpOldest();
    EXPECT_EQ(copy.unsharedBytes(), copy.bytes() / 2) << "what the ring gave up is the copy's alone";
}

} // namespace
} // namespace gantry::node
