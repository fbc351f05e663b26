// Writers and the reader in one mapping. In use the target and the daemon map the region each for itself, where a thread sanitizer
// does not see that they share it.

#include "trace_model/records/chunk_reader.h"
#include "trace_model/records/chunk_writer.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

namespace gantry::records {
namespace {

TEST(RegionThreads, EachRecordIsReadOnceAndWholeWhileOthersAreWrittenAndWindowsChange)
{
    constexpr std::uint32_t kThreads = 8, kWindows = 20;
    constexpr std::uint64_t kMarks = 1000; // more than a chunk, in each window
    const std::string text = "a text behind the record";
    void* memory = mmap(nullptr, kRegionSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    RegionWriter writer(memory);
    writer.initialise();
    auto reader = RegionReader::open({static_cast<std::byte*>(memory), kRegionSize});
    ASSERT_TRUE(reader) << reader.error().text();

    std::atomic<std::uint32_t> window{0}, done{0}, lost{0};
    std::vector<std::jthread> threads;
    for (std::uint32_t tid = 1; tid <= kThreads; ++tid)
        threads.emplace_back([&, tid] {
            ThreadCursor cursor{};
            for (std::uint32_t mine = 1; mine <= kWindows; ++mine) {
                while (window < mine)
                    std::this_thread::yield();
                for (std::uint64_t i = 0; i < kMarks; ++i) {
                    NvtxRecord mark{};
                    mark.tid = tid;
                    mark.rangeId = i;
                    mark.textLength = static_cast<std::uint16_t>(text.size());
                    lost += !cursor.append(writer, mine, tid, RecordType::NvtxMark, mark, text);
                }
                ++done;
            }
            cursor.leave();
        });
    for (std::uint32_t now = 1; now <= kWindows; ++now) {
        std::vector<std::vector<int>> seen(kThreads + 1, std::vector<int>(kMarks));
        std::size_t spoilt = 0;
        const auto read = [&] {
            reader->drain(now, [&](const RecordView& view) {
                const auto* mark = view.as<NvtxRecord>();
                if (mark && mark->tid <= kThreads && mark->rangeId < kMarks && view.textBehind<NvtxRecord>(mark->textLength) == text)
                    ++seen[mark->tid][mark->rangeId];
                else
                    ++spoilt;
            });
        };
        window = now;
        while (done < now * kThreads)
            read();
        read();
        EXPECT_EQ(spoilt, 0u);
        for (std::uint32_t tid = 1; tid <= kThreads; ++tid)
            EXPECT_EQ(seen[tid], std::vector<int>(kMarks, 1)) << "thread " << tid << ", window " << now;
    }
    threads.clear();
    EXPECT_EQ(lost, 0u);
    EXPECT_EQ(reader->damagedChunks(), 0u);
    munmap(memory, kRegionSize);
}

} // namespace
} // namespace gantry::records
