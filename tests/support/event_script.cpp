#include "tests/support/event_script.h"

#include "tests/support/temporary_folder.h"
#include "trace_model/metrics/prometheus_text.h"
#include "trace_model/report/report_writer.h"
#include "trace_model/trace/trace_loader.h"

#include <charconv>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

namespace gantry::test {

namespace {

constexpr std::uint64_t kPid = 1000;
constexpr std::uint64_t kGlobalPid = kPid << 24;

struct OpenRange
{
    std::optional<TimestampNs> start, end;
};

/// A word that does not mean what its place asks for; caught in writeEventScript.
struct ScriptError
{
    std::string message;
};

TimestampNs number(std::string_view word)
{
    TimestampNs value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (error != std::errc() || end != word.data() + word.size())
        throw ScriptError{"'" + std::string(word) + "' is not a number"};
    return value;
}

OpenRange openRange(std::string_view word)
{
    const std::size_t dots = word.find("..");
    if (dots == std::string_view::npos)
        throw ScriptError{"'" + std::string(word) + "' is not a range"};
    OpenRange range;
    if (dots > 0)
        range.start = number(word.substr(0, dots));
    if (dots + 2 < word.size())
        range.end = number(word.substr(dots + 2));
    return range;
}

TimeRange closedRange(std::string_view word)
{
    const OpenRange range = openRange(word);
    if (!range.start || !range.end)
        throw ScriptError{"'" + std::string(word) + "' must have two ends"};
    return {*range.start, *range.end};
}

class ScriptWriter
{
public:
    explicit ScriptWriter(report::ReportWriter& writer) : m_writer(writer) {}

    void line(const std::string& text)
    {
        m_words = std::istringstream(text.substr(0, text.find('#')));
        std::string kind;
        if (!(m_words >> kind))
            return;
        if (kind == "window")
            window = closedRange(word());
        else if (kind == "process")
            m_writer.add(report::ProcessRow{kGlobalPid, static_cast<std::int64_t>(kPid), word()});
        else if (kind == "thread") {
            const std::uint64_t tid = thread();
            m_writer.addThreadName(tid, word());
        } else if (kind == "kernel")
            kernel();
        else if (kind == "memcpy")
            memcpyLine();
        else if (kind == "memset")
            memsetLine();
        else if (kind == "graph")
            graph();
        else if (kind == "api")
            api();
        else if (kind == "overhead")
            overhead();
        else if (kind == "range" || kind == "async" || kind == "mark")
            nvtx(kind);
        else if (kind == "category")
            category();
        else if (kind == "execution")
            execution();
        else if (kind == "request")
            request();
        else if (kind == "counter" || kind == "gauge")
            series(kind == "counter" ? metrics::SeriesKind::Counter : metrics::SeriesKind::Gauge);
        else
            throw ScriptError{"'" + kind + "' is no kind of event"};
    }

    TimeRange window{0, 1000};

private:
    std::string word()
    {
        std::string result;
        if (!(m_words >> result))
            throw ScriptError{"the line ends too early"};
        return result;
    }

    /// The remaining words as names, each with the word after it unless it stands alone.
    std::map<std::string, std::string> options()
    {
        std::map<std::string, std::string> result;
        std::string name;
        while (m_words >> name)
            result[name] = name == "driver" || name == "failed" ? "1" : word();
        return result;
    }

    std::uint64_t thread() { return kGlobalPid | static_cast<std::uint64_t>(number(word())); }

    /// "gpu0/stream7", or with a context "gpu0/context2/stream7".
    template <typename Row>
    void place(Row& row)
    {
        row.contextId = 1;
        row.globalPid = kGlobalPid;
        std::istringstream parts(word());
        for (std::string part; std::getline(parts, part, '/');) {
            if (part.starts_with("gpu"))
                row.deviceId = static_cast<std::uint32_t>(number(part.substr(3)));
            else if (part.starts_with("context"))
                row.contextId = static_cast<std::uint32_t>(number(part.substr(7)));
            else if (part.starts_with("stream"))
                row.streamId = static_cast<std::uint32_t>(number(part.substr(6)));
            else
                throw ScriptError{"'" + part + "' is no place on a GPU"};
        }
    }

