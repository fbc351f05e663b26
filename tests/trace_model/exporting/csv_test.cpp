#include "tests/support/temporary_folder.h"
#include "tests/trace_model/exporting/trace_lines.h"
#include "trace_model/exporting/export_format.h"
#include "trace_model/trace/trace_loader.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

namespace gantry::exporting {
namespace {

using trace::Trace;

using Cells = std::vector<std::string>;

/// Rows of a text in comma-separated values, as RFC 4180 defines them.
std::vector<Cells> parsed(const std::string& text)
{
    std::vector<Cells> rows;
    Cells row;
    std::string cell;
    bool isQuoted = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (isQuoted) {
            if (text[i] != '"')
                cell += text[i];
            else if (i + 1 < text.size() && text[i + 1] == '"')
                cell += text[++i];
            else
                isQuoted = false;
        } else if (text[i] == '"' && cell.empty()) {
            isQuoted = true;
        } else if (text[i] == ',' || (text[i] == '\r' && text[i + 1] == '\n')) {
            row.push_back(std::move(cell));
            cell.clear();
            if (text[i] == '\r') {
                rows.push_back(std::move(row));
                row.clear();
                ++i;
            }
        } else {
            cell += text[i];
        }
    }
    EXPECT_TRUE(row.empty() && cell.empty() && !isQuoted) << "the last line does not end";
    return rows;
}

/// A written table, its rows by the names of their columns.
class Table
{
public:
    Table(const Trace& trace, const std::string& name)
    {
        const test::TemporaryFolder folder;
        ExportOptions options;
        options.table = name;
        const auto written = exportTrace(trace, ExportFormat::Csv, folder / "table.csv", options);
        EXPECT_TRUE(written) << written.error().text();
        std::ostringstream text;
        text << std::ifstream(folder / "table.csv", std::ios::binary).rdbuf();
        m_rows = parsed(text.str());
        for (const Cells& row : m_rows)
            EXPECT_EQ(row.size(), m_rows.front().size()) << name;
    }

    [[nodiscard]] std::size_t size() const { return m_rows.size() - 1; }
    [[nodiscard]] std::string cell(std::size_t row, const std::string& column) const
    {
        const Cells& header = m_rows.front();
        const auto found = std::find(header.begin(), header.end(), column);
        EXPECT_NE(found, header.end()) << "no column " << column;
        return found == header.end() ? std::string() : m_rows[row + 1][static_cast<std::size_t>(found - header.begin())];
    }
    /// Some cells of a row.
    [[nodiscard]] Cells cells(std::size_t row, std::initializer_list<const char*> columns) const
    {
        Cells result;
        for (const char* column : columns)
            result.push_back(cell(row, column));
        return result;
    }

private:
    std::vector<Cells> m_rows;
};

TEST(CsvExport, EveryTableOfATraceHasItsRowsAndNothingElse)
{
    const auto trace = test::traceWithEverything();
    const std::map<std::string, std::size_t> expected = {
        {"kernels", 4},      {"memcpys", 1},        {"memsets", 1},        {"synchronizations", 1}, {"graphs", 1},
        {"gpu_ranges", 1},   {"api_calls", 3},      {"library_calls", 2},  {"os_calls", 2},         {"nvtx_ranges", 4},
        {"marks", 1},        {"overheads", 1},      {"requests", 3},       {"phases", 5},           {"executions", 1},
        {"counters", 3},     {"losses", 1},         {"kernel_summary", 1}, {"memcpy_summary", 2},   {"api_summary", 2},
        {"nvtx_summary", 3}, {"stream_summary", 4}, {"phase_summary", 4},  {"client, side", 2},
    };
    std::map<std::string, std::size_t> actual;
    for (const std::string& table : exportTables(*trace))
        actual[table] = Table(*trace, table).size();
    EXPECT_EQ(actual, expected);
}

TEST(CsvExport, CellsAreTheValuesOfTheTraceWithTheirUnitsInTheNames)
{
    const auto trace = test::traceWithEverything();
    const Table kernels(*trace, "kernels");
    EXPECT_EQ(kernels.cells(
                  0, {"start_ns", "end_ns", "duration_ns", "name", "full_name", "device", "context", "stream", "correlation_id", "pid"}),
              (Cells{"0", "2500", "2500", "gemm", "void gemm<float, \"4\">(int)\\x\x01", "0", "1", "7", "1", "4711"}));
    EXPECT_EQ(kernels.cells(3, {"grid_x", "grid_y", "grid_z", "block_x", "block_y", "block_z", "registers_per_thread",
                                "static_shared_memory_bytes", "dynamic_shared_memory_bytes", "graph_node"}),
              (Cells{"4", "5", "6", "128", "2", "1", "40", "1024", "2048", "17"}));
    EXPECT_EQ(kernels.cell(0, "graph_node"), "") << "absent is not 0";
    EXPECT_EQ(Table(*trace, "memcpys").cells(0, {"direction", "source", "destination", "bytes"}),
              (Cells{"HtoD", "Pageable", "Device static", "21474836480"}));
    EXPECT_EQ(Table(*trace, "memsets").cells(0, {"start_ns", "end_ns", "memory", "value", "bytes", "context"}),
              (Cells{"40500", "40500", "Device", "255", "64", "2"}));
    EXPECT_EQ(Table(*trace, "synchronizations").cells(0, {"type", "stream"}), (Cells{"context sync", ""}));
    EXPECT_EQ(Table(*trace, "api_calls").cells(2, {"name", "api", "correlation_id", "return_value", "pid", "tid"}),
              (Cells{"cuLaunchKernel", "driver", "2", "700", "4711", "4711"}));
    EXPECT_EQ(Table(*trace, "os_calls").cells(1, {"name", "return_value", "tid"}), (Cells{"read", "-1", "4712"}));
    const Table ranges(*trace, "nvtx_ranges");
    EXPECT_EQ(ranges.cells(0, {"start_ns", "name", "domain", "category", "color", "payload", "kind", "ended"}),
              (Cells{"1500", "outer", "gantry.serve", "3", "#ff00ff00", "9223372036854775808", "push/pop", "1"}));
    EXPECT_EQ(ranges.cells(3, {"name", "domain", "color", "payload", "kind", "ended", "end_ns"}),
              (Cells{"never ends", "", "", "", "push/pop", "0", "1000500"}));
    const Table requests(*trace, "requests");
    EXPECT_EQ(requests.cells(0, {"start_ns", "id", "client_id", "model", "batch", "failed", "cut_by_window", "queue_ns", "cache_ns",
                                 "compute_infer_ns"}),
              (Cells{"500", "8", "client-7", "bert", "3", "1", "1", "30000", "", "50000"}));
    const Table counters(*trace, "counters");
    EXPECT_EQ(counters.cells(0, {"time_ns", "counter", "unit"}), (Cells{"600", "bert queue", "requests"}));
    EXPECT_EQ(std::stod(counters.cell(0, "value")), 1.0 / 3) << "digits were lost";
    EXPECT_EQ(std::stod(counters.cell(1, "value")), -2e300);
    EXPECT_EQ(Table(*trace, "client, side").cells(1, {"Concurrency", "p99 latency (µs)"}), (Cells{"2", ""}));
    EXPECT_EQ(Table(*trace, "kernel_summary").cells(0, {"name", "count", "total_ns", "max_ns"}), (Cells{"gemm", "4", "32500", "10000"}));
}

// Texts for pids ("Spans") and work that no call tells the process of get numbers of Gantry's own: they are in no file.
TEST(CsvExport, ProcessesAndThreadsThatTheFileDoesNotTellAreEmpty)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "a.json") << R"({"traceEvents": [
        {"ph":"X","cat":"cpu_op","name":"a","pid":"Spans","tid":"Profiler","ts":0,"dur":1},
        {"ph":"X","cat":"cpu_op","name":"b","pid":17,"tid":18,"ts":1,"dur":1},
        {"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":2,"dur":1,"args":{"device":0,"stream":7}}]})";
    const auto trace = *trace::loadTrace(folder / "a.json");
    const Table ranges(*trace, "nvtx_ranges");
    EXPECT_EQ(ranges.cells(0, {"name", "pid", "tid"}), (Cells{"a", "", ""}));
    EXPECT_EQ(ranges.cells(1, {"name", "pid", "tid"}), (Cells{"b", "17", "18"}));
    EXPECT_EQ(Table(*trace, "kernels").cells(0, {"name", "pid"}), (Cells{"k", ""}));
}

