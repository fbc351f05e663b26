#include "trace_model/import/triton_trace.h"

#include "trace_model/base/counted.h"
#include "trace_model/import/file_contents.h"
#include "trace_model/import/json_parts.h"
#include "trace_model/import/session_start.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <string>
#include <tuple>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

namespace gantry::importing {
namespace {

using records::RequestPhase;

constexpr std::string_view kBlanks = " \t\r\n";
// A server has dozens of activities, a request has few at a time, and a log is deleted after some runs. What has more is damaged
// and must not cost more than its bytes.
constexpr std::uint32_t kMostNames = 65536;
constexpr std::size_t kMostOpen = 64;
constexpr std::uint64_t kMostRuns = 4096;

/// The activities that make a request and its phases (tritonserver.h, TRITONSERVER_InferenceTraceActivity).
enum Activity : std::uint32_t { RequestStart, QueueStart, ComputeStart, ComputeInputEnd, ComputeOutputStart, ComputeEnd, RequestEnd, kCoreActivities };
constexpr std::array<std::string_view, kCoreActivities> kCoreNames = {"REQUEST_START",        "QUEUE_START", "COMPUTE_START", "COMPUTE_INPUT_END",
                                                                      "COMPUTE_OUTPUT_START", "COMPUTE_END", "REQUEST_END"};

/// Threads of the pseudo process that activities other than the core ones are shown on.
enum Lane : std::uint64_t { Http = 1, Grpc, Other, kFirstModelLane };

/// One activity of one request.
struct Stamp
{
    std::uint32_t trace = 0; ///< place of the id in m_ids
    std::uint32_t name = 0;
    TimestampNs time = 0;
};

/// What a metadata fragment says, written once for each request.
struct Metadata
{
    std::uint32_t trace = 0;
    TextId model = 0, version = 0;
    std::optional<TextId> clientId;
    std::optional<std::uint64_t> parentId;
};

/// A request with what is needed to find its batch.
struct FoundRequest
{
    report::RequestRow row;
    std::optional<TimeRange> compute;
};

/// Upper case with _ for blanks: traces of 2020 and before write "queue start".
std::string normalised(std::string_view name)
{
    std::string result;
    for (const char c : name)
        result += c == ' ' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    const std::size_t handler = result.find("REQUEST_HANDLER_");
    return handler == 0 ? "REQUEST_" + result.substr(16) : result;
}

bool startsFragment(std::string_view text)
{
    const std::size_t key = text.find_first_not_of(kBlanks, 1);
    return text.starts_with('{') && key != std::string_view::npos && text.substr(key).starts_with("\"id\"");
}

/// Splits the file into fragments. Triton does not escape strings: a quote in a request's id makes everything behind it look
/// quoted. Therefore a fragment also ends where the text `}, {"id"` follows.
class Fragments
{
public:
    explicit Fragments(std::string_view text) : m_text(text) {}