    template <typename Row>
    void times(Row& row)
    {
        const TimeRange range = closedRange(word());
        row.start = range.start;
        row.end = range.end;
    }

    template <typename Row>
    void correlation(Row& row, const std::map<std::string, std::string>& given)
    {
        if (const auto found = given.find("corr"); found != given.end())
            row.correlationId = static_cast<std::uint32_t>(number(found->second));
    }

    void kernel()
    {
        report::KernelRow row;
        place(row);
        row.shortName = row.demangledName = m_writer.intern(word());
        times(row);
        const auto given = options();
        correlation(row, given);
        if (const auto grid = given.find("grid"); grid != given.end())
            row.grid[0] = static_cast<std::uint32_t>(number(grid->second));
        if (const auto block = given.find("block"); block != given.end())
            row.block[0] = static_cast<std::uint32_t>(number(block->second));
        m_writer.add(row);
    }

    void overhead()
    {
        report::OverheadRow row;
        row.globalTid = thread();
        row.nameId = m_writer.intern(word());
        times(row);
        m_writer.add(row);
    }

    void memcpyLine()
    {
        report::MemcpyRow row;
        place(row);
        const std::string direction = word(), host = word();
        const std::uint8_t hostKind = host == "pageable" ? 0 : host == "pinned" ? 1 : 7;
        row.copyKind = direction == "HtoD" ? 1 : direction == "DtoH" ? 2 : 8;
        row.srcKind = direction == "HtoD" ? hostKind : 2;
        row.dstKind = direction == "DtoH" ? hostKind : 2;
        times(row);
        const auto given = options();
        correlation(row, given);
        if (const auto bytes = given.find("bytes"); bytes != given.end())
            row.bytes = static_cast<std::uint64_t>(number(bytes->second));
        m_writer.add(row);
    }

    void memsetLine()
    {
        report::MemsetRow row;
        place(row);
        times(row);
        const auto given = options();
        correlation(row, given);
        if (const auto bytes = given.find("bytes"); bytes != given.end())
            row.bytes = static_cast<std::uint64_t>(number(bytes->second));
        m_writer.add(row);
    }

    void graph()
    {
        report::GraphRow row;
        place(row);
        row.graphId = static_cast<std::uint32_t>(number(word()));
        times(row);
        correlation(row, options());
        m_writer.add(row);
    }

    void api()
    {
        report::ApiRow row;
        row.globalTid = thread();
        row.nameId = m_writer.intern(word());
        times(row);
        const auto given = options();
        correlation(row, given);
        row.isDriver = given.contains("driver");
        m_writer.add(row);
    }

    void nvtx(const std::string& kind)
    {
        report::NvtxRow row;
        row.globalTid = thread();
        row.textId = m_writer.intern(word());
        if (kind == "mark") {
            row.type = report::NvtxEventType::Mark;
            row.start = number(word());
        } else {
            row.type = kind == "async" ? report::NvtxEventType::StartEndRange : report::NvtxEventType::PushPopRange;
            const OpenRange range = openRange(word());
            if (!range.start)
                throw ScriptError{"a range has a start"};
            row.start = *range.start;
            row.end = range.end;
        }
        const auto given = options();
        if (const auto payload = given.find("payload"); payload != given.end())
            row.uint64Value = static_cast<std::uint64_t>(number(payload->second));
        if (const auto domain = given.find("domain"); domain != given.end())
            row.domainId = domainOf(domain->second);
        if (const auto category = given.find("category"); category != given.end())
            row.category = static_cast<std::uint32_t>(number(category->second));
        m_writer.add(row);
    }

    void category()
    {
        report::NvtxRow row;
        row.type = report::NvtxEventType::Category;
        row.globalTid = kGlobalPid;
        row.category = static_cast<std::uint32_t>(number(word()));
        row.textId = m_writer.intern(word());
        const auto given = options();
        if (const auto domain = given.find("domain"); domain != given.end())
            row.domainId = domainOf(domain->second);
        m_writer.add(row);
    }

