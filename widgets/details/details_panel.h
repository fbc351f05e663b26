#pragma once

#include "widgets/details/event_details.h"

#include <QWidget>

#include <memory>

class QTreeWidget;
class QTreeWidgetItem;

namespace gantry::widgets {

/// What is selected, in sections of names and values. Lines that lead to another event or request are links.
class DetailsPanel : public QWidget
{
    Q_OBJECT

public:
    explicit DetailsPanel(QWidget* parent = nullptr);

    /// Shows the request when there is one, then the event; the report when nothing is selected.
    void show(std::shared_ptr<const trace::Trace> trace, trace::EventId event, trace::RequestIndex request);
    void clear();
    /// All lines as "name: value", sections by heading; what Copy puts on the clipboard.
    [[nodiscard]] QString text() const;

signals:
    void eventRequested(gantry::trace::EventId event);
    void requestRequested(gantry::trace::RequestIndex request);

private:
    void fill(const std::vector<DetailSection>& sections);
    void activate(const QTreeWidgetItem* item);

    QTreeWidget* m_tree;
    std::vector<DetailLink> m_links; ///< by index stored in the item
    std::shared_ptr<const trace::Trace> m_trace;
};

} // namespace gantry::widgets