    /// The next fragment, from its brace to its end; empty: no more.
    [[nodiscard]] std::string_view next()
    {
        const std::size_t begin = m_text.find('{', m_at);
        if (begin == std::string_view::npos)
            return m_text.substr(m_at = m_text.size());
        std::size_t depth = 0;
        bool isQuoted = false;
        char before = 0, beforeThat = 0; // not blank
        std::size_t at = begin;
        for (; at < m_text.size(); ++at) {
            const char c = m_text[at];
            if (c == '{' && at > begin && before == ',' && beforeThat == '}' && startsFragment(m_text.substr(at)))
                break;
            if (isQuoted && c == '\\') {
                ++at;
            } else if (c == '"') {
                isQuoted = !isQuoted;
            } else if (!isQuoted && (c == '{' || c == '[')) {
                ++depth;
            } else if (!isQuoted && (c == '}' || c == ']') && --depth == 0) {
                ++at;
                break;
            }
            if (kBlanks.find(c) == std::string_view::npos) {
                beforeThat = before;
                before = c;
            }
        }
        m_at = std::min(at, m_text.size());
        const std::string_view fragment = m_text.substr(begin, m_at - begin);
        return fragment.substr(0, fragment.find_last_not_of(" \t\r\n,]") + 1);
    }
    [[nodiscard]] std::size_t position() const { return m_at; }

private:
    std::string_view m_text;
    std::size_t m_at = 0;
};

/// The fragment with what is in the string of `key` escaped. The string ends where the member that Triton writes next begins.
std::string escaped(std::string_view fragment, std::string_view key, std::string_view nextKey)
{
    const std::string opening = "\"" + std::string(key) + "\":\"";
    const std::size_t found = fragment.find(opening);
    if (found == std::string_view::npos)
        return std::string(fragment);
    const std::size_t begin = found + opening.size();
    std::size_t end = fragment.find("\",\"" + std::string(nextKey) + "\":", begin);
    if (end == std::string_view::npos)
        end = fragment.rfind("\"}");
    if (end == std::string_view::npos || end < begin)
        return std::string(fragment);
    std::string result(fragment.substr(0, begin));
    for (const char c : fragment.substr(begin, end - begin)) {
        if (c == '"' || c == '\\')
            result += '\\';
        result += c;
    }
    return result.append(fragment.substr(end));
}

bool isWellFormed(std::string_view object)
{
    JsonParts parts(object);
    bool isWhole = true;
    while (const auto part = parts.next())
        isWhole = isWhole && part->isWhole;
    return isWhole && parts.isClosed() && !parts.sawJunk();
}

class TritonTraceReader
{
public:
    TritonTraceReader(std::string_view text, EventSink& sink, const ReadControl& control) : m_text(text), m_sink(sink), m_control(control), m_rows(sink.rows())
    {
        for (const std::string_view name : kCoreNames)
            nameId(name);
    }

    [[nodiscard]] Result<void> read()
    {
        GANTRY_CHECK(collect());
        if (m_stamps.empty() && m_metadata.empty())
            return Error{ErrorCode::BadInput, "no request in this Triton trace: it has no timestamps, was the server run with `--trace-config level=TIMESTAMPS`?", {}};
        m_start = sessionStart(m_stamps, [](const Stamp& stamp) { return stamp.time; }).value_or(0);
        GANTRY_CHECK(groupByTrace());
        findCircles();
        GANTRY_CHECK(deliverTraces());
        findBatches();
        for (const FoundRequest& request : m_requests)
            m_sink.add(request.row);
        describe();
        return {};
    }

private:
    [[nodiscard]] Result<void> checkStop() const
    {
        if (m_control.stop.stop_requested())
            return Error{ErrorCode::Cancelled, "reading the Triton trace was cancelled", {}};
        return {};
    }

    std::uint32_t nameId(std::string_view name)
    {
        const auto [found, isNew] = m_nameIds.try_emplace(normalised(name), static_cast<std::uint32_t>(m_names.size()));
        if (isNew)
            m_names.push_back(found->first);
        return found->second;
    }

    std::uint32_t traceOf(std::uint64_t id)
    {
        const auto [found, isNew] = m_traces.try_emplace(id, static_cast<std::uint32_t>(m_ids.size()));
        if (isNew)
            m_ids.push_back(id);
        return found->second;
    }

    Result<void> collect()
    {
        Fragments fragments(m_text);
        for (std::uint64_t count = 0;; ++count) {
            if (count % 4096 == 0) {
                GANTRY_CHECK(checkStop());
                if (m_control.progress)
                    m_control.progress(static_cast<double>(fragments.position()) / static_cast<double>(std::max<std::size_t>(1, m_text.size())), "fragments");
            }
            const std::string_view fragment = fragments.next();
            if (fragment.empty())
                return {};
            if (isWellFormed(fragment)) {
                take(fragment, true);
            } else {
                const std::string repaired = escaped(escaped(fragment, "model_name", "model_version"), "request_id", "parent_id");
                const bool isRepaired = isWellFormed(repaired);
                take(repaired, isRepaired);
                (isRepaired ? m_repaired : m_damaged) += 1;
            }
        }
    }

