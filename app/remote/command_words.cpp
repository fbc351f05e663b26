#include "app/remote/command_words.h"

#include <fmt/format.h>

namespace gantry::app {

Result<std::vector<std::string>> splitCommandWords(std::string_view text)
{
    std::vector<std::string> words;
    bool inWord = false;
    char quote = '\0';
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const bool isBlank = c == ' ' || c == '\t' || c == '\n';
        if (quote == '\0' && isBlank) {
            inWord = false;
            continue;
        }
        if (!inWord) {
            words.emplace_back();
            inWord = true;
        }
        if (c == quote)
            quote = '\0';
        else if (quote == '\0' && (c == '\'' || c == '"'))
            quote = c;
        else if (c == '\\' && quote != '\'' && i + 1 < text.size())
            words.back().push_back(text[++i]);
        else
            words.back().push_back(c);
    }
    if (quote != '\0')
        return Error{ErrorCode::BadInput, fmt::format("the command \"{}\" has a {} that is never closed", text, quote), {}};
    if (words.empty())
        return Error{ErrorCode::BadInput, "the command is empty", {}};
    return words;
}

} // namespace gantry::app
