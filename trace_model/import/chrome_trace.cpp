#include "trace_model/import/chrome_trace.h"

#include "trace_model/import/chrome_join.h"
#include "trace_model/import/chrome_scout.h"
#include "trace_model/import/json_text.h"
#include "trace_model/import/read_ahead.h"

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

namespace gantry::importing {
namespace {

constexpr std::size_t kPartsPerThread = 4; // evens out parts that take longer
constexpr unsigned kMaxThreads = 8;
constexpr std::uint64_t kUsualPacking = 16; // how much smaller gzip makes a trace
constexpr std::string_view kStage = "events";

Error cancelled()
{
    return {ErrorCode::Cancelled, "reading the trace was cancelled", {}};
}

/// Reads one file.
class Reader
{
public:
    Reader(report::ByteSource& source, EventSink& sink, const ReadControl& control, const ChromeReadOptions& options)
        : m_source(source),
          m_sink(sink),
          m_control(control),
          m_options(options),
          m_sampleEnd(source.packing() == report::Packing::None ? control.sampleBytes : control.sampleBytes / kUsualPacking),
          m_threads(options.threads > 0 ? options.threads : std::clamp(std::thread::hardware_concurrency(), 1u, kMaxThreads))
    {
    }

    Result<void> read();

private:
    struct Ends
    {
        ChromePart::Stop stop = ChromePart::Stop::TextEnded;
        std::uint64_t offset = 0;
    };
    TextWindow::Read sequentialRead(ReadAhead* ahead);
    TextWindow::Read readFrom(std::uint64_t offset);
    Result<void> readEvents(TextWindow& window);
    Result<std::optional<Ends>> readParallel(std::uint64_t eventsOffset);
    Result<void> readParts(const std::vector<std::uint64_t>& starts, std::vector<Ends>& ends);
    Result<void> checkpoint(std::uint64_t done);

