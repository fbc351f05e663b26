#pragma once

#include "remote_server/proto/live_types.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/metrics/dashboard.h"
#include "trace_model/metrics/series_store.h"
#include "widgets/plots/plot_panel.h"

#include <QElapsedTimer>
#include <QString>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace gantry::desktop {

using LivePanel = widgets::PlotPanel;

/// The live samples of one node, and the panels computed from them. UI thread.
///
/// The node numbers its series anew with each stream; here a series keeps one number by name and labels, so that curves go on
/// across a reconnect with a gap and not with a jump.
///
/// Samples wait as they came until panels() wants them: of a hundred nodes one is looked at, and to sort the samples of the others into
/// their series ten times a second would take this thread most of its time. Those of the last kKept wait.
class LiveSeries
{
public:
    static constexpr DurationNs kKept = 70'000'000'000; ///< what was before is asked of the node once somebody looks
    /// An hour at 10 Hz, of each series of a node that is looked at.
    static constexpr std::size_t kKeptPoints = 36'000;
    /// A plot of ten minutes or more has more samples than pixels.
    static constexpr DurationNs kCoarseStep = 1'000'000'000;

    /// What people call the server with a target id.
    using TargetName = std::function<QString(const std::string& targetId)>;

    /// A new stream begins: its series ids are not those of the one before. After a reboot its clock is another one, too, and the
    /// samples of before are dropped.
    void restart(const std::string& bootId);
    void add(const proto::MetricsBatch& batch);

    /// What the node measured before, or while nobody looked; parts in any order, but of a series the earlier points first.
    void addHistory(const proto::HistoryPart& part);
    [[nodiscard]] std::vector<const metrics::SeriesDefinition*> definitions() const { return m_store.definitions(); }

    [[nodiscard]] bool isEmpty() const { return m_newest == 0; }
    /// Time since the first sample, of which the last kKept is there at least, and more where it was looked at.
    [[nodiscard]] DurationNs span() const { return isEmpty() ? 0 : m_newest - m_oldest; }
    /// Samples that the node dropped for this client, and those refused here.
    [[nodiscard]] std::uint64_t dropped() const { return m_droppedByNode + m_store.refused(); }

    /// When streams began after another had ended: no curve goes over these times, whatever lies between its points.
    [[nodiscard]] const std::vector<TimestampNs>& breaks() const { return m_breaks; }

    /// The node's wall clock less the clock that its samples have, as of the newest batches; nothing before the first.
    [[nodiscard]] std::optional<DurationNs> utcOffset() const;

    /// The last `length` up to now, in the node's clock. "Now" moves on between batches while the stream is alive, so that the
    /// plots glide; it stands still after a second of silence.
    [[nodiscard]] TimeRange window(DurationNs length) const;

    /// All panels of the page in order; a panel without curves is there too ("waiting for samples"), except for those of
    /// hardware that the node does not have.
    /// The panels of a dashboard: those with curves, those that say that they wait, and those that ask a Prometheus server, too. Of one
    /// that is not in view (empty: all are) the curves may be of the end of the window alone: enough to know that it is there.
    [[nodiscard]] std::vector<LivePanel> panels(const metrics::Dashboard& dashboard, TimeRange window, const TargetName& nameOf,
                                                const std::function<bool(const QString& key)>& isInView = {});
    [[nodiscard]] std::vector<LivePanel> panels(
        TimeRange window, const TargetName& nameOf = [](const std::string& id) { return QString::fromStdString(id); });

private:
    /// In 16 bytes, as in the store: those of all nodes wait.
    struct WaitingSample
    {
        std::uint32_t remoteId;
        std::uint32_t ageUs; ///< before the newest that had come by then
        double value;
    };
    /// Those that came with one batch.
    struct Waiting
    {
        TimestampNs newest = 0;
        std::vector<WaitingSample> samples;
    };

    std::uint32_t localId(metrics::SeriesDefinition definition);
    void keep(const std::vector<metrics::Sample>& samples);
    /// Sorts what waits into its series.
    void catchUp();
    /// Servers come and go: what has ended before all that a plot can show is forgotten.
    void forgetEnded();

    metrics::SeriesStore m_store{kKeptPoints, kCoarseStep};
    std::uint32_t m_lastLocalId = 0;
    TimestampNs m_nextForgetting = 0;
    std::map<std::uint32_t, std::uint32_t> m_localByHistory;
    std::map<std::pair<std::string, std::map<std::string, std::string>>, std::uint32_t> m_localIds;
    std::unordered_map<std::uint32_t, std::uint32_t> m_localByRemote; ///< looked up for each sample of each node
    std::string m_bootId;
    std::uint64_t m_droppedByNode = 0;
    std::vector<TimestampNs> m_breaks; ///< the last of them, oldest first
    std::deque<Waiting> m_waiting;
    TimestampNs m_oldest = 0, m_newest = 0; ///< of all samples that came
    TimestampNs m_nodeNow = 0;
    std::deque<DurationNs> m_utcOffsets; ///< of the newest batches
    QElapsedTimer m_sinceNodeNow;
};

/// Adds the curves of a query to its panel, called as its legend says, and after their servers where there are several.
void addCurves(const metrics::PanelQuery& query, std::vector<metrics::QueryCurve> curves, const LiveSeries::TargetName& nameOf,
               LivePanel& panel);

/// `panels` with the curves of an earlier time beside them, moved by `shift` into this one: those of the same panels and names, where a
/// panel draws lines.
[[nodiscard]] std::vector<LivePanel> withEarlier(std::vector<LivePanel> panels, std::vector<LivePanel> earlier, DurationNs shift);

} // namespace gantry::desktop
