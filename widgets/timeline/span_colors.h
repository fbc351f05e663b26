#pragma once

#include "trace_model/trace/trace.h"
#include "widgets/theme/theme.h"

#include <QColor>

#include <array>
#include <vector>

namespace gantry::widgets {

/// How a span is filled: in full, and faded while something else is highlighted.
struct SpanColor
{
    QRgb fill = 0, edge = 0; ///< opaque; the edge tells neighbours of one colour apart
    QRgb fadedFill = 0, fadedEdge = 0;
    QRgb text = 0; ///< of a label on the fill
};

/// Colours of a trace's events in one theme. What events share (a name, a label, a route) is computed when first asked for and then
/// looked up by its number: painting a span computes no colour. UI thread.
class SpanColors
{
public:
    SpanColors(const trace::Trace& trace, const Theme& theme) : m_trace(trace), m_theme(theme) {}

    [[nodiscard]] const SpanColor& of(trace::EventId event);

private:
    [[nodiscard]] std::uint32_t numberOf(trace::EventId event) const;
    [[nodiscard]] SpanColor make(trace::EventId event) const;

    const trace::Trace& m_trace;
    const Theme& m_theme;
    std::array<std::vector<SpanColor>, trace::kEventKindCount> m_colors; ///< by kind and number; fill 0: not asked for yet
};

} // namespace gantry::widgets
