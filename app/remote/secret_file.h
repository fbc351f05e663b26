#pragma once

#include "app/remote/secret.h"
#include "trace_model/base/result.h"

#include <string>

namespace gantry::app {

/// A password or token from the first line of a file that nobody but its owner can read. "~/" is the user's own folder. Reads a file: not
/// for a UI thread. Errors: NotFound, NotPermitted (others can read it), BadInput (it holds no line of printable characters), with the path
/// and never with what is in it.
[[nodiscard]] Result<Secret> readSecretFile(const std::string& path);

} // namespace gantry::app
