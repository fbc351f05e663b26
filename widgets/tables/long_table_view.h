#pragma once

#include <QAbstractItemView>
#include <QPersistentModelIndex>
#include <QString>

class QHeaderView;

namespace gantry::widgets {

/// A table of lines of one height, any number of them: memory and time go with what is seen, where QTableView keeps a record for each row
/// and walks them all after a reset. Selects whole rows. The wheel and the scroll bar go by rows. UI thread.
class LongTableView : public QAbstractItemView
{
    Q_OBJECT

public:
    explicit LongTableView(QWidget* parent = nullptr);

    void setModel(QAbstractItemModel* model) override;
    [[nodiscard]] QHeaderView& header() { return *m_header; }
    /// What stands in the middle while there are no rows: what to do about it.
    void setEmptyText(const QString& text);
    void selectRow(int row);
    [[nodiscard]] int rowHeight() const { return m_rowHeight; }

    [[nodiscard]] QRect visualRect(const QModelIndex& index) const override;
    void scrollTo(const QModelIndex& index, ScrollHint hint = EnsureVisible) override;
    [[nodiscard]] QModelIndex indexAt(const QPoint& point) const override;
    /// Finds nothing: it would look at every row.
    void keyboardSearch(const QString&) override {}

protected:
    QModelIndex moveCursor(CursorAction action, Qt::KeyboardModifiers modifiers) override;
    [[nodiscard]] int horizontalOffset() const override;
    [[nodiscard]] int verticalOffset() const override
    {
        return 0;
    } // places are counted from the first row in view: pixels from the top are too many
    [[nodiscard]] bool isIndexHidden(const QModelIndex&) const override { return false; }
    void setSelection(const QRect& rect, QItemSelectionModel::SelectionFlags command) override;
    void currentChanged(const QModelIndex& current, const QModelIndex& previous) override;
    void mousePressEvent(QMouseEvent* event) override;
    [[nodiscard]] QRegion visualRegionForSelection(const QItemSelection& selection) const override;
    void paintEvent(QPaintEvent* event) override;
    void updateGeometries() override;
    void scrollContentsBy(int dx, int dy) override;
    void changeEvent(QEvent* event) override;

private:
    [[nodiscard]] int rowCount() const;
    [[nodiscard]] int firstRow() const;
    [[nodiscard]] int wholeRows() const; ///< that fit into the view
    /// Of a line in the view, or beside it.
    [[nodiscard]] int rowAt(int viewportY) const;
    void fitRowHeight();

    QHeaderView* m_header;
    QString m_emptyText;
    QPersistentModelIndex m_anchor; ///< where a selection of several rows begins: its place in the view may be too far away for pixels
    int m_rowHeight = 1;
};

} // namespace gantry::widgets
