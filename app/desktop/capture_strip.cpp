#include "app/desktop/capture_strip.h"

#include "app/desktop/capture_controller.h"
#include "app/desktop/capture_options.h"
#include "app/desktop/text.h"
#include "widgets/theme/elided_label.h"

#include <QHBoxLayout>
#include <QProgressBar>
#include <QPushButton>

namespace gantry::desktop {

namespace {

constexpr int kSteps = 1000;

QString seconds(DurationNs duration)
{
    return QStringLiteral("%1 s").arg(static_cast<double>(duration) / 1e9, 0, 'f', 1);
}

/// What is left of a wait, in whole seconds: "12 s", "3 min 5 s", "2 h 10 min".
QString waitLength(DurationNs wait)
{
    const qint64 seconds = (wait + 999'999'999) / 1'000'000'000;
    if (seconds < 60)
        return CaptureStrip::tr("%1 s").arg(seconds);
    return seconds < 3600 ? CaptureStrip::tr("%1 min %2 s").arg(seconds / 60).arg(seconds % 60)
                          : CaptureStrip::tr("%1 h %2 min").arg(seconds / 3600).arg(seconds / 60 % 60);
}

/// "Window 2 of 5"; empty where there is but one. `number` counts from one.
QString windowText(const proto::CaptureStatus& status, std::uint32_t number)
{
    if (status.windowCount <= 1)
        return {};
    return status.windowCount >= kMostWindows ? CaptureStrip::tr("Window %1").arg(number)
                                              : CaptureStrip::tr("Window %1 of %2").arg(number).arg(status.windowCount);
}

QString waitText(const proto::CaptureStatus& status, const proto::CaptureRequest& request)
{
    switch (status.state) {
    case proto::CaptureState::Queued:
        return CaptureStrip::tr("Queued behind %1").arg(toQString(status.waitsFor));
    case proto::CaptureState::Armed:
        return request.trigger == proto::CaptureTrigger::NvtxRange
                   ? CaptureStrip::tr("Armed: waiting for the NVTX range %1").arg(toQString(request.triggerRange))
                   : CaptureStrip::tr("Armed: waiting for cudaProfilerStart");
    default:
        return status.waitsNs > 0 ? CaptureStrip::tr("Begins in %1").arg(waitLength(status.waitsNs))
                                  : CaptureStrip::tr("Waiting for the server's first call of CUDA or NVTX");
    }
}

QString joined(const QStringList& parts)
{
    QStringList said = parts;
    said.removeAll(QString());
    return said.join(QStringLiteral(" · "));
}

} // namespace

CaptureStrip::CaptureStrip(CaptureController& capture, QWidget* parent)
    : QWidget(parent),
      m_capture(capture),
      m_label(new widgets::ElidedLabel(Qt::ElideRight, this)),
      m_bar(new QProgressBar(this)),
      m_finish(new QPushButton(tr("Stop and open"), this)),
      m_cancel(new QPushButton(tr("Cancel"), this))
{
    setObjectName(QStringLiteral("captureStrip"));
    m_bar->setTextVisible(false);
    m_bar->setFixedHeight(10);
    m_bar->setMinimumWidth(80);
    m_finish->setToolTip(tr("Close the window now and open its report"));
    m_cancel->setToolTip(tr("Close the window; the report stays on the node"));

    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(10, 5, 10, 5);
    row->setSpacing(10);
    row->addWidget(m_bar, 1);
    row->addWidget(m_label, 3);
    row->addWidget(m_finish);
    row->addWidget(m_cancel);

    connect(m_finish, &QPushButton::clicked, &m_capture, &CaptureController::finishWindow);
    connect(m_cancel, &QPushButton::clicked, &m_capture, &CaptureController::cancel);
    connect(&m_capture, &CaptureController::changed, this, &CaptureStrip::refresh);
    refresh();
}

QString CaptureStrip::text() const
{
    return m_capture.isAway() ? joined({tr("Connection lost, goes on when the node is back"), stageText()}) : stageText();
}

QString CaptureStrip::stageText() const
{
    const proto::CaptureStatus& status = m_capture.status();
    const QString counts =
        tr("%1 events · %2 · %3 dropped").arg(formatCount(status.events), formatBytes(status.bytes), formatCount(status.dropped));
    switch (m_capture.stage()) {
    case CaptureController::Stage::Idle:
        return {};
    case CaptureController::Stage::Starting:
        return tr("Opening the window…");
    case CaptureController::Stage::Waiting:
        return joined({windowText(status, status.windowsBegun + 1), waitText(status, m_capture.request()), toQString(status.message)});
    case CaptureController::Stage::Capturing:
        return joined({windowText(status, status.windowsBegun),
                       status.durationNs > 0 ? tr("Capturing · %1 of %2").arg(seconds(status.elapsedNs), seconds(status.durationNs))
                                             : tr("Capturing · %1").arg(seconds(status.elapsedNs)),
                       counts});
    case CaptureController::Stage::Assembling:
        return joined({tr("Writing the report on the node"), status.events > 0 ? counts : QString()});
    case CaptureController::Stage::Fetching: {
        const QString number = m_capture.totalReports() > 1
                                   ? tr("Report %1 of %2").arg(m_capture.fetchedReports() + 1).arg(m_capture.totalReports())
                                   : QString();
        if (m_capture.totalBytes() == 0)
            return joined({number, tr("Fetching the report…")});
        if (m_capture.fetchedBytes() >= m_capture.totalBytes())
            return joined({number, tr("Checking the SHA-256 of %1").arg(formatBytes(m_capture.totalBytes()))});
        return joined({number, tr("Fetching %1 of %2").arg(formatBytes(m_capture.fetchedBytes()), formatBytes(m_capture.totalBytes()))});
    }
    }
    return {};
}

void CaptureStrip::refresh()
{
    setVisible(m_capture.isBusy());
    if (!m_capture.isBusy())
        return;
    m_label->setText(text());
    const proto::CaptureStatus& status = m_capture.status();
    double fraction = m_capture.isAway() ? 0 : -1; // not known: the bar moves
    if (m_capture.stage() == CaptureController::Stage::Capturing && status.durationNs > 0)
        fraction = static_cast<double>(status.elapsedNs) / static_cast<double>(status.durationNs);
    else if (m_capture.stage() == CaptureController::Stage::Fetching && m_capture.totalBytes() > 0)
        fraction = static_cast<double>(m_capture.fetchedBytes()) / static_cast<double>(m_capture.totalBytes());
    m_bar->setRange(0, fraction < 0 ? 0 : kSteps);
    if (fraction >= 0)
        m_bar->setValue(static_cast<int>(fraction * kSteps));
    m_finish->setVisible(m_capture.canFinish());
}

} // namespace gantry::desktop