    void series(metrics::SeriesKind kind)
    {
        const std::string text = word();
        const auto brace = std::min(text.find('{'), text.size());
        metrics::SeriesDefinition definition{++m_seriesCount, text.substr(0, brace), "count", kind, {}, {}};
        if (brace < text.size())
            definition.labels = metrics::parseLabels(std::string_view(text).substr(brace + 1));
        m_writer.addSeries(definition);
        for (std::string sample; m_words >> sample;) {
            const auto equals = std::min(sample.find('='), sample.size() - 1);
            m_writer.addSample({definition.id, number(sample.substr(0, equals)), std::strtod(sample.c_str() + equals + 1, nullptr)});
        }
    }

    std::uint32_t domainOf(const std::string& name)
    {
        const auto [found, isNew] = m_domains.try_emplace(name, static_cast<std::uint32_t>(m_domains.size() + 1));
        if (isNew) {
            report::NvtxRow row;
            row.type = report::NvtxEventType::DomainCreate;
            row.globalTid = kGlobalPid;
            row.domainId = found->second;
            row.textId = m_writer.intern(name);
            m_writer.add(row);
        }
        return found->second;
    }

    std::pair<report::TextId, report::TextId> model()
    {
        if (word() != "model")
            throw ScriptError{"'model NAME:VERSION' is expected"};
        const std::string text = word();
        const std::size_t colon = text.find(':');
        return {m_writer.intern(text.substr(0, colon)), m_writer.intern(colon == std::string::npos ? "" : text.substr(colon + 1))};
    }

    void execution()
    {
        report::ExecutionRow row;
        row.batchId = static_cast<std::uint64_t>(number(word()));
        if (word() != "thread")
            throw ScriptError{"'thread TID' is expected"};
        row.globalTid = thread();
        std::tie(row.model, row.version) = model();
        if (word() != "instance")
            throw ScriptError{"'instance NAME' is expected"};
        row.instance = m_writer.intern(word());
        const OpenRange range = openRange(word());
        row.start = range.start.value_or(window.start);
        row.end = range.end;
        m_writer.add(row);
    }

    void request()
    {
        report::RequestRow row;
        row.globalPid = kGlobalPid;
        row.requestId = static_cast<std::uint64_t>(number(word()));
        std::tie(row.model, row.version) = model();
        const OpenRange range = openRange(word());
        row.start = range.start;
        row.end = range.end;
        for (const auto& [name, value] : options()) {
            if (name == "batch") {
                row.batchId = static_cast<std::uint64_t>(number(value));
                continue;
            }
            if (name == "failed") {
                row.failed = true;
                continue;
            }
            const auto phase = records::phaseFromName(name);
            if (!phase)
                throw ScriptError{"'" + name + "' is no phase"};
            row.phases[static_cast<std::size_t>(*phase)] = closedRange(value);
        }
        m_writer.add(row);
    }

    report::ReportWriter& m_writer;
    std::istringstream m_words;
    std::uint32_t m_seriesCount = 0;
    std::map<std::string, std::uint32_t> m_domains;
};

} // namespace

Result<void> writeEventScript(std::string_view script, const std::filesystem::path& reportPath)
{
    GANTRY_TRY(report::ReportWriter writer, report::ReportWriter::create(reportPath));
    ScriptWriter scriptWriter(writer);
    std::istringstream lines{std::string(script)};
    int lineNumber = 0;
    for (std::string line; std::getline(lines, line);) {
        ++lineNumber;
        if (line.starts_with("->")) // a query of a golden test, not an event
            continue;
        try {
            scriptWriter.line(line);
        } catch (const ScriptError& error) {
            return Error{ErrorCode::BadInput, "line " + std::to_string(lineNumber) + ": " + error.message, {}};
        }
    }
    report::ReportWriter::Session session;
    session.window = scriptWriter.window;
    return writer.finish(session);
}

std::shared_ptr<const trace::Trace> traceOf(std::string_view script)
{
    const TemporaryFolder folder;
    if (const auto written = writeEventScript(script, folder / "script.gantry"); !written)
        throw std::runtime_error(written.error().text());
    auto loaded = trace::loadTrace(folder / "script.gantry");
    if (!loaded)
        throw std::runtime_error(loaded.error().text());
    return std::move(*loaded);
}

} // namespace gantry::test
