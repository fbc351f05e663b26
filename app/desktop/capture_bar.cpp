#include "app/desktop/capture_bar.h"

#include "app/desktop/capture_controller.h"
#include "app/desktop/capture_dialog.h"
#include "app/desktop/icons.h"
#include "app/desktop/node_list.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"

#include <QAction>
#include <QComboBox>
#include <QMenu>
#include <QSignalBlocker>
#include <QToolBar>
#include <QToolButton>

#include <array>

namespace gantry::desktop {

namespace {

constexpr DurationNs kMillisecond = 1'000'000;
constexpr std::array<DurationNs, 6> kDurations = {500 * kMillisecond,  1000 * kMillisecond,   2000 * kMillisecond,
                                                  5000 * kMillisecond, 10'000 * kMillisecond, 0};

QString durationText(DurationNs duration)
{
    if (duration == 0)
        return CaptureBar::tr("until stopped");
    return duration < 1000 * kMillisecond ? CaptureBar::tr("%1 ms").arg(duration / kMillisecond)
                                          : CaptureBar::tr("%1 s").arg(duration / (1000 * kMillisecond));
}

QString nodeText(const NodeController& node)
{
    return isRecording(node) ? CaptureBar::tr("%1 · plays a recording").arg(node.title()) : node.title();
}

} // namespace

CaptureBar::CaptureBar(NodeList& nodes, CaptureController& capture, Settings& settings, QToolBar* toolbar, QObject* parent)
    : QObject(parent),
      m_nodes(nodes),
      m_capture(capture),
      m_settings(settings),
      m_nodeBox(new QComboBox(toolbar)),
      m_targetBox(new QComboBox(toolbar)),
      m_durationBox(new QComboBox(toolbar)),
      m_toolbar(toolbar),
      m_start(new QAction(tr("&Start capture"), this)),
      m_withOptions(new QAction(tr("Capture with &options…"), this)),
      m_stop(new QAction(tr("S&top capture and open"), this))
{
    m_nodeBox->setObjectName(QStringLiteral("nodeBox"));
    m_nodeBox->setToolTip(tr("Node: the live page and captures refer to it"));
    m_nodeBox->setAccessibleName(tr("Node"));
    m_nodeBox->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_nodeBox->setMinimumContentsLength(10);
    m_targetBox->setObjectName(QStringLiteral("targetBox"));
    m_targetBox->setToolTip(tr("Server to capture"));
    m_targetBox->setAccessibleName(tr("Server to capture"));
    m_targetBox->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_targetBox->setMinimumContentsLength(10);
    m_durationBox->setObjectName(QStringLiteral("durationBox"));
    m_durationBox->setToolTip(tr("Length of the capture window"));
    m_durationBox->setAccessibleName(tr("Length of the capture window"));
    for (const DurationNs duration : kDurations)
        m_durationBox->addItem(durationText(duration), static_cast<qlonglong>(duration));
    setDuration(settings.captureDuration());

    m_start->setShortcut(QKeySequence(Qt::CTRL | Qt::Key_R));
    m_start->setIconText(tr("Capture"));
    m_withOptions->setShortcut(QKeySequence(Qt::CTRL | Qt::ALT | Qt::Key_R));
    m_withOptions->setStatusTip(tr("When to capture, how often, what to record"));
    m_stop->setShortcut(QKeySequence(Qt::CTRL | Qt::SHIFT | Qt::Key_R));
    m_stop->setIconText(tr("Stop"));

    toolbar->addWidget(m_nodeBox);
    toolbar->addWidget(m_targetBox);
    toolbar->addSeparator();
    toolbar->addAction(m_start);
    if (auto* button = qobject_cast<QToolButton*>(toolbar->widgetForAction(m_start))) {
        auto* menu = new QMenu(button);
        menu->addAction(m_withOptions);
        button->setMenu(menu);
        button->setPopupMode(QToolButton::MenuButtonPopup);
    }
    toolbar->addWidget(m_durationBox);
    toolbar->addAction(m_stop);

    connect(m_start, &QAction::triggered, this, &CaptureBar::startCapture);
    connect(m_withOptions, &QAction::triggered, this, &CaptureBar::askForOptions);
    connect(m_targetBox, &QComboBox::currentIndexChanged, this, &CaptureBar::chosen);
    connect(m_stop, &QAction::triggered, &m_capture, &CaptureController::finishWindow);
    connect(m_durationBox, &QComboBox::currentIndexChanged, this, [this] { m_settings.setCaptureDuration(duration()); });
    connect(m_nodeBox, &QComboBox::activated, this, [this](int index) {
        if (index < static_cast<int>(m_nodes.nodes().size()))
            return m_nodes.setCurrent(m_nodes.nodes()[static_cast<std::size_t>(index)].get());
        refreshNodes(); // "Connect…" is no node: the selection goes back
        emit connectRequested();
    });
    connect(&m_nodes, &NodeList::nodesChanged, this, [this] {
        for (const auto& node : m_nodes.nodes())
            for (const auto signal : {&NodeController::stateChanged, &NodeController::contentChanged, &NodeController::titleChanged})
                connect(node.get(), signal, this, &CaptureBar::refreshSender, Qt::UniqueConnection);
        refresh();
    });
    connect(&m_nodes, &NodeList::currentChanged, this, &CaptureBar::refresh);
    connect(&m_capture, &CaptureController::changed, this, &CaptureBar::refresh);
    refresh();
}

std::string CaptureBar::targetId() const
{
    return m_targetBox->currentData().toString().toStdString();
}

QString CaptureBar::targetName() const
{
    return m_targetBox->currentText();
}

DurationNs CaptureBar::duration() const
{
    return m_durationBox->currentData().toLongLong();
}

void CaptureBar::setDuration(DurationNs duration)
{
    int index = m_durationBox->findData(static_cast<qlonglong>(duration));
    if (index < 0) {
        // A length from the command line or an edited settings file: shown as it is.
        index = 0;
        m_durationBox->insertItem(0, durationText(duration), static_cast<qlonglong>(duration));
    }
    m_durationBox->setCurrentIndex(index);
}

void CaptureBar::refresh()
{
    refreshNodes();
    refreshTargets();
    const NodeController* node = m_nodes.current();
    const bool isConnected = node && node->state() == NodeController::State::Connected;
    m_start->setEnabled(isConnected && !targetId().empty() && !m_capture.isBusy());
    m_withOptions->setEnabled(m_start->isEnabled());
    m_stop->setEnabled(m_capture.canFinish());
    m_start->setToolTip(
        !isConnected         ? tr("Connect to a node first")
        : targetId().empty() ? tr("No server runs on this node that could be captured")
        : m_capture.isBusy() ? tr("A capture or fetch is running")
        : isRecording(*node)
            ? tr("This node plays a recording: a window ends with a report that was recorded (%1)").arg(m_start->shortcut().toString())
            : tr("Record a window of the server and open its report (%1)").arg(m_start->shortcut().toString()));
    emit chosen();
}

/// A node that changes beside the current one is a line of the box: of a hundred that connect, each has but its own made anew.
void CaptureBar::refreshSender()
{
    const auto isSender = [this](const auto& node) { return node.get() == sender(); };
    const auto found = std::find_if(m_nodes.nodes().begin(), m_nodes.nodes().end(), isSender);
    if (found == m_nodes.nodes().end() || found->get() == m_nodes.current())
        return refresh();
    const int index = static_cast<int>(found - m_nodes.nodes().begin());
    m_nodeBox->setItemText(index, nodeText(**found));
    m_nodeBox->setItemIcon(index, icons::nodeState((*found)->state()));
}

void CaptureBar::refreshNodes()
{
    const QSignalBlocker blocker(m_nodeBox);
    m_nodeBox->clear();
    int current = -1;
    for (const auto& node : m_nodes.nodes()) {
        if (node.get() == m_nodes.current())
            current = m_nodeBox->count();
        m_nodeBox->addItem(icons::nodeState(node->state()), nodeText(*node));
    }
    m_nodeBox->addItem(m_nodes.nodes().empty() ? tr("No node") : tr("Connect…"));
    m_nodeBox->setCurrentIndex(current);
    if (m_nodes.nodes().empty())
        m_nodeBox->addItem(tr("Connect…"));
    if (current < 0)
        m_nodeBox->setCurrentIndex(0);
}

void CaptureBar::refreshTargets()
{
    const QSignalBlocker blocker(m_targetBox);
    const QString before = m_targetBox->currentData().toString();
    m_targetBox->clear();
    if (const NodeController* node = m_nodes.current()) {
        for (const proto::Target& target : node->targets()) {
            if (target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting)
                m_targetBox->addItem(toQString(target.name), toQString(target.id));
        }
    }
    const bool isEmpty = m_targetBox->count() == 0;
    if (isEmpty)
        m_targetBox->addItem(tr("No server"));
    m_targetBox->setEnabled(!isEmpty);
    m_targetBox->setCurrentIndex(std::max(0, m_targetBox->findData(before)));
}

void CaptureBar::startCapture()
{
    NodeController* node = m_nodes.current();
    if (!node || !node->client())
        return;
    proto::CaptureRequest request;
    request.targetId = targetId();
    if (const proto::Target* target = node->target(request.targetId); target && node->info())
        request.engine = captureLimits(*node->info(), *target).usualEngine();
    request.durationNs = duration();
    m_capture.start(node->client(), request, m_settings.reportFolder(node->title()));
}

void CaptureBar::askForOptions()
{
    const NodeController* node = m_nodes.current();
    const proto::Target* chosenTarget = node ? node->target(targetId()) : nullptr;
    if (!chosenTarget || !node->info())
        return;
    auto* dialog = new CaptureDialog(captureOptions(m_settings.captureOptions()),
                                     {targetName(), node->title(), captureLimits(*node->info(), *chosenTarget)}, m_toolbar->window());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, node, [this, dialog, node, target = targetId()] {
        const CaptureOptions options = dialog->options();
        m_settings.setCaptureOptions(toJson(options));
        proto::CaptureRequest request = captureRequest(options, QDateTime::currentDateTime());
        request.targetId = target;
        m_capture.start(node->client(), std::move(request), m_settings.reportFolder(node->title()));
    });
    dialog->open();
}

} // namespace gantry::desktop
