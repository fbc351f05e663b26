#include "trace_model/import/chrome_join.h"

#include "trace_model/base/counted.h"
#include "trace_model/import/json_text.h"

#include <algorithm>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace gantry::importing {
namespace {

// Times of ns since 1970 that lie between 1980 and 2116: what counts from an arbitrary point lies below.
constexpr std::int64_t kFirstEpochNs = 315'532'800'000'000'000, kLastEpochNs = 4'600'000'000'000'000'000;

constexpr std::uint64_t globalPidOf(std::uint64_t globalTid)
{
    return globalTid & ~std::uint64_t{0xFFFFFF};
}
constexpr std::uint32_t pidOf(std::uint64_t globalTid)
{
    return static_cast<std::uint32_t>(globalTid >> 24);
}
constexpr std::uint32_t tidOf(std::uint64_t globalTid)
{
    return static_cast<std::uint32_t>(globalTid & 0xFFFFFF);
}

/// Pairs what the parts could not pair, in file order, and delivers ranges that never ended.
void joinPairs(std::vector<std::unique_ptr<ChromePart>>& parts, RangePairs& (ChromeRows::*pairsOf)(), bool isAsync)
{
    // A begin is counted in the part that it was met in: its category goes with the part's number.
    struct Place
    {
        std::size_t part, category;
    };
    std::vector<Place> places;
    RangePairs all;
    for (std::size_t i = 0; i < parts.size(); ++i) {
        ChromeRows& rows = parts[i]->rows();
        RangePairs pairs = std::move((rows.*pairsOf)());
        pairs.forEachOpenToChange([&](RangePairs::Begin& begin) {
            places.push_back({i, begin.category});
            begin.category = places.size() - 1;
        });
        const auto paired = [&](const RangePairs::Begin& begin, const RangePairs::End& end) {
            const Place& place = places[begin.category];
            EventCategory& beginCategory = parts[place.part]->rows().categories().at(place.category);
            EventCategory& endCategory = rows.categories().at(end.category);
            if (end.time < begin.time) {
                beginCategory.skip(SkipReason::EndBeforeBegin);
                endCategory.skip(SkipReason::EndBeforeBegin);
                parts[place.part]->rows().addRanges(begin.inside, all.innermost(end.key));
                return;
            }
            ++beginCategory.kept;
            ++endCategory.kept;
            // To the rows of the part that it begins in: what it holds may be among those of later ones.
            parts[place.part]->rows().addRange(begin, end.time, isAsync, all.innermost(end.key));
        };
        all.append(std::move(pairs), paired,
                   [&](const RangePairs::End& end) { rows.categories().at(end.category).skip(SkipReason::EndWithoutBegin); });
    }
    all.forEachOpen([&](const RangePairs::Begin& begin) {
        const Place& place = places[begin.category];
        ++parts[place.part]->rows().categories().at(place.category).kept;
        parts[place.part]->rows().addRange(begin, std::nullopt, isAsync, nullptr);
    });
}

std::string processName(std::uint64_t globalPid, const TrackNames& names, const TrackIds& ids)
{
    if (const auto named = names.processes.find(globalPid); named != names.processes.end() && !named->second.empty())
        return named->second;
    if (const std::string_view text = ids.textOf(pidOf(globalPid)); !text.empty())
        return std::string(text);
    return globalPid == 0 ? std::string{} : fmt::format("Process {}", pidOf(globalPid));
}

/// `regroup`: from a group of counters to what it is called instead.
void deliverCounters(std::vector<std::unique_ptr<ChromePart>>& parts, const TrackNames& names, const TrackIds& ids,
                     const std::map<std::string, std::string>& regroup, EventSink& sink)
{
    std::map<CounterSeries::Key, std::uint32_t> counters;
    for (const auto& part : parts) {
        for (const CounterSeries::Series& series : part->rows().counters().series()) {
            const auto [found, isNew] = counters.try_emplace(series.key, 0);
            if (isNew) {
                const auto other = regroup.find(series.key.group);
                const std::string group = series.key.group.empty() ? processName(series.key.globalPid, names, ids)
                                          : other == regroup.end() ? series.key.group
                                                                   : other->second;
                found->second = sink.define({series.key.name, series.key.unit, group, series.key.source});
            }
            for (const CounterSeries::Sample& sample : series.samples)
                part->rows().rows().add(CounterSample{found->second, sample.time, sample.value});
        }
    }
}

/// The number by which the work knows the one GPU that is described: on AMD's GPUs work has the number of the agent among all of the
/// machine's, and the description that of the device among those which the process sees. Nothing where they agree, or it is not clear.
std::optional<std::uint32_t> otherNumberOf(const std::vector<GpuInfo>& gpus, const std::set<ChromeRows::StreamKey>& streams)
{
    std::set<std::uint32_t> devices;
    for (const auto& [device, context, stream] : streams)
        devices.insert(device);
    if (gpus.size() != 1 || devices.size() != 1 || *devices.begin() == gpus.front().device)
        return std::nullopt;
    return *devices.begin();
}

/// The name of a thread or process, with what was written for its id where that could not be kept.
std::string nameWithId(const std::map<std::uint64_t, std::string>& names, std::uint64_t key, std::string_view written,
                       std::string_view kind)
{
    const auto found = names.find(key);
    std::string name = found == names.end() ? std::string{} : found->second;
    if (written.empty() || name.find(written) != std::string::npos)
        return name;
    if (!name.empty())
        return fmt::format("{} ({})", name, written);
    return json::integerOf(written) ? fmt::format("{} {}", kind, written) : std::string(written);
}

void deliverThreadNames(const std::set<std::uint64_t>& threads, const TrackNames& names, const TrackIds& ids, EventSink& sink)
{
    std::optional<std::uint64_t> last;
    for (const std::uint64_t thread : threads) {
        const std::uint64_t pid = globalPidOf(thread);
        if (last != pid) {
            if (const std::string name = nameWithId(names.processes, pid, ids.textOf(pidOf(pid)), "Process"); !name.empty())
                sink.nameProcess(pid, name);
            last = pid;
        }
        if (const std::string name = nameWithId(names.threads, thread, ids.textOf(tidOf(thread)), "Thread"); !name.empty())
            sink.nameThread(thread, name);
    }
}

void deliverStreamNames(const std::set<ChromeRows::StreamKey>& streams, const std::map<std::uint64_t, std::uint32_t>& deviceTracks,
                        const std::set<std::uint64_t>& threads, const TrackNames& names, EventSink& sink)
{
    const auto nameStream = [&](std::uint64_t track, const ChromeRows::StreamKey& key) {
        const auto named = names.threads.find(track);
        if (named == names.threads.end())
            return;
        const auto& [device, context, stream] = key;
        std::string_view name = named->second;
        while (!name.empty() && json::isSpace(name.back()))
            name.remove_suffix(1);
        // PyTorch writes "stream 7 ": nothing that the number does not say.
        if (!name.empty() && name != fmt::format("stream {}", stream))
            sink.nameStream(0, device, context, stream, name);
    };
    for (const auto& key : streams) {
        // PyTorch has the device for pid and the stream for tid.
        const auto& [device, context, stream] = key;
        const std::uint64_t track = std::uint64_t{device & 0xFFFFFF} << 24 | (stream & 0xFFFFFF);
        if (!threads.contains(track))
            nameStream(track, key);
    }
    for (const auto& [track, device] : deviceTracks)
        nameStream(track, {device, 0, tidOf(track)});
}

/// Counts the arrows of all parts as used or not. Gantry numbers those that it writes by itself, and writes them for launches alone.
void judgeArrows(std::vector<std::unique_ptr<ChromePart>>& parts, bool isOfGantry)
{
    LaunchArrows ends;
    for (const auto& part : parts)
        if (!isOfGantry)
            ends.mergeEnds(part->rows().arrows());
    for (const auto& part : parts)
        for (const auto& [index, id] : part->rows().arrows().arrows()) {
            EventCategory& category = part->rows().categories().at(index);
            if (isOfGantry || ends.joins(id))
                ++category.kept;
            else
                category.skip(SkipReason::Arrow);
        }
}

/// "Input Dims, Input type, External id, …".
std::string listed(const std::vector<std::string>& names)
{
    constexpr std::size_t kMostShown = 8;
    std::string text;
    for (std::size_t i = 0; i < std::min(names.size(), kMostShown); ++i)
        text += (i == 0 ? "" : ", ") + json::unescaped(names[i]);
    return names.size() > kMostShown ? text + ", …" : text;
}

/// What of a category's events was not kept, of those that were.
void tallyReduced(const EventCategory& category, const std::vector<std::string>& names, TableTally& tally)
{
    tally.reduce("as samples of how much memory is allocated and reserved, not as events", category.samples);
    // Events of other ways to write that are shown twice have their arguments elsewhere.
    if (category.kind != CategoryKind::Shown && category.kept > 0 && !names.empty())
        tally.reduce(fmt::format("without arguments that no view shows: {}", listed(names)),
                     std::min(category.otherArgs.events, category.kept));
}

void deliverTallies(const std::vector<std::unique_ptr<ChromePart>>& parts, bool isOfGantry, ImportReport& report)
{
    std::map<std::string, TableTally> tallies;
    std::map<std::string, OtherArgs> otherArgs;
    for (const auto& part : parts)
        for (const EventCategory& category : part->rows().categories().all())
            for (const std::string& name : category.otherArgs.names)
                otherArgs[category.name].addName(name);
    for (const auto& part : parts) {
        for (const EventCategory& category : part->rows().categories().all()) {
            const std::string name = category.name.empty() ? "(no category)" : category.name;
            TableTally& tally = tallies.try_emplace(name, TableTally{name, 0, 0, {}, {}}).first->second;
            tally.keep(category.kept);
            for (std::size_t reason = 0; reason < category.skipped.size(); ++reason)
                tally.skip(sentence(static_cast<SkipReason>(reason)), category.skipped[reason]);
            for (const auto& [phase, count] : category.unknownPhases)
                tally.skip(fmt::format("no such event kind: \"{}\"", phase), count);
            if (!isOfGantry) // whose arguments are made of what is kept
                tallyReduced(category, otherArgs[category.name].names, tally);
        }
    }
    std::vector<TableTally> sorted;
    sorted.reserve(tallies.size());
    for (auto& [name, tally] : tallies)
        sorted.push_back(std::move(tally));
    std::stable_sort(sorted.begin(), sorted.end(), [](const TableTally& a, const TableTally& b) { return a.rows > b.rows; });
    for (const TableTally& tally : sorted)
        report.table(report.tables.size() < kMaxCategories ? tally.name : kFurtherCategories).merge(tally);
}

void deliverClock(const ChromeReading& reading, TimestampNs timeZero, EventSink& sink)
{
    ImportReport& report = sink.report();
    std::int64_t utcNs = 0;
    if (const auto base = reading.outline.baseTimeNs()) {
        if (!__builtin_add_overflow(*base, timeZero, &utcNs))
            report.clock = "The file's base time says its wall clock.";
        else
            utcNs = 0;
    } else if (timeZero >= kFirstEpochNs && timeZero < kLastEpochNs) {
        utcNs = timeZero;
        report.clock = "The file's times are wall clock.";
    }
    if (report.clock.empty())
        report.clock = "The file does not say its wall clock.";
    sink.meta().sessionUtcNs = utcNs;
}

void deliverWarnings(const ChromeReading& reading, const std::set<std::uint64_t>& callingPids, EventSink& sink)
{
    std::vector<std::string>& warnings = sink.meta().warnings;
    std::uint64_t repaired = 0, unreadable = 0, cutOff = 0, firstUnreadable = ChromePart::kNoLimit;
    for (const auto& part : reading.parts) {
        repaired += part->repaired();
        firstUnreadable = std::min(firstUnreadable, part->firstUnreadable());
        for (const EventCategory& category : part->rows().categories().all()) {
            unreadable += category.skipped[static_cast<std::size_t>(SkipReason::NotJson)];
            cutOff += category.skipped[static_cast<std::size_t>(SkipReason::CutOff)];
        }
    }
    if (!reading.damage.empty()) {
        sink.meta().spoil("the file is damaged or cut off");
        warnings.push_back(reading.damage);
    }
    // A list alone may end without its bracket, as programs leave it that are ended while they write.
    const bool isWholeList = reading.endedInEvents && reading.outline.isArray() && cutOff == 0 && reading.damage.empty();
    if (isWholeList)
        warnings.emplace_back("The file's list of events is not closed: its writer was ended, or is still writing.");
    else if (reading.endedInEvents) {
        sink.meta().spoil("the file ends in the middle of its list of events");
        warnings.emplace_back(
            "The file ends in the middle of its list of events: it is unfinished or cut off, and what came after is not shown.");
    }
    if (unreadable > 0)
        sink.meta().spoil("part of the file is damaged");
    if (repaired > 0)
        warnings.push_back(
            fmt::format("{} with quotes inside of texts that are not escaped, as PyTorch wrote them before 2026, read as what "
                        "they most likely mean.",
                        counted(repaired, "event")));
    if (unreadable > 0)
        warnings.push_back(
            fmt::format("{} skipped that cannot be read as JSON, the first at byte {}.", counted(unreadable, "event"), firstUnreadable));
    if (reading.isCutWrong)
        warnings.emplace_back("The file holds text that looks like events inside of events; some of it may be shown as events.");
    const bool isUnknown =
        std::any_of(reading.parts.begin(), reading.parts.end(), [](const auto& part) { return part->rows().hasWorkOfUnknownProcess(); });
    if (isUnknown && callingPids.size() > 1)
        warnings.emplace_back("Several processes call CUDA, and the file does not say which of them launched which GPU work.");
}

} // namespace

