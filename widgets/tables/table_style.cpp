#include "widgets/tables/table_style.h"

#include <QEvent>
#include <QHeaderView>
#include <QLabel>
#include <QTableView>

#include <algorithm>

namespace gantry::widgets {

namespace {

/// Keeps one column of a header as wide as the others leave it. QHeaderView::Stretch knows one least width for all of them.
class StretchedColumn : public QObject
{
public:
    StretchedColumn(QHeaderView& header, int column, int narrowest)
        : QObject(&header), m_header(header), m_column(column), m_narrowest(narrowest)
    {
        header.setSectionResizeMode(column, QHeaderView::Fixed);
        header.installEventFilter(this);
        connect(&header, &QHeaderView::sectionResized, this, [this](int section) {
            if (section != m_column)
                fit();
        });
        connect(&header, &QHeaderView::sectionCountChanged, this, &StretchedColumn::fit);
        fit();
    }

protected:
    bool eventFilter(QObject* watched, QEvent* event) override
    {
        if (event->type() == QEvent::Resize)
            fit();
        return QObject::eventFilter(watched, event);
    }

private:
    void fit()
    {
        if (m_column >= m_header.count())
            return;
        const int others = m_header.length() - m_header.sectionSize(m_column);
        m_header.resizeSection(m_column, std::max(m_narrowest, m_header.width() - others));
    }

    QHeaderView& m_header;
    const int m_column, m_narrowest;
};

} // namespace

void applyTableStyle(QTableView& view)
{
    constexpr int kLinePadding = 6;
    view.setFrameShape(QFrame::NoFrame);
    view.setSelectionBehavior(QAbstractItemView::SelectRows);
    view.setAlternatingRowColors(true);
    view.setShowGrid(false);
    view.setWordWrap(false);
    view.verticalHeader()->hide();
    view.verticalHeader()->setDefaultSectionSize(view.fontMetrics().height() + kLinePadding);
    view.horizontalHeader()->setHighlightSections(false);
}

void applyTableStyle(QTableView& view, int stretchedColumn, int narrowest)
{
    applyTableStyle(view);
    stretchColumn(*view.horizontalHeader(), stretchedColumn, narrowest);
}

void stretchColumn(QHeaderView& header, int column, int narrowest)
{
    new StretchedColumn(header, column, narrowest);
}

void fitColumns(QTableView& view)
{
    constexpr int kNarrowest = 64;
    constexpr int kWidest = 360; // a cell that is longer has a tooltip
    view.resizeColumnsToContents();
    QHeaderView& header = *view.horizontalHeader();
    for (int column = 0; column < header.count(); ++column)
        header.resizeSection(column, std::clamp(header.sectionSize(column), kNarrowest, kWidest));
}

void showTableScope(QLabel& label, const QString& scope, const QString& problem)
{
    label.setForegroundRole(problem.isEmpty() ? QPalette::PlaceholderText : QPalette::BrightText);
    label.setText(problem.isEmpty() ? scope : problem);
    label.setToolTip(label.text());
}

} // namespace gantry::widgets