TEST(CsvExport, KernelsOfRealExportsAreParsedBackAsTheyAreInTheTrace)
{
    const auto files = test::nsysExports();
    if (files.empty())
        GTEST_SKIP() << "the shared Nsight Systems exports are not here";
    for (const std::string& file : files) {
        SCOPED_TRACE(file);
        const auto trace = *trace::loadTrace(file);
        const Table kernels(*trace, "kernels"), ranges(*trace, "nvtx_ranges");
        ASSERT_EQ(kernels.size(), trace->kernels.size());
        test::Lines actual, expected;
        for (std::size_t row = 0; row < kernels.size(); ++row) {
            const Cells cells = kernels.cells(row, {"start_ns", "duration_ns", "full_name", "stream", "correlation_id"});
            actual.push_back(fmt::format("{} {} {} {} {}", cells[0], cells[1], cells[2], cells[3], cells[4]));
            const trace::KernelColumns& c = trace->kernels;
            expected.push_back(fmt::format("{} {} {} {} {}", c.start[row] - trace->time.start, c.duration(row),
                                           trace->strings[c.demangledName(row)], c.stream(row), c.correlation[row]));
        }
        ASSERT_EQ(ranges.size(), trace->nvtxRanges.size());
        for (std::size_t row = 0; row < ranges.size(); ++row) {
            const Cells cells = ranges.cells(row, {"start_ns", "name", "domain"});
            actual.push_back(fmt::format("{} {} {}", cells[0], cells[1], cells[2]));
            const trace::NvtxColumns& c = trace->nvtxRanges;
            expected.push_back(
                fmt::format("{} {} {}", c.start[row] - trace->time.start, trace->strings[c.text(row)], trace->strings[c.domain(row)]));
        }
        EXPECT_TRUE(test::isSame(actual, expected));
    }
}

TEST(CsvExport, NamesTheTablesThereAreWhenItIsAskedForAnother)
{
    const test::TemporaryFolder folder;
    ExportOptions options;
    options.table = "kernel";
    const auto written = exportTrace(*test::traceWithEverything(), ExportFormat::Csv, folder / "table.csv", options);
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().code, ErrorCode::BadInput);
    EXPECT_NE(written.error().text().find("kernels, memcpys, memsets"), std::string::npos) << written.error().text();
    EXPECT_FALSE(std::filesystem::exists(folder / "table.csv"));
}

} // namespace
} // namespace gantry::exporting
