#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

/// Which Python functions of a target tell about their calls: the JSON of Nsight Systems' --python-functions-trace.
///
///     [{"domain": "Model", "color": "0x3F51B5", "category": "steps", "module": "torch.nn.modules.module",
///       "functions": ["Module.__call__", {"function": "Module.to", "color": "red"}]}]
///
/// A list of objects with `module` (dotted, "__main__" included) and `functions`: names in the module, methods as "Class.method", functions
/// of modules below as "random.random"; each a text, or an object with `function` and its own domain, category and color. A color is a
/// name,
/// "#RRGGBB", "0xRRGGBB" or "0xAARRGGBB", or a number. Without a domain they are in "Python". Other keys, such as "_comment", mean nothing.
namespace gantry::node {

struct PythonFunction
{
    std::string module, name, domain, category;
    std::uint32_t color = 0; ///< 0xAARRGGBB, 0: none
};

/// Errors: BadInput, with what is wrong and in which of the objects.
[[nodiscard]] Result<std::vector<PythonFunction>> parsePythonFunctions(const std::string& json);

/// As remote_server/capture/python/gantry_functions.py reads them.
[[nodiscard]] std::string pythonFunctionLines(const std::vector<PythonFunction>& functions);

/// Adds to the environment of a target what traces the functions that `file` lists, which holds the lines above: the folder
/// gantry-python beside the capture library becomes the first of PYTHONPATH. Errors: Unsupported (the folder is not there).
[[nodiscard]] Result<void> addPythonFunctions(std::map<std::string, std::string>& environment, const std::filesystem::path& captureLibrary,
                                              const std::filesystem::path& file);

} // namespace gantry::node