    void take(std::string_view fragment, bool isWhole)
    {
        std::optional<std::uint64_t> id;
        Metadata metadata;
        bool hasMetadata = false, hasTensor = false;
        std::string_view timestamps;
        JsonParts parts(fragment);
        while (const auto part = parts.next()) {
            const auto integer = part->integer();
            if (part->key == "id" && integer)
                id = static_cast<std::uint64_t>(*integer);
            else if (part->key == "model_name" && part->string()) {
                metadata.model = m_sink.intern(*part->string());
                hasMetadata = true;
            } else if (part->key == "model_version" && integer && *integer >= 0) // -1: the latest, whichever that is
                metadata.version = m_sink.intern(std::to_string(*integer));
            else if (part->key == "request_id" && part->string() && !part->string()->empty())
                metadata.clientId = m_sink.intern(*part->string());
            else if (part->key == "parent_id" && integer)
                metadata.parentId = static_cast<std::uint64_t>(*integer);
            else if (part->key == "timestamps")
                timestamps = part->text;
            hasTensor = hasTensor || part->key == "tensor" || part->key == "activity";
        }
        TableTally& tally = m_sink.report().table(hasTensor ? "tensors" : hasMetadata ? "requests' metadata" : "fragments");
        if (!id)
            return tally.skip(isWhole ? "no id" : "damaged or cut off");
        metadata.trace = traceOf(*id);
        if (hasTensor)
            tally.skip("the data of tensors is not shown");
        if (hasMetadata) {
            m_metadata.push_back(metadata);
            tally.keep();
        }
        if (timestamps.empty() && !hasMetadata && !hasTensor)
            tally.skip(isWhole ? "neither model, timestamps nor tensor" : "damaged or cut off");
        takeTimestamps(metadata.trace, timestamps);
    }

    void takeTimestamps(std::uint32_t trace, std::string_view array)
    {
        TableTally& tally = m_sink.report().table("timestamps");
        JsonParts elements(array);
        while (const auto element = elements.next()) {
            std::optional<std::string> name;
            std::optional<TimestampNs> time;
            JsonParts members(element->text);
            while (const auto member = members.next()) {
                if (member->key == "name")
                    name = member->string();
                else if (member->key == "ns")
                    time = member->integer();
            }
            if (!name || !time)
                tally.skip(element->isWhole ? "no name or no number of nanoseconds" : "cut off");
            else if (m_names.size() >= kMostNames && !m_nameIds.contains(normalised(*name)))
                tally.skip("more than 65,536 kinds of activities");
            else
                m_stamps.push_back({trace, nameId(*name), *time});
        }
    }

    /// Brings the stamps and the metadata of each id together, in the order of the file.
    Result<void> groupByTrace()
    {
        const auto group = [&](auto& all, std::vector<std::size_t>& begins) -> Result<void> {
            begins.assign(m_ids.size() + 1, 0);
            for (const auto& one : all)
                ++begins[one.trace + 1];
            for (std::size_t i = 1; i < begins.size(); ++i)
                begins[i] += begins[i - 1];
            auto places = begins;
            std::remove_reference_t<decltype(all)> grouped(all.size());
            for (std::size_t i = 0; i < all.size(); ++i) {
                if (i % 65536 == 0)
                    GANTRY_CHECK(checkStop());
                grouped[places[all[i].trace]++] = all[i];
            }
            all = std::move(grouped);
            return {};
        };
        GANTRY_CHECK(group(m_stamps, m_stampBegins));
        return group(m_metadata, m_metadataBegins);
    }

    /// Takes the parents away from requests that are, through others, their own parent: nobody downstream shall walk in a circle.
    void findCircles()
    {
        enum : std::uint8_t { Unseen, OnPath, Done };
        std::vector<std::uint8_t> state(m_metadata.size(), Unseen);
        std::vector<std::size_t> path;
        m_isParent.assign(m_ids.size(), false);
        for (std::size_t first = 0; first < m_metadata.size(); ++first) {
            path.clear();
            for (std::optional<std::size_t> at = first; at && state[*at] == Unseen;) {
                state[*at] = OnPath;
                path.push_back(*at);
                const std::optional<std::size_t> parent = parentOf(*at);
                if (parent && state[*parent] == OnPath) {
                    m_metadata[*at].parentId.reset();
                    m_sink.report().table("parents").skip("the parent is, through others, its child");
                    break;
                }
                at = parent;
            }
            for (const std::size_t passed : path)
                state[passed] = Done;
        }
    }

