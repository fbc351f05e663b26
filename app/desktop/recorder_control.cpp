#include "app/desktop/recorder_control.h"

#include "app/desktop/capture_bar.h"
#include "app/desktop/capture_controller.h"
#include "app/desktop/icons.h"
#include "app/desktop/node_list.h"
#include "app/desktop/recorder_dialog.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"

#include <QAction>
#include <QMenu>
#include <QToolBar>
#include <QToolButton>

#include <utility>

namespace gantry::desktop {

namespace {

/// Seconds are enough, and do not jump about: "12 s", "2 min 5 s".
QString wholeSeconds(DurationNs duration)
{
    const qint64 seconds = duration / 1'000'000'000;
    return seconds < 60 ? RecorderControl::tr("%1 s").arg(seconds) : RecorderControl::tr("%1 min %2 s").arg(seconds / 60).arg(seconds % 60);
}

QAction* action(QObject* parent, const QString& text, QKeyCombination key, const QString& tip)
{
    auto* made = new QAction(text, parent);
    made->setShortcut(QKeySequence(key));
    made->setStatusTip(tip);
    made->setToolTip(tip);
    return made;
}

} // namespace

RecorderControl::RecorderControl(NodeList& nodes, CaptureBar& bar, CaptureController& capture, Settings& settings, jobs::JobRunner& runner,
                                 QToolBar& toolbar)
    : QObject(&toolbar),
      m_nodes(nodes),
      m_bar(bar),
      m_capture(capture),
      m_settings(settings),
      m_toolbar(toolbar),
      m_start(action(this, tr("Start &recorder…"), Qt::CTRL | Qt::ALT | Qt::Key_K, tr("Record all the time and keep the last seconds"))),
      m_save(action(this, tr("&Save what just happened"), Qt::CTRL | Qt::ALT | Qt::Key_S,
                    tr("Write what the recorder holds as a report and open it; recording goes on"))),
      m_stop(action(this, tr("S&top recorder"), Qt::CTRL | Qt::ALT | Qt::SHIFT | Qt::Key_K,
                    tr("End the recorder; what was not saved is forgotten"))),
      m_button(new QToolButton(&toolbar)),
      m_shown(toolbar.addWidget(m_button)),
      m_startSlot(runner),
      m_stopSlot(runner)
{
    m_button->setObjectName(QStringLiteral("recorderButton"));
    m_button->setAccessibleName(tr("Recorder"));
    m_button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    m_button->setIcon(icons::recorder());
    m_button->setPopupMode(QToolButton::InstantPopup);
    auto* menu = new QMenu(m_button);
    menu->addActions({m_save, m_stop});
    m_button->setMenu(menu);
    connect(m_start, &QAction::triggered, this, &RecorderControl::askToStart);
    connect(m_save, &QAction::triggered, this, [this] { save(0); });
    connect(m_stop, &QAction::triggered, this, &RecorderControl::stop);
    connect(&m_bar, &CaptureBar::chosen, this, &RecorderControl::refresh);
    connect(&m_nodes, &NodeList::nodesChanged, this, [this] {
        for (const auto& node : m_nodes.nodes())
            connect(node.get(), &NodeController::capturesChanged, this, &RecorderControl::refresh, Qt::UniqueConnection);
    });
    refresh();
}

const proto::CaptureStatus* RecorderControl::recorder() const
{
    const NodeController* node = m_nodes.current();
    return node && node->state() == NodeController::State::Connected ? node->recorderOf(m_bar.targetId()) : nullptr;
}

QString RecorderControl::text() const
{
    const proto::CaptureStatus* status = recorder();
    if (!status)
        return {};
    if (status->state != proto::CaptureState::Capturing)
        return tr("Recorder: paused");
    const QString holds = tr("Recorder: last %1").arg(wholeSeconds(status->ringHeldNs));
    return status->dropped > 0 ? tr("%1 · %2 dropped").arg(holds, formatCount(status->dropped)) : holds;
}

void RecorderControl::refresh()
{
    const NodeController* node = m_nodes.current();
    const bool isConnected = node && node->state() == NodeController::State::Connected;
    const proto::CaptureStatus* status = recorder();
    m_start->setEnabled(isConnected && !m_bar.targetId().empty() && !status);
    m_save->setEnabled(status != nullptr);
    m_stop->setEnabled(status != nullptr);
    m_shown->setVisible(status != nullptr);
    if (!status)
        return;
    m_button->setText(text());
    m_button->setAccessibleDescription(text());
    const QString what =
        status->state == proto::CaptureState::Capturing
            ? tr("A recorder keeps the last %1 of this server.").arg(wholeSeconds(status->ringNs))
            : tr("The recorder stands still while a window is captured or the server has no process, and begins anew afterwards.");
    const QString saves = status->saveWhen.empty() ? QString()
                                                   : tr("\nSaves by itself when %1: %2 of at most %3 · %4")
                                                         .arg(toQString(status->saveWhen))
                                                         .arg(status->ruleSaves)
                                                         .arg(status->ruleSavesAtMost)
                                                         .arg(toQString(status->saveState));
    m_button->setToolTip(tr("%1\nHolds %2 in %3 · %4 records dropped%5\nStarted by %6\nClick to save what just happened or to stop it.")
                             .arg(what, wholeSeconds(status->ringHeldNs), formatBytes(status->bytes), formatCount(status->dropped), saves,
                                  status->holder.empty() ? tr("another client") : toQString(status->holder)));
}

void RecorderControl::askToStart()
{
    NodeController* node = m_nodes.current();
    if (!node || !node->client())
        return;
    auto* dialog =
        new RecorderDialog(m_bar.targetName(), node->title(), m_settings.recorderKeeps(), m_settings.recorderBytes(), m_toolbar.window());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    proto::CaptureRequest request;
    request.targetId = m_bar.targetId();
    request.clientName = clientName();
    connect(dialog, &QDialog::accepted, node, [this, dialog, node, request]() mutable {
        m_settings.setRecorder(dialog->keeps(), dialog->bytes());
        request.ringNs = dialog->keeps();
        request.ringBytes = dialog->bytes();
        request.saveWhen = dialog->saveWhen();
        start(*node, request);
    });
    dialog->open();
}

void RecorderControl::start(NodeController& node, proto::CaptureRequest request)
{
    if (!node.client())
        return emit failed(tr("The recorder did not start"),
                           Error{ErrorCode::Unreachable, "the node is not connected; connect to it first", {}});
    m_startSlot.run([client = node.client(), request = std::move(request)](
                        const jobs::JobContext& context) { return client->startCapture(request, context.stop()); },
                    [this](Result<proto::CaptureStatus> started) {
                        if (!started)
                            emit failed(tr("The recorder did not start"), started.error());
                        if (NodeController* current = m_nodes.current())
                            current->refresh();
                    });
}

void RecorderControl::save(DurationNs lastNs)
{
    NodeController* node = m_nodes.current();
    const proto::CaptureStatus* status = recorder();
    if (!node || !node->client() || !status)
        return;
    if (m_capture.isBusy())
        return emit failed(
            tr("The recorder was not saved"),
            Error{ErrorCode::Busy,
                  "a capture or a fetch of this window is under way, and the recorder stands still while a window is captured; "
                  "wait for its end or cancel it",
                  {}});
    m_capture.save(node->client(), status->captureId, m_settings.reportFolder(node->title()), lastNs);
}

void RecorderControl::stop()
{
    NodeController* node = m_nodes.current();
    const proto::CaptureStatus* status = recorder();
    if (!node || !node->client() || !status)
        return;
    m_stopSlot.run([client = node->client(),
                    id = status->captureId](const jobs::JobContext& context) { return client->stopCapture(id, context.stop()); },
                   [this](Result<proto::CaptureStatus> stopped) {
                       if (!stopped)
                           emit failed(tr("The recorder was not stopped"), stopped.error());
                       if (NodeController* current = m_nodes.current())
                           current->refresh();
                   });
}

} // namespace gantry::desktop
