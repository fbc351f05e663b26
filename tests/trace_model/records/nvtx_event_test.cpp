#include "trace_model/records/nvtx_event.h"

#include "trace_model/records/chunk_writer.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <sys/mman.h>
#include <vector>

namespace gantry::records {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

template <typename Record>
std::vector<std::byte> bytesOf(const Record& record, std::string_view text = {})
{
    std::vector<std::byte> bytes((sizeof record + text.size() + 7) & ~std::size_t{7});
    std::memcpy(bytes.data(), &record, sizeof record);
    if (!text.empty())
        std::memcpy(bytes.data() + sizeof record, text.data(), text.size());
    return bytes;
}

ClockRecord sample(std::int64_t monotonicNs, std::int64_t ticks, std::int64_t ticksPerSecond = 0)
{
    return {{}, monotonicNs, 0, 0, 0, ticks, ticksPerSecond};
}

TEST(NvtxEvent, AShortPushSaysWhatAFullOneWouldSay)
{
    const auto bytes = bytesOf(ShortPushRecord{{}, 123, 4711, 2, 9, 8, 0, 0xFF00FF00}, "forward");
    const auto event = nvtxEvent({RecordType::NvtxShortPush, bytes});
    ASSERT_TRUE(event);
    EXPECT_EQ(event->type, RecordType::NvtxPush);
    EXPECT_EQ(event->text, "forward");
    EXPECT_EQ(event->record.time, 123);
    EXPECT_EQ(event->record.tid, 4711u);
    EXPECT_EQ(event->record.domain, 2u);
    EXPECT_EQ(event->record.rangeId, 9u);
    EXPECT_EQ(event->record.enclosing, 8u);
    EXPECT_EQ(event->record.color, 0xFF00FF00u);
    EXPECT_EQ(event->record.textLength, 7u);
    EXPECT_EQ(event->record.category, 0u);
    EXPECT_EQ(event->record.payloadType, PayloadType::None);
    EXPECT_EQ(nvtxTime({RecordType::NvtxShortPush, bytes}), 123);
}

TEST(NvtxEvent, AShortPopSaysWhatAFullOneWouldSay)
{
    const auto bytes = bytesOf(ShortPopRecord{{}, 124, 4711, 2, 9, 8});
    const auto event = nvtxEvent({RecordType::NvtxShortPop, bytes});
    ASSERT_TRUE(event);
    EXPECT_EQ(event->type, RecordType::NvtxPop);
    EXPECT_EQ(event->record.time, 124);
    EXPECT_EQ(event->record.tid, 4711u);
    EXPECT_EQ(event->record.domain, 2u);
    EXPECT_EQ(event->record.rangeId, 9u);
    EXPECT_EQ(event->record.enclosing, 8u);
}

TEST(NvtxEvent, AShortTextMayFillItsRecordToTheEnd)
{
    for (const std::string text : {"", "1234567", "12345678", "123456789"}) {
        const auto bytes = bytesOf(ShortPushRecord{}, text);
        EXPECT_EQ(nvtxEvent({RecordType::NvtxShortPush, bytes})->text, text);
    }
}

TEST(NvtxEvent, ARecordThatIsTooShortOrAnotherKindIsNone)
{
    const auto bytes = bytesOf(NvtxRecord{});
    const std::span<const std::byte> all = bytes;
    EXPECT_TRUE(nvtxEvent({RecordType::NvtxMark, all}));
    EXPECT_FALSE(nvtxEvent({RecordType::NvtxMark, all.first(sizeof(NvtxRecord) - 8)}));
    EXPECT_FALSE(nvtxEvent({RecordType::NvtxShortPush, all.first(sizeof(ShortPushRecord) - 8)}));
    EXPECT_FALSE(nvtxEvent({RecordType::NvtxShortPop, all.first(sizeof(ShortPopRecord) - 8)}));
    EXPECT_FALSE(nvtxEvent({RecordType::Kernel, all}));
    EXPECT_FALSE(nvtxTime({RecordType::NvtxMark, all.first(sizeof(NvtxRecord) - 8)}));
    EXPECT_FALSE(nvtxTime({RecordType::ClockSample, all}));
}

TEST(NvtxClock, WithoutTicksTimesAreMonotonicAlready)
{
    NvtxClock clock;
    clock.add(sample(kSecond, 0));
    clock.add(sample(2 * kSecond, 0));
    EXPECT_EQ(clock.monotonicNs(1234), 1234);
}

TEST(NvtxClock, InterpolatesTicksBetweenTwoSamples)
{
    NvtxClock clock; // at 2.5 GHz, and 2 ppm faster in the second second
    clock.add(sample(100 * kSecond, 5'000'000'000'000));
    clock.add(sample(102 * kSecond, 5'005'000'005'000));
    clock.add(sample(101 * kSecond, 5'002'500'000'000));
    EXPECT_EQ(clock.monotonicNs(5'000'000'000'000), 100 * kSecond);
    EXPECT_EQ(clock.monotonicNs(5'000'000'000'025), 100 * kSecond + 10);
    EXPECT_EQ(clock.monotonicNs(5'001'250'000'000), 100 * kSecond + kSecond / 2);
    EXPECT_EQ(clock.monotonicNs(5'003'750'002'500), 101 * kSecond + kSecond / 2);
}

// A process that is killed has no sample at its end, and one at its start alone when it lived for less than a second.
TEST(NvtxClock, GoesOnAtTheSamplesOwnRateWhereThereIsButOne)
{
    NvtxClock clock;
    clock.add(sample(100 * kSecond, 1'000'000, 2'500'000'000));
    EXPECT_EQ(clock.monotonicNs(1'000'000 + 2'500'000'000), 101 * kSecond);
    EXPECT_EQ(clock.monotonicNs(1'000'000 - 250), 100 * kSecond - 100);
}

TEST(NvtxClock, DoesNotBelieveAnImpossibleRate)
{
    for (const std::int64_t rate : {std::int64_t{-1}, std::int64_t{1}, INT64_MAX}) {
        NvtxClock clock;
        clock.add(sample(100, 1000, rate));
        EXPECT_EQ(clock.monotonicNs(1010), 110);
    }
}

TEST(RegionWriter, FillsTheChunksAgainThatTheReaderFrees)
{
    void* memory = mmap(nullptr, kRegionSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    RegionWriter writer(memory);
    writer.initialise();
    auto reader = RegionReader::open({static_cast<std::byte*>(memory), kRegionSize});
    ASSERT_TRUE(reader) << reader.error().text();
    ThreadCursor idle{}, busy{};
    ASSERT_TRUE(idle.append(writer, 1, 1, RecordType::NvtxMark, NvtxRecord{})); // keeps its chunk
    constexpr int kRounds = 300;
    constexpr std::size_t kMarks = 5000; // five chunks
    for (int round = 0; round < kRounds; ++round) {
        for (std::size_t i = 0; i < kMarks; ++i)
            ASSERT_TRUE(busy.append(writer, 1, 2, RecordType::NvtxMark, NvtxRecord{}));
        EXPECT_EQ(reader->drain(1, [](const RecordView&) {}), kMarks + (round == 0));
    }
    std::uint32_t touched = 0;
    for (std::uint32_t i = 0; i < kChunkCount; ++i)
        touched += writer.chunk(i).windowId.load() != 0;
    EXPECT_LE(touched, 8u) << "of those 1500 that were filled";
    munmap(memory, kRegionSize);
}

// Each event that did not fit cost the target 7 µs, 200 times what one costs that does.
TEST(RegionWriter, LooksForAFreeChunkNoMoreOnceThereIsNoneUntilTheReaderHasOne)
{
    void* memory = mmap(nullptr, kRegionSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    RegionWriter writer(memory);
    writer.initialise();
    auto reader = RegionReader::open({static_cast<std::byte*>(memory), kRegionSize});
    ASSERT_TRUE(reader) << reader.error().text();
    for (std::uint32_t i = 0; i < kChunkCount; ++i)
        ASSERT_NE(writer.acquire(1, 1), nullptr);
    EXPECT_EQ(writer.acquire(1, 1), nullptr);
    writer.chunk(7).state = ChunkState::Free; // as nobody does but the reader, who would say so
    EXPECT_EQ(writer.acquire(1, 1), nullptr) << "it did not look";
    reader->drain(1, [](const RecordView&) {}); // which frees nothing, and finds that one
    EXPECT_EQ(writer.acquire(1, 1), &writer.chunk(7));
    EXPECT_EQ(writer.acquire(1, 1), nullptr);
    writer.chunk(9).state = ChunkState::Ready;
    reader->drain(1, [](const RecordView&) {});
    EXPECT_EQ(writer.acquire(1, 1), &writer.chunk(9));
    munmap(memory, kRegionSize);
}

} // namespace
} // namespace gantry::records
