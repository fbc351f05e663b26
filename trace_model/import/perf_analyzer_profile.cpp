#include "trace_model/import/perf_analyzer_profile.h"

#include "trace_model/base/counted.h"
#include "trace_model/import/file_contents.h"
#include "trace_model/import/json_parts.h"
#include "trace_model/import/session_start.h"

#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <fmt/format.h>

namespace gantry::importing {
namespace {

constexpr std::uint64_t kGlobalPid = std::uint64_t{1} << 24;
constexpr std::uint64_t kMarksThread = kGlobalPid | 1;
constexpr std::size_t kRequestsBetweenChecks = 256;

struct Request
{
    std::uint32_t experiment = 0;
    bool hasEmptyEnd = false;         ///< the last response carries no token
    TimestampNs sent = 0;
    std::size_t firstResponse = 0;    ///< in m_responses
    std::size_t responses = 0;
    std::optional<TextId> clientId;
};

struct Experiment
{
    std::string load; ///< "concurrency 8"
    std::vector<TimestampNs> boundaries;
};

/// Whether a response holds nothing: the one that ends a stream.
bool isEmptyResponse(const JsonPart& response)
{
    JsonParts members(response.text);
    while (const auto member = members.next())
        if (const auto text = member->string(); !text || (!text->empty() && text->find("[DONE]") == std::string::npos))
            return false;
    return response.isObject();
}

class ProfileReader
{
public:
    ProfileReader(std::string_view text, EventSink& sink, const ReadControl& control) : m_text(text), m_sink(sink), m_control(control), m_rows(sink.rows()) {}

    [[nodiscard]] Result<void> read()
    {
        GANTRY_CHECK(collect());
        if (m_requests.empty())
            return m_isClosed ? Error{ErrorCode::BadInput, "this profile of perf_analyzer has no requests: was the measurement ended before its first result?", {}}
                              : Error{ErrorCode::Truncated, "this profile of perf_analyzer ends before its first whole request: fetch or measure it again", {}};
        m_start = *sessionStart(m_requests, [](const Request& request) { return request.sent; });
        GANTRY_CHECK(deliverRequests());
        deliverMarks();
        describe();
        return {};
    }

private:
    /// Reports where the reader is in the text, and says whether it was asked to stop.
    [[nodiscard]] Result<void> checkStop(const char* at) const
    {
        if (m_control.stop.stop_requested())
            return Error{ErrorCode::Cancelled, "reading perf_analyzer's profile was cancelled", {}};
        if (m_control.progress && at)
            m_control.progress(static_cast<double>(at - m_text.data()) / static_cast<double>(std::max<std::size_t>(1, m_text.size())), "requests");
        return {};
    }

    Result<void> collect()
    {
        JsonParts members(m_text.substr(std::min(m_text.find('{'), m_text.size())));
        while (const auto member = members.nextUnscanned()) {
            if (member->key == "experiments" && member->isArray()) {
                GANTRY_TRY(const std::size_t length, collectExperiments(member->text));
                members.skip(length);
            } else if (member->key == "version" || member->key == "service_kind" || member->key == "endpoint") {
                m_settings[std::string(member->key)] = member->string().value_or("");
            }
        }
        m_isClosed = members.isClosed();
        return {};
    }

    /// Gives the length of the array.
    Result<std::size_t> collectExperiments(std::string_view array)
    {
        JsonParts experiments(array);
        while (const auto experiment = experiments.nextUnscanned()) {
            if (!experiment->isObject()) {
                m_sink.report().table("experiments").skip("not an object");
                continue;
            }
            m_sink.report().table("experiments").keep();
            m_experiments.emplace_back();
            JsonParts members(experiment->text);
            while (const auto member = members.nextUnscanned()) {
                if (member->key == "requests" && member->isArray()) {
                    GANTRY_TRY(const std::size_t length, collectRequests(member->text));
                    members.skip(length);
                } else if (member->key == "experiment") {
                    m_experiments.back().load = loadOf(member->text);
                } else if (member->key == "window_boundaries") {
                    JsonParts boundaries(member->text);
                    while (const auto boundary = boundaries.next())
                        if (const auto time = boundary->integer())
                            m_experiments.back().boundaries.push_back(*time);
                }
            }
            experiments.skip(members.position());
        }
        return experiments.position();
    }

    Result<std::size_t> collectRequests(std::string_view array)
    {
        JsonParts requests(array);
        for (std::size_t count = 0;; ++count) {
            if (count % kRequestsBetweenChecks == 0)
                GANTRY_CHECK(checkStop(array.data() + requests.position()));
            const auto request = requests.next();
            if (!request)
                return requests.position();
            collectRequest(*request);
        }
    }

