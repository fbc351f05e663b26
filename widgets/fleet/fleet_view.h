#pragma once

#include <QListView>

namespace gantry::widgets {

class FleetOrder;
struct NodeTile;

/// The tiles of a FleetOrder, as many beside each other as there is room for. Several can be selected, by mouse and by keys. UI thread.
class FleetView : public QListView
{
    Q_OBJECT

public:
    /// `order` outlives the view.
    explicit FleetView(FleetOrder& order, QWidget* parent = nullptr);

    /// Keys of the selected tiles, in the order in which they are shown.
    [[nodiscard]] QStringList selectedKeys() const;
    void select(const QStringList& keys);

signals:
    void selectionEdited();
    /// Double-click or Return.
    void nodeActivated(const QString& key);
    void menuRequested(const QPoint& globalPosition);

protected:
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;
    void selectionChanged(const QItemSelection& selected, const QItemSelection& deselected) override;

private:
    void fitTiles();
    [[nodiscard]] QString keyOf(const QModelIndex& index) const;

    FleetOrder& m_order;
};

} // namespace gantry::widgets
