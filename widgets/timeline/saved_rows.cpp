#include "widgets/timeline/saved_rows.h"

#include <algorithm>
#include <map>
#include <utility>

namespace gantry::widgets {

namespace {

using trace::TrackId;

// Names of the members.
const QString kFolded = QStringLiteral("folded"), kHidden = QStringLiteral("hidden"), kPinned = QStringLiteral("pinned"),
              kRank = QStringLiteral("rank"), kHeight = QStringLiteral("height"), kStyle = QStringLiteral("style");

const QString kRequests = QStringLiteral("request order"); // beside the tracks, whose keys have a colon
constexpr std::pair<RequestOrder, const char*> kOrderWords[] = {{RequestOrder::ByInstance, "instance"},
                                                                {RequestOrder::SlowestFirst, "slowest"},
                                                                {RequestOrder::ByModel, "model"},
                                                                {RequestOrder::Together, "all"}};
constexpr std::pair<CounterStyle, const char*> kStyleWords[] = {{CounterStyle::Line, "line"}, {CounterStyle::Heat, "heat"}};

int boundedInt(const QJsonValue& value, int least, int most)
{
    return std::clamp(value.toInt(least), least, most);
}

} // namespace

QJsonObject savedRows(const trace::Trace& trace, const RowArrangement& rows, const std::vector<CounterStyle>& styles,
                      const QJsonObject& before)
{
    QJsonObject saved = before;
    saved.remove(kRequests);
    for (const auto& [order, word] : kOrderWords)
        if (rows.requests == order)
            saved[kRequests] = QLatin1String(word);
    const auto keys = trackKeys(trace);
    const auto foldedAtFirst = collapsedAtFirst(trace);
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        const TrackId track(i);
        QJsonObject row;
        if (const bool isFolded = rows.folded.contains(track); isFolded != foldedAtFirst.contains(track))
            row[kFolded] = isFolded;
        if (rows.hidden.contains(track))
            row[kHidden] = true;
        if (const auto pin = std::find(rows.pinned.begin(), rows.pinned.end(), track); pin != rows.pinned.end())
            row[kPinned] = static_cast<int>(pin - rows.pinned.begin());
        if (const auto rank = rows.ranks.find(track); rank != rows.ranks.end())
            row[kRank] = rank->second;
        if (const auto height = rows.heights.find(track); height != rows.heights.end())
            row[kHeight] = height->second;
        for (const auto& [style, word] : kStyleWords)
            if (i < styles.size() && styles[i] == style)
                row[kStyle] = QLatin1String(word);
        const QString key = QString::fromStdString(keys[i]);
        if (row.isEmpty())
            saved.remove(key);
        else
            saved[key] = row;
    }
    return saved;
}

RestoredRows restoredRows(const trace::Trace& trace, const QJsonObject& saved)
{
    RestoredRows restored;
    restored.rows.folded = collapsedAtFirst(trace);
    restored.styles.assign(trace.tracks.size(), CounterStyle::Area);
    for (const auto& [order, word] : kOrderWords)
        if (saved[kRequests].toString() == QLatin1String(word))
            restored.rows.requests = order;
    const auto keys = trackKeys(trace);
    std::multimap<int, TrackId> pinned;
    for (std::uint32_t i = 0; i < trace.tracks.size(); ++i) {
        const TrackId track(i);
        const QJsonObject row = saved[QString::fromStdString(keys[i])].toObject();
        if (row.isEmpty())
            continue;
        if (const QJsonValue folded = row[kFolded]; folded.isBool()) {
            if (folded.toBool())
                restored.rows.folded.insert(track);
            else
                restored.rows.folded.erase(track);
        }
        if (row[kHidden].toBool())
            restored.rows.hidden.insert(track);
        if (row[kPinned].isDouble())
            pinned.emplace(row[kPinned].toInt(), track);
        if (row[kRank].isDouble())
            restored.rows.ranks[track] = boundedInt(row[kRank], 0, static_cast<int>(trace.tracks.size()));
        if (row[kHeight].isDouble())
            restored.rows.heights[track] = boundedInt(row[kHeight], kLowestRow, kTallestRow);
        for (const auto& [style, word] : kStyleWords)
            if (row[kStyle].toString() == QLatin1String(word))
                restored.styles[i] = style;
    }
    for (const auto& [place, track] : pinned)
        restored.rows.pinned.push_back(track);
    return restored;
}

} // namespace gantry::widgets
