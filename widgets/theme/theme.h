#pragma once

#include "trace_model/trace/trace.h"

#include <QColor>
#include <QPalette>

#include <array>
#include <string_view>

namespace gantry::widgets {

enum class ColorScheme { Light, Dark };

/// The colours of everything that is drawn, in one of two schemes. A colour means the same thing in every view: phases, copies
/// and kernels look alike in the timeline, the tables and the plots. Hues come from Okabe and Ito's palette for colour-blind
/// readers; what shares a hue (pageable and pinned copies of one direction) differs in lightness.
struct Theme
{
    ColorScheme scheme = ColorScheme::Light;

    // The window
    QColor window, base, alternateBase, text, weakText, border, accent, button;
    // The timeline
    QColor canvas, groupRow, alternateRow, gridLine, rulerText, header, selection, measure, match, hover;
    // Messages
    QColor good, warning, bad;

    [[nodiscard]] static const Theme& of(ColorScheme scheme);
    /// The scheme that a widget's palette belongs to, so that whoever sets the application's palette has set everything.
    [[nodiscard]] static const Theme& forPalette(const QPalette& palette);

    /// Palette for Qt's own widgets.
    [[nodiscard]] QPalette palette() const;

    [[nodiscard]] QColor phase(records::RequestPhase phase) const;
    /// A request's whole span, behind its phases.
    [[nodiscard]] QColor request() const;
    [[nodiscard]] QColor failedRequest() const;
    /// HtoD, DtoH, DtoD ... by hue; a pageable host side is the strong tone, pinned the light one.
    [[nodiscard]] QColor copy(trace::CopyRoute route) const;
    [[nodiscard]] QColor memset() const;
    [[nodiscard]] QColor synchronization() const;
    [[nodiscard]] QColor overhead() const;
    /// A tone of blue that stays the same for a name.
    [[nodiscard]] QColor kernel(std::string_view name) const;
    [[nodiscard]] QColor apiCall(std::string_view name) const;
    /// A whole CUDA graph: work on the GPU as a kernel is, but no kernel.
    [[nodiscard]] QColor graph() const;
    [[nodiscard]] QColor libraryCall(std::string_view name) const;
    [[nodiscard]] QColor osCall(std::string_view name) const;
    /// The colour the program gave the range (0xAARRGGBB), else one of the name.
    [[nodiscard]] QColor range(std::string_view name, std::uint32_t given) const;
    [[nodiscard]] QColor counter() const;
    /// Colour of an event as the timeline draws it.
    [[nodiscard]] QColor event(const trace::Trace& trace, trace::EventId id) const;
    /// Curves of one plot: distinct, in order; repeats after eight.
    [[nodiscard]] QColor series(std::size_t index) const;
    /// Black or white, whichever reads better on `background`.
    [[nodiscard]] static QColor textOn(const QColor& background);
};

} // namespace gantry::widgets
