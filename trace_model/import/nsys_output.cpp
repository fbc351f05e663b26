#include "trace_model/import/nsys_output.h"

#include "trace_model/report/utf8.h"

#include <utility>

namespace gantry::importing {
namespace {

/// In single quotes where a shell would read more than a word into it.
std::string quoted(const std::string& word)
{
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:@%,";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos)
        return word;
    std::string result = "'";
    for (const char c : word)
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

} // namespace

std::string lastLines(const std::string& text)
{
    constexpr int kLines = 5;
    std::vector<std::string> lines;
    std::string scratch;
    std::string_view rest = report::validUtf8(text, scratch);
    while (!rest.empty() && lines.size() < kLines) {
        const std::size_t end = rest.find_last_of("\r\n");
        std::string line(end == std::string_view::npos ? rest : rest.substr(end + 1));
        if (line.find_first_not_of(" \t") != std::string::npos)
            lines.insert(lines.begin(), std::move(line));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
    }
    std::string result;
    for (const std::string& line : lines)
        result += (result.empty() ? "" : " / ") + line;
    return result.empty() ? "it said nothing" : result;
}

std::string commandText(const std::vector<std::string>& words)
{
    std::string text;
    for (const std::string& word : words)
        text += (text.empty() ? "" : " ") + quoted(word);
    return text;
}

} // namespace gantry::importing
