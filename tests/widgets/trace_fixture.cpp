#include "tests/widgets/trace_fixture.h"

#include "tests/support/event_script.h"
#include "trace_model/trace/trace_loader.h"

#include <QSet>
#include <QTest>
#include <QWidget>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gantry {

char* toString(const TimeRange& range)
{
    return QTest::toString(QStringLiteral("[%1, %2)").arg(range.start).arg(range.end));
}

} // namespace gantry

namespace gantry::widgets_test {

using trace::EventId;
using trace::EventKind;

namespace {

TracePtr load(const std::filesystem::path& path)
{
    auto loaded = trace::loadTrace(path);
    if (!loaded)
        throw std::runtime_error(loaded.error().text());
    return std::move(*loaded);
}

} // namespace

const std::string_view kServerScript = R"(
window 0..1000000
process server
thread 12 bert_0
execution 3 thread 12 model bert:1 instance bert_0 80000..150000
request 7 model bert:1 0..200000 queue 0..80000 compute_input 80000..90000 compute_infer 90000..140000 compute_output 140000..150000 batch 3
request 8 model bert:1 20000..210000 queue 20000..80000 compute_input 80000..90000 compute_infer 90000..140000 compute_output 140000..150000 batch 3
request 9 model bert:1 300000..320000 cache 301000..310000
range 12 execute 80000..150000 payload 3 domain gantry.serve
range 12 compute_infer 90000..140000 payload 3 domain gantry.serve
range 12 shutdown 900000..
api 12 cudaMemcpyAsync 81000..83000 corr 2
api 12 cudaLaunchKernel 95000..99000 corr 1
memcpy gpu0/stream7 HtoD pageable 84000..88000 bytes 4096 corr 2
kernel gpu0/stream7 gemm 100000..130000 corr 1
kernel gpu0/stream8 softmax 600000..700000 corr 9
memcpy gpu0/stream8 DtoH pinned 710000..720000 bytes 1048576 corr 10
memset gpu0/stream8 730000..731000 bytes 64 corr 11
)";

TracePtr traceOf(std::string_view script)
{
    return test::traceOf(script);
}

TracePtr demoTrace(std::string_view name)
{
    return load(std::filesystem::path(GANTRY_SOURCE_DIR "/resources/demo") / (std::string(name) + ".gantry.zst"));
}

EventId eventNamed(const trace::Trace& trace, EventKind kind, std::string_view name)
{
    for (std::uint32_t row = 0; row < trace.columns(kind).size(); ++row) {
        if (trace.nameOf(EventId(kind, row)) == name)
            return EventId(kind, row);
    }
    return {};
}

trace::RequestIndex requestNumbered(const trace::Trace& trace, std::uint64_t id)
{
    const auto found =
        std::find_if(trace.requests.begin(), trace.requests.end(), [id](const trace::Request& request) { return request.id == id; });
    return found == trace.requests.end() ? trace::RequestIndex()
                                         : trace::RequestIndex(static_cast<std::uint32_t>(found - trace.requests.begin()));
}

trace::TrackId trackNamed(const trace::Trace& trace, std::string_view name)
{
    const auto found =
        std::find_if(trace.tracks.begin(), trace.tracks.end(), [name](const trace::Track& track) { return track.name == name; });
    return found == trace.tracks.end() ? trace::TrackId() : trace::TrackId(static_cast<std::uint32_t>(found - trace.tracks.begin()));
}

QString plain(QString text)
{
    return text.replace(QChar(0x2009), QLatin1Char(' '));
}

QImage imageOf(QWidget& widget)
{
    QImage image(widget.size(), QImage::Format_RGB32);
    image.fill(Qt::magenta); // what the widget leaves unpainted shows
    widget.render(&image);
    return image;
}

int pixelsOf(const QImage& image, const QColor& color)
{
    int count = 0;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            count += (image.pixel(x, y) & 0xFFFFFFu) == (color.rgb() & 0xFFFFFFu);
    return count;
}

int colorsIn(const QImage& image)
{
    QSet<QRgb> colors;
    for (int y = 0; y < image.height(); ++y)
        for (int x = 0; x < image.width(); ++x)
            colors.insert(image.pixel(x, y));
    return static_cast<int>(colors.size());
}

} // namespace gantry::widgets_test
