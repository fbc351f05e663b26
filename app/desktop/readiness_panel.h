#pragma once

#include "app/desktop/node_panel.h"

class QLabel;
class QPushButton;
class QScrollArea;
class QVBoxLayout;

namespace gantry::desktop {

/// What of Gantry works on a node, what does not and how that is mended: the worst first. UI thread.
class ReadinessPanel : public NodePanel
{
    Q_OBJECT

public:
    explicit ReadinessPanel(NodeController& node, QWidget* parent = nullptr);

protected:
    void ask() override;
    void stopAsking() override;
    void changeEvent(QEvent* event) override;

private:
    void refresh();
    void fill(const proto::ReadinessReport& report);
    [[nodiscard]] QWidget* itemWidget(const proto::ReadinessItem& item);

    QLabel* m_summary;
    QPushButton *m_again, *m_copy;
    QScrollArea* m_area;
};

} // namespace gantry::desktop
