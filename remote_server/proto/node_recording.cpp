#include "remote_server/proto/node_recording.h"

#include "remote_server/proto/convert.h"
#include "remote_server/proto/convert_management.h"
#include "trace_model/base/new_file.h"
#include "trace_model/exporting/export_format.h"
#include "trace_model/exporting/text_output.h"
#include "trace_model/import/file_contents.h"

#include <google/protobuf/util/json_util.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <set>
#include <string_view>
#include <sys/stat.h>

namespace gantry::proto {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

constexpr char kFormat[] = "gantry-node-recording";
constexpr char kMainFile[] = "recording.json";
constexpr char kMetricsFile[] = "metrics.jsonl.gz";
constexpr char kLogFile[] = "log.jsonl.gz";
constexpr char kBlanks[] = " \t\r\n";
constexpr std::uint64_t kLargestFile = 256 << 20;

template <typename Message>
json toJson(const Message& message)
{
    google::protobuf::util::JsonPrintOptions options;
    options.preserve_proto_field_names = true;
    std::string text;
    (void)google::protobuf::util::MessageToJsonString(message, &text, options); // cannot fail for messages without Any
    return json::parse(text);
}

/// Throws json::exception, as all that reads JSON here.
template <typename Message>
auto fromJson(const json& document)
{
    google::protobuf::util::JsonParseOptions options;
    options.ignore_unknown_fields = true;
    Message message;
    const auto status = google::protobuf::util::JsonStringToMessage(document.dump(), &message, options);
    if (!status.ok())
        throw json::other_error::create(501, std::string(status.message()), &document);
    return fromWire(message);
}

std::string dump(const json& document, int indent = -1)
{
    return document.dump(indent, ' ', false, json::error_handler_t::replace);
}

json mainDocument(const NodeRecording& recording)
{
    json targets = json::array(), models = json::array(), series = json::array(), reports = json::array();
    for (const Target& target : recording.targets)
        targets.push_back(toJson(toWire(target)));
    for (const RecordedModel& model : recording.models)
        models.push_back({{"target", model.targetId},
                          {"model", toJson(toWire(model.info))},
                          {"config", model.config ? toJson(toWire(*model.config)) : json()}});
    for (const metrics::SeriesDefinition& definition : recording.series)
        series.push_back(toJson(toWire(definition)));
    for (const RecordedReport& report : recording.reports)
        reports.push_back({{"file", report.file}, {"target", report.targetName}});
    return {{"format", kFormat},
            {"version", kRecordingVersion},
            {"title", recording.title},
            {"recorded_utc_ns", recording.recordedUtcNs},
            {"length_ns", recording.lengthNs},
            {"node", toJson(toWire(recording.node))},
            {"readiness", recording.readiness ? toJson(toWire(*recording.readiness)) : json()},
            {"processes", recording.processes ? toJson(toWire(*recording.processes)) : json()},
            {"targets", targets},
            {"models", models},
            {"series", series},
            {"reports", reports}};
}

Result<void> writeMetrics(const fs::path& path, const NodeRecording& recording)
{
    exporting::ExportOptions options;
    options.access = FileAccess::OwnerOnly;
    GANTRY_TRY(auto out, exporting::TextOutput::create(path, options, 1));
    const auto& samples = recording.samples;
    for (std::size_t i = 0; i < samples.size();) {
        const TimestampNs time = samples[i].time;
        out << "{\"t_ns\":" << time << ",\"v\":[";
        for (bool isFirst = true; i < samples.size() && samples[i].time == time; ++i, isFirst = false)
            out << (isFirst ? "[" : ",[") << samples[i].seriesId << ',' << samples[i].value << ']';
        out << "]}\n";
    }
    return out.finish();
}

Result<void> writeLog(const fs::path& path, const NodeRecording& recording)
{
    exporting::ExportOptions options;
    options.access = FileAccess::OwnerOnly;
    GANTRY_TRY(auto out, exporting::TextOutput::create(path, options, 1));
    for (const RecordedLine& line : recording.log)
        out << dump({{"t_ns", line.offsetNs}, {"target", line.targetId}, {"text", line.text}}) << '\n';
    return out.finish();
}

Error badFile(const fs::path& path, const std::string& what)
{
    return {ErrorCode::BadInput, path.string() + " " + what + ": record the session again with `gantryctl node record`", {}};
}

Result<std::string> readText(const fs::path& path)
{
    auto contents = importing::readWhole(path, {}, kLargestFile);
    if (!contents)
        return contents.error();
    if (!contents->damage.empty())
        return badFile(path, "is damaged (" + contents->damage + ")");
    return std::move(contents->text);
}

/// Calls `take` with each line's document. Errors name the line.
Result<void> readLines(const fs::path& path, const std::function<void(const json&)>& take)
{
    GANTRY_TRY(const std::string text, readText(path));
    std::size_t number = 0;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\n', begin), text.size());
        ++number;
        try {
            if (end > begin)
                take(json::parse(std::string_view(text).substr(begin, end - begin)));
        } catch (const json::exception& exception) {
            return badFile(path, "cannot be read in line " + std::to_string(number) + " (" + exception.what() + ")");
        }
        begin = end + 1;
    }
    return {};
}