    report::ByteSource& m_source;
    EventSink& m_sink;
    const ReadControl& m_control;
    const ChromeReadOptions& m_options;
    const std::uint64_t m_sampleEnd; ///< bytes of the file to read; 0: all
    const unsigned m_threads;
    std::thread::id m_caller = std::this_thread::get_id();
    TrackIds m_ids;
    ChromeContext m_context;
    ChromeReading m_reading;
    std::atomic<std::uint64_t> m_done{0}; ///< bytes read by readFrom()
};

/// Reports progress, on the thread that called, and listens to the stop token.
Result<void> Reader::checkpoint(std::uint64_t done)
{
    if (m_control.stop.stop_requested())
        return cancelled();
    if (m_control.progress && std::this_thread::get_id() == m_caller)
        m_control.progress(std::min(1.0, static_cast<double>(done) / static_cast<double>(m_source.fileBytes())), kStage);
    return {};
}

TextWindow::Read Reader::sequentialRead(ReadAhead* ahead)
{
    return [this, ahead](std::span<char> into) -> Result<std::size_t> {
        GANTRY_CHECK(checkpoint(m_source.fileBytesRead()));
        if (m_sampleEnd != 0 && m_source.fileBytesRead() >= m_sampleEnd)
            return std::size_t{0};
        return ahead ? ahead->read(into) : m_source.read(into);
    };
}

TextWindow::Read Reader::readFrom(std::uint64_t offset)
{
    return [this, offset](std::span<char> into) mutable -> Result<std::size_t> {
        GANTRY_CHECK(checkpoint(m_done.load(std::memory_order_relaxed)));
        GANTRY_TRY(const std::size_t count, m_source.readAt(offset, into));
        offset += count;
        m_done.fetch_add(count, std::memory_order_relaxed);
        return count;
    };
}

Result<void> Reader::readEvents(TextWindow& window)
{
    if (m_reading.parts.empty()) {
        m_context.timeZero = findTimeZero(window.cursor, window.end());
        m_reading.parts.push_back(std::make_unique<ChromePart>(m_sink, m_ids, m_context));
    }
    GANTRY_TRY(const ChromePart::Stop stop, m_reading.parts.back()->read(window));
    m_reading.endedInEvents = stop == ChromePart::Stop::TextEnded;
    return {};
}

Result<void> Reader::readParts(const std::vector<std::uint64_t>& starts, std::vector<Ends>& ends)
{
    std::atomic<std::size_t> next{0};
    std::mutex mutex;
    std::optional<Error> failure; // guarded by mutex
    const auto fail = [&](Error error) {
        const std::lock_guard lock(mutex);
        failure = std::move(error);
        next = starts.size();
    };
    const auto work = [&] {
        try {
            for (std::size_t i = next++; i < starts.size(); i = next++) {
                TextWindow window(readFrom(starts[i]), starts[i], m_source.fileBytes());
                const auto stop = m_reading.parts[i]->read(window, i + 1 < starts.size() ? starts[i + 1] : ChromePart::kNoLimit);
                if (!stop)
                    return fail(stop.error());
                ends[i] = {*stop, window.offsetOf(window.cursor)};
            }
        } catch (const std::exception& exception) {
            fail({ErrorCode::Internal, exception.what(), {}});
        }
    };
    {
        std::vector<std::jthread> threads;
        for (unsigned i = 1; i < m_threads; ++i)
            threads.emplace_back(work);
        work();
    }
    if (failure)
        return *failure;
    return {};
}

Result<std::optional<Reader::Ends>> Reader::readParallel(std::uint64_t eventsOffset)
{
    const std::size_t parts =
        std::min<std::size_t>((m_source.fileBytes() - eventsOffset) / m_options.partBytes, m_threads * kPartsPerThread);
    if (m_threads == 1 || parts < 2)
        return std::optional<Ends>{};
    GANTRY_TRY(ChromeSurvey found, survey(m_source, eventsOffset, parts, m_ids));
    if (!found.callingPids.empty())
        m_context.launchingPid = found.callingPids.size() == 1 ? found.callingPids.front() : 0;
    m_context.names = std::move(found.names);

    std::vector<std::uint64_t> starts{eventsOffset};
    starts.insert(starts.end(), found.starts.begin(), found.starts.end());
    for (std::size_t i = 0; i < starts.size(); ++i)
        m_reading.parts.push_back(std::make_unique<ChromePart>(m_sink, m_ids, m_context));
    std::vector<Ends> ends(starts.size());
    GANTRY_CHECK(readParts(starts, ends));
    // The list may be closed before the last part, when what follows it is long: the parts behind it found no events then.
    for (std::size_t i = 0; i < starts.size(); ++i) {
        const bool isLast = i + 1 == starts.size();
        if (ends[i].stop == ChromePart::Stop::ListClosed || isLast) {
            for (std::size_t behind = i + 1; behind < starts.size(); ++behind)
                m_reading.isCutWrong = m_reading.isCutWrong || m_reading.parts[behind]->events() > 0;
            return std::optional(ends[i]);
        }
        m_reading.isCutWrong = m_reading.isCutWrong || ends[i].offset != starts[i + 1];
    }
    return std::optional<Ends>{};
}

Result<void> Reader::read()
{
    std::optional<ReadAhead> ahead;
    std::optional<TextWindow> window;
    if (m_source.packing() != report::Packing::None)
        window.emplace(sequentialRead(&ahead.emplace(m_source)));
    else
        window.emplace(sequentialRead(nullptr), 0, m_source.fileBytes());
    ChromeOutline& outline = m_reading.outline;
    while (true) {
        GANTRY_TRY(const bool hasEvents, outline.findEvents(*window));
        if (!hasEvents)
            break;
        const bool isFirst = m_reading.parts.empty();
        if (isFirst && !ahead && m_sampleEnd == 0 && m_source.fileBytes() >= m_options.parallelFrom) {
            m_context.timeZero = findTimeZero(window->cursor, window->end());
            if (m_context.timeZero) {
                GANTRY_TRY(const std::optional<Ends> ends, readParallel(window->offsetOf(window->cursor)));
                if (ends) {
                    m_reading.endedInEvents = ends->stop == ChromePart::Stop::TextEnded;
                    window.emplace(readFrom(ends->offset), ends->offset, m_source.fileBytes());
                    continue;
                }
            }
        }
        GANTRY_CHECK(readEvents(*window));
    }
    window.reset();
    ahead.reset(); // ends its thread: from here on the source is ours
    std::uint64_t events = 0;
    for (const auto& part : m_reading.parts)
        events += part->events();
    m_reading.damage = m_source.damage();
    if (events == 0) {
        std::string message = "the file holds no events of a Chrome trace";
        if (!m_reading.damage.empty())
            message += ". " + m_reading.damage;
        else if (outline.settings().contains("schema") && m_reading.parts.empty())
            message +=
                ": it may be an execution trace, which is a graph without a timeline; export a trace with export_chrome_trace() instead";
        else
            message += "; nothing was recorded, or it is another kind of file";
        return Error{ErrorCode::NotAReport, std::move(message), {}};
    }
    joinParts(m_reading, m_ids, m_sink);
    return checkpoint(m_source.fileBytes());
}

} // namespace

Result<void> readChromeTrace(const std::filesystem::path& path, EventSink& sink, const ReadControl& control,
                             const ChromeReadOptions& options)
{
    GANTRY_TRY(const std::unique_ptr<report::ByteSource> source, report::ByteSource::open(path, options.limits));
    ImportReport& report = sink.report();
    report.file = path.filename().string();
    report.fileBytes = source->fileBytes();
    sink.meta().title = report.file;
    auto result = Reader(*source, sink, control, options).read();
    return std::move(result).context(path.string());
}

} // namespace gantry::importing
