#include "app/remote/ssh_words.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <fmt/format.h>
#include <openssl/evp.h>

namespace gantry::app {

std::optional<std::uint16_t> parseTcpPort(std::string_view text)
{
    unsigned value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0 || value > 65535)
        return std::nullopt;
    return static_cast<std::uint16_t>(value);
}

std::optional<int> parseSshSeconds(std::string_view text)
{
    constexpr long long kLongest = 365LL * 24 * 3600;
    long long total = 0;
    if (text.empty())
        return std::nullopt;
    while (!text.empty()) {
        long long value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error != std::errc{} || value < 0 || value > kLongest)
            return std::nullopt;
        text.remove_prefix(static_cast<std::size_t>(end - text.data()));
        long long scale = 1;
        if (!text.empty()) {
            switch (std::tolower(static_cast<unsigned char>(text.front()))) {
            case 's':
                break;
            case 'm':
                scale = 60;
                break;
            case 'h':
                scale = 3600;
                break;
            case 'd':
                scale = 24 * 3600;
                break;
            case 'w':
                scale = 7 * 24 * 3600;
                break;
            default:
                return std::nullopt;
            }
            text.remove_prefix(1);
        }
        total += value * scale;
        if (total > kLongest)
            return std::nullopt;
    }
    return static_cast<int>(total);
}

std::vector<std::string> splitAtCommas(std::string_view list)
{
    std::vector<std::string> parts;
    while (true) {
        const std::size_t comma = std::min(list.find(','), list.size());
        parts.emplace_back(list.substr(0, comma));
        if (comma == list.size())
            return parts;
        list.remove_prefix(comma + 1);
    }
}

bool matchesSshPattern(std::string_view name, std::string_view pattern)
{
    // Where the last `*` stood, to let it take one more character when what follows does not fit.
    std::size_t n = 0, p = 0, star = std::string_view::npos, starName = 0;
    while (n < name.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            starName = n;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
            ++p;
            ++n;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            n = ++starName;
        } else {
            return false;
        }
    }
    return std::all_of(pattern.begin() + static_cast<std::ptrdiff_t>(p), pattern.end(), [](char c) { return c == '*'; });
}

std::string replaceTokens(std::string_view text, const std::map<char, std::string>& tokens)
{
    std::string result;
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] != '%' || i + 1 == text.size()) {
            result += text[i];
            continue;
        }
        const char token = text[++i];
        if (const auto found = tokens.find(token); found != tokens.end())
            result += found->second;
        else if (token == '%')
            result += '%';
        else
            result += {'%', token};
    }
    return result;
}

std::string replaceVariables(std::string_view text)
{
    std::string result;
    for (;;) {
        const std::size_t open = text.find("${");
        const std::size_t close = open == std::string_view::npos ? open : text.find('}', open);
        if (close == std::string_view::npos)
            return result.append(text);
        result.append(text.substr(0, open));
        const char* const value = std::getenv(std::string(text.substr(open + 2, close - open - 2)).c_str());
        result.append(value ? value : "");
        text.remove_prefix(close + 1);
    }
}

Result<void> checkSshHostName(std::string_view name)
{
    const auto isUsual = [](unsigned char c) {
        return std::isalnum(c) != 0 || std::string_view("._:%-").find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (name.empty())
        return Error{ErrorCode::BadInput, "the host's name is missing", {}};
    if (name.front() == '-' || !std::all_of(name.begin(), name.end(), isUsual))
        return Error{ErrorCode::BadInput, fmt::format("'{}' is not the name or address of a host", name), {}};
    return {};
}

Result<void> checkSshUserName(std::string_view name)
{
    // What ssh(1) refuses too: a shell could give it a meaning.
    const auto isOdd = [](unsigned char c) {
        return c <= ' ' || c == 0x7f || std::string_view("'`\";&<>|(){}\\$").find(static_cast<char>(c)) != std::string_view::npos;
    };
    if (name.empty() || name.front() == '-' || std::any_of(name.begin(), name.end(), isOdd))
        return Error{ErrorCode::BadInput, fmt::format("'{}' is not the name of a user", name), {}};
    return {};
}

std::string shellCommand(const std::vector<std::string>& argv)
{
    std::string command;
    for (const std::string& argument : argv) {
        command += command.empty() ? "'" : " '";
        for (const char c : argument) {
            if (c == '\'')
                command += "'\\''"; // ends the quotes, a quote by itself, begins them again
            else
                command += c;
        }
        command += '\'';
    }
    return command;
}

std::optional<std::string> base64Decoded(std::string_view text)
{
    if (text.size() % 4 != 0)
        return std::nullopt;
    std::string bytes(text.size() / 4 * 3, '\0');
    const int count = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()), reinterpret_cast<const unsigned char*>(text.data()),
                                      static_cast<int>(text.size()));
    if (count < 0)
        return std::nullopt;
    // EVP_DecodeBlock(3) counts the padding in.
    bytes.resize(static_cast<std::size_t>(count) - static_cast<std::size_t>(std::count(text.begin(), text.end(), '=')));
    return bytes;
}

} // namespace gantry::app