    /// Place of the metadata of the parent, in the same run of the server.
    std::optional<std::size_t> parentOf(std::size_t metadata)
    {
        const Metadata& child = m_metadata[metadata];
        const auto trace = child.parentId ? m_traces.find(*child.parentId) : m_traces.end();
        if (trace == m_traces.end())
            return std::nullopt;
        m_isParent[trace->second] = true;
        const std::size_t parent = m_metadataBegins[trace->second] + (metadata - m_metadataBegins[child.trace]);
        return parent < m_metadataBegins[trace->second + 1] ? std::optional(parent) : std::nullopt;
    }

    Result<void> deliverTraces()
    {
        std::size_t sinceCheck = 0;
        for (std::uint32_t trace = 0; trace < m_ids.size(); ++trace) {
            sinceCheck += 1 + m_stampBegins[trace + 1] - m_stampBegins[trace];
            if (sinceCheck > 65536) {
                sinceCheck = 0;
                GANTRY_CHECK(checkStop());
            }
            deliverTrace(trace);
        }
        return {};
    }

    /// The requests that had one id: one in each run of the server.
    void deliverTrace(std::uint32_t trace)
    {
        const auto begin = m_stamps.begin() + static_cast<std::ptrdiff_t>(m_stampBegins[trace]);
        auto end = m_stamps.begin() + static_cast<std::ptrdiff_t>(m_stampBegins[trace + 1]);
        TableTally& tally = m_sink.report().table("timestamps");
        const auto isFar = [&](const Stamp& stamp) { return !sessionTime(stamp.time, m_start); };
        const auto near = std::stable_partition(begin, end, [&](const Stamp& stamp) { return !isFar(stamp); });
        tally.skip("too far from all others", static_cast<std::uint64_t>(end - near));
        std::stable_sort(begin, near, [](const Stamp& a, const Stamp& b) { return std::tie(a.time, a.name) < std::tie(b.time, b.name); });
        const auto isSame = [](const Stamp& a, const Stamp& b) { return a.time == b.time && a.name == b.name; };
        end = std::unique(begin, near, isSame);
        tally.skip("written twice", static_cast<std::uint64_t>(near - end));
        tally.keep(static_cast<std::uint64_t>(end - begin));

        const std::uint32_t recvStart = nameId("HTTP_RECV_START"), readStart = nameId("GRPC_WAITREAD_START");
        std::size_t metadata = m_metadataBegins[trace];
        const std::size_t metadataEnd = m_metadataBegins[trace + 1];
        auto at = begin;
        for (std::uint64_t run = 1; at != end || metadata < metadataEnd; ++run) {
            const auto first = at;
            bool isStarted = false;
            for (; at != end; ++at) {
                const bool isBegin = at->name == recvStart || at->name == readStart || at->name == RequestStart;
                if (isStarted && isBegin && run < kMostRuns)
                    break;
                isStarted = isStarted || at->name == RequestStart;
            }
            deliverRequest(run, m_ids[trace], trace, {first, at}, metadata < metadataEnd ? &m_metadata[metadata] : nullptr);
            ++metadata;
            // A file may say the same twice; what has no times of its own is no other request.
            if (at == end)
                break;
        }
    }

    struct Stamps
    {
        std::vector<Stamp>::const_iterator first, last;
        [[nodiscard]] auto begin() const { return first; }
        [[nodiscard]] auto end() const { return last; }
    };

    void deliverRequest(std::uint64_t run, std::uint64_t id, std::uint32_t trace, Stamps stamps, const Metadata* metadata)
    {
        const std::uint64_t globalPid = run << 24;
        m_runs = std::max(m_runs, run);
        std::array<std::optional<TimestampNs>, kCoreActivities> core;
        bool hasResponse = false;
        for (const Stamp& stamp : stamps) {
            const TimestampNs time = stamp.time - m_start;
            m_time.end = std::max(m_time.end, time);
            if (stamp.name < kCoreActivities && !core[stamp.name])
                core[stamp.name] = time;
            hasResponse = hasResponse || m_names[stamp.name] == "INFER_RESPONSE_COMPLETE";
        }
        deliverActivities(globalPid, id, stamps);

        TableTally& tally = m_sink.report().table("requests");
        if (std::none_of(core.begin(), core.end(), [](const auto& time) { return time.has_value(); }))
            return tally.skip("no times of its own");
        if (core[RequestStart] && core[RequestEnd] && *core[RequestEnd] < *core[RequestStart])
            return tally.skip("ends before it starts");
        tally.keep();
        FoundRequest request;
        request.row.requestId = id;
        request.row.globalPid = globalPid;
        request.row.start = core[RequestStart];
        request.row.end = core[RequestEnd];
        if (metadata) {
            request.row.model = metadata->model;
            request.row.version = metadata->version;
            request.row.clientId = metadata->clientId;
            request.row.parentId = metadata->parentId;
        }
        findPhases(core, request);
        const bool isExecuted = core[ComputeStart] || m_isParent[trace];
        request.row.failed = core[RequestEnd] && !core[QueueStart] && !isExecuted && !hasResponse;
        m_unexecuted += core[QueueStart] && core[RequestEnd] && !isExecuted;
        m_requests.push_back(request);
    }