void readMain(const json& document, NodeRecording& recording)
{
    document.at("title").get_to(recording.title);
    document.at("recorded_utc_ns").get_to(recording.recordedUtcNs);
    document.at("length_ns").get_to(recording.lengthNs);
    recording.node = fromJson<v1::NodeInfo>(document.at("node"));
    if (const auto readiness = document.find("readiness"); readiness != document.end() && !readiness->is_null())
        recording.readiness = fromJson<v1::ReadinessReport>(*readiness);
    if (const auto processes = document.find("processes"); processes != document.end() && !processes->is_null())
        recording.processes = fromJson<v1::ListProcessesReply>(*processes);
    for (const json& target : document.at("targets"))
        recording.targets.push_back(fromJson<v1::Target>(target));
    for (const json& model : document.at("models")) {
        RecordedModel recorded{model.at("target"), fromJson<v1::ModelInfo>(model.at("model")), {}};
        if (!model.at("config").is_null())
            recorded.config = fromJson<v1::ModelConfigText>(model.at("config"));
        recording.models.push_back(std::move(recorded));
    }
    for (const json& series : document.at("series"))
        recording.series.push_back(fromJson<v1::SeriesDefinition>(series));
    for (const json& report : document.at("reports"))
        recording.reports.push_back({report.at("file"), report.at("target")});
}

Result<void> readMetrics(const fs::path& path, NodeRecording& recording)
{
    std::set<std::uint32_t> known;
    for (const metrics::SeriesDefinition& definition : recording.series)
        known.insert(definition.id);
    std::string wrong;
    GANTRY_CHECK(readLines(path, [&](const json& line) {
        const TimestampNs time = line.at("t_ns");
        if (time < 0 || time > recording.lengthNs || (!recording.samples.empty() && time < recording.samples.back().time))
            wrong = "has a time out of order";
        for (const json& value : line.at("v")) {
            recording.samples.push_back({value.at(0), time, value.at(1)});
            if (!known.contains(recording.samples.back().seriesId))
                wrong = "has a sample of a series that recording.json does not define";
        }
        if (recording.samples.size() > kMostRecordedSamples)
            wrong = "has too many samples";
    }));
    return wrong.empty() ? Result<void>() : badFile(path, wrong);
}

Result<void> readLog(const fs::path& path, NodeRecording& recording)
{
    std::string wrong;
    GANTRY_CHECK(readLines(path, [&](const json& line) {
        RecordedLine read{line.at("t_ns"), line.at("target"), line.at("text")};
        if (read.offsetNs < 0 || read.offsetNs > recording.lengthNs ||
            (!recording.log.empty() && read.offsetNs < recording.log.back().offsetNs))
            wrong = "has a time out of order";
        if (recording.log.size() >= kMostRecordedLines)
            wrong = "has too many lines";
        else
            recording.log.push_back(std::move(read));
    }));
    return wrong.empty() ? Result<void>() : badFile(path, wrong);
}

