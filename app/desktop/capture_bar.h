#pragma once

#include "trace_model/base/time.h"

#include <QObject>

#include <string>

class QAction;
class QComboBox;
class QToolBar;
class QToolButton;

namespace gantry::desktop {

class CaptureController;
class NodeController;
class NodeList;
class Settings;

/// The part of the toolbar that says what is captured: node, server, window length; and the buttons to start and stop. Knows
/// which node and target are chosen, and starts the capture.
class CaptureBar : public QObject
{
    Q_OBJECT

public:
    CaptureBar(NodeList& nodes, CaptureController& capture, Settings& settings, QToolBar* toolbar, QObject* parent = nullptr);

    [[nodiscard]] QAction* startAction() const { return m_start; }
    /// Asks what to capture, and when.
    [[nodiscard]] QAction* optionsAction() const { return m_withOptions; }
    [[nodiscard]] QAction* stopAction() const { return m_stop; }
    /// Target that a capture would take; empty: none runs.
    [[nodiscard]] std::string targetId() const;
    [[nodiscard]] QString targetName() const;
    [[nodiscard]] DurationNs duration() const;
    void setDuration(DurationNs duration);

signals:
    void connectRequested();
    /// Node or server is another one, or what is known of them.
    void chosen();

private:
    void refresh();
    void refreshSender();
    void refreshNodes();
    void refreshTargets();
    void startCapture();
    void askForOptions();

    NodeList& m_nodes;
    CaptureController& m_capture;
    Settings& m_settings;
    QComboBox* m_nodeBox;
    QComboBox* m_targetBox;
    QComboBox* m_durationBox;
    QToolBar* m_toolbar;
    QAction* m_start;
    QAction* m_withOptions;
    QAction* m_stop;
};

} // namespace gantry::desktop
