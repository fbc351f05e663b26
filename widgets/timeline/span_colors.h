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

/// The colours of one kind of events, to be looked up by row.
struct KindColors
{
    const SpanColor* colors = nullptr; ///< by number; fill 0: not asked for yet
    std::uint32_t count = 0;
    const std::uint32_t* numbers = nullptr; ///< by row; null: of a kind whose numbers are no column

    /// Null: not known yet.
    [[nodiscard]] const SpanColor* find(std::uint32_t row) const
    {
        if (!numbers)
            return nullptr;
        const std::uint32_t number = numbers[row];
        return number < count && colors[number].fill != 0 ? colors + number : nullptr;
    }
};

/// Colours of a trace's events in one theme. What events share (a name, a label, a route) is computed when first asked for and then
/// looked up by its number: painting a span computes no colour. UI thread.
class SpanColors
{
public:
    SpanColors(const trace::Trace& trace, const Theme& theme);

    [[nodiscard]] const SpanColor& of(trace::EventId event)
    {
        const auto& colors = m_colors[static_cast<std::size_t>(event.kind())];
        const std::uint32_t* const numbers = m_numbers[static_cast<std::size_t>(event.kind())];
        const std::size_t number = numbers ? numbers[event.row()] : numberOf(event);
        return number < colors.size() && colors[number].fill != 0 ? colors[number] : add(event, number);
    }

    /// For many events of a kind; of() makes those that it lacks, and another one has them then.
    [[nodiscard]] KindColors ofKind(trace::EventKind kind) const
    {
        const auto& colors = m_colors[static_cast<std::size_t>(kind)];
        return {colors.data(), static_cast<std::uint32_t>(colors.size()), m_numbers[static_cast<std::size_t>(kind)]};
    }

private:
    [[nodiscard]] std::uint32_t numberOf(trace::EventId event) const;
    const SpanColor& add(trace::EventId event, std::size_t number);
    [[nodiscard]] SpanColor make(trace::EventId event) const;

    const trace::Trace& m_trace;
    const Theme& m_theme;
    std::array<const std::uint32_t*, trace::kEventKindCount> m_numbers{}; ///< columns of numbers, of the kinds that have one
    std::array<std::vector<SpanColor>, trace::kEventKindCount> m_colors;  ///< by kind and number; fill 0: not asked for yet
};

} // namespace gantry::widgets
