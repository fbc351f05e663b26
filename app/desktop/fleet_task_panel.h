#pragma once

#include "app/desktop/fleet_task.h"

#include <QPointer>
#include <QWidget>

#include <vector>

class QLabel;
class QPushButton;
class QToolButton;
class QTreeWidget;

namespace gantry::desktop {

/// What several nodes do at once: a line for each, and the means to end it. Hidden until a task begins and once the person closes it. UI
/// thread.
class FleetTaskPanel : public QWidget
{
    Q_OBJECT

public:
    /// The tasks outlive the panel; the one that changed last is shown.
    explicit FleetTaskPanel(std::vector<FleetTask*> tasks, QWidget* parent = nullptr);

    [[nodiscard]] QTreeWidget& lines() const { return *m_lines; }
    [[nodiscard]] QString summary() const;

protected:
    void changeEvent(QEvent* event) override;

private:
    void showTask(FleetTask& task);
    void refresh();

    QPointer<FleetTask> m_task; ///< null: none has begun
    bool m_wasBusy = false;     ///< the task, when it was looked at last
    QLabel *m_title, *m_summary;
    QPushButton *m_stop, *m_cancel;
    QToolButton* m_close;
    QTreeWidget* m_lines;
};

} // namespace gantry::desktop
