#include "trace_model/records/chunk_reader.h"
#include "trace_model/records/chunk_writer.h"
#include "trace_model/records/nvtx_event.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>
#include <sys/mman.h>

namespace gantry::records {
namespace {

constexpr int kMutations = 20'000;
constexpr std::uint32_t kWindow = 7;
constexpr std::uint32_t kTid = 12;

volatile std::uint64_t g_sink; // reads must not be optimised away

/// A region as a target would share it: zero pages that cost nothing until touched.
class Region
{
public:
    Region() : m_memory(mmap(nullptr, kRegionSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)), m_writer(m_memory)
    {
        if (m_memory == MAP_FAILED)
            throw std::bad_alloc();
        m_writer.initialise();
    }
    Region(const Region&) = delete;
    Region& operator=(const Region&) = delete;
    ~Region() { munmap(m_memory, kRegionSize); }

    [[nodiscard]] std::span<std::byte> memory() const { return {static_cast<std::byte*>(m_memory), kRegionSize}; }
    RegionWriter& writer() { return m_writer; }

private:
    void* m_memory;
    RegionWriter m_writer;
};

/// One record of every kind, then NVTX until `bytes` are used.
void writeRecords(RegionWriter& region, ThreadCursor& cursor, std::uint32_t bytes)
{
    const auto append = [&](RecordType type, auto record, std::string_view text = {}) {
        ASSERT_TRUE(cursor.append(region, kWindow, kTid, type, record, text));
    };
    append(RecordType::ClockSample, ClockRecord{{}, 1000, 2000, 3000, 40, 5000, 2'000'000'000});
    append(RecordType::Text, TextRecord{{}, 1, 7}, "request");
    append(RecordType::Domain, NamedRecord{{}, 0, 1, 12, 0}, "gantry.serve");
    append(RecordType::Category, NamedRecord{{}, 1, 1, 6, 0}, "bert:1");
    append(RecordType::ThreadName, NamedRecord{{}, 0, kTid, 6, 0}, "bert_0");
    append(RecordType::ApiName, NamedRecord{{}, 0, 211, 16, 0}, "cudaLaunchKernel");
    append(RecordType::ApiCall, ApiRecord{});
    append(RecordType::Kernel, KernelRecord{});
    append(RecordType::Memcpy, CopyRecord{});
    append(RecordType::Memset, CopyRecord{});
    append(RecordType::Synchronization, SyncRecord{});
    append(RecordType::Overhead, OverheadRecord{});
    append(RecordType::Device, DeviceRecord{});
    append(RecordType::Stream, StreamRecord{});
    append(RecordType::Context, ContextRecord{});
    append(RecordType::GraphLaunch, GraphRecord{});
    append(RecordType::MemoryOperation, MemoryRecord{});
    append(RecordType::Module, ModuleRecord{});
    append(RecordType::Jit, JitRecord{});
    while (cursor.chunk->used.load() + 512 < bytes) {
        NvtxRecord record{};
        record.textLength = 13;
        append(RecordType::NvtxPush, record, "client_id:abc");
        append(RecordType::NvtxPop, NvtxRecord{});
        append(RecordType::NvtxShortPush, ShortPushRecord{}, "step");
        append(RecordType::NvtxShortPop, ShortPopRecord{});
    }
}

std::vector<std::byte> validBlock(std::uint32_t bytes)
{
    Region region;
    ThreadCursor cursor{};
    writeRecords(region.writer(), cursor, bytes);
    const auto* begin = reinterpret_cast<const std::byte*>(cursor.chunk + 1);
    return {begin, begin + cursor.chunk->used.load()};
}

template <typename Record>
std::uint64_t read(const RecordView& record, std::uint32_t (*textLength)(const Record&))
{
    const Record* fixed = record.as<Record>();
    if (!fixed)
        return 0;
    std::uint64_t sum = 0;
    for (const std::byte byte : std::as_bytes(std::span(fixed, 1)))
        sum += static_cast<std::uint64_t>(byte);
    if (textLength)
        for (const char c : record.textBehind<Record>(textLength(*fixed)))
            sum += static_cast<unsigned char>(c);
    return sum;
}

/// Looks at every byte a reader may look at, so that the sanitizer sees one that is not there.
std::uint64_t touch(const RecordView& record)
{
    switch (record.type) {
    case RecordType::Text:
        return read<TextRecord>(record, [](const TextRecord& r) { return r.length; });
    case RecordType::PayloadSchema:
    case RecordType::Domain:
    case RecordType::Category:
    case RecordType::ThreadName:
    case RecordType::StreamName:
    case RecordType::ApiName:
        return read<NamedRecord>(record, [](const NamedRecord& r) { return r.length; });
    case RecordType::NvtxPush:
    case RecordType::NvtxPop:
    case RecordType::NvtxStart:
    case RecordType::NvtxEnd:
    case RecordType::NvtxMark:
    case RecordType::NvtxShortPush:
    case RecordType::NvtxShortPop: {
        const auto event = nvtxEvent(record);
        EXPECT_EQ(event.has_value(), nvtxTime(record).has_value());
        std::uint64_t sum = event ? static_cast<std::uint64_t>(event->record.time) : 0;
        for (const char c : event ? event->text : std::string_view())
            sum += static_cast<unsigned char>(c);
        return sum;
    }
    case RecordType::ApiCall:
        return read<ApiRecord>(record, nullptr);
    case RecordType::Kernel:
        return read<KernelRecord>(record, nullptr);
    case RecordType::Memcpy:
    case RecordType::Memset:
        return read<CopyRecord>(record, nullptr);
    case RecordType::Synchronization:
        return read<SyncRecord>(record, nullptr);
    case RecordType::Overhead:
        return read<OverheadRecord>(record, nullptr);
    case RecordType::Device:
        return read<DeviceRecord>(record, nullptr);
    case RecordType::Stream:
        return read<StreamRecord>(record, nullptr);
    case RecordType::Context:
        return read<ContextRecord>(record, nullptr);
    case RecordType::GraphLaunch:
        return read<GraphRecord>(record, nullptr);
    case RecordType::MemoryOperation:
        return read<MemoryRecord>(record, nullptr);
    case RecordType::Module:
        return read<ModuleRecord>(record, nullptr);
    case RecordType::Jit:
        return read<JitRecord>(record, nullptr);
    case RecordType::ClockSample:
        return read<ClockRecord>(record, nullptr);
    }
    return 0; // a type of the future
}

/// Walks a block and checks what must hold for any bytes. Returns the good bytes.
std::size_t walk(const std::vector<std::byte>& block, int mutation)
{
    std::size_t handed = 0;
    const std::size_t good = forEachRecord(block, [&](const RecordView& record) {
        EXPECT_EQ(record.bytes.data(), block.data() + handed) << "mutation " << mutation;
        EXPECT_GE(record.bytes.size(), sizeof(RecordHeader)) << "mutation " << mutation;
        EXPECT_EQ(record.bytes.size() % 8, 0u) << "mutation " << mutation;
        handed += record.bytes.size();
        g_sink = touch(record);
    });
    EXPECT_EQ(good, handed) << "mutation " << mutation;
    EXPECT_LE(good, block.size()) << "mutation " << mutation;
    return good;
}

TEST(ChunkReaderFuzz, AValidBlockIsReadToItsEnd)
{
    const auto block = validBlock(4096);
    ASSERT_GT(block.size(), 3000u);
    EXPECT_EQ(walk(block, -1), block.size());
}

TEST(ChunkReaderFuzz, RandomBytesEnd)
{
    std::mt19937 random(0xC0DE);
    for (int mutation = 0; mutation < kMutations; ++mutation) {
        std::vector<std::byte> block(random() % 2048);
        for (std::byte& byte : block)
            byte = static_cast<std::byte>(random());
        // Random sizes end a walk at once: half of the blocks begin with headers that lead on.
        for (std::size_t at = 0; mutation % 2 == 0 && at + sizeof(RecordHeader) <= block.size();) {
            const RecordHeader header{static_cast<RecordType>(random() % 48), 0, static_cast<std::uint32_t>(1 + random() % 12) * 8};
            std::memcpy(block.data() + at, &header, sizeof header);
            at += header.size;
        }
        walk(block, mutation);
    }
}

TEST(ChunkReaderFuzz, ATruncatedBlockGivesTheRecordsBeforeTheCut)
{
    const auto valid = validBlock(2048);
    for (std::size_t size = 0; size < valid.size(); ++size)
        EXPECT_LE(walk({valid.begin(), valid.begin() + static_cast<std::ptrdiff_t>(size)}, static_cast<int>(size)), size);
}

TEST(ChunkReaderFuzz, FlippedBitsEnd)
{
    const auto valid = validBlock(2048);
    std::mt19937 random(0xF11B);
    for (int mutation = 0; mutation < kMutations; ++mutation) {
        auto block = valid;
        for (std::size_t flips = 1 + random() % 16; flips > 0; --flips)
            block[random() % block.size()] ^= std::byte{1} << (random() % 8);
        walk(block, mutation);
    }
}

TEST(ChunkReaderFuzz, ARegionWithForgedChunksIsDrainedWithoutHarm)
{
    const auto valid = validBlock(4096);
    Region region;
    auto reader = RegionReader::open(region.memory());
    ASSERT_TRUE(reader) << reader.error().text();
    std::mt19937 random(0x5EED);
    for (int mutation = 0; mutation < kMutations / 8; ++mutation) {
        for (std::uint32_t i = 0; i < 4; ++i) {
            ChunkHeader& chunk = region.writer().chunk(i * (kChunkCount / 4) + (kChunkCount / 4 - 1)); // the last chunk is among them
            auto* body = reinterpret_cast<std::byte*>(&chunk + 1);
            std::memcpy(body, valid.data(), valid.size());
            for (std::size_t flips = random() % 8; flips > 0; --flips)
                body[random() % valid.size()] ^= std::byte{1} << (random() % 8);
            const std::uint32_t used[] = {static_cast<std::uint32_t>(valid.size()),
                                          static_cast<std::uint32_t>(random() % valid.size()),
                                          kChunkCapacity,
                                          kChunkCapacity + 8,
                                          UINT32_MAX,
                                          static_cast<std::uint32_t>(random())};
            chunk.used = used[random() % std::size(used)];
            chunk.windowId = random() % 4 == 0 ? static_cast<std::uint32_t>(random()) : kWindow;
            chunk.tid = static_cast<std::uint32_t>(random());
            chunk.state = static_cast<ChunkState>(random() % 5); // 3 and 4 are no states
        }
        std::size_t records = 0, bytes = 0;
        const std::size_t drained = reader->drain(kWindow, [&](const RecordView& record) {
            ++records;
            bytes += record.bytes.size();
            g_sink = touch(record);
        });
        EXPECT_EQ(drained, records) << "mutation " << mutation;
        EXPECT_LE(bytes, 4u * kChunkCapacity) << "mutation " << mutation;
        EXPECT_EQ(reader->drain(kWindow, [](const RecordView&) {}), 0u) << "nothing was written since: mutation " << mutation;
        for (std::uint32_t i = 0; i < kChunkCount; ++i)
            EXPECT_FALSE(region.writer().chunk(i).state == ChunkState::Ready && region.writer().chunk(i).windowId <= kWindow)
                << "mutation " << mutation;
    }
    EXPECT_GT(reader->damagedChunks(), 0u);
}

TEST(ChunkReaderFuzz, AForgedRegionHeaderGivesAValueOrAnError)
{
    Region region;
    const RegionHeader& header = region.writer().header();
    std::byte original[offsetof(RegionHeader, losses)];
    std::memcpy(original, &header, sizeof original);
    for (std::size_t bit = 0; bit < sizeof original * 8; ++bit) {
        region.memory()[bit / 8] ^= std::byte{1} << (bit % 8);
        const auto reader = RegionReader::open(region.memory());
        ASSERT_FALSE(reader) << "every bit before the counters matters, also bit " << bit;
        EXPECT_FALSE(reader.error().text().empty());
        std::memcpy(region.memory().data(), original, sizeof original);
    }
    EXPECT_TRUE(RegionReader::open(region.memory()));
    EXPECT_FALSE(RegionReader::open(region.memory().first(kRegionSize - 1)));
}

} // namespace
} // namespace gantry::records
