#pragma once

#include "app/jobs/job_slot.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <QObject>

#include <string>

class QAction;
class QMenu;
class QToolBar;
class QToolButton;

namespace gantry::desktop {

class CaptureBar;
class CaptureController;
class NodeController;
class NodeList;
class Settings;

/// The flight recorder of the chosen server: starts, saves and stops it, and shows in the toolbar that one runs, whoever started it. UI
/// thread.
class RecorderControl : public QObject
{
    Q_OBJECT

public:
    /// `bar` says which server is chosen. All outlive this.
    RecorderControl(NodeList& nodes, CaptureBar& bar, CaptureController& capture, Settings& settings, jobs::JobRunner& runner,
                    QToolBar& toolbar);

    [[nodiscard]] QAction* startAction() const { return m_start; }
    [[nodiscard]] QAction* saveAction() const { return m_save; }
    [[nodiscard]] QAction* stopAction() const { return m_stop; }
    /// The recorder of the chosen server as the node last told; null: none runs.
    [[nodiscard]] const proto::CaptureStatus* recorder() const;
    /// Brings a report of the last `lastNs` (0: of all that it holds) and opens it.
    void save(DurationNs lastNs);
    /// What the toolbar says: "Recorder: last 12 s"; empty while none runs.
    [[nodiscard]] QString text() const;

signals:
    void failed(const QString& doing, const gantry::Error& error);

private:
    void refresh();
    void askToStart();
    void start(NodeController& node, proto::CaptureRequest request);
    void stop();

    NodeList& m_nodes;
    CaptureBar& m_bar;
    CaptureController& m_capture;
    Settings& m_settings;
    QToolBar& m_toolbar;
    QAction* m_start;
    QAction* m_save;
    QAction* m_stop;
    QToolButton* m_button;
    QAction* m_shown; ///< the button's in the toolbar
    jobs::JobSlot m_startSlot;
    jobs::JobSlot m_stopSlot;
};

} // namespace gantry::desktop
