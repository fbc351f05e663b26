#include "widgets/sweep/sweep_view.h"

#include "widgets/sweep/sweep_model.h"
#include "widgets/sweep/sweep_plot.h"

#include <QAbstractItemModelTester>
#include <QApplication>
#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableView>
#include <QTest>

#include <memory>
#include <optional>
#include <string>

using namespace gantry;
using namespace gantry::widgets;
using sweep::Figure;

namespace {

/// Without a p99: it has too few requests for one.
sweep::Point pointOf(const char* instances, const char* concurrency, double throughput, std::optional<double> p99Ms, const char* trace)
{
    sweep::Point point;
    point.parameters = {{"instances", instances}, {"concurrency", concurrency}};
    point.figures[Figure::Throughput] = throughput;
    point.figures[Figure::P99] = p99Ms.value_or(5) * 1e6;
    point.figures[Figure::Requests] = p99Ms ? 1000 : 20;
    point.trace = trace;
    return point;
}

/// In the sweep's order: 2x8 (300 /s), 2x2 (200 /s), 1x8 (150 /s), 1x16 (100 /s, without a p99).
std::shared_ptr<const sweep::Sweep> someSweep()
{
    return std::make_shared<sweep::Sweep>(
        sweep::arranged({pointOf("1", "8", 150, 20, "/a/1-8.gantry"), pointOf("2", "2", 200, 10, "/a/2-2.gantry"),
                         pointOf("2", "8", 300, 15, ""), pointOf("1", "16", 100, {}, "/a/1-16.gantry")}));
}

} // namespace

class SweepViewTest : public QObject
{
    Q_OBJECT

private slots:
    void init()
    {
        m_view = std::make_unique<SweepView>();
        m_view->resize(900, 600);
        m_view->setSweep(someSweep());
        m_view->show();
        QVERIFY(QTest::qWaitForWindowExposed(m_view.get()));
    }

    void theModelIsAModel()
    {
        SweepModel model;
        const QAbstractItemModelTester tester(&model, QAbstractItemModelTester::FailureReportingMode::QtTest);
        model.setSweep(someSweep());
        QCOMPARE(model.rowCount(), 4);
        QCOMPARE(text(model, 0, QStringLiteral("throughput")), QStringLiteral("300.0 /s"));
        QCOMPARE(text(model, 3, QStringLiteral("p99")), QStringLiteral("–"));
        QCOMPARE(text(model, 0, QStringLiteral("front")), QStringLiteral("●"));
        QCOMPARE(text(model, 2, QStringLiteral("front")), QString());
    }

    void whatIsAbsentIsLastInEitherOrder()
    {
        const int p99 = column(QStringLiteral("p99"));
        table().sortByColumn(p99, Qt::AscendingOrder);
        QCOMPARE(shown(0, p99), QStringLiteral("10.000 ms"));
        QCOMPARE(shown(3, p99), QStringLiteral("–"));
        table().sortByColumn(p99, Qt::DescendingOrder);
        QCOMPARE(shown(0, p99), QStringLiteral("20.000 ms"));
        QCOMPARE(shown(3, p99), QStringLiteral("–"));
    }

    // 16 is more than 2.
    void parametersAreSortedAsNumbers()
    {
        const int concurrency = column(QStringLiteral("concurrency"));
        table().sortByColumn(concurrency, Qt::AscendingOrder);
        QCOMPARE(shown(0, concurrency), QStringLiteral("2"));
        QCOMPARE(shown(3, concurrency), QStringLiteral("16"));
    }

    void aClickOnAPointSelectsItsRow()
    {
        table().sortByColumn(column(QStringLiteral("p99")), Qt::AscendingOrder);
        click(2);
        QCOMPARE(m_view->selected(), std::vector<std::size_t>{2});
        QCOMPARE(shown(table().selectionModel()->selectedRows().front().row(), column(QStringLiteral("concurrency"))), QStringLiteral("8"));
        click(1, Qt::ControlModifier);
        QCOMPARE(m_view->selected(), (std::vector<std::size_t>{1, 2}));
    }

