#include "widgets/findings/findings_panel.h"

#include "tests/widgets/trace_fixture.h"
#include "widgets/findings/finding_card.h"
#include "widgets/findings/findings_model.h"

#include <QAbstractItemModelTester>
#include <QClipboard>
#include <QGuiApplication>
#include <QLabel>
#include <QLayout>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QTest>

#include <memory>

using namespace gantry;
using namespace gantry::widgets;

namespace {

std::shared_ptr<const findings::Diagnosis> twoFindings()
{
    auto diagnosis = std::make_shared<findings::Diagnosis>();
    const findings::Evidence where{"the longest of them", {100, 200}, {}, {}};
    diagnosis->findings = {{"pageable-copy",
                            findings::Severity::Problem,
                            "Copies take long.",
                            0.25,
                            findings::ShareOf::GpuWork,
                            {where},
                            {{"Pin it.", "--output-memory pinned"}, {"Or this.", "cudaHostAlloc();"}, {"Think.", ""}}},
                           {"losses", findings::Severity::Note, "Something is missing.", {}, findings::ShareOf::Window, {}, {}}};
    diagnosis->silent = {{"sync-bound", "A GPU that waits"}};
    diagnosis->unjudged = {{{"throttling", "Clocks that are held down"}, "no clocks were recorded"}};
    return diagnosis;
}

QString textOf(const QWidget& widget)
{
    QString text;
    for (const QLabel* label : widget.findChildren<QLabel*>())
        text += label->text() + QLatin1Char('\n');
    return text;
}

} // namespace

Q_DECLARE_METATYPE(gantry::findings::Evidence)

class FindingsPanelTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_panel = std::make_unique<FindingsPanel>();
        m_panel->resize(1000, 300);
        m_panel->show();
        m_panel->setDiagnosis(widgets_test::traceOf("window 0..1000\n"), twoFindings());
    }
    void cleanup() { m_panel.reset(); }

    void listsFindingsWithSeverityAndShare()
    {
        QAbstractItemModel& model = *m_panel->view().model();
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        QCOMPARE(model.rowCount(), 2);
        QCOMPARE(model.index(0, FindingsModel::Severity).data().toString(), QStringLiteral("Problem"));
        QCOMPARE(model.index(0, FindingsModel::Share).data().toString(), QStringLiteral("25 %"));
        QCOMPARE(model.index(0, FindingsModel::Share).data(Qt::ToolTipRole).toString(), QStringLiteral("25 % of the GPU's work"));
        QCOMPARE(model.index(1, FindingsModel::Share).data().toString(), QString());
        QCOMPARE(m_panel->scopeText(), QStringLiteral("1 problem, 1 note; 1 rule found nothing, 1 could not be judged"));
    }

    void theFirstIsShownInFullWithoutMovingTheTimeline()
    {
        QSignalSpy asked(m_panel.get(), &FindingsPanel::evidenceRequested);
        m_panel->setDiagnosis(widgets_test::traceOf("window 0..1000\n"), twoFindings());
        QVERIFY(textOf(m_panel->card()).contains(QStringLiteral("Copies take long.")));
        QVERIFY(textOf(m_panel->card()).contains(QStringLiteral("Problem · 25 % of the GPU's work · pageable-copy")));
        QCOMPARE(asked.count(), 0);
    }

    void choosingAFindingAsksForItsEvidence()
    {
        m_panel->view().selectRow(1);
        QVERIFY(textOf(m_panel->card()).contains(QStringLiteral("Something is missing.")));
        QSignalSpy asked(m_panel.get(), &FindingsPanel::evidenceRequested);
        const QRect row = m_panel->view().visualRect(m_panel->view().model()->index(0, FindingsModel::Sentence));
        QTest::mouseClick(m_panel->view().viewport(), Qt::LeftButton, {}, row.center());
        QCOMPARE(asked.count(), 1);
        QCOMPARE(asked.front().front().value<findings::Evidence>().time, (TimeRange{100, 200}));
    }

    void aClickOnTheFirstOneWhichIsShownAlreadyAsksForItsEvidenceToo()
    {
        QSignalSpy asked(m_panel.get(), &FindingsPanel::evidenceRequested);
        auto* view = m_panel->findChild<QTableView*>();
        QTest::mouseClick(view->viewport(), Qt::LeftButton, {}, view->visualRect(view->model()->index(0, 0)).center());
        QCOMPARE(asked.count(), 1);
    }

    void theLinkOfEvidenceAsksForItAgain()
    {
        QSignalSpy asked(m_panel.get(), &FindingsPanel::evidenceRequested);
        auto* label = m_panel->card().findChild<QLabel*>(QStringLiteral("evidence"));
        QVERIFY(label);
        QVERIFY2(label->text().contains(QStringLiteral("the longest of them, at")), qPrintable(label->text()));
        emit label->linkActivated(QStringLiteral("0"));
        QCOMPARE(asked.count(), 1);
        emit label->linkActivated(QStringLiteral("7")); // there is no such evidence
        QCOMPARE(asked.count(), 1);
    }

    void aLongFindingIsAsHighAsItsTextNeeds()
    {
        m_panel->view().selectRow(1);
        m_panel->view().selectRow(0);
        QCoreApplication::processEvents();
        const QWidget& page = *m_panel->card().widget();
        QVERIFY2(page.height() >= page.layout()->heightForWidth(page.width()), "it is scrolled, not squeezed");
    }

    void eachEditHasAButtonThatCopiesIt()
    {
        const auto buttons = m_panel->card().findChildren<QPushButton*>(QStringLiteral("copyEdit"));
        QCOMPARE(buttons.size(), 2); // the third says what to do without lines to paste
        QTest::mouseClick(buttons[1], Qt::LeftButton);
        QCOMPARE(QGuiApplication::clipboard()->text(), QStringLiteral("cudaHostAlloc();"));
        QCOMPARE(buttons[1]->text(), QStringLiteral("Copied"));
    }

    void whereNothingIsFoundItSaysWhatWasLookedFor()
    {
        auto diagnosis = std::make_shared<findings::Diagnosis>(*twoFindings());
        diagnosis->findings.clear();
        m_panel->setDiagnosis(widgets_test::traceOf("window 0..1000\n"), diagnosis);
        QVERIFY(!m_panel->view().isVisible());
        QVERIFY(textOf(m_panel->card()).contains(QStringLiteral("Nothing was found")));
        QVERIFY(textOf(m_panel->card()).contains(QStringLiteral("A GPU that waits.")));
        QVERIFY(textOf(m_panel->card()).contains(QStringLiteral("Clocks that are held down: no clocks were recorded.")));
    }

    void withoutAReportItSaysWhy()
    {
        m_panel->clear(QStringLiteral("Reading a…"));
        QVERIFY(textOf(*m_panel).contains(QStringLiteral("Reading a…")));
        QCOMPARE(m_panel->view().model()->rowCount(), 0);
    }

private:
    std::unique_ptr<FindingsPanel> m_panel;
};

QTEST_MAIN(FindingsPanelTest)
#include "findings_panel_test.moc"
