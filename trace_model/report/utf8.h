#pragma once

#include <string>
#include <string_view>

namespace gantry::report {

/// `text` itself when it is valid UTF-8, else a copy in `scratch` with U+FFFD for each byte that is not. Reports hold bytes of
/// any encoding (file names, output of programs), and what reads a Trace relies on UTF-8.
[[nodiscard]] std::string_view validUtf8(std::string_view text, std::string& scratch);

} // namespace gantry::report
