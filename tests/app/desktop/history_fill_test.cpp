#include "app/desktop/history_fill.h"

#include "app/desktop/live_series.h"

#include <QSignalSpy>
#include <QTest>

using namespace gantry;
using namespace gantry::desktop;

namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr int kPoints = 3600;

/// An hour of one series, once a second.
proto::HistoryPart hourOf(std::uint32_t id)
{
    proto::HistorySeries series;
    series.definition = {id, "gauge_" + std::to_string(id), "count", metrics::SeriesKind::Gauge, {}, {}};
    series.stepNs = kSecond;
    for (int second = 1; second <= kPoints; ++second) {
        series.columns.times.push_back(second * kSecond);
        series.columns.values.push_back(second);
    }
    return {{std::move(series)}, 0, 0};
}

std::vector<proto::HistoryPart> hoursOf(std::uint32_t count)
{
    std::vector<proto::HistoryPart> parts;
    for (std::uint32_t id = 1; id <= count; ++id)
        parts.push_back(hourOf(id));
    return parts;
}

} // namespace

class HistoryFillTest : public QObject
{
    Q_OBJECT

private slots:
    void theWindowHasItsTurnWhileMuchIsFilledIn()
    {
        HistoryFill fill;
        LiveSeries series;
        series.restart("boot");
        QSignalSpy filled(&fill, &HistoryFill::filled);
        fill.add(series, hoursOf(1000));
        int turns = 0; // of the window, between two slices
        QTimer other;
        connect(&other, &QTimer::timeout, [&] { ++turns; });
        other.start(0);
        QTRY_COMPARE_WITH_TIMEOUT(filled.count(), 1, 30'000);
        QVERIFY2(turns > 1, "1000 hours of points came at once");
        QVERIFY(fill.isEmpty());
        QCOMPARE(series.definitions().size(), std::size_t{1000});
        QCOMPARE(series.span(), (kPoints - 1) * kSecond);
    }

    void eachSeriesIsToldOfWhenAllOfItIsIn()
    {
        HistoryFill fill;
        LiveSeries one, other;
        QSignalSpy filled(&fill, &HistoryFill::filled);
        fill.add(one, hoursOf(3));
        fill.add(other, hoursOf(2));
        QTRY_COMPARE(filled.count(), 2);
        QCOMPARE(one.definitions().size(), std::size_t{3});
        QCOMPARE(other.definitions().size(), std::size_t{2});
    }

    void whatIsForgottenStaysOut()
    {
        HistoryFill fill;
        LiveSeries gone, kept;
        QSignalSpy filled(&fill, &HistoryFill::filled);
        fill.add(gone, hoursOf(3));
        fill.add(kept, hoursOf(1));
        fill.forget(gone);
        QTRY_COMPARE(filled.count(), 1);
        QVERIFY(gone.isEmpty());
        QVERIFY(!kept.isEmpty());
    }
};

QTEST_MAIN(HistoryFillTest)
#include "history_fill_test.moc"
