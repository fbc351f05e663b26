#pragma once

#include "tests/support/child_process.h"

#include <string>
#include <vector>

namespace gantry::test {

/// Runs gantryctl to its end.
[[nodiscard]] inline ProcessResult gantryctl(std::vector<std::string> arguments)
{
    arguments.insert(arguments.begin(), GANTRYCTL);
    return runProcess(arguments);
}

} // namespace gantry::test
