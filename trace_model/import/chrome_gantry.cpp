#include "trace_model/import/chrome_gantry.h"

#include "trace_model/import/json_text.h"

#include <algorithm>
#include <map>
#include <sstream>
#include <string_view>

namespace gantry::importing {
namespace {

/// The arguments of an event by their names.
class Arguments
{
public:
    explicit Arguments(std::string_view args)
    {
        json::forEachMember(args, [&](const json::Member& member) {
            if (member.kind != json::Member::Kind::Container)
                m_values.insert_or_assign(json::unescaped(member.key), std::string(member.value));
        });
    }

    [[nodiscard]] std::string text(const std::string& name) const
    {
        const auto found = m_values.find(name);
        return found == m_values.end() ? std::string() : json::unescaped(found->second);
    }
    [[nodiscard]] std::optional<std::int64_t> number(const std::string& name) const
    {
        const auto found = m_values.find(name);
        return found == m_values.end() ? std::nullopt : json::integerOf(found->second);
    }
    /// A number of 64 bits without a sign: a Chrome trace's have one.
    [[nodiscard]] std::optional<std::uint64_t> bits(const std::string& name) const
    {
        const auto value = number(name);
        return value ? std::optional(static_cast<std::uint64_t>(*value)) : std::nullopt;
    }
    [[nodiscard]] std::uint32_t small(const std::string& name) const { return static_cast<std::uint32_t>(number(name).value_or(0)); }
    [[nodiscard]] std::optional<TimestampNs> time(const std::string& name) const
    {
        const auto value = number(name);
        return value && areEventTimes(*value, *value) ? value : std::nullopt;
    }
    [[nodiscard]] std::optional<TimeRange> range(const std::string& start, const std::string& end) const
    {
        const auto from = time(start), to = time(end);
        return from && to && *from <= *to ? std::optional(TimeRange{*from, *to}) : std::nullopt;
    }

private:
    std::map<std::string, std::string> m_values;
};

report::RequestRow requestOf(const Arguments& arguments, std::uint64_t globalTid, TextCache& texts)
{
    report::RequestRow row;
    row.requestId = arguments.bits("id").value_or(0);
    row.globalPid = globalTid & ~std::uint64_t{0xFFFFFF};
    if (const std::string client = arguments.text("client"); !client.empty())
        row.clientId = texts.id(client);
    row.model = texts.id(arguments.text("model"));
    row.version = texts.id(arguments.text("version"));
    row.start = arguments.time("start");
    row.end = arguments.time("end");
    if (row.start && row.end && *row.end < *row.start)
        row.end.reset();
    row.failed = arguments.number("failed").value_or(0) != 0;
    row.batchId = arguments.bits("batch");
    std::istringstream earlier(arguments.text("earlier batches"));
    for (std::uint64_t batch = 0; earlier >> batch;)
        row.earlierBatches.push_back(batch);
    row.parentId = arguments.bits("parent");
    for (std::size_t phase = 0; phase < row.phases.size(); ++phase) {
        const std::string name(records::name(static_cast<records::RequestPhase>(phase)));
        row.phases[phase] = arguments.range(name + " start", name + " end");
    }
    return row;
}

} // namespace

bool GantryRecords::take(const TraceEvent& event, std::uint64_t globalTid, TextCache& texts)
{
    const std::string_view kind = event.text(Text::Name);
    if (!kind.starts_with("gantry_"))
        return false;
    const Arguments arguments(event.args);
    if (kind == "gantry_request") {
        m_requests.push_back(requestOf(arguments, globalTid, texts));
    } else if (kind == "gantry_execution") {
        const auto start = arguments.time("start"), end = arguments.time("end");
        if (!start || (end && *end < *start))
            return false;
        m_executions.push_back({arguments.bits("batch").value_or(0), globalTid, texts.id(arguments.text("model")),
                                texts.id(arguments.text("version")), texts.id(arguments.text("instance")), *start, end});
    } else if (kind == "gantry_stream") {
        m_streams.push_back({std::uint64_t{arguments.small("process")} << 24, arguments.small("device"), arguments.small("context"),
                             arguments.small("stream"), arguments.text("name")});
    } else if (kind == "gantry_loss") {
        const auto severity =
            std::clamp<std::int64_t>(arguments.number("severity").value_or(0), 0, static_cast<std::int64_t>(LossSeverity::Error));
        m_losses.push_back(
            {arguments.text("name"), static_cast<LossSeverity>(severity), arguments.bits("count").value_or(0), arguments.text("help")});
    } else if (kind == "gantry_warning") {
        m_warnings.push_back(arguments.text("text"));
    } else if (kind == "gantry_window") {
        m_window = arguments.range("start", "end");
    } else {
        return false;
    }
    return true;
}

void GantryRecords::deliver(EventSink& sink, TimestampNs timeZero) const
{
    const auto move = [&](std::optional<TimestampNs>& time) {
        TimestampNs moved = 0;
        time =
            time && !__builtin_sub_overflow(*time, timeZero, &moved) && areEventTimes(moved, moved) ? std::optional(moved) : std::nullopt;
    };
    for (report::RequestRow row : m_requests) {
        move(row.start);
        move(row.end);
        for (auto& phase : row.phases) {
            if (!phase)
                continue;
            std::optional<TimestampNs> start = phase->start, end = phase->end;
            move(start);
            move(end);
            phase = start && end ? std::optional(TimeRange{*start, *end}) : std::nullopt;
        }
        sink.add(row);
    }
    for (report::ExecutionRow row : m_executions) {
        std::optional<TimestampNs> start = row.start;
        move(start);
        move(row.end);
        if (!start)
            continue;
        row.start = *start;
        sink.add(row);
    }
    for (const StreamName& stream : m_streams)
        sink.nameStream(stream.globalPid, stream.device, stream.context, stream.stream, stream.name);
    for (const Loss& loss : m_losses)
        sink.add(loss);
    sink.meta().warnings.insert(sink.meta().warnings.end(), m_warnings.begin(), m_warnings.end());
    if (m_window) {
        std::optional<TimestampNs> start = m_window->start, end = m_window->end;
        move(start);
        move(end);
        if (start && end)
            sink.setWindow({*start, *end});
    }
}

} // namespace gantry::importing