    void findPhases(const std::array<std::optional<TimestampNs>, kCoreActivities>& core, FoundRequest& request)
    {
        TableTally& tally = m_sink.report().table("phases");
        const auto set = [&](RequestPhase phase, std::optional<TimestampNs> start, std::optional<TimestampNs> end) {
            if (!start || !end)
                return;
            if (*end < *start)
                return tally.skip("ends before it starts");
            request.row.phases[static_cast<std::size_t>(phase)] = TimeRange{*start, *end};
            tally.keep();
        };
        set(RequestPhase::Queue, core[QueueStart], core[ComputeStart]);
        set(RequestPhase::ComputeInput, core[ComputeStart], core[ComputeInputEnd]);
        // Back ends that do not tell about their inputs or outputs: all of it is inference.
        set(RequestPhase::ComputeInfer, core[ComputeInputEnd] ? core[ComputeInputEnd] : core[ComputeStart], core[ComputeOutputStart] ? core[ComputeOutputStart] : core[ComputeEnd]);
        set(RequestPhase::ComputeOutput, core[ComputeOutputStart], core[ComputeEnd]);
        if (core[ComputeStart] && core[ComputeEnd] && *core[ComputeStart] <= *core[ComputeEnd])
            request.compute = TimeRange{*core[ComputeStart], *core[ComputeEnd]};
    }

    /// X_START and X_END as a range X, everything else as a mark.
    void deliverActivities(std::uint64_t globalPid, std::uint64_t id, Stamps stamps)
    {
        const TextId domain = m_sink.intern("Triton");
        std::vector<std::pair<std::string_view, const Stamp*>> open;
        const auto threadOf = [&](std::string_view name) {
            return globalPid | (name.starts_with("HTTP_") ? Lane::Http : name.starts_with("GRPC_") ? Lane::Grpc : Lane::Other);
        };
        const auto mark = [&](const Stamp& stamp) {
            m_rows.add(MarkRow{stamp.time - m_start, threadOf(m_names[stamp.name]), m_sink.intern(m_names[stamp.name]), domain, 0, 0, id});
        };
        for (const Stamp& stamp : stamps) {
            const std::string_view name = m_names[stamp.name];
            if (stamp.name < kCoreActivities)
                continue;
            const std::string_view stem = name.ends_with("_START") ? name.substr(0, name.size() - 6) : name.ends_with("_END") ? name.substr(0, name.size() - 4) : name;
            const auto started = std::find_if(open.rbegin(), open.rend(), [&](const auto& candidate) { return candidate.first == stem; });
            if (name.ends_with("_START")) {
                if (open.size() == kMostOpen) {
                    mark(*open.front().second);
                    open.erase(open.begin());
                }
                open.emplace_back(stem, &stamp);
            } else if (name.ends_with("_END") && started != open.rend()) {
                RangeRow range;
                range.start = started->second->time - m_start;
                range.end = stamp.time - m_start;
                range.globalTid = threadOf(name);
                range.textId = m_sink.intern(stem);
                range.domainId = domain;
                range.payload = id;
                range.isStartEnd = true; // of many requests at the same time
                m_rows.add(range);
                open.erase(std::next(started).base());
            } else {
                mark(stamp);
            }
        }
        for (const auto& [stem, stamp] : open)
            mark(*stamp);
    }

