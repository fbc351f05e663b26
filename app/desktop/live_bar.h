#pragma once

#include "app/desktop/dashboards.h"
#include "trace_model/base/time.h"

#include <QWidget>

#include <vector>

class QComboBox;
class QMenu;
class QScrollBar;
class QToolButton;

namespace gantry::desktop {

/// Above the live plots: which dashboard, how much time, and whether they follow the node or stand still at an earlier time.
class LiveBar : public QWidget
{
    Q_OBJECT

public:
    explicit LiveBar(QWidget* parent = nullptr);

    /// Offers those that are of use for what is measured, besides the overview; the chosen one stays for as long as it is.
    void offer(const std::vector<const KnownDashboard*>& dashboards);
    /// Null: the overview.
    [[nodiscard]] const KnownDashboard* chosen() const;

    /// Offers to show up to so much time at once.
    void offerSpans(DurationNs longest);
    /// Chooses one by its file; the overview where it is not offered.
    void choose(const QString& key);

    [[nodiscard]] DurationNs span() const; ///< that is shown at most
    /// Where the shown time ends, before now; 0: it follows.
    [[nodiscard]] DurationNs behind() const { return m_behind; }
    /// How much earlier the time is that is shown beside this one; 0: none.
    [[nodiscard]] DurationNs earlier() const;
    /// How far it can be scrolled back; what is shown of a time before now stays where it is as this grows.
    void setReach(DurationNs reach);
    /// Shows a time that ends so long before now, as far back as there is any.
    void scrollTo(DurationNs behind);
    /// Another node is shown.
    void follow();

signals:
    void changed();
    // Of the chosen dashboard, from the menu beside it.
    void editRequested();
    void copyRequested();
    void newRequested();
    void removeRequested();

private:
    void fillMenu();
    void setBehind(DurationNs behind);

    QComboBox* m_dashboard;
    QComboBox* m_span;
    QComboBox* m_earlier;
    QToolButton* m_more;
    QMenu* m_menu;
    QToolButton* m_pause;
    QScrollBar* m_scroll; ///< in tenths of a second before now, from the right
    std::vector<const KnownDashboard*> m_offered;
    DurationNs m_reach = 0, m_behind = 0, m_longestSpan = 0;
};

} // namespace gantry::desktop