    void collectRequest(const JsonPart& part)
    {
        TableTally& tally = m_sink.report().table("requests");
        Request request;
        request.experiment = static_cast<std::uint32_t>(m_experiments.size() - 1);
        request.firstResponse = m_responses.size();
        std::optional<TimestampNs> sent;
        bool hasResponses = false;
        JsonParts members(part.text);
        while (const auto member = members.next()) {
            if (member->key == "timestamp")
                sent = member->integer();
            else if (member->key == "sequence_id" && member->integer())
                request.clientId = m_sink.intern("sequence " + std::to_string(*member->integer()));
            else if (member->key == "response_timestamps")
                hasResponses = member->isWhole && takeResponses(member->text);
            else if (member->key == "response_outputs")
                request.hasEmptyEnd = endsEmpty(member->text);
            else if (member->key == "request_inputs" && m_model.empty() && m_requests.size() < 16)
                m_model = modelOf(member->text);
        }
        request.responses = m_responses.size() - request.firstResponse;
        const auto responses = m_responses.begin() + static_cast<std::ptrdiff_t>(request.firstResponse);
        std::sort(responses, m_responses.end());
        const bool isEarly = sent && request.responses > 0 && *responses < *sent;
        if (!sent || !hasResponses || isEarly) {
            m_responses.resize(request.firstResponse);
            return tally.skip(!part.isWhole ? "cut off" : isEarly ? "a response before the request was sent" : "no time sent or no list of responses");
        }
        request.sent = *sent;
        m_requests.push_back(request);
    }

    /// False: not an array of numbers.
    bool takeResponses(std::string_view array)
    {
        JsonParts times(array);
        while (const auto time = times.next()) {
            const auto value = time->integer();
            if (!value)
                return false;
            m_responses.push_back(*value);
        }
        return array.starts_with('[');
    }

    static bool endsEmpty(std::string_view array)
    {
        JsonParts outputs(array);
        std::optional<JsonPart> last;
        while (const auto output = outputs.next())
            last = output;
        return last && isEmptyResponse(*last);
    }

    /// The model that an OpenAI request names, in its payload (a text of JSON) or itself.
    static std::string modelOf(std::string_view inputs)
    {
        const auto payload = jsonMember(inputs, "payload");
        const auto text = payload ? payload->string() : std::nullopt;
        const auto model = jsonMember(text ? std::string_view(*text) : inputs, "model");
        return model ? model->string().value_or("") : "";
    }

    static std::string loadOf(std::string_view object)
    {
        const auto mode = jsonMember(object, "mode"), value = jsonMember(object, "value");
        std::string load = mode ? mode->string().value_or("") : "";
        std::replace(load.begin(), load.end(), '_', ' ');
        if (value && value->number()) {
            std::string digits = std::to_string(*value->number());
            digits.erase(digits.find_last_not_of('0') + 1);
            load += " " + (digits.ends_with('.') ? digits.substr(0, digits.size() - 1) : digits);
        }
        return load.empty() ? "experiment" : load;
    }

    /// What stands in the place of the model: the loads tell several experiments apart.
    TextId modelText(const Experiment& experiment)
    {
        if (m_experiments.size() > 1)
            return m_sink.intern(experiment.load);
        if (!m_model.empty())
            return m_sink.intern(m_model);
        const std::string& endpoint = m_settings["endpoint"];
        return m_sink.intern(endpoint.empty() ? experiment.load : endpoint);
    }

    [[nodiscard]] bool isWarmUp(const Request& request) const
    {
        const std::vector<TimestampNs>& boundaries = m_experiments[request.experiment].boundaries;
        if (boundaries.empty())
            return false;
        const auto [first, last] = std::minmax_element(boundaries.begin(), boundaries.end());
        return request.sent < *first || request.sent > *last;
    }