void joinParts(ChromeReading& reading, const TrackIds& ids, EventSink& sink)
{
    TrackNames names;
    std::set<std::uint64_t> threads, callingPids;
    std::set<ChromeRows::StreamKey> streams;
    std::map<std::uint64_t, std::uint32_t> deviceTracks;
    std::optional<TimeRange> window;
    bool isKineto = reading.outline.isKineto();
    for (const auto& part : reading.parts) {
        ChromeRows& rows = part->rows();
        names.merge(std::move(rows.tracks().names()));
        threads.insert(rows.tracks().threads().begin(), rows.tracks().threads().end());
        deviceTracks.insert(rows.tracks().deviceTracks().begin(), rows.tracks().deviceTracks().end());
        streams.insert(rows.streams().begin(), rows.streams().end());
        callingPids.insert(rows.callingPids().begin(), rows.callingPids().end());
        if (const auto more = rows.window())
            window = window ? TimeRange{std::min(window->start, more->start), std::max(window->end, more->end)} : *more;
        for (const EventCategory& category : rows.categories().all())
            isKineto = isKineto || importing::isKineto(category.kind);
    }
    for (const auto& part : reading.parts)
        part->rows().decideLaunchingPid(callingPids.size() == 1 ? *callingPids.begin() : 0);
    joinPairs(reading.parts, &ChromeRows::threadPairs, false);
    joinPairs(reading.parts, &ChromeRows::asyncPairs, true);
    for (const auto& part : reading.parts)
        part->rows().addGpuRanges(streams);
    const auto exporter = reading.outline.settings().find("exportedBy");
    const bool isOfGantry = exporter != reading.outline.settings().end() && exporter->second.starts_with("Gantry ");
    judgeArrows(reading.parts, isOfGantry);
    std::vector<GpuInfo> gpus = reading.outline.gpus();
    std::map<std::string, std::string> regroup;
    if (const auto number = otherNumberOf(gpus, streams)) {
        regroup[ChromeRows::memoryGroupOf(gpus.front().device)] = ChromeRows::memoryGroupOf(*number);
        gpus.front().device = *number;
    }
    deliverCounters(reading.parts, names, ids, regroup, sink);
    deliverThreadNames(threads, names, ids, sink);
    deliverStreamNames(streams, deviceTracks, threads, names, sink);

    TimeRange time{std::numeric_limits<TimestampNs>::max(), std::numeric_limits<TimestampNs>::min()};
    for (const auto& part : reading.parts) {
        time.start = std::min(time.start, part->rows().time().start);
        time.end = std::max(time.end, part->rows().time().end);
    }
    TraceMeta& meta = sink.meta();
    meta.format = "chrome-trace";
    meta.producer = reading.outline.producer(); // which PyTorch does not say of itself
    if (meta.producer.empty() && isKineto)
        meta.producer = "PyTorch (Kineto)";
    meta.gpus = std::move(gpus);
    meta.settings = reading.outline.settings();
    if (const auto host = meta.settings.find("host_name"); host != meta.settings.end())
        meta.hostName = host->second;
    ImportReport& report = sink.report();
    report.format = isKineto ? "Chrome trace (Kineto)" : "Chrome trace";
    report.producer = meta.producer;
    report.time = time.start <= time.end ? time : TimeRange{};
    if (window && !window->isEmpty())
        sink.setWindow(*window);
    for (const auto& part : reading.parts)
        part->rows().records().deliver(sink, reading.parts.front()->rows().timeZero().value_or(0));
    deliverClock(reading, reading.parts.front()->rows().timeZero().value_or(0), sink);
    deliverTallies(reading.parts, isOfGantry, report);
    deliverWarnings(reading, callingPids, sink);
}

} // namespace gantry::importing
