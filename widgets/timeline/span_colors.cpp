#include "widgets/timeline/span_colors.h"

#include "widgets/timeline/pixel_blend.h"

namespace gantry::widgets {

using trace::EventId;
using trace::EventKind;

SpanColors::SpanColors(const trace::Trace& trace, const Theme& theme) : m_trace(trace), m_theme(theme)
{
    const auto column = [this](EventKind kind) -> const std::uint32_t*& { return m_numbers[static_cast<std::size_t>(kind)]; };
    column(EventKind::Kernel) = trace.kernels.nameNumber.data();
    column(EventKind::ApiCall) = trace.apiCalls.calleeNumber.data();
    column(EventKind::LibraryCall) = trace.libraryCalls.calleeNumber.data();
    column(EventKind::OsCall) = trace.osCalls.calleeNumber.data();
    column(EventKind::NvtxRange) = trace.nvtxRanges.labelNumber.data();
    column(EventKind::NvtxMark) = trace.nvtxMarks.labelNumber.data();
}

const SpanColor& SpanColors::add(EventId event, std::size_t number)
{
    auto& colors = m_colors[static_cast<std::size_t>(event.kind())];
    if (number >= colors.size())
        colors.resize(number + 1);
    return colors[number] = make(event);
}

std::uint32_t SpanColors::numberOf(EventId event) const
{
    const std::uint32_t row = event.row();
    switch (event.kind()) {
    case EventKind::Memcpy: {
        const trace::CopyRoute route = m_trace.memcpys.route[row];
        constexpr std::uint32_t kMemoryKinds = static_cast<std::uint32_t>(trace::MemoryKind::Unknown) + 1;
        return (static_cast<std::uint32_t>(route.kind) * kMemoryKinds + static_cast<std::uint32_t>(route.source)) * kMemoryKinds +
               static_cast<std::uint32_t>(route.destination);
    }
    case EventKind::GpuRange:
        return m_trace.gpuRanges.text[row].isNone() ? 0 : m_trace.gpuRanges.text[row].value + 1;
    case EventKind::Phase:
        return static_cast<std::uint32_t>(m_trace.phases.phase[row]);
    case EventKind::Kernel:
    case EventKind::ApiCall:
    case EventKind::LibraryCall:
    case EventKind::OsCall:
    case EventKind::NvtxRange:
    case EventKind::NvtxMark:
        break; // have a column of numbers
    case EventKind::Memset:
    case EventKind::Synchronization:
    case EventKind::Overhead:
    case EventKind::GraphLaunch:
        break; // one colour for all
    }
    return 0;
}

SpanColor SpanColors::make(EventId event) const
{
    constexpr int kEdgeDarkness = 135;                           // QColor::darker()
    constexpr std::uint32_t kFadedDark = 184, kFadedLight = 194; // of 255 of the canvas
    const QColor color = m_theme.event(m_trace, event);
    const QColor faded(blended(color.rgb(), m_theme.canvas.rgb(), m_theme.scheme == ColorScheme::Dark ? kFadedDark : kFadedLight));
    return {color.rgb(), color.darker(kEdgeDarkness).rgb(), faded.rgb(), faded.darker(kEdgeDarkness).rgb(), Theme::textOn(color).rgb()};
}

} // namespace gantry::widgets
