#include "tests/trace_model/import/trace_files.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <cstdlib>
#include <map>
#include <set>

// Real traces, read by this reader and by an ordinary JSON parser.

namespace gantry::importing {
namespace {

using Json = nlohmann::json;
using test::CollectedRows;
using test::ReadTrace;

std::vector<std::filesystem::path> realFiles()
{
    std::vector<std::filesystem::path> files;
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(GANTRY_SOURCE_DIR "/../shared/data/kineto", ignored))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

Json eventsOf(const std::filesystem::path& path)
{
    Json all = Json::parse(test::gunzipped(path));
    return all.is_array() ? all : all.at("traceEvents");
}

std::string tableOf(const Json& event)
{
    if (event.at("ph") == "M")
        return "metadata";
    const std::string category = event.value("cat", "");
    return category.empty() ? "(no category)" : category;
}

/// A number that may stand in quotes.
double numberOf(const Json& value)
{
    return value.is_string() ? std::strtod(value.get<std::string>().c_str(), nullptr) : value.get<double>();
}

std::int64_t durationOf(const Json& event)
{
    return std::llround(numberOf(event.at("dur")) * 1000);
}

/// Events of these categories, in file order.
std::vector<const Json*> completeEvents(const Json& events, const std::set<std::string>& categories)
{
    std::vector<const Json*> found;
    for (const Json& event : events)
        if (event.at("ph") == "X" && categories.contains(event.value("cat", "")))
            found.push_back(&event);
    return found;
}

/// Compares the times of rows with those of events; ts as a double is good to a quarter of a microsecond.
template <typename Row>
void compareTimes(const std::vector<Row>& rows, const std::vector<const Json*>& events, double timeZero)
{
    ASSERT_EQ(rows.size(), events.size());
    for (std::size_t i = 0; i < rows.size(); ++i) {
        ASSERT_EQ(rows[i].end - rows[i].start, durationOf(*events[i])) << *events[i];
        ASSERT_NEAR(static_cast<double>(rows[i].start), (numberOf(events[i]->at("ts")) - timeZero) * 1000, 600) << *events[i];
    }
}

template <typename Row>
void comparePlaces(const std::vector<Row>& rows, const std::vector<const Json*>& events)
{
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const Json& args = events[i]->at("args");
        ASSERT_EQ(rows[i].deviceId, args.at("device").get<std::uint32_t>());
        ASSERT_EQ(rows[i].streamId, static_cast<std::uint32_t>(args.at("stream").get<std::int64_t>()));
        ASSERT_EQ(rows[i].contextId, args.value("context", 0u));
        ASSERT_EQ(rows[i].correlationId, args.at("correlation").get<std::uint32_t>());
    }
}

class KinetoFile : public testing::TestWithParam<std::filesystem::path>
{
protected:
    void SetUp() override
    {
        m_events = eventsOf(GetParam());
        m_trace.result = readChromeTrace(GetParam(), m_trace.sink, {});
        ASSERT_TRUE(m_trace.result) << m_trace.result.error().text();
        for (const Json& event : m_events) {
            if (event.at("ph") != "M") {
                m_timeZero = numberOf(event.at("ts"));
                break;
            }
        }
    }

    void compareCounts();
    void compareGpuWork();
    void compareHostWork();
    void compareProcesses();

