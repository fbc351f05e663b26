#include "widgets/theme/theme.h"

#include <algorithm>

namespace gantry::widgets {

namespace {

using trace::CopyKind;
using trace::EventKind;
using trace::MemoryKind;

// Okabe and Ito, "Color Universal Design" (2008).
constexpr QRgb kOrange = 0xFFE69F00;
constexpr QRgb kSkyBlue = 0xFF56B4E9;
constexpr QRgb kGreen = 0xFF009E73;
constexpr QRgb kYellow = 0xFFF0E442;
constexpr QRgb kBlue = 0xFF0072B2;
constexpr QRgb kVermillion = 0xFFD55E00;
constexpr QRgb kPurple = 0xFFCC79A7;

/// FNV-1a: the same colour for a name on every machine and in every report.
std::uint32_t hashOf(std::string_view text)
{
    std::uint32_t hash = 2166136261u;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
    return hash ^ hash >> 15;
}

QColor tone(QRgb base, std::string_view name, int hueSpread, int lightSpread)
{
    const QColor color(base);
    const std::uint32_t hash = hashOf(name);
    const int hue = (color.hslHue() + static_cast<int>(hash % static_cast<unsigned>(2 * hueSpread + 1)) - hueSpread + 360) % 360;
    const int light = std::clamp(color.lightness() + static_cast<int>(hash / 997 % static_cast<unsigned>(2 * lightSpread + 1)) - lightSpread, 40, 215);
    return QColor::fromHsl(hue, color.hslSaturation(), light);
}

Theme makeLight()
{
    Theme t;
    t.scheme = ColorScheme::Light;
    t.window = QColor(0xF3F4F6);
    t.base = QColor(0xFFFFFF);
    t.alternateBase = QColor(0xF7F8FA);
    t.text = QColor(0x1B1F24);
    t.weakText = QColor(0x5B6470);
    t.border = QColor(0xD0D5DC);
    t.accent = QColor(0x1F6FEB);
    t.button = QColor(0xFAFBFC);
    t.canvas = QColor(0xFFFFFF);
    t.groupRow = QColor(0xE9ECF0);
    t.alternateRow = QColor(0xF8F9FB);
    t.gridLine = QColor(0xE6E9ED);
    t.rulerText = QColor(0x4A525D);
    t.header = QColor(0xF3F4F6);
    t.selection = QColor(0x111418);
    t.measure = QColor(0x1F6FEB);
    t.match = QColor(0xB8860B);
    t.hover = QColor(Qt::black);
    t.good = QColor(0x1A7F37);
    t.warning = QColor(0x8F5F00);
    t.bad = QColor(0xCF222E);
    return t;
}

Theme makeDark()
{
    Theme t;
    t.scheme = ColorScheme::Dark;
    t.window = QColor(0x1E2126);
    t.base = QColor(0x17191D);
    t.alternateBase = QColor(0x1C1F24);
    t.text = QColor(0xE4E7EB);
    t.weakText = QColor(0x9AA3AE);
    t.border = QColor(0x363B43);
    t.accent = QColor(0x4C8DFF);
    t.button = QColor(0x2A2E35);
    t.canvas = QColor(0x17191D);
    t.groupRow = QColor(0x282C33);
    t.alternateRow = QColor(0x1B1E22);
    t.gridLine = QColor(0x2A2E34);
    t.rulerText = QColor(0xAEB6C0);
    t.header = QColor(0x1E2126);
    t.selection = QColor(0xFFFFFF);
    t.measure = QColor(0x4C8DFF);
    t.match = QColor(0xF0C040);
    t.hover = QColor(0xFFFFFF);
    t.good = QColor(0x4AC26B);
    t.warning = QColor(0xE3B341);
    t.bad = QColor(0xFF7B72);
    return t;
}

} // namespace

const Theme& Theme::of(ColorScheme scheme)
{
    static const Theme light = makeLight();
    static const Theme dark = makeDark();
    return scheme == ColorScheme::Light ? light : dark;
}

const Theme& Theme::forPalette(const QPalette& palette)
{
    return of(palette.color(QPalette::Window).lightness() < 128 ? ColorScheme::Dark : ColorScheme::Light);
}

QPalette Theme::palette() const
{
    QPalette p;
    p.setColor(QPalette::Window, window);
    p.setColor(QPalette::WindowText, text);
    p.setColor(QPalette::Base, base);
    p.setColor(QPalette::AlternateBase, alternateBase);
    p.setColor(QPalette::Text, text);
    p.setColor(QPalette::Button, button);
    p.setColor(QPalette::ButtonText, text);
    p.setColor(QPalette::BrightText, bad);
    p.setColor(QPalette::ToolTipBase, scheme == ColorScheme::Dark ? QColor(0x2F343C) : QColor(0xFFFFFF));
    p.setColor(QPalette::ToolTipText, text);
    p.setColor(QPalette::PlaceholderText, weakText);
    p.setColor(QPalette::Highlight, accent);
    p.setColor(QPalette::HighlightedText, Qt::white);
    p.setColor(QPalette::Link, accent);
    p.setColor(QPalette::LinkVisited, accent);
    p.setColor(QPalette::Light, scheme == ColorScheme::Dark ? QColor(0x3A4049) : QColor(0xFFFFFF));
    p.setColor(QPalette::Midlight, border.lighter(110));
    p.setColor(QPalette::Mid, border);
    p.setColor(QPalette::Dark, border.darker(130));
    p.setColor(QPalette::Shadow, scheme == ColorScheme::Dark ? QColor(Qt::black) : QColor(0x9AA3AE));
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        p.setColor(QPalette::Disabled, role, scheme == ColorScheme::Dark ? QColor(0x858E99) : QColor(0x7F8893)); // it may say why
    p.setColor(QPalette::Disabled, QPalette::Highlight, border);
    return p;
}

QColor Theme::phase(records::RequestPhase phase) const
{
    switch (phase) {
    case records::RequestPhase::Queue:
        return QColor(kOrange);
    case records::RequestPhase::Cache:
        return QColor(kYellow);
    case records::RequestPhase::ComputeInput:
        return QColor(kSkyBlue);
    case records::RequestPhase::ComputeInfer:
        return QColor(kGreen);
    case records::RequestPhase::ComputeOutput:
        return QColor(kPurple);
    case records::RequestPhase::Outside:
        break;
    }
    return request();
}

QColor Theme::request() const
{
    return scheme == ColorScheme::Dark ? QColor(0x4A5260) : QColor(0xC3CAD3);
}

QColor Theme::failedRequest() const
{
    return QColor(0xCF222E);
}

QColor Theme::copy(trace::CopyRoute route) const
{
    switch (route.kind) {
    case CopyKind::HtoD:
    case CopyKind::HtoA:
    case CopyKind::UvmHtoD:
        return route.source == MemoryKind::Pageable ? QColor(0x0B7A5C) : QColor(0x66C9AA);
    case CopyKind::DtoH:
    case CopyKind::AtoH:
    case CopyKind::UvmDtoH:
        return route.destination == MemoryKind::Pageable ? QColor(kVermillion) : QColor(0xF7B27A);
    case CopyKind::DtoD:
    case CopyKind::AtoA:
    case CopyKind::AtoD:
    case CopyKind::DtoA:
    case CopyKind::UvmDtoD:
        return QColor(0x8E7CC3);
    case CopyKind::PtoP:
        return QColor(kPurple);
    case CopyKind::HtoH:
    case CopyKind::Unknown:
        break;
    }
    return QColor(0x8A939E);
}

QColor Theme::memset() const
{
    return QColor(0xB08B3E);
}

QColor Theme::synchronization() const
{
    // Far from the greys of API calls, which waits on streams stand beside: lighter in the dark, darker in the light.
    return scheme == ColorScheme::Dark ? QColor(0xC3CAD3) : QColor(0x4A525D);
}

QColor Theme::overhead() const
{
    return QColor(0xA15C5C);
}

QColor Theme::kernel(std::string_view name) const
{
    return tone(scheme == ColorScheme::Dark ? 0xFF2E86C1 : kBlue, name, 14, 26);
}

QColor Theme::apiCall(std::string_view name) const
{
    return tone(scheme == ColorScheme::Dark ? 0xFF7D8794 : 0xFF8895A5, name, 20, 22);
}

QColor Theme::graph() const
{
    return scheme == ColorScheme::Dark ? QColor(0x7C7FD6) : QColor(0x5A5DB8);
}

QColor Theme::libraryCall(std::string_view name) const
{
    return tone(scheme == ColorScheme::Dark ? 0xFF6F9183 : 0xFF7FA394, name, 10, 18);
}

QColor Theme::osCall(std::string_view name) const
{
    return tone(scheme == ColorScheme::Dark ? 0xFF93826F : 0xFFB0A08C, name, 8, 18);
}

QColor Theme::range(std::string_view name, std::uint32_t given) const
{
    if ((given & 0x00FFFFFFu) != 0)
        return QColor(given | 0xFF000000u);
    if (const auto phase = records::phaseFromName(name))
        return this->phase(*phase);
    const std::uint32_t hash = hashOf(name);
    return QColor::fromHsl(static_cast<int>(hash % 360), 90, scheme == ColorScheme::Dark ? 120 : 165);
}

QColor Theme::counter() const
{
    return scheme == ColorScheme::Dark ? QColor(0x6FA8DC) : QColor(0x3D78B0);
}

QColor Theme::event(const trace::Trace& trace, trace::EventId id) const
{
    const std::uint32_t row = id.row();
    switch (id.kind()) {
    case EventKind::Kernel:
        return kernel(trace.strings[trace.kernels.shortName(row)]);
    case EventKind::Memcpy:
        return copy(trace.memcpys.route[row]);
    case EventKind::Memset:
        return memset();
    case EventKind::Synchronization:
        return synchronization();
    case EventKind::GraphLaunch:
        return graph();
    case EventKind::GpuRange:
        return range(trace.strings[trace.gpuRanges.text[row]], 0);
    case EventKind::LibraryCall:
        return libraryCall(trace.strings[trace.libraryCalls.name(row)]);
    case EventKind::OsCall:
        return osCall(trace.strings[trace.osCalls.name(row)]);
    case EventKind::ApiCall:
        return apiCall(trace.strings[trace.apiCalls.name(row)]);
    case EventKind::NvtxRange:
        return range(trace.strings[trace.nvtxRanges.text(row)], trace.nvtxRanges.label(row).color);
    case EventKind::NvtxMark:
        return range(trace.strings[trace.nvtxMarks.text(row)], trace.nvtxMarks.label(row).color);
    case EventKind::Overhead:
        return overhead();
    case EventKind::Phase:
        return phase(trace.phases.phase[row]);
    }
    return synchronization();
}

QColor Theme::series(std::size_t index) const
{
    static constexpr std::array<QRgb, 8> kSeries = {kBlue, kVermillion, kGreen, kOrange, kPurple, kSkyBlue, 0xFF8A6D3B, 0xFF7F7F7F};
    const QColor color(kSeries[index % kSeries.size()]);
    return scheme == ColorScheme::Dark ? color.lighter(125) : color;
}

QColor Theme::textOn(const QColor& background)
{
    // Relative luminance with the weights of Rec. 709.
    const double luminance = 0.2126 * background.redF() + 0.7152 * background.greenF() + 0.0722 * background.blueF();
    return luminance > 0.52 ? QColor(0x14181D) : QColor(0xFFFFFF);
}

} // namespace gantry::widgets
