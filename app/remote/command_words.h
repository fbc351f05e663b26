#pragma once

#include "trace_model/base/result.h"

#include <string>
#include <string_view>
#include <vector>

namespace gantry::app {

/// Words of a command line given as one argument (`--launch 'python serve.py --port 8000'`): split at blanks, with '…' and "…"
/// kept together and \ taking the next character as it is. No variables, globs or other work of a shell: the words go to the
/// program as they are. Errors: BadInput for an open quote or no word at all.
[[nodiscard]] Result<std::vector<std::string>> splitCommandWords(std::string_view text);

} // namespace gantry::app
