#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::test {

[[nodiscard]] inline std::string readFile(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

inline void writeFile(const std::filesystem::path& path, std::string_view bytes)
{
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

/// Files of a folder of real reports and outputs beside the source tree, by name; empty where these are absent.
[[nodiscard]] inline std::vector<std::filesystem::path> sharedFiles(const std::string& folder)
{
    std::vector<std::filesystem::path> files;
    std::error_code absent;
    for (const auto& entry : std::filesystem::directory_iterator(std::filesystem::path(GANTRY_SOURCE_DIR) / "../shared/data" / folder, absent))
        files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    return files;
}

/// Calls with the text cut at every 1/1000 of its length.
inline void forEachTruncation(std::string_view text, const std::function<void(std::string_view)>& call)
{
    for (std::size_t part = 0; part < 1000; ++part)
        call(text.substr(0, text.size() * part / 1000));
}

} // namespace gantry::test
