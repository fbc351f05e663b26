#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::app {

/// 1 to 65535 in decimal digits and nothing else.
[[nodiscard]] std::optional<std::uint16_t> parseTcpPort(std::string_view text);

/// A time of ssh_config(5), TIME FORMATS: "90", "90s", "1m30s", "2h"; at most a year. Nothing for anything else.
[[nodiscard]] std::optional<int> parseSshSeconds(std::string_view text);

[[nodiscard]] std::vector<std::string> splitAtCommas(std::string_view list);

/// `*` and `?` of ssh_config(5); in time proportional to the lengths' product at worst.
[[nodiscard]] bool matchesSshPattern(std::string_view name, std::string_view pattern);

/// %X by the text given for X, %% by %; a token that is not given stays as it is.
[[nodiscard]] std::string replaceTokens(std::string_view text, const std::map<char, std::string>& tokens);
/// ${NAME} by the environment's; a name that is not set by nothing.
[[nodiscard]] std::string replaceVariables(std::string_view text);

/// Errors: BadInput for a name that is empty, could be read as an option, or holds what no host or address has: it may reach a shell by way
/// of the configuration's ProxyCommand.
[[nodiscard]] Result<void> checkSshHostName(std::string_view name);
/// The same for a user's name.
[[nodiscard]] Result<void> checkSshUserName(std::string_view name);

/// Nothing for what is not base64 in whole groups of four.
[[nodiscard]] std::optional<std::string> base64Decoded(std::string_view text);

/// A command line of sh(1) that runs exactly this argv: every argument in single quotes.
[[nodiscard]] std::string shellCommand(const std::vector<std::string>& argv);

} // namespace gantry::app
