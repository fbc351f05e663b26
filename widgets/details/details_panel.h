#pragma once

#include "widgets/details/event_details.h"

#include <QWidget>

#include <memory>
#include <vector>

class QTextBrowser;
class QUrl;

namespace gantry::widgets {

/// What is selected, in sections of names and values that can be marked and copied. Lines that lead to another event or request
/// are links.
class DetailsPanel : public QWidget
{
    Q_OBJECT

public:
    explicit DetailsPanel(QWidget* parent = nullptr);

    /// Shows the event, then its request when there is one (of a phase the request alone); the report when nothing is selected.
    void show(std::shared_ptr<const trace::Trace> trace, trace::EventId event, trace::RequestIndex request);
    void clear();
    /// What is shown, as plain text.
    [[nodiscard]] QString text() const;

signals:
    void eventRequested(gantry::trace::EventId event);
    void requestRequested(gantry::trace::RequestIndex request);

protected:
    void changeEvent(QEvent* event) override;

private:
    void fill();
    void follow(const QUrl& url);

    QTextBrowser* m_view;
    std::vector<DetailSection> m_sections;
};

} // namespace gantry::widgets