    void twoPointsWithReportsAreCompared()
    {
        QSignalSpy compared(m_view.get(), &SweepView::comparisonRequested);
        QPushButton* button = buttonNamed(QStringLiteral("Co&mpare two"));
        QVERIFY(!button->isEnabled());
        m_view->select(1);
        m_view->select(2, true);
        QVERIFY(button->isEnabled());
        QTest::mouseClick(button, Qt::LeftButton);
        QCOMPARE(compared.size(), 1);
        QCOMPARE(compared[0][0].value<std::filesystem::path>(), std::filesystem::path("/a/2-2.gantry"));
        m_view->select(0);
        m_view->select(1, true);
        QVERIFY2(!button->isEnabled(), "one of them has no report");
    }

    void enterAndADoubleClickOpenThePointsReport()
    {
        QSignalSpy opened(m_view.get(), &SweepView::reportRequested);
        m_view->select(1);
        QTest::keyClick(&table(), Qt::Key_Return);
        QCOMPARE(opened.size(), 1);
        QTest::mouseDClick(m_view->plot().childAt(position(2)), Qt::LeftButton, {}, inChild(position(2)));
        QCOMPARE(opened.size(), 2);
        QCOMPARE(opened[1][0].value<std::filesystem::path>(), std::filesystem::path("/a/1-8.gantry"));
        m_view->select(0);
        QTest::keyClick(&table(), Qt::Key_Return);
        QCOMPARE(opened.size(), 2); // it has none
    }

    void pointsWithoutAFigureAreNotDrawnAndSayWhy()
    {
        QVERIFY(!m_view->plot().positionOf(3));
        QVERIFY(m_view->plot().toolTipOf(3).contains(QStringLiteral("no p99: 20 requests")));
        QVERIFY(m_view->plot().toolTipOf(0).contains(QStringLiteral("no report to open")));
        QVERIFY(!m_view->plot().pointAt({1, 1}));
        QCOMPARE(m_view->plot().pointAt(position(1) + QPoint(4, 3)), std::optional<std::size_t>(1));
    }

    void colorsAreOfAnyParameter()
    {
        auto* box = m_view->findChild<QComboBox*>(QStringLiteral("sweepColor"));
        QCOMPARE(box->count(), 3);
        QCOMPARE(box->currentText(), QStringLiteral("instances"));
        const auto* key = m_view->findChild<QLabel*>(QStringLiteral("sweepKey"));
        QVERIFY(key->text().contains(m_view->plot().colors()[1].second.name()));
        QCOMPARE(m_view->plot().colors()[1].first, QStringLiteral("2"));
        const QImage before = m_view->plot().grab().toImage();
        box->setCurrentIndex(1);
        QTRY_VERIFY(m_view->plot().grab().toImage() != before);
        QCOMPARE(m_view->plot().colors().size(), std::size_t{2}); // 2 and 8: the point under 16 is not drawn
    }

private:
    [[nodiscard]] QTableView& table() const { return m_view->table(); }
    [[nodiscard]] QPoint position(std::size_t point) const { return m_view->plot().positionOf(point).value(); }
    [[nodiscard]] QPoint inChild(const QPoint& point) const { return m_view->plot().childAt(point)->mapFrom(&m_view->plot(), point); }
    void click(std::size_t point, Qt::KeyboardModifiers keys = {}) const
    {
        QTest::mouseClick(m_view->plot().childAt(position(point)), Qt::LeftButton, keys, inChild(position(point)));
    }
    static int columnIn(const QAbstractItemModel& model, const QString& title)
    {
        for (int i = 0; i < model.columnCount(); ++i)
            if (model.headerData(i, Qt::Horizontal).toString() == title)
                return i;
        return -1;
    }
    static QString text(const QAbstractItemModel& model, int row, const QString& title)
    {
        return model.index(row, columnIn(model, title)).data().toString();
    }
    [[nodiscard]] int column(const QString& title) const { return columnIn(*table().model(), title); }
    [[nodiscard]] QString shown(int row, int column) const { return table().model()->index(row, column).data().toString(); }
    [[nodiscard]] QPushButton* buttonNamed(const QString& text) const
    {
        for (QPushButton* button : m_view->findChildren<QPushButton*>())
            if (button->text() == text)
                return button;
        return nullptr;
    }

    std::unique_ptr<SweepView> m_view;
};

QTEST_MAIN(SweepViewTest)
#include "sweep_view_test.moc"
