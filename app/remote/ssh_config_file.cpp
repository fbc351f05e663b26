#include "app/remote/ssh_config_file.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <fmt/format.h>
#include <fstream>
#include <glob.h>

namespace gantry::app {

namespace {

constexpr std::string_view kBlanks = " \t\r\f";

void skipBlanks(std::string_view& text)
{
    text.remove_prefix(std::min(text.find_first_not_of(kBlanks), text.size()));
}

/// The next argument, without its quotes; a `#` that begins one ends the line.
Result<std::string> takeArgument(std::string_view& text, const std::string& where)
{
    std::string argument;
    char quote = 0;
    std::size_t i = 0;
    for (; i < text.size(); ++i) {
        const char c = text[i];
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (c == '\\' && (next == '"' || next == '\'' || next == '\\' || (quote == 0 && next == ' '))) {
            argument += next;
            ++i;
        } else if (quote == 0 && (c == '"' || c == '\'')) {
            quote = c;
        } else if (quote != 0 && c == quote) {
            quote = 0;
        } else if (quote == 0 && kBlanks.find(c) != std::string_view::npos) {
            break;
        } else {
            argument += c;
        }
    }
    if (quote != 0)
        return Error{ErrorCode::BadInput, fmt::format("{}: a {} is never closed", where, quote), {}};
    text.remove_prefix(i);
    skipBlanks(text);
    return argument;
}

} // namespace

Result<SshConfigLine> splitSshConfigLine(std::string_view line, std::string where)
{
    SshConfigLine result;
    result.where = std::move(where);
    skipBlanks(line);
    while (!line.empty() && kBlanks.find(line.back()) != std::string_view::npos)
        line.remove_suffix(1);
    if (line.empty() || line.front() == '#')
        return result;
    const std::size_t end = std::min(line.find_first_of(" \t\r\f="), line.size());
    result.keyword = line.substr(0, end);
    std::transform(result.keyword.begin(), result.keyword.end(), result.keyword.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    line.remove_prefix(end);
    skipBlanks(line);
    // One `=` may stand between keyword and value.
    if (!line.empty() && line.front() == '=') {
        line.remove_prefix(1);
        skipBlanks(line);
    }
    result.rest = line;
    while (!line.empty() && line.front() != '#') {
        GANTRY_TRY(std::string argument, takeArgument(line, result.where));
        result.arguments.push_back(std::move(argument));
    }
    if (result.arguments.empty())
        return Error{ErrorCode::BadInput, fmt::format("{}: {} has no value", result.where, result.keyword), {}};
    return result;
}

Result<void> readSshConfigFile(const std::filesystem::path& file, const std::function<Result<void>(const SshConfigLine& line)>& onLine)
{
    errno = 0;
    std::ifstream stream(file);
    if (!stream)
        return errnoError(errno, fmt::format("cannot read {}", file.string()));
    std::string text;
    for (int number = 1; std::getline(stream, text); ++number) {
        GANTRY_TRY(const SshConfigLine line, splitSshConfigLine(text, fmt::format("{} line {}", file.string(), number)));
        if (!line.keyword.empty())
            GANTRY_CHECK(onLine(line));
    }
    return {};
}

std::vector<std::filesystem::path> includedSshConfigFiles(const std::string& pattern, const std::filesystem::path& folder,
                                                          const std::string& home)
{
    std::string absolute = pattern;
    if (pattern.starts_with("~/"))
        absolute = home + pattern.substr(1);
    else if (!pattern.starts_with('/'))
        absolute = (folder / pattern).string();
    std::vector<std::filesystem::path> files;
    glob_t found{};
    if (::glob(absolute.c_str(), 0, nullptr, &found) == 0)
        for (std::size_t i = 0; i < found.gl_pathc; ++i)
            files.emplace_back(found.gl_pathv[i]);
    ::globfree(&found);
    return files;
}

} // namespace gantry::app
