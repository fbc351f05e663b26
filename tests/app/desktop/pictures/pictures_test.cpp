#include "picture_difference.h"
#include "stage.h"

#include "tests/widgets/trace_fixture.h"
#include "widgets/timeline/timeline_widget.h"

#include <QApplication>
#include <QDir>
#include <QTest>

#include <cstdlib>
#include <iterator>
#include <string>
#include <string_view>

using namespace gantry;
using namespace gantry::desktop_test;
using widgets::ColorScheme;
using widgets::TimelineWidget;
using widgets_test::trackNamed;
using RowChange = TimelineWidget::RowChange;

namespace {

constexpr QSize kSize{660, 560};

/// The timeline of one millisecond of a server, with rows of every kind in view.
TimelineWidget& timelineOf(Stage& stage)
{
    TimelineWidget& timeline = *stage.openScript(widgets_test::kServerScript).timeline();
    stage.hideDocks();
    for (const std::string_view counter : {"Queue depth", "Batch size", "Instances busy"})
        timeline.arrangeRow(trackNamed(*timeline.trace(), counter), RowChange::Hide);
    QCoreApplication::processEvents(); // it has the room of the docks
    return timeline;
}

QImage pictureOf(QWidget& widget)
{
    return widget.grab().toImage().convertToFormat(QImage::Format_RGB32);
}

struct Picture
{
    const char* name;
    ColorScheme scheme;
    void (*arrange)(TimelineWidget&);
};

void selectRequest(TimelineWidget& timeline)
{
    timeline.selectRequest(widgets_test::requestNumbered(*timeline.trace(), 7));
}

void drawArrowsAndMeasure(TimelineWidget& timeline)
{
    timeline.setVisibleRange({60'000, 180'000});
    timeline.selectEvent(widgets_test::eventNamed(*timeline.trace(), trace::EventKind::Kernel, "gemm"));
    timeline.setMeasuredRange({135'000, 150'000});
}

void setMarks(TimelineWidget& timeline)
{
    timeline.setMarks({{{200'000, 200'000}, QStringLiteral("here")}, {{500'000, 800'000}, QStringLiteral("idle but for a copy")}});
}

void pinAndFold(TimelineWidget& timeline)
{
    timeline.setRequestOrder(widgets::RequestOrder::SlowestFirst);
    timeline.arrangeRow(trackNamed(*timeline.trace(), "Stream 8"), RowChange::TogglePin);
    timeline.arrangeRow(trackNamed(*timeline.trace(), "GPU 0"), RowChange::ToggleFold);
    timeline.arrangeRow(trackNamed(*timeline.trace(), "Stream 8"), RowChange::ToggleChosen);
}

const Picture kPictures[] = {
    {"timeline-light", ColorScheme::Light, [](TimelineWidget&) {}},
    {"timeline-dark", ColorScheme::Dark, [](TimelineWidget&) {}},
    {"request-light", ColorScheme::Light, selectRequest},
    {"request-dark", ColorScheme::Dark, selectRequest},
    {"arrows-light", ColorScheme::Light, drawArrowsAndMeasure},
    {"marks-dark", ColorScheme::Dark, setMarks},
    {"rows-light", ColorScheme::Light, pinAndFold},
};

} // namespace

/// Pictures of a scripted trace beside those in reference/. GANTRY_REBASELINE=1 writes them anew: look at them before committing them.
class PicturesTest : public QObject
{
    Q_OBJECT

private slots:
    void looksAsItsReference_data()
    {
        QTest::addColumn<int>("picture");
        for (int i = 0; i < static_cast<int>(std::size(kPictures)); ++i)
            QTest::newRow(kPictures[i].name) << i;
    }

    void looksAsItsReference()
    {
        QFETCH(int, picture);
        const Picture& wanted = kPictures[picture];
        Stage stage(kSize, wanted.scheme);
        TimelineWidget& timeline = timelineOf(stage);
        wanted.arrange(timeline);
        compare(pictureOf(timeline), QLatin1String(wanted.name) + QStringLiteral(".png"));
    }

