#include "widgets/tables/table_style.h"

#include <QEvent>
#include <QHeaderView>
#include <QTableView>

#include <algorithm>

namespace gantry::widgets {

namespace {

constexpr int kNarrowestName = 170; // px; QHeaderView::Stretch would leave it those of any column

/// Keeps one column of a header as wide as the others leave it.
class StretchedColumn : public QObject
{
public:
    StretchedColumn(QHeaderView& header, int column) : QObject(&header), m_header(header), m_column(column)
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
        m_header.resizeSection(m_column, std::max(kNarrowestName, m_header.width() - others));
    }

    QHeaderView& m_header;
    const int m_column;
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

void applyTableStyle(QTableView& view, int stretchedColumn)
{
    applyTableStyle(view);
    stretchColumn(*view.horizontalHeader(), stretchedColumn);
}

void stretchColumn(QHeaderView& header, int column)
{
    new StretchedColumn(header, column);
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

} // namespace gantry::widgets
