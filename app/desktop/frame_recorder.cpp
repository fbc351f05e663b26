#include "app/desktop/frame_recorder.h"

#include "app/desktop/text.h"
#include "widgets/timeline/timeline_widget.h"

#include <QCoreApplication>
#include <QEvent>
#include <QJsonDocument>
#include <QJsonObject>

#include <utility>

namespace gantry::desktop {

namespace {

double milliseconds(qint64 ns)
{
    return static_cast<double>(ns) * 1e-6;
}

} // namespace

FrameRecorder::FrameRecorder(const QString& path) : m_file(path)
{
    m_clock.start();
}

Result<std::unique_ptr<FrameRecorder>> FrameRecorder::create(const std::filesystem::path& path)
{
    std::unique_ptr<FrameRecorder> recorder(new FrameRecorder(toQString(path.string())));
    if (!recorder->m_file.open(QIODevice::WriteOnly | QIODevice::Truncate))
        return Error{ErrorCode::CannotWrite, path.string() + ": " + recorder->m_file.errorString().toStdString(), {}};
    QCoreApplication::instance()->installEventFilter(recorder.get());
    return recorder;
}

bool FrameRecorder::eventFilter(QObject* watched, QEvent* event)
{
    switch (event->type()) {
    case QEvent::MouseMove:
    case QEvent::MouseButtonPress:
    case QEvent::MouseButtonRelease:
    case QEvent::MouseButtonDblClick:
    case QEvent::Wheel:
    case QEvent::KeyPress:
        // The first since the last paint: who waits for it counts from there.
        if (m_inputNs < 0)
            m_inputNs = m_clock.nsecsElapsed();
        break;
    case QEvent::Show:
        if (auto* timeline = qobject_cast<widgets::TimelineWidget*>(watched))
            connect(timeline, &widgets::TimelineWidget::framePainted, this, &FrameRecorder::record, Qt::UniqueConnection);
        break;
    default:
        break;
    }
    return false;
}

void FrameRecorder::record(const widgets::FrameTimes& times)
{
    const qint64 now = m_clock.nsecsElapsed();
    QJsonObject line{
        {QStringLiteral("frame"), static_cast<qint64>(++m_frames)},
        {QStringLiteral("at_ms"), milliseconds(now)},
        {QStringLiteral("compose_ms"), milliseconds(times.compose)},
        {QStringLiteral("show_ms"), milliseconds(times.show)},
        {QStringLiteral("after_input_ms"), m_inputNs < 0 ? QJsonValue() : QJsonValue(milliseconds(now - m_inputNs))},
        {QStringLiteral("width_px"), times.shown.width()},
        {QStringLiteral("height_px"), times.shown.height()},
        {QStringLiteral("view_start_ns"), static_cast<qint64>(times.view.start)},
        {QStringLiteral("view_end_ns"), static_cast<qint64>(times.view.end)},
        {QStringLiteral("lanes"), static_cast<qint64>(times.content.lanes)},
        {QStringLiteral("boxes"), static_cast<qint64>(times.content.boxes)},
        {QStringLiteral("labels"), static_cast<qint64>(times.content.labels)},
    };
    m_inputNs = -1;
    m_file.write(QJsonDocument(line).toJson(QJsonDocument::Compact) + '\n');
    m_file.flush(); // what was recorded before a crash is what tells
}

} // namespace gantry::desktop
