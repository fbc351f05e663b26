#include "trace_model/records/chunk_format.h"
#include "trace_model/records/event_records.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

namespace gantry::records {
namespace {

using testing::HasSubstr;

TEST(ChunkFormat, TheDocumentSaysWhatTheHeaderDeclares)
{
    std::ifstream file(GANTRY_SOURCE_DIR "/trace_model/records/CHUNK_FORMAT.md");
    const std::string document(std::istreambuf_iterator<char>(file), {});
    EXPECT_THAT(document, testing::StartsWith("# Chunk format, version " + std::to_string(kRegionVersion) + "\n"));
    const std::string magic(reinterpret_cast<const char*>(&kRegionMagic), sizeof kRegionMagic);
    EXPECT_THAT(document, HasSubstr("magic \"" + magic + "\""));
    EXPECT_THAT(document, HasSubstr("offset " + std::to_string(kRegionHeaderSize) + "    chunk 0        ChunkHeader (" +
                                    std::to_string(sizeof(ChunkHeader)) + " bytes)"));
    EXPECT_THAT(document, HasSubstr("At most " + std::to_string(kMaxOpenPushes) + " open pushes"));
    EXPECT_THAT(document, HasSubstr("at most " + std::to_string(kMaxShortText) + " bytes long"));
    EXPECT_THAT(document, HasSubstr("+ " + std::to_string(kChunkSize / 1024) + " KiB       chunk 1"));
}

// Two builds of different compilers share these bytes: a size that changes needs another version.
TEST(ChunkFormat, RecordsHaveTheSizesOfVersionFive)
{
    ASSERT_EQ(kRegionVersion, 5u);
    EXPECT_EQ(static_cast<int>(LossCounter::Count), 10);
    EXPECT_EQ(sizeof(RecordHeader), 8u);
    EXPECT_EQ(sizeof(TextRecord), 16u);
    EXPECT_EQ(sizeof(NamedRecord), 24u);
    EXPECT_EQ(sizeof(NvtxRecord), 64u);
    EXPECT_EQ(sizeof(ShortPushRecord), 40u);
    EXPECT_EQ(sizeof(ShortPopRecord), 32u);
    EXPECT_EQ(sizeof(ApiRecord), 48u);
    EXPECT_EQ(sizeof(KernelRecord), 112u);
    EXPECT_EQ(sizeof(CopyRecord), 80u);
    EXPECT_EQ(sizeof(GraphRecord), 48u);
    EXPECT_EQ(sizeof(MemoryRecord), 96u);
    EXPECT_EQ(sizeof(ModuleRecord), 40u);
    EXPECT_EQ(sizeof(JitRecord), 40u);
    EXPECT_EQ(sizeof(SyncRecord), 48u);
    EXPECT_EQ(sizeof(OverheadRecord), 32u);
    EXPECT_EQ(sizeof(DeviceRecord), 144u);
    EXPECT_EQ(sizeof(StreamRecord), 24u);
    EXPECT_EQ(sizeof(ContextRecord), 24u);
    EXPECT_EQ(sizeof(ClockRecord), 56u);
}

} // namespace
} // namespace gantry::records
