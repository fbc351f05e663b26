#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gantry::report {

/// What a file is whose content begins with `head` (some kilobytes, unpacked), where it is something known that holds no timeline
/// or one that Gantry does not read: a sentence with the next step. Absent: nothing known.
[[nodiscard]] std::optional<std::string> describeForeign(std::string_view head);

} // namespace gantry::report
