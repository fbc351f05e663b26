#pragma once

#include <QWidget>

class QProgressBar;
class QPushButton;

namespace gantry::widgets {
class ElidedLabel;
}

namespace gantry::desktop {

class CaptureController;

/// The strip under the toolbar while a capture or a fetch runs: what happens, how far it is, and the buttons to end it.
class CaptureStrip : public QWidget
{
    Q_OBJECT

public:
    explicit CaptureStrip(CaptureController& capture, QWidget* parent = nullptr);

    /// The line as a person reads it: "Capturing · 1.2 s of 2.0 s · 48 210 events · 3.1 MiB · 0 dropped",
    /// "Queued behind alice@desk: gantry", "Window 2 of 5 · Begins in 12 s".
    [[nodiscard]] QString text() const;

private:
    void refresh();
    [[nodiscard]] QString stageText() const;

    CaptureController& m_capture;
    widgets::ElidedLabel* m_label;
    QProgressBar* m_bar;
    QPushButton* m_finish;
    QPushButton* m_cancel;
};

} // namespace gantry::desktop
