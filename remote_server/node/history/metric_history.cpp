#include "remote_server/node/history/metric_history.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/history/history_reading.h"
#include "remote_server/proto/convert_live.h"

#include <algorithm>
#include <cstdlib>
#include <limits>
#include <set>
#include <spdlog/spdlog.h>
#include <utility>

namespace gantry::node {
namespace {

constexpr std::chrono::milliseconds kLook{500}; // what arrives is taken together: ten wake-ups a second cost more than the work
constexpr DurationNs kSecond = 1'000'000'000;
constexpr DurationNs kFinishEvery = kSecond;
constexpr std::size_t kMostUnnamed = 20'000;
constexpr DurationNs kCleanEvery = 60 * kSecond;
constexpr TimestampNs kNever = std::numeric_limits<TimestampNs>::max();

/// A block's content.
std::string contentOf(const HistoryColumnsById& columns)
{
    v1::HistoryPart block;
    for (const auto& [id, series] : columns) {
        v1::HistorySeries& kept = *block.add_series();
        kept.mutable_definition()->set_id(id);
        proto::putColumns(series, kept);
    }
    return block.SerializeAsString();
}

std::uint64_t pointsOf(const HistoryColumnsById& columns)
{
    std::uint64_t points = 0;
    for (const auto& [id, series] : columns)
        points += series.times.size();
    return points;
}

/// From the first to behind the last point.
TimeRange extentOf(const HistoryColumnsById& columns)
{
    TimeRange extent{kNever, std::numeric_limits<TimestampNs>::min()};
    for (const auto& [id, series] : columns)
        if (!series.times.empty())
            extent = {std::min(extent.start, series.times.front()), std::max(extent.end, series.times.back() + 1)};
    return extent;
}

} // namespace

MetricHistory::MetricHistory(Options options) : m_options(std::move(options))
{
    if (!m_options.monoNow)
        m_options.monoNow = [] { return monotonicNow(); };
    if (!m_options.utcNow)
        m_options.utcNow = [] { return utcNow(); };
    for (const Resolution& resolution : m_options.resolutions)
        m_tiers.push_back({resolution, StepAccumulator(resolution.step), {}, 0});
    openStore();
    m_thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

MetricHistory::~MetricHistory()
{
    m_thread.request_stop();
    m_thread = {};
}

void MetricHistory::openStore()
{
    report::HistoryStore::Options options{m_options.path, m_options.maxBytes};
    auto store = report::HistoryStore::open(options);
    if (!store) {
        m_problem = store.error().message + ": the history of metrics is kept in memory, and less of it";
        spdlog::warn("{}", m_problem);
    }
    if (!store || m_options.path.empty())
        store = report::HistoryStore::open({{}, m_options.maxBytesInMemory});
    if (store)
        m_store = std::move(*store);
    else
        m_problem = store.error().message + ": there is no history of metrics";
}

/// What was measured since the last block of a coarser resolution, which the program before did not come to write.
void MetricHistory::catchUp()
{
    followClock();
    const std::int64_t offset = monoToUtc();
    std::vector<std::int64_t> known;
    for (std::size_t tier = 0; tier < m_tiers.size(); ++tier)
        known.push_back(m_store->newestUtcNs(static_cast<int>(tier)).value_or(0));
    const std::int64_t from = *std::min_element(known.begin(), known.end());
    for (const auto& key : m_store->blocks(0, from, kNever)) {
        const auto block = m_store->read(key);
        v1::HistoryPart content;
        if (!block || !content.ParseFromString(block->content))
            continue;
        for (const v1::HistorySeries& kept : content.series()) {
            const auto series = m_store->series().find(kept.definition().id());
            if (series == m_store->series().end())
                continue;
            const HistoryColumns columns = proto::columnsOf(kept);
            for (std::size_t i = 0; i < columns.times.size(); ++i) {
                const std::int64_t utc = columns.times[i] + block->monoToUtcNs;
                for (std::size_t tier = 1; tier < m_tiers.size(); ++tier)
                    if (utc > known[tier])
                        m_tiers[tier].steps.take(series->first, series->second.kind, utc - offset, columns.values[i], m_tiers[tier].open);
            }
        }
    }
    for (Tier& tier : m_tiers)
        begin(tier);
}

void MetricHistory::onDefinitions(std::span<const metrics::SeriesDefinition> definitions)
{
    const std::lock_guard lock(m_queueMutex);
    m_queue.definitions.insert(m_queue.definitions.end(), definitions.begin(), definitions.end());
}

void MetricHistory::onSamples(std::span<const metrics::Sample> samples)
{
    const std::lock_guard lock(m_queueMutex);
    ++m_handedIn;
    if (m_queue.samples.size() + samples.size() > m_options.maxQueued)
        m_dropped += samples.size();
    else
        m_queue.samples.insert(m_queue.samples.end(), samples.begin(), samples.end());
}

void MetricHistory::onRemoved(std::span<const std::uint32_t> seriesIds)
{
    const std::lock_guard lock(m_queueMutex);
    m_queue.removed.insert(m_queue.removed.end(), seriesIds.begin(), seriesIds.end());
}

void MetricHistory::run(const std::stop_token& stop)
{
    if (m_store) {
        const std::lock_guard lock(m_mutex);
        catchUp();
    }
    {
        const std::lock_guard lock(m_queueMutex);
        m_isReady = true;
    }
    bool isEnd = false;
    while (!isEnd) {
        Arrived arrived;
        std::uint64_t handedIn = 0;
        {
            std::unique_lock lock(m_queueMutex);
            m_wake.wait_for(lock, stop, kLook, [this] { return m_isWaitedFor; });
            m_isWaitedFor = false;
            isEnd = stop.stop_requested();
            std::swap(arrived, m_queue);
            handedIn = m_handedIn;
        }
        try {
            const std::lock_guard lock(m_mutex);
            if (m_store) {
                take(arrived);
                write(m_options.monoNow(), isEnd);
            }
        } catch (const std::exception& exception) { // no memory
            spdlog::error("samples are not in the history of metrics: {}", exception.what());
        }
        const std::lock_guard lock(m_queueMutex);
        m_taken = handedIn;
        m_settled.notify_all();
    }
}

void MetricHistory::settle()
{
    std::unique_lock lock(m_queueMutex);
    m_isWaitedFor = true;
    m_wake.notify_all();
    m_settled.wait(lock, [this, until = m_handedIn] { return m_isReady && m_taken >= until; });
}

/// Mutex held, as in the next ones.
void MetricHistory::take(Arrived& arrived)
{
    nameSeries(arrived.definitions);
    std::uint64_t lost = 0;
    for (const metrics::Sample& sample : arrived.samples) {
        const auto series = m_known.find(sample.seriesId);
        if (series == m_known.end())
            ++lost;
        else
            takeSample(series->second, sample);
    }
    std::vector<std::uint32_t> ended;
    for (const std::uint32_t id : arrived.removed) {
        if (const auto known = m_known.find(id); known != m_known.end())
            ended.push_back(known->second.id);
        m_known.erase(id);
        std::erase_if(m_unnamed, [id](const auto& series) { return series.id == id; });
    }
    noteSamples(std::move(ended));
    if (lost > 0) {
        const std::lock_guard lock(m_queueMutex);
        m_dropped += lost;
    }
}

void MetricHistory::noteSamples(std::vector<std::uint32_t> storeIds)
{
    if (const auto noted = m_store->noteSamples(storeIds, m_options.utcNow()); !noted)
        spdlog::warn("{}", noted.error().message);
}

/// Those that cannot be written now are asked for again with the next block: the disk may have room then.
void MetricHistory::nameSeries(const std::vector<metrics::SeriesDefinition>& definitions)
{
    std::vector<std::uint32_t> named;
    for (const metrics::SeriesDefinition& series : definitions)
        if (const auto id = m_store->idOf(series)) {
            m_known[series.id] = {*id, series.kind};
            named.push_back(*id);
        } else if (m_unnamed.size() < kMostUnnamed)
            m_unnamed.push_back(series);
    noteSamples(std::move(named));
    if (!m_unnamed.empty() && m_writeProblem.empty())
        m_writeProblem = "some series are not in the history of metrics: is the disk full?";
}

/// A block begins with its first point, which is that of a step that was over before.
void MetricHistory::begin(Tier& tier)
{
    if (tier.openSince == 0 && !tier.open.empty())
        tier.openSince = extentOf(tier.open).start;
}

void MetricHistory::takeSample(const Known& series, const metrics::Sample& sample)
{
    for (Tier& tier : m_tiers) {
        if (tier.resolution.step > 0) {
            tier.steps.take(series.id, series.kind, sample.time, sample.value, tier.open);
        } else {
            HistoryColumns& columns = tier.open[series.id];
            columns.times.push_back(sample.time);
            columns.values.push_back(sample.value);
        }
        begin(tier);
    }
}

/// What this boot measured keeps its place on the monotonic clock, wherever the time of day is set to.
void MetricHistory::followClock()
{
    const std::int64_t clock = monoToUtc();
    if (std::abs(clock - std::exchange(m_clock, clock)) <= kSecond)
        return;
    if (const auto moved = m_store->setClock(m_options.bootId, clock); !moved)
        spdlog::warn("the time of day was set, and the history of metrics did not follow: {}", moved.error().message);
}

void MetricHistory::write(TimestampNs now, bool isEnd)
{
    followClock();
    const bool finishes = isEnd || now >= m_nextFinish;
    if (finishes)
        m_nextFinish = now + kFinishEvery;
    for (std::size_t tier = 0; tier < m_tiers.size(); ++tier) {
        Tier& open = m_tiers[tier];
        if (finishes && open.resolution.step > 0)
            open.steps.finish(isEnd ? kNever : now - open.resolution.step, open.open); // servers' answers come late
        begin(open);
        if (!open.open.empty() && (isEnd || now - open.openSince >= open.resolution.block))
            writeTier(tier);
    }
    if (now >= m_nextCleaning) {
        m_nextCleaning = now + kCleanEvery;
        forgetOld();
    }
}

void MetricHistory::writeTier(std::size_t tier)
{
    Tier& open = m_tiers[tier];
    const TimeRange extent = extentOf(open.open);
    const std::int64_t offset = monoToUtc();
    if (tier + 1 == m_tiers.size()) { // each sample is in those steps at last
        std::vector<std::uint32_t> ids;
        for (const auto& [id, columns] : open.open)
            ids.push_back(id);
        if (const auto noted = m_store->noteSamples(ids, extent.end + offset); !noted)
            spdlog::warn("{}", noted.error().message);
    }
    const auto added =
        m_store->add(static_cast<int>(tier), {extent.start + offset, extent.end + offset, offset, m_options.bootId, contentOf(open.open)});
    if (!added) {
        if (m_writeProblem.empty())
            spdlog::error("{}", added.error().message);
        const std::lock_guard lock(m_queueMutex);
        m_dropped += tier == 0 ? pointsOf(open.open) : 0; // what steps are made of is counted once
    }
    m_writeProblem = added ? std::string() : added.error().message;
    if (added && !m_unnamed.empty())
        nameSeries(std::exchange(m_unnamed, {}));
    open.open.clear();
    open.openSince = 0;
}

void MetricHistory::forgetOld()
{
    const std::int64_t now = m_options.utcNow();
    for (std::size_t tier = 0; tier < m_tiers.size(); ++tier)
        if (const auto removed = m_store->removeBefore(static_cast<int>(tier), now - m_tiers[tier].resolution.kept); !removed)
            spdlog::warn("{}", removed.error().message);
    forgetEnded();
}

/// Pods come and go, and each has names of its own: those of which nothing is left would fill the table in the end.
void MetricHistory::forgetEnded()
{
    std::vector<std::uint32_t> ended = m_store->endedSeries();
    if (ended.empty())
        return;
    std::set<std::uint32_t> alive; // silent for long, or not written yet
    for (const auto& [id, known] : m_known)
        alive.insert(known.id);
    for (const Tier& tier : m_tiers)
        for (const auto& [id, columns] : tier.open)
            alive.insert(id);
    std::erase_if(ended, [&](std::uint32_t id) { return alive.contains(id); });
    if (const auto removed = m_store->removeSeries(ended); !removed)
        spdlog::warn("{}", removed.error().message);
}

std::uint64_t MetricHistory::dropped() const
{
    const std::lock_guard lock(m_queueMutex);
    return m_dropped;
}

std::string MetricHistory::problem() const
{
    const std::lock_guard lock(m_mutex);
    return m_writeProblem.empty() ? m_problem : m_writeProblem;
}

/// Which blocks a read needs, as they were when it began.
class MetricHistory::Reading
{
public:
    struct Part
    {
        DurationNs step = 0;
        TimeRange range;
        std::vector<report::HistoryStore::BlockKey> blocks;
        HistoryColumnsById open;
    };

    /// Coarser steps for the times of which there are no finer ones any more. Mutex held.
    Reading(const MetricHistory& history, const v1::ReadHistoryRequest& request)
        : offset(history.monoToUtc()), series(history.m_store->series())
    {
        const auto& tiers = history.m_tiers;
        std::size_t finest = 0;
        while (finest + 1 < tiers.size() && tiers[finest + 1].resolution.step <= request.step_ns())
            ++finest;
        TimestampNs end = request.to_mono_ns();
        for (std::size_t tier = finest; tier < tiers.size() && end > request.from_mono_ns(); ++tier) {
            const auto oldest = history.m_store->oldestUtcNs(static_cast<int>(tier));
            TimestampNs begin = oldest ? *oldest - offset : kNever;
            if (!tiers[tier].open.empty())
                begin = std::min(begin, extentOf(tiers[tier].open).start);
            const TimeRange range{std::max(begin, request.from_mono_ns()), end};
            if (range.start < range.end) {
                parts.push_back({tiers[tier].resolution.step, range,
                                 history.m_store->blocks(static_cast<int>(tier), range.start + offset, range.end + offset),
                                 tiers[tier].open});
                end = range.start;
            }
        }
        std::reverse(parts.begin(), parts.end());
    }

    std::int64_t offset;
    std::map<std::uint32_t, metrics::SeriesDefinition> series;
    std::vector<Part> parts; ///< oldest first
};

Result<void> MetricHistory::read(const v1::ReadHistoryRequest& request, const std::function<bool(v1::HistoryPart&&)>& onPart)
{
    // Far from where sums of times overflow.
    constexpr TimestampNs kFarthest = std::numeric_limits<TimestampNs>::max() / 4;
    if (request.from_mono_ns() >= request.to_mono_ns() || request.from_mono_ns() < -kFarthest || request.to_mono_ns() > kFarthest ||
        request.step_ns() < 0)
        return Error{ErrorCode::BadInput, "a history is read from a time to a later one, in steps that are not negative", {}};
    settle();
    std::optional<Reading> reading;
    {
        const std::lock_guard lock(m_mutex);
        if (!m_store)
            return Error{ErrorCode::CannotWrite, m_problem, {}};
        m_nextFinish = 0;
        write(m_options.monoNow(), false); // steps that have ended since
        reading.emplace(*this, request);
    }
    HistoryParts out(request, reading->series, onPart);
    for (const Reading::Part& part : reading->parts) {
        for (const auto& key : part.blocks) {
            std::unique_lock lock(m_mutex);
            const auto block = m_store->read(key);
            lock.unlock();
            v1::HistoryPart content;
            if (!block && block.error().code == ErrorCode::NotFound)
                continue; // it has become too old meanwhile
            if (!block)
                return block.error();
            if (!content.ParseFromString(block->content))
                return Error{ErrorCode::Truncated, "a block of the history of metrics is damaged", {}};
            const DurationNs shift = block->bootId == m_options.bootId ? 0 : block->monoToUtcNs - reading->offset;
            if (!out.add(part.step, content, shift, part.range))
                return {};
        }
        if (!out.add(part.step, part.open, part.range))
            return {};
    }
    out.finish();
    return {};
}

} // namespace gantry::node
