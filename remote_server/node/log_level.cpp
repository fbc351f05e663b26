#include "remote_server/node/log_level.h"

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <string>
#include <utility>

namespace gantry::node {
namespace {

using proto::LogLevel;

constexpr std::size_t kLookedAt = 240; // bytes; a level stands before the message
constexpr int kMostWords = 10;

constexpr std::pair<std::string_view, LogLevel> kWords[] = {
    {"TRACE", LogLevel::Debug}, {"DEBUG", LogLevel::Debug},  {"VERBOSE", LogLevel::Debug},   {"INFO", LogLevel::Info},
    {"NOTICE", LogLevel::Info}, {"WARN", LogLevel::Warning}, {"WARNING", LogLevel::Warning}, {"ERR", LogLevel::Error},
    {"ERROR", LogLevel::Error}, {"FATAL", LogLevel::Error},  {"CRITICAL", LogLevel::Error},
};
constexpr std::pair<char, LogLevel> kLetters[] = {{'V', LogLevel::Debug},   {'D', LogLevel::Debug}, {'I', LogLevel::Info},
                                                  {'W', LogLevel::Warning}, {'E', LogLevel::Error}, {'F', LogLevel::Error}};

bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

/// Without the colours of a terminal: ESC [ … letter.
std::string plainText(std::string_view line)
{
    std::string text;
    for (std::size_t i = 0; i < line.size(); ++i) {
        if (line[i] != '\x1b') {
            text += line[i];
            continue;
        }
        while (i < line.size() && !std::isalpha(static_cast<unsigned char>(line[i])))
            ++i;
    }
    return text;
}

LogLevel levelOfLetter(char letter)
{
    for (const auto& [known, level] : kLetters)
        if (letter == known)
            return level;
    return LogLevel::Unknown;
}

LogLevel levelOfWord(std::string_view word)
{
    std::string upper(word);
    std::transform(upper.begin(), upper.end(), upper.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    for (const auto& [known, level] : kWords)
        if (upper == known)
            return level;
    return LogLevel::Unknown;
}

/// "I0611 12:00:00.123456 …", with the year in newer ones: "I20250611 …".
LogLevel levelOfGlog(std::string_view text)
{
    const std::size_t digits = text.find_first_not_of("0123456789", 1);
    if (text.size() < 6 || (digits != 5 && digits != 9) || text[digits] != ' ')
        return LogLevel::Unknown;
    return levelOfLetter(text.front());
}

/// The value of "level", "severity" or "levelname".
LogLevel levelOfJson(std::string_view text)
{
    for (const std::string_view key : {"\"level\"", "\"severity\"", "\"levelname\""}) {
        std::size_t at = text.find(key);
        if (at == std::string_view::npos)
            continue;
        at = text.find_first_not_of(": \t", at + key.size());
        if (at == std::string_view::npos || text[at] != '"')
            continue;
        const std::size_t end = text.find('"', at + 1);
        if (end != std::string_view::npos)
            return levelOfWord(text.substr(at + 1, end - at - 1));
    }
    return LogLevel::Unknown;
}

/// A word as it stands in the line: what is in brackets is a word of its own.
struct Word
{
    std::string_view text;
    bool isBracketed = false;
    bool endsInColon = false;
};

/// The next one, taken off the text; empty: there is none.
Word takeWord(std::string_view& text)
{
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos)
        return {};
    text.remove_prefix(begin);
    if (text.front() == '[') {
        const std::size_t end = text.find(']');
        if (end != std::string_view::npos) {
            const Word word{text.substr(1, end - 1), true, false};
            text.remove_prefix(end + 1);
            return word;
        }
    }
    std::size_t end = std::min(text.find_first_of(" \t[", 1), text.size());
    Word word{text.substr(0, end), false, false};
    // "WARNING:root:…", "ERROR:    …"; not the colons of a time.
    if (const std::size_t colon = word.text.find(':'); colon != std::string_view::npos && colon > 0 && !isDigit(word.text[colon - 1])) {
        word.text = word.text.substr(0, colon);
        word.endsInColon = true;
        end = colon + 1;
    }
    text.remove_prefix(end);
    return word;
}

/// Whether a level may follow: a time, a number of a process, a separator, a name in brackets; not a word of a sentence.
bool isPrefix(const Word& word)
{
    return word.isBracketed || word.endsInColon || word.text == "-" || word.text == "|" ||
           std::any_of(word.text.begin(), word.text.end(), [](char c) { return isDigit(c) || c == '(' || c == ')'; });
}

LogLevel levelOfWords(std::string_view text)
{
    bool mayFollow = true;
    for (int i = 0; i < kMostWords; ++i) {
        const Word word = takeWord(text);
        if (word.text.empty() && !word.isBracketed)
            return LogLevel::Unknown;
        const bool isUpper = std::none_of(word.text.begin(), word.text.end(), [](unsigned char c) { return std::islower(c) != 0; });
        if (word.isBracketed && word.text.size() == 1)
            if (const LogLevel level = levelOfLetter(word.text.front()); level != LogLevel::Unknown)
                return level;
        if (word.isBracketed || (isUpper && mayFollow) || (word.endsInColon && mayFollow))
            if (const LogLevel level = levelOfWord(word.text); level != LogLevel::Unknown)
                return level;
        mayFollow = isPrefix(word);
    }
    return LogLevel::Unknown;
}

} // namespace

LogLevel logLevelOf(std::string_view line)
{
    const std::string text = plainText(line.substr(0, kLookedAt));
    const std::size_t begin = text.find_first_not_of(" \t");
    if (begin == std::string::npos)
        return LogLevel::Unknown;
    const std::string_view rest = std::string_view(text).substr(begin);
    if (rest.front() == '{')
        return levelOfJson(rest);
    if (const LogLevel level = levelOfGlog(rest); level != LogLevel::Unknown)
        return level;
    return levelOfWords(rest);
}

} // namespace gantry::node
