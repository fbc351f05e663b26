#pragma once

#include <QRgb>

#include <cstdint>

namespace gantry::widgets {

/// `color` over `background`, both opaque, by a coverage of 0..255: what a raster does for each pixel.
[[nodiscard]] constexpr QRgb blended(QRgb background, QRgb color, std::uint32_t coverage)
{
    // Red and blue in one multiplication, green in another; + coverage / 128 makes 255 a full 256.
    const std::uint32_t share = coverage + (coverage >> 7);
    const std::uint32_t redBlue = (background & 0xFF00FFu) + ((((color & 0xFF00FFu) - (background & 0xFF00FFu)) * share) >> 8);
    const std::uint32_t green = (background & 0x00FF00u) + ((((color & 0x00FF00u) - (background & 0x00FF00u)) * share) >> 8);
    return 0xFF000000u | (redBlue & 0xFF00FFu) | (green & 0x00FF00u);
}

} // namespace gantry::widgets
