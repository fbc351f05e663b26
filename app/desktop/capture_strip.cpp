#include "app/desktop/capture_strip.h"

#include "app/desktop/capture_controller.h"
#include "app/desktop/text.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>
#include <QPushButton>

namespace gantry::desktop {

namespace {

constexpr int kSteps = 1000;

QString seconds(DurationNs duration)
{
    return QStringLiteral("%1 s").arg(static_cast<double>(duration) / 1e9, 0, 'f', 1);
}

} // namespace

CaptureStrip::CaptureStrip(CaptureController& capture, QWidget* parent) :
    QWidget(parent),
    m_capture(capture),
    m_label(new QLabel(this)),
    m_bar(new QProgressBar(this)),
    m_finish(new QPushButton(tr("Stop and open"), this)),
    m_cancel(new QPushButton(tr("Cancel"), this))
{
    setObjectName(QStringLiteral("captureStrip"));
    m_bar->setTextVisible(false);
    m_bar->setFixedHeight(10);
    m_bar->setMinimumWidth(180);
    m_finish->setToolTip(tr("Close the window now and open its report"));
    m_cancel->setToolTip(tr("Close the window; the report stays on the node"));

    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(10, 5, 10, 5);
    row->setSpacing(10);
    row->addWidget(m_bar, 1);
    row->addWidget(m_label, 2);
    row->addWidget(m_finish);
    row->addWidget(m_cancel);

    connect(m_finish, &QPushButton::clicked, &m_capture, &CaptureController::finishWindow);
    connect(m_cancel, &QPushButton::clicked, &m_capture, &CaptureController::cancel);
    connect(&m_capture, &CaptureController::changed, this, &CaptureStrip::refresh);
    refresh();
}

QString CaptureStrip::text() const
{
    const proto::CaptureStatus& status = m_capture.status();
    const QString counts = QStringLiteral(" · %1 events · %2 · %3 dropped").arg(formatCount(status.events), formatBytes(status.bytes), formatCount(status.dropped));
    switch (m_capture.stage()) {
    case CaptureController::Stage::Idle:
        return {};
    case CaptureController::Stage::Starting:
        return tr("Opening the window…");
    case CaptureController::Stage::Capturing:
        return status.durationNs > 0 ? tr("Capturing · %1 of %2").arg(seconds(status.elapsedNs), seconds(status.durationNs)) + counts
                                     : tr("Capturing · %1").arg(seconds(status.elapsedNs)) + counts;
    case CaptureController::Stage::Assembling:
        return tr("Writing the report on the node") + counts;
    case CaptureController::Stage::Fetching:
        if (m_capture.totalBytes() == 0)
            return tr("Fetching the report…");
        if (m_capture.fetchedBytes() >= m_capture.totalBytes())
            return tr("Checking the SHA-256 of %1").arg(formatBytes(m_capture.totalBytes()));
        return tr("Fetching %1 of %2").arg(formatBytes(m_capture.fetchedBytes()), formatBytes(m_capture.totalBytes()));
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
    double fraction = -1; // not known: the bar moves
    if (m_capture.stage() == CaptureController::Stage::Capturing && status.durationNs > 0)
        fraction = static_cast<double>(status.elapsedNs) / static_cast<double>(status.durationNs);
    else if (m_capture.stage() == CaptureController::Stage::Fetching && m_capture.totalBytes() > 0)
        fraction = static_cast<double>(m_capture.fetchedBytes()) / static_cast<double>(m_capture.totalBytes());
    m_bar->setRange(0, fraction < 0 ? 0 : kSteps);
    if (fraction >= 0)
        m_bar->setValue(static_cast<int>(fraction * kSteps));
    m_finish->setVisible(m_capture.stage() == CaptureController::Stage::Capturing);
}

} // namespace gantry::desktop
