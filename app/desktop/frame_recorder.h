#pragma once

#include "trace_model/base/result.h"
#include "widgets/timeline/frame_times.h"

#include <QElapsedTimer>
#include <QFile>
#include <QObject>

#include <filesystem>
#include <memory>

namespace gantry::desktop {

/// `gantry --record`: writes a line of JSON for each paint of every timeline of the application, so that "it is slow" comes with numbers.
/// Keys carry their unit: at_ms since the start, compose_ms (0: only the overlay changed), show_ms, after_input_ms since the
/// first mouse, wheel or key event after the paint before, the visible range and what was drawn. UI thread.
class FrameRecorder : public QObject
{
    Q_OBJECT

public:
    /// Replaces the file. Errors: CannotWrite.
    [[nodiscard]] static Result<std::unique_ptr<FrameRecorder>> create(const std::filesystem::path& path);

    /// Sees timelines that are shown and events that ask for a paint.
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    explicit FrameRecorder(const QString& path);
    void record(const widgets::FrameTimes& times);

    QFile m_file;
    QElapsedTimer m_clock;
    qint64 m_inputNs = -1; ///< when the first input since the last paint came; -1: none did
    quint64 m_frames = 0;
};

} // namespace gantry::desktop