    Result<void> deliverRequests()
    {
        const bool isStreaming =
            std::any_of(m_requests.begin(), m_requests.end(), [](const Request& request) { return request.responses - (request.hasEmptyEnd ? 1 : 0) > 1 && request.responses > 1; });
        std::uint32_t firstToken = 0, interToken = 0;
        if (isStreaming) {
            firstToken = m_sink.define({"time to first token", "ms", "perf_analyzer", "response_timestamps"});
            interToken = m_sink.define({"inter-token latency", "ms", "perf_analyzer", "response_timestamps"});
        }
        std::vector<TextId> models;
        for (const Experiment& experiment : m_experiments)
            models.push_back(modelText(experiment));
        TableTally& tally = m_sink.report().table("requests");
        std::uint64_t requestId = 0;
        for (const Request& request : m_requests) {
            if (++requestId % kRequestsBetweenChecks == 0)
                GANTRY_CHECK(checkStop(nullptr));
            const auto start = sessionTime(request.sent, m_start);
            const auto* responses = m_responses.data() + request.firstResponse;
            const auto end = request.responses > 0 ? sessionTime(responses[request.responses - 1], m_start) : std::nullopt;
            if (!start || (request.responses > 0 && !end)) {
                tally.skip("too far from all others");
                continue;
            }
            tally.keep();
            m_warmUp += isWarmUp(request);
            m_failed += !end;
            report::RequestRow row;
            row.requestId = requestId;
            row.globalPid = kGlobalPid;
            row.clientId = request.clientId;
            row.model = models[request.experiment];
            row.start = *start;
            row.end = end;
            row.failed = !end;
            m_sink.add(row);
            m_time.end = std::max({m_time.end, *start, end.value_or(0)});
            if (!isStreaming || !end)
                continue;
            constexpr double kNsPerMs = 1e6;
            m_rows.add(CounterSample{firstToken, responses[0] - m_start, static_cast<double>(responses[0] - request.sent) / kNsPerMs});
            const std::size_t tokens = request.responses - (request.hasEmptyEnd ? 1 : 0);
            for (std::size_t i = 1; i < tokens; ++i)
                m_rows.add(CounterSample{interToken, responses[i] - m_start, static_cast<double>(responses[i] - responses[i - 1]) / kNsPerMs});
        }
        return {};
    }

    void deliverMarks()
    {
        m_sink.nameProcess(kGlobalPid, "perf_analyzer");
        m_sink.nameThread(kMarksThread, "experiments");
        const auto mark = [&](TimestampNs time, const std::string& text) {
            if (const auto inSession = sessionTime(time, m_start))
                m_rows.add(MarkRow{*inSession, kMarksThread, m_sink.intern(text)});
        };
        std::vector<std::optional<TimestampNs>> begins(m_experiments.size());
        for (const Request& request : m_requests)
            if (auto& begin = begins[request.experiment]; !begin || request.sent < *begin)
                begin = request.sent;
        for (std::size_t i = 0; i < m_experiments.size(); ++i) {
            if (m_experiments.size() > 1 && begins[i])
                mark(*begins[i], m_experiments[i].load);
            for (const TimestampNs boundary : m_experiments[i].boundaries)
                mark(boundary, "measurement window");
        }
    }

    void describe()
    {
        TraceMeta& meta = m_sink.meta();
        meta.format = "perf-analyzer";
        meta.producer = m_settings["version"].empty() ? "perf_analyzer" : "perf_analyzer " + m_settings["version"];
        meta.targetName = m_model;
        meta.sessionUtcNs = m_start;
        for (const auto& [name, value] : m_settings)
            if (!value.empty())
                meta.settings[name] = value;
        ImportReport& report = m_sink.report();
        report.format = "perf_analyzer profile";
        report.producer = meta.producer;
        report.time = m_time;
        report.clock = "Times are the client's wall clock (UTC). Time 0 is when the first request was sent.";
        if (!m_isClosed) {
            meta.spoil("the file ends too early");
            meta.warnings.push_back("The file ends too early: the requests before that are shown. Fetch it again.");
        }
        if (m_warmUp > 0)
            meta.warnings.push_back(
                fmt::format("Of {}, {} sent outside the measurement windows (warm-up and the end), which are shown, and which "
                            "perf_analyzer's own figures leave out.",
                            counted(m_requests.size(), "request"), m_warmUp));
        if (m_failed > 0)
            meta.warnings.push_back(counted(m_failed, "request") + " without a response.");
    }

    std::string_view m_text;
    EventSink& m_sink;
    const ReadControl& m_control;
    RowSink& m_rows;
    std::vector<Experiment> m_experiments;
    std::vector<Request> m_requests;
    std::vector<TimestampNs> m_responses;
    std::map<std::string, std::string> m_settings;
    std::string m_model;
    TimestampNs m_start = 0;
    TimeRange m_time;
    std::uint64_t m_warmUp = 0, m_failed = 0;
    bool m_isClosed = false;
};

} // namespace

Result<void> readPerfAnalyzerProfile(const std::filesystem::path& path, EventSink& sink, const ReadControl& control)
{
    GANTRY_TRY(const FileContents contents, readWhole(path, control));
    describeFile(path, contents, sink);
    return parsePerfAnalyzerProfile(contents.text, sink, control).context(path.string());
}

Result<void> parsePerfAnalyzerProfile(std::string_view text, EventSink& sink, const ReadControl& control)
{
    return ProfileReader(text, sink, control).read();
}

} // namespace gantry::importing