    Json m_events;
    ReadTrace m_trace;
    double m_timeZero = 0;
};

void KinetoFile::compareCounts()
{
    std::map<std::string, std::uint64_t> rows;
    for (const Json& event : m_events)
        ++rows[tableOf(event)];
    std::map<std::string, std::uint64_t> counted;
    for (const TableTally& tally : m_trace.sink.report().tables) {
        counted[tally.name] = tally.rows;
        std::uint64_t sum = tally.kept;
        for (const SkippedRows& skipped : tally.skipped)
            sum += skipped.count;
        EXPECT_EQ(sum, tally.rows) << tally.name;
    }
    EXPECT_EQ(counted, rows);
}

void KinetoFile::compareGpuWork()
{
    const auto kernels = m_trace.sink.all(&CollectedRows::kernels);
    const auto kernelEvents = completeEvents(m_events, {"kernel", "Kernel"});
    compareTimes(kernels, kernelEvents, m_timeZero);
    comparePlaces(kernels, kernelEvents);
    for (std::size_t i = 0; i < kernels.size() && !HasFailure(); ++i) {
        const Json& args = kernelEvents[i]->at("args");
        ASSERT_EQ(m_trace.sink.text(kernels[i].demangledName + kernels[i].mangledName), kernelEvents[i]->at("name"));
        ASSERT_EQ(kernels[i].registersPerThread, args.value("registers per thread", 0u));
        ASSERT_EQ(kernels[i].dynamicSharedMemory, args.value("shared memory", 0u));
        ASSERT_EQ(kernels[i].grid, args.value("grid", std::array<std::uint32_t, 3>{1, 1, 1}));
        ASSERT_EQ(kernels[i].block, args.value("block", std::array<std::uint32_t, 3>{1, 1, 1}));
        ASSERT_EQ(kernels[i].graphNodeId, args.value("graph node id", std::uint64_t{0}));
    }
    const auto memcpys = m_trace.sink.all(&CollectedRows::memcpys);
    const auto memcpyEvents = completeEvents(m_events, {"gpu_memcpy", "Memcpy"});
    compareTimes(memcpys, memcpyEvents, m_timeZero);
    comparePlaces(memcpys, memcpyEvents);
    for (std::size_t i = 0; i < memcpys.size() && !HasFailure(); ++i) {
        ASSERT_EQ(memcpys[i].bytes, memcpyEvents[i]->at("args").at("bytes").get<std::uint64_t>());
        ASSERT_NE(memcpys[i].copyKind, 0) << memcpyEvents[i]->at("name");
    }
    const auto memsets = m_trace.sink.all(&CollectedRows::memsets);
    compareTimes(memsets, completeEvents(m_events, {"gpu_memset", "Memset"}), m_timeZero);
    const auto synchronizations = m_trace.sink.all(&CollectedRows::synchronizations);
    compareTimes(synchronizations, completeEvents(m_events, {"cuda_sync"}), m_timeZero);
    for (const report::SynchronizationRow& row : synchronizations)
        EXPECT_NE(row.syncType, 0);
    compareTimes(m_trace.sink.all(&CollectedRows::gpuRanges), completeEvents(m_events, {"gpu_user_annotation"}), m_timeZero);
}

void KinetoFile::compareHostWork()
{
    const auto calls = m_trace.sink.all(&CollectedRows::calls);
    const auto callEvents = completeEvents(m_events, {"cuda_runtime", "cuda_driver", "Runtime"});
    compareTimes(calls, callEvents, m_timeZero);
    for (std::size_t i = 0; i < calls.size() && !HasFailure(); ++i) {
        ASSERT_EQ(m_trace.sink.text(calls[i].nameId), callEvents[i]->at("name"));
        ASSERT_EQ(calls[i].correlationId, callEvents[i]->at("args").at("correlation").get<std::uint32_t>());
        ASSERT_EQ(calls[i].globalTid >> 24, callEvents[i]->at("pid").get<std::uint64_t>());
    }
    compareTimes(m_trace.sink.all(&CollectedRows::overheads), completeEvents(m_events, {"overhead"}), m_timeZero);

    std::map<std::string, std::pair<std::uint64_t, std::int64_t>> expected, found; // by category: how many, how long
    const std::set<std::string> elsewhere{"kernel",    "Kernel",       "gpu_memcpy",  "Memcpy",  "gpu_memset", "Memset",
                                          "cuda_sync", "cuda_runtime", "cuda_driver", "Runtime", "overhead",   "gpu_user_annotation"};
    for (const Json& event : m_events) {
        if (event.at("ph") == "X" && !elsewhere.contains(event.value("cat", ""))) {
            auto& [count, duration] = expected[event.value("cat", "")];
            ++count;
            duration += durationOf(event);
        }
    }
    std::uint64_t paired = 0;
    for (const Json& event : m_events)
        paired += event.at("ph") == "B" ? 1 : 0;
    for (const RangeRow& row : m_trace.sink.all(&CollectedRows::ranges)) {
        auto& [count, duration] = found[m_trace.sink.text(row.domainId)];
        ++count;
        duration += row.end.value_or(row.start) - row.start;
    }
    if (paired == 0) { // ranges of B and E have no duration to compare with
        EXPECT_EQ(found, expected);
    }
}

void KinetoFile::compareProcesses()
{
    std::set<std::uint64_t> callers, launchers;
    for (const CallRow& row : m_trace.sink.all(&CollectedRows::calls))
        callers.insert(row.globalTid & ~std::uint64_t{0xFFFFFF});
    for (const report::KernelRow& row : m_trace.sink.all(&CollectedRows::kernels))
        launchers.insert(row.globalPid);
    if (!launchers.empty()) {
        EXPECT_EQ(launchers, callers);
    }
    EXPECT_TRUE(m_trace.sink.meta().warnings.empty());
}

// One test: most of its time goes into the ordinary parser.
TEST_P(KinetoFile, IsReadAsAnOrdinaryParserReadsIt)
{
    compareCounts();
    compareGpuWork();
    compareHostWork();
    compareProcesses();
}

std::string testName(const testing::TestParamInfo<std::filesystem::path>& file)
{
    std::string name = file.param.filename().string();
    for (char& c : name)
        if (!std::isalnum(static_cast<unsigned char>(c)))
            c = '_';
    return name;
}

INSTANTIATE_TEST_SUITE_P(SharedData, KinetoFile, testing::ValuesIn(realFiles()), testName);
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(KinetoFile);

TEST(KinetoFiles, AreThere)
{
    if (realFiles().empty())
        GTEST_SKIP() << "shared/data/kineto is not beside the source tree";
    EXPECT_GE(realFiles().size(), 16u);
}

} // namespace
} // namespace gantry::importing
