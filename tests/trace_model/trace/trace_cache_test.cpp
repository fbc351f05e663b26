#include "trace_model/trace/trace_cache.h"

#include "tests/support/child_process.h"
#include "tests/support/event_script.h"
#include "tests/support/forked_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/trace/trace_archive.h"
#include "trace_model/trace/trace_loader.h"
#include "trace_model/trace/visible_spans.h"

#include <gtest/gtest.h>

#include <algorithm>

#include <sys/stat.h>

namespace gantry::trace {
namespace {

constexpr std::string_view kScript = "window 0..1000\n"
                                     "process gantry-serve\n"
                                     "thread 12 bert_0\n"
                                     "kernel gpu0/stream7 gemm 100..130 corr 2\n"
                                     "kernel gpu0/stream8 softmax 120..150 corr 3\n"
                                     "memcpy gpu0/stream7 HtoD pageable 84..88 bytes 4096 corr 1\n"
                                     "api 12 cudaLaunchKernel 90..99 corr 2\n"
                                     "range 12 execute 80..150 payload 3\n"
                                     "mark 12 note 50\n"
                                     "execution 3 thread 12 model bert:1 instance bert_0 80..150\n"
                                     "request 1 model bert:1 0..150 queue 0..80 compute_infer 90..140 batch 3\n"
                                     "counter nv_inference_request_success{model=\"bert\"} 100=0 200=4\n";
const std::string kKey(64, 'a');

/// Everything that a dump of a trace tells.
std::string described(const Trace& trace)
{
    std::string text =
        trace.meta.title + trace.meta.producer + std::to_string(trace.time.start) + ".." + std::to_string(trace.time.end) + "\n";
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        text += trace.tracks[i].name + " " + trace.tracks[i].detail + "\n";
        for (const VisibleSpan& span : visibleSpans(trace, TrackId(i), trace.time, 1000))
            text += trace.nameOf(span.first) + " " + std::to_string(span.time.start) + ".." + std::to_string(span.time.end) + "\n";
        for (const CounterPixel& pixel : visibleCounter(trace, TrackId(i), trace.time, 1000))
            text += std::to_string(pixel.x) + "=" + std::to_string(pixel.last) + "\n";
    }
    for (const Request& request : trace.requests)
        text += std::to_string(request.id) + std::string(trace.strings[request.model]) + std::to_string(request.execution.value) + "\n";
    for (const Execution& execution : trace.executions)
        text += std::to_string(trace.membersOf(execution).size()) + "\n";
    for (const importing::ImportReport& file : trace.imports)
        for (const importing::TableTally& table : file.tables)
            text += table.name + std::to_string(table.kept) + "\n";
    return text;
}

class Archive : public testing::Test
{
protected:
    test::TemporaryFolder m_folder;
    std::filesystem::path m_path = m_folder / "a.trace";
    std::shared_ptr<const Trace> m_trace = test::traceOf(kScript);
};

TEST_F(Archive, OpensAsTheTraceThatWasWritten)
{
    ASSERT_TRUE(writeArchive(*m_trace, m_path, kKey));
    const auto again = readArchive(m_path, kKey);
    ASSERT_TRUE(again);
    EXPECT_EQ(described(*again), described(*m_trace));
    struct stat info = {};
    ASSERT_EQ(stat(m_path.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0600);
}

TEST_F(Archive, StaysReadableWhenItsFileIsRemoved)
{
    ASSERT_TRUE(writeArchive(*m_trace, m_path, kKey));
    const auto again = readArchive(m_path, kKey);
    ASSERT_TRUE(again);
    std::filesystem::remove(m_path);
    EXPECT_EQ(described(*again), described(*m_trace));
}

TEST_F(Archive, IsNotOpenedUnderAnotherKey)
{
    ASSERT_TRUE(writeArchive(*m_trace, m_path, kKey));
    EXPECT_FALSE(readArchive(m_path, std::string(64, 'b')));
    EXPECT_FALSE(readArchive(m_folder / "absent.trace", kKey));
}

TEST_F(Archive, ThatWasCutAnywhereIsNotOpened)
{
    ASSERT_TRUE(writeArchive(*m_trace, m_path, kKey));
    const std::string whole = test::readFile(m_path);
    for (std::size_t part = 0; part < 1000; ++part) {
        test::writeFile(m_path, whole.substr(0, whole.size() * part / 1000));
        ASSERT_FALSE(readArchive(m_path, kKey)) << part;
    }
}

// The directory has a checksum; so no damage to it may be believed.
TEST_F(Archive, WithADamagedDirectoryOrFooterIsNotOpened)
{
    ASSERT_TRUE(writeArchive(*m_trace, m_path, kKey));
    const std::string whole = test::readFile(m_path);
    for (std::size_t fromEnd = 1; fromEnd < 2000; fromEnd += 7) {
        std::string damaged = whole;
        damaged[damaged.size() - fromEnd] = static_cast<char>(damaged[damaged.size() - fromEnd] ^ 0x15);
        test::writeFile(m_path, damaged);
        ASSERT_FALSE(readArchive(m_path, kKey)) << fromEnd;
    }
}

TEST_F(Archive, WithADamagedColumnIsNotOpenedWhenColumnsAreChecked)
{
    ASSERT_TRUE(writeArchive(*m_trace, m_path, kKey));
    std::string damaged = test::readFile(m_path);
    const std::span<const std::byte> column = m_trace->kernels.start.bytes();
    const std::size_t at = damaged.find(std::string_view(reinterpret_cast<const char*>(column.data()), column.size()));
    ASSERT_NE(at, std::string::npos);
    EXPECT_TRUE(readArchive(m_path, kKey, true));
    damaged[at] = static_cast<char>(damaged[at] ^ 0x15);
    test::writeFile(m_path, damaged);
    EXPECT_FALSE(readArchive(m_path, kKey, true));
}

class Cache : public testing::Test
{
protected:
    void SetUp() override { ASSERT_TRUE(test::writeEventScript(kScript, m_report)); }
    [[nodiscard]] std::string key() const { return TraceCache::keyOf(std::span(&m_report, 1)).value(); }

    test::TemporaryFolder m_folder;
    std::filesystem::path m_report = m_folder / "a.gantry";
    TraceCache m_cache{m_folder / "cache"};
};

TEST_F(Cache, GivesBackWhatItKeptForTheSameContent)
{
    const auto trace = loadTrace(m_report);
    ASSERT_TRUE(trace);
    EXPECT_FALSE(m_cache.find(key()));
    ASSERT_TRUE(m_cache.store(**trace, key()));
    const auto again = m_cache.find(key());
    ASSERT_TRUE(again);
    EXPECT_EQ(described(*again), described(**trace));
}

TEST_F(Cache, HasAnotherKeyForAFileThatChangedInPlace)
{
    const std::string before = key();
    std::string content = test::readFile(m_report);
    content[content.size() / 2] ^= 1;
    test::writeFile(m_report, content);
    EXPECT_NE(key(), before);
}

TEST_F(Cache, HasAnotherKeyForAFileThatWasReplacedByOneOfTheSameLengthAndTime)
{
    const std::string before = key();
    const auto time = std::filesystem::last_write_time(m_report);
    const std::filesystem::path other = m_folder / "other";
    test::writeFile(other, test::readFile(m_report));
    std::filesystem::rename(other, m_report);
    std::filesystem::last_write_time(m_report, time);
    EXPECT_NE(key(), before);
}

TEST_F(Cache, DropsWhatWasNotOpenedForLongestWhenItIsFull)
{
    const auto trace = loadTrace(m_report);
    ASSERT_TRUE(trace);
    ASSERT_TRUE(m_cache.store(**trace, std::string(64, '1')));
    ASSERT_TRUE(m_cache.store(**trace, std::string(64, '2')));
    const auto archive = [&](char name) { return m_folder / "cache" / (std::string(64, name) + ".trace"); };
    const auto now = std::filesystem::last_write_time(archive('2'));
    std::filesystem::last_write_time(archive('1'), now - std::chrono::hours(1));
    std::filesystem::last_write_time(archive('2'), now - std::chrono::hours(2));
    ASSERT_TRUE(m_cache.find(std::string(64, '2'))); // opened now: the other one is older
    const std::uint64_t one = std::filesystem::file_size(archive('1'));
    const TraceCache small(m_folder / "cache", one + one / 2 + (*trace)->eventCount() * 40);
    ASSERT_TRUE(small.store(**trace, std::string(64, '3')));
    EXPECT_FALSE(std::filesystem::exists(archive('1')));
    EXPECT_TRUE(std::filesystem::exists(archive('2')));
    EXPECT_TRUE(std::filesystem::exists(archive('3')));
}

TEST_F(Cache, KeepsNothingThatIsLargerThanItMayBe)
{
    const auto trace = loadTrace(m_report);
    ASSERT_TRUE(trace);
    const TraceCache tiny(m_folder / "tiny", 10);
    EXPECT_TRUE(tiny.store(**trace, key()));
    EXPECT_FALSE(tiny.find(key()));
}

TEST_F(Cache, DropsACopyThatTheDiskDamaged)
{
    const auto trace = loadTrace(m_report);
    ASSERT_TRUE(trace);
    ASSERT_TRUE(m_cache.store(**trace, key()));
    const std::filesystem::path archive = m_folder / "cache" / (key() + ".trace");
    EXPECT_TRUE(checkCached(*m_cache.find(key()), m_cache));
    std::string content = test::readFile(archive);
    const std::span<const std::byte> column = (*trace)->kernels.start.bytes();
    content[content.find(std::string_view(reinterpret_cast<const char*>(column.data()), column.size()))] ^= 1;
    test::writeFile(archive, content);

    const auto damaged = m_cache.find(key());
    ASSERT_TRUE(damaged); // what is looked at only later does not hold up opening
    EXPECT_FALSE(m_cache.find(key(), true));
    const Result<void> checked = checkCached(*damaged, m_cache);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().code, ErrorCode::BadInput);
    EXPECT_FALSE(std::filesystem::exists(archive));
}

TEST_F(Cache, SaysThatItCannotWrite)
{
    const auto trace = loadTrace(m_report);
    ASSERT_TRUE(trace);
    const Result<void> stored = TraceCache("/dev/null/nonexistent").store(**trace, key());
    ASSERT_FALSE(stored);
    EXPECT_EQ(stored.error().code, ErrorCode::CannotWrite);
}

/// What other processes do with a folder of caches.
class CacheOfProcesses : public testing::Test
{
protected:
    void SetUp() override
    {
        if (!test::hasNamelessFiles(m_folder.path()))
            GTEST_SKIP() << "the file system of " << m_folder.path() << " has no files without a name";
        std::string script = "window 0..1000000\nprocess p\n";
        for (int i = 0; i < 20'000; ++i)
            script += "kernel gpu0/stream7 gemm " + std::to_string(i * 10) + ".." + std::to_string(i * 10 + 9) + " corr " +
                      std::to_string(i + 1) + "\n";
        m_trace = test::traceOf(script);
    }

    /// Keeps a trace again and again, until it is killed.
    [[nodiscard]] int storeForEver() const
    {
        while (m_cache.store(*m_trace, kKey))
            m_cache.drop(kKey);
        return 1;
    }
    /// Kills a process while it has written part of an archive, and none is complete that it has not given its name yet.
    [[nodiscard]] bool killWhileWriting(test::ForkedProcess& process) const
    {
        const bool isInTheMiddle = test::eventually([&] {
            process.stop();
            if (test::isWritingIn(process.pid(), folder()) && hiddenFiles() == 0)
                return true;
            process.resume();
            return false;
        });
        process.kill();
        return isInTheMiddle;
    }
    [[nodiscard]] std::filesystem::path folder() const { return m_folder / "cache"; }
    [[nodiscard]] std::ptrdiff_t hiddenFiles() const
    {
        std::error_code absent;
        const std::filesystem::directory_iterator entries(folder(), absent);
        return std::count_if(begin(entries), end(entries), [](const auto& entry) { return entry.path().extension() != ".trace"; });
    }

    test::TemporaryFolder m_folder;
    TraceCache m_cache{m_folder / "cache"};
    std::shared_ptr<const Trace> m_trace;
};

TEST_F(CacheOfProcesses, HasNothingOfOneThatWasKilledWhileItWrote)
{
    test::ForkedProcess writer([this] { return storeForEver(); });
    ASSERT_TRUE(killWhileWriting(writer));
    EXPECT_EQ(hiddenFiles(), 0);
    ASSERT_TRUE(m_cache.store(*m_trace, kKey));
    const auto again = m_cache.find(kKey, true);
    ASSERT_TRUE(again);
    EXPECT_EQ(described(*again), described(*m_trace));
}

TEST_F(CacheOfProcesses, IsWholeWhenTwoWriteTheSameTraceAndOneIsKilled)
{
    test::ForkedProcess killed([this] { return storeForEver(); });
    test::ForkedProcess other([this] {
        for (int i = 0; i < 50; ++i)
            if (!m_cache.store(*m_trace, kKey))
                return 1;
        return 0;
    });
    ASSERT_TRUE(killWhileWriting(killed));
    EXPECT_EQ(other.wait(), 0);
    EXPECT_EQ(hiddenFiles(), 0);
    ASSERT_TRUE(m_cache.store(*m_trace, kKey)); // the last thing that the killed one did may have been to drop it
    const auto found = m_cache.find(kKey, true);
    ASSERT_TRUE(found);
    EXPECT_EQ(described(*found), described(*m_trace));
}

} // namespace
} // namespace gantry::trace
