#include "widgets/timeline/span_colors.h"

#include "widgets/timeline/pixel_blend.h"

namespace gantry::widgets {

using trace::EventId;
using trace::EventKind;

const SpanColor& SpanColors::of(EventId event)
{
    auto& colors = m_colors[static_cast<std::size_t>(event.kind())];
    const std::size_t number = numberOf(event);
    if (number >= colors.size())
        colors.resize(number + 1);
    SpanColor& color = colors[number];
    if (color.fill == 0)
        color = make(event);
    return color;
}

std::uint32_t SpanColors::numberOf(EventId event) const
{
    const std::uint32_t row = event.row();
    switch (event.kind()) {
    case EventKind::Kernel:
        return m_trace.kernels.nameNumber[row];
    case EventKind::Memcpy: {
        const trace::CopyRoute route = m_trace.memcpys.route[row];
        constexpr std::uint32_t kMemoryKinds = static_cast<std::uint32_t>(trace::MemoryKind::Unknown) + 1;
        return (static_cast<std::uint32_t>(route.kind) * kMemoryKinds + static_cast<std::uint32_t>(route.source)) * kMemoryKinds +
               static_cast<std::uint32_t>(route.destination);
    }
    case EventKind::ApiCall:
        return m_trace.apiCalls.calleeNumber[row];
    case EventKind::LibraryCall:
        return m_trace.libraryCalls.calleeNumber[row];
    case EventKind::OsCall:
        return m_trace.osCalls.calleeNumber[row];
    case EventKind::NvtxRange:
        return m_trace.nvtxRanges.labelNumber[row];
    case EventKind::NvtxMark:
        return m_trace.nvtxMarks.labelNumber[row];
    case EventKind::GpuRange:
        return m_trace.gpuRanges.text[row].isNone() ? 0 : m_trace.gpuRanges.text[row].value + 1;
    case EventKind::Phase:
        return static_cast<std::uint32_t>(m_trace.phases.phase[row]);
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
