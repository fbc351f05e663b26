#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::app {

/// One line of an ssh_config(5) file that says something.
struct SshConfigLine
{
    std::string keyword;                ///< lower case
    std::vector<std::string> arguments; ///< without quotes; never empty
    std::string rest;                   ///< all behind the keyword as it stands, for commands
    std::string where;                  ///< "FILE line N"
};

/// Splits a line; a comment or an empty line has no keyword. Errors: BadInput for a quote that is not closed or a keyword without a value.
[[nodiscard]] Result<SshConfigLine> splitSshConfigLine(std::string_view line, std::string where);

/// Calls `onLine` for each line of the file that says something. Errors: NotFound when it is not there, NotPermitted, BadInput with the
/// line, those of onLine.
[[nodiscard]] Result<void> readSshConfigFile(const std::filesystem::path& file,
                                             const std::function<Result<void>(const SshConfigLine& line)>& onLine);

/// The files that an `Include` names, sorted as glob(3) does; relative ones are of `folder`. A file that is not there is no error.
[[nodiscard]] std::vector<std::filesystem::path> includedSshConfigFiles(const std::string& pattern, const std::filesystem::path& folder,
                                                                        const std::string& home);

} // namespace gantry::app
