#include "app/desktop/clock_offsets_dialog.h"

#include <QCheckBox>
#include <QDoubleSpinBox>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>

#include <algorithm>

using namespace gantry;
using namespace gantry::desktop;

class ClockOffsetsTest : public QObject
{
    Q_OBJECT

private slots:
    void aLineForEachFileSaysHowItsClockWasAligned()
    {
        const ClockOffsetsDialog dialog(m_files, imports());
        QStringList texts;
        for (const QLabel* label : dialog.findChildren<QLabel*>())
            texts << label->text();
        QVERIFY(texts.contains(QStringLiteral("server.json")) && texts.contains(QStringLiteral("kernels.json")));
        QVERIFY(texts.contains(QStringLiteral("Aligned by the wall clock that both files know. Offset 3.000 ms.")));
    }

    void nothingByHandIsAsTheClocksSay()
    {
        const ClockOffsetsDialog dialog(m_files, imports());
        QVERIFY(dialog.offsets() == (std::vector<std::optional<DurationNs>>{std::nullopt, DurationNs{1'500'001}})); // as it was set before
        QVERIFY(!spins(dialog)[0]->isEnabled());
        QVERIFY(spins(dialog)[1]->isEnabled());
    }

    void millisecondsByHandAreToTheNanosecond()
    {
        ClockOffsetsDialog dialog(m_files, imports());
        boxes(dialog)[0]->setChecked(true);
        spins(dialog)[0]->setValue(-12.000345);
        boxes(dialog)[1]->setChecked(false);
        QVERIFY(dialog.offsets() == (std::vector<std::optional<DurationNs>>{DurationNs{-12'000'345}, std::nullopt}));
    }

    void applyAccepts()
    {
        ClockOffsetsDialog dialog(m_files, imports());
        QSignalSpy accepted(&dialog, &QDialog::accepted);
        dialog.open();
        const auto buttons = dialog.findChildren<QPushButton*>();
        const auto apply = std::find_if(buttons.begin(), buttons.end(),
                                        [](const QPushButton* button) { return button->text().contains(QStringLiteral("Apply")); });
        QVERIFY(apply != buttons.end());
        (*apply)->click();
        QCOMPARE(accepted.size(), 1);
    }

private:
    static QList<QCheckBox*> boxes(const ClockOffsetsDialog& dialog) { return dialog.findChildren<QCheckBox*>(); }
    static QList<QDoubleSpinBox*> spins(const ClockOffsetsDialog& dialog) { return dialog.findChildren<QDoubleSpinBox*>(); }

    static std::vector<importing::ImportReport> imports()
    {
        std::vector<importing::ImportReport> imports(2);
        imports[0].clock = "Counts from the boot of the machine.";
        imports[1].alignment = importing::Alignment::WallClock;
        imports[1].offset = 3'000'000;
        return imports;
    }

    const std::vector<trace::LoadFile> m_files{{"/data/server.json", {}}, {"/data/kernels.json", DurationNs{1'500'001}}};
};

QTEST_MAIN(ClockOffsetsTest)
#include "clock_offsets_test.moc"