    /// Requests of one model whose computation began and ended at the same nanoseconds were one batch.
    void findBatches()
    {
        std::vector<FoundRequest*> computed;
        for (FoundRequest& request : m_requests)
            if (request.compute)
                computed.push_back(&request);
        const auto key = [](const FoundRequest* request) {
            return std::tuple(request->row.globalPid, request->row.model, request->row.version, request->compute->start, request->compute->end);
        };
        std::sort(computed.begin(), computed.end(), [&](const FoundRequest* a, const FoundRequest* b) { return std::pair(key(a), a) < std::pair(key(b), b); });
        std::unordered_map<TextId, std::uint64_t> lanes;
        for (std::size_t i = 0; i < computed.size();) {
            std::size_t last = i + 1;
            while (last < computed.size() && key(computed[last]) == key(computed[i]))
                ++last;
            if (last - i > 1) {
                const report::RequestRow& row = computed[i]->row;
                report::ExecutionRow batch;
                batch.batchId = ++m_batches;
                batch.globalTid = row.globalPid | (Lane::kFirstModelLane + lanes.try_emplace(row.model, lanes.size()).first->second);
                batch.model = row.model;
                batch.version = row.version;
                batch.start = computed[i]->compute->start;
                batch.end = computed[i]->compute->end;
                m_sink.add(batch);
                for (; i < last; ++i)
                    computed[i]->row.batchId = batch.batchId;
            }
            i = last;
        }
    }

    void describe()
    {
        TraceMeta& meta = m_sink.meta();
        meta.format = "triton-trace";
        meta.producer = "Triton Inference Server";
        meta.targetName = "Triton";
        meta.sessionMonotonicNs = m_start;
        ImportReport& report = m_sink.report();
        report.format = "Triton request trace";
        report.producer = meta.producer;
        report.time = m_time;
        report.clock = "Times are the server's monotonic clock, which counts from its host's boot; the file has no wall clock. Time 0 is the first time in the file.";
        for (std::uint64_t run = 1; run <= m_runs; ++run) {
            m_sink.nameProcess(run << 24, m_runs == 1 ? "Triton" : "Triton, run " + std::to_string(run));
            m_sink.nameThread(run << 24 | Lane::Http, "HTTP");
            m_sink.nameThread(run << 24 | Lane::Grpc, "gRPC");
            m_sink.nameThread(run << 24 | Lane::Other, "activities");
        }
        if (m_damaged > 0)
            meta.spoil("pieces of the file are damaged or cut off");
        const auto warn = [&](std::uint64_t count, std::string_view noun, std::string_view sentence) {
            if (count > 0)
                meta.warnings.push_back(fmt::format("{} {}", counted(count, noun), sentence));
        };
        warn(m_damaged, "piece", "of the file damaged or cut off: what could be read is shown.");
        warn(m_repaired, "piece", "of the file with quotes or backslashes that the server did not escape, which was repaired.");
        warn(m_unexecuted, "request",
             "queued and answered without being computed: from the response cache, or refused. The file does not tell which.");
        warn(m_runs > 1 ? m_runs : 0, "run", "of the server are in the file (its request ids start again), shown as processes.");
    }

    std::string_view m_text;
    EventSink& m_sink;
    const ReadControl& m_control;
    RowSink& m_rows;
    std::unordered_map<std::string, std::uint32_t> m_nameIds;
    std::vector<std::string> m_names;
    std::unordered_map<std::uint64_t, std::uint32_t> m_traces; ///< place in m_ids by id
    std::vector<std::uint64_t> m_ids;
    std::vector<Stamp> m_stamps;
    std::vector<Metadata> m_metadata;
    std::vector<std::size_t> m_stampBegins, m_metadataBegins; ///< of each id; one more
    std::vector<bool> m_isParent;
    std::vector<FoundRequest> m_requests;
    TimestampNs m_start = 0;
    TimeRange m_time;
    std::uint64_t m_runs = 0, m_batches = 0, m_damaged = 0, m_repaired = 0, m_unexecuted = 0;
};

} // namespace

Result<void> readTritonTrace(const std::filesystem::path& path, EventSink& sink, const ReadControl& control)
{
    GANTRY_TRY(const FileContents contents, readWhole(path, control));
    describeFile(path, contents, sink);
    return parseTritonTrace(contents.text, sink, control).context(path.string());
}

Result<void> parseTritonTrace(std::string_view text, EventSink& sink, const ReadControl& control)
{
    return TritonTraceReader(text, sink, control).read();
}

} // namespace gantry::importing