/// Packed by hand, as a recording is before it is passed on.
Result<void> findReport(const fs::path& folder, RecordedReport& report)
{
    std::error_code ignored;
    for (const char* packing : {"", ".zst", ".gz"})
        if (fs::is_regular_file(folder / (report.file + packing), ignored)) {
            report.file += packing;
            return {};
        }
    return Error{ErrorCode::NotFound,
                 "there is no report " + (folder / report.file).string() + ", which the recording names: copy the whole folder",
                 {}};
}

Result<void> checkBounds(const NodeRecording& recording)
{
    std::size_t bytes = 0;
    for (const RecordedLine& line : recording.log)
        bytes += line.text.size();
    const char* beyond = recording.lengthNs <= 0 || recording.lengthNs > kLongestRecordingNs
                             ? "a length that is not between 0 and 10 minutes"
                         : recording.samples.size() > kMostRecordedSamples                 ? "too many samples"
                         : recording.log.size() > kMostRecordedLines                       ? "too many lines of logs"
                         : bytes > kMostRecordedLogBytes                                   ? "too much text of logs"
                         : recording.title.find_first_not_of(kBlanks) == std::string::npos ? "no title"
                                                                                           : nullptr;
    if (beyond)
        return Error{ErrorCode::BadInput,
                     std::string("the recording has ") + beyond + ", so that it could not be played: record a shorter time",
                     {}};
    return {};
}

} // namespace

Result<void> makeRecordingFolder(const fs::path& folder)
{
    std::error_code error;
    if (folder.has_parent_path())
        fs::create_directories(folder.parent_path(), error);
    if (error || (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST))
        return errnoError(error ? error.value() : errno, "cannot make the folder " + folder.string());
    return {};
}

Result<void> writeRecording(const fs::path& folder, const NodeRecording& recording)
{
    GANTRY_CHECK(checkBounds(recording));
    GANTRY_CHECK(makeRecordingFolder(folder));
    GANTRY_CHECK(writeMetrics(folder / kMetricsFile, recording));
    GANTRY_CHECK(writeLog(folder / kLogFile, recording));
    GANTRY_TRY(auto file, NewFile::create(folder / kMainFile));
    GANTRY_CHECK(file.write(dump(mainDocument(recording), 1) + "\n"));
    return file.publish();
}

Result<NodeRecording> readRecording(const fs::path& folder)
{
    NodeRecording recording;
    std::error_code ignored;
    if (!fs::is_regular_file(folder / kMainFile, ignored))
        return Error{ErrorCode::NotFound,
                     folder.string() + " is no recording of a node, it has no " + kMainFile + ": `gantryctl node record -o DIR` makes one",
                     {}};
    GANTRY_TRY(const std::string text, readText(folder / kMainFile));
    try {
        const json document = json::parse(text);
        if (document.at("format") != kFormat)
            return badFile(folder / kMainFile, "is of something else");
        if (const int version = document.at("version"); version != kRecordingVersion)
            return Error{ErrorCode::UnsupportedVersion,
                         "the recording " + folder.string() + " has version " + std::to_string(version) + ", this program reads " +
                             std::to_string(kRecordingVersion) + ": use the Gantry that made it, or a newer one",
                         {}};
        readMain(document, recording);
    } catch (const json::exception& exception) {
        return badFile(folder / kMainFile, std::string("cannot be read (") + exception.what() + ")");
    }
    if (recording.title.find_first_not_of(kBlanks) == std::string::npos) // its node would pass for a real one
        return badFile(folder / kMainFile, "has no title");
    if (recording.lengthNs <= 0 || recording.lengthNs > kLongestRecordingNs)
        return badFile(folder / kMainFile, "has a length that is not between 0 and 10 minutes");
    GANTRY_CHECK(readMetrics(folder / kMetricsFile, recording));
    GANTRY_CHECK(readLog(folder / kLogFile, recording));
    for (RecordedReport& report : recording.reports)
        GANTRY_CHECK(findReport(folder, report));
    return recording;
}

} // namespace gantry::proto
