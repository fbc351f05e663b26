#pragma once

#include "app/desktop/node_controller.h"

#include <QScrollArea>

#include <vector>

class QLabel;
class QPushButton;

namespace gantry::widgets {
class ElidedLabel;
}

namespace gantry::desktop {

/// How far the connection to a node is, step by step, where there is nothing else to show of the node yet; and what to do about it. What
/// failed is said elsewhere, in a sentence. Scrolls where there is no room for all of it. UI thread.
class ConnectPanel : public QScrollArea
{
    Q_OBJECT

public:
    explicit ConnectPanel(QWidget* parent = nullptr);

    void showNode(const NodeController& node);
    /// What is said of a step, for tests: its mark ("done", "now", "failed", "not needed", "") and the detail.
    [[nodiscard]] std::pair<QString, QString> step(app::ConnectStep step) const;

signals:
    void cancelRequested();
    void openRequested();

private:
    class Mark;
    struct Row
    {
        Mark* mark;
        QLabel* name;
        widgets::ElidedLabel* detail;
    };

    QLabel* m_heading;
    QWidget* m_steps;
    std::vector<Row> m_rows; ///< by step
    QLabel* m_text;
    QLabel* m_notes;
    QPushButton* m_cancel;
    QPushButton* m_open;
};

} // namespace gantry::desktop
