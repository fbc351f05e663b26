#pragma once

#include "trace_model/trace/trace.h"

#include <QImage>
#include <QString>

#include <memory>
#include <string_view>

class QWidget;

namespace gantry {

/// "[100, 200)", for QCOMPARE's messages. The caller deletes it with delete[].
[[nodiscard]] char* toString(const TimeRange& range);

} // namespace gantry

namespace gantry::widgets_test {

using TracePtr = std::shared_ptr<const trace::Trace>;

/// The trace of an event script (tests/support/event_script.h). Throws std::runtime_error on a bad one.
[[nodiscard]] TracePtr traceOf(std::string_view script);

/// A shipped demo report: "bert-pageable" or "bert-pinned". Throws std::runtime_error when it does not load.
[[nodiscard]] TracePtr demoTrace(std::string_view name);

/// One millisecond of a server: requests 7 and 8 share batch 3 on stream 7, request 9 is served from the cache, and a kernel and a
/// copy on stream 8 belong to no request.
extern const std::string_view kServerScript;

/// The first event of a kind with a name, or none.
[[nodiscard]] trace::EventId eventNamed(const trace::Trace& trace, trace::EventKind kind, std::string_view name);
/// The request with an id, or none.
[[nodiscard]] trace::RequestIndex requestNumbered(const trace::Trace& trace, std::uint64_t id);
/// The first track with a name, or none.
[[nodiscard]] trace::TrackId trackNamed(const trace::Trace& trace, std::string_view name);

/// With ordinary blanks for the thin spaces between digits.
[[nodiscard]] QString plain(QString text);

/// What a widget looks like, painted at once.
[[nodiscard]] QImage imageOf(QWidget& widget);
/// How many pixels of `image` have exactly this colour.
[[nodiscard]] int pixelsOf(const QImage& image, const QColor& color);
/// How many different colours `image` has.
[[nodiscard]] int colorsIn(const QImage& image);

} // namespace gantry::widgets_test
