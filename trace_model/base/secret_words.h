#pragma once

#include <string>
#include <string_view>
#include <vector>

/// What looks like a secret in command lines, environments and logs, and is taken out of whatever is passed on. Any thread.
namespace gantry {

/// "--hf-token", "HF_TOKEN", "api_key": a name whose value is a secret.
[[nodiscard]] bool isSecretName(std::string_view name);
/// Takes the values out of arguments that look like secrets: "--api-key X", "--token=X", "HF_TOKEN=X", "https://user:X@host".
void maskSecrets(std::vector<std::string>& argv);
/// The same in a line of text, word by word.
[[nodiscard]] std::string maskedLine(const std::string& line);

} // namespace gantry
