#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry {

/// A length of time as people type it, in ns: "500ms", "1.5s", "250us", "2m", "1h". The unit is required: a bare number would be read as
/// seconds by one and as milliseconds by the next. Nothing for anything else and for negative values.
[[nodiscard]] std::optional<double> nanosecondsOf(std::string_view text);

/// An amount of memory in bytes: "512", "512B", "1.5MiB", "64k". Binary units with an i (KiB, MiB, GiB, TiB), decimal ones without
/// (k or KB, MB, GB, TB). Nothing for anything else and for negative values.
[[nodiscard]] std::optional<double> bytesOf(std::string_view text);

/// A number with thin spaces between groups of three digits: "1 234 567".
[[nodiscard]] std::string formatCount(std::uint64_t count);

} // namespace gantry