    // What the tolerance must not swallow.
    void aRowOfAnotherHeightIsADifference()
    {
        Stage stage(kSize, ColorScheme::Light);
        TimelineWidget& timeline = timelineOf(stage);
        const QImage before = pictureOf(timeline);
        widgets::RowArrangement rows = timeline.rows();
        const trace::TrackId track = trackNamed(*timeline.trace(), "bert:1");
        rows.heights[track] = timeline.state().layout.rowOf(track)->height + 4;
        timeline.setRows(rows, {});
        const PictureDifference difference = differenceOf(before, pictureOf(timeline));
        QVERIFY2(!difference.isWithin({}), qPrintable(difference.text));
    }

    void aLaneOfAnotherColorIsADifference()
    {
        Stage stage(kSize, ColorScheme::Light);
        TimelineWidget& timeline = timelineOf(stage);
        timeline.setVisibleRange({60'000, 180'000});
        const QImage before = pictureOf(timeline);
        QImage after = before;
        const widgets::Theme& theme = widgets::Theme::of(ColorScheme::Light);
        const QRgb lane = theme.phase(records::RequestPhase::ComputeInfer).rgb();
        const QRgb other = theme.phase(records::RequestPhase::ComputeOutput).rgb();
        for (int y = 0; y < after.height(); ++y) {
            for (int x = 0; x < after.width(); ++x) {
                if (after.pixel(x, y) == lane)
                    after.setPixel(x, y, other);
            }
        }
        const PictureDifference difference = differenceOf(before, after);
        QVERIFY2(!difference.isWithin({}), qPrintable(difference.text));
    }

    void aPictureOfAnotherSizeIsADifference()
    {
        const QImage small(80, 40, QImage::Format_RGB32), large(80, 48, QImage::Format_RGB32);
        const PictureDifference difference = differenceOf(small, large);
        QVERIFY(!difference.isWithin({}));
        QCOMPARE(difference.text, QStringLiteral("80 × 48 px instead of 80 × 40 px"));
    }

    // As another version of the font library or of the font would draw them.
    void lettersOfAnotherShapeAreNone()
    {
        Stage stage(kSize, ColorScheme::Light);
        TimelineWidget& timeline = timelineOf(stage);
        const QImage before = pictureOf(timeline);
        QFont font = timeline.font();
        font.setHintingPreference(QFont::PreferNoHinting);
        font.setLetterSpacing(QFont::PercentageSpacing, 103);
        timeline.setFont(font);
        const PictureDifference difference = differenceOf(before, pictureOf(timeline));
        QVERIFY(difference.largest > 0);
        QVERIFY2(difference.isWithin({}), qPrintable(difference.text));
    }

private:
    static void compare(const QImage& actual, const QString& name)
    {
        const QString path = QStringLiteral(GANTRY_SOURCE_DIR "/tests/app/desktop/pictures/reference/") + name;
        if (std::getenv("GANTRY_REBASELINE"))
            QVERIFY(actual.save(path, "PNG", 0)); // packed most
        const QImage reference(path);
        QVERIFY2(!reference.isNull(), qPrintable(path + QStringLiteral(" is not there; GANTRY_REBASELINE=1 writes it")));
        const PictureDifference difference = differenceOf(reference, actual);
        if (difference.isWithin({}))
            return;
        const QDir folder(QStringLiteral(GANTRY_BINARY_DIR "/pictures-test"));
        folder.mkpath(QStringLiteral("."));
        actual.save(folder.filePath(name));
        if (!difference.picture.isNull())
            difference.picture.save(folder.filePath(QStringLiteral("difference-") + name));
        QFAIL(qPrintable(QStringLiteral("%1: %2; see %3").arg(name, difference.text, folder.path())));
    }
};

QTEST_MAIN(PicturesTest)
#include "pictures_test.moc"
