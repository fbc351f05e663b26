#include "trace_model/base/secret_words.h"

#include <algorithm>
#include <cctype>
#include <utility>

namespace gantry {
namespace {

constexpr std::string_view kMask = "***";
// The last word of a name. "tokens" and "tokenizer" are none: servers have many of these.
constexpr std::string_view kSecretNames[] = {"token",  "password",   "passwd",      "secret",
                                             "apikey", "credential", "credentials", "authorization"};
constexpr std::string_view kSecretKeys[] = {"api", "access", "secret", "private", "auth", "account"}; // before "key"

bool isOneOf(std::string_view word, auto& words)
{
    return std::find(std::begin(words), std::end(words), word) != std::end(words);
}

/// "https://user:password@host" without the password.
void maskUrl(std::string& word)
{
    const std::size_t scheme = word.find("://");
    if (scheme == std::string::npos)
        return;
    const std::size_t begin = scheme + 3, at = word.find('@', begin);
    if (at == std::string::npos || word.substr(begin, at - begin).find('/') != std::string::npos)
        return;
    const std::size_t colon = word.find(':', begin);
    const std::size_t from = colon < at ? colon + 1 : begin;
    word.replace(from, at - from, kMask);
}

/// Returns whether the next word is the value of a secret that this one names.
bool maskWord(std::string& word)
{
    maskUrl(word);
    const std::size_t separator = word.find_first_of("=:");
    if (separator == std::string::npos)
        return word.starts_with('-') && isSecretName(word);
    if (!isSecretName(std::string_view(word).substr(0, separator)))
        return false;
    if (separator + 1 == word.size())
        return true; // "token: X" of a log
    word.replace(separator + 1, std::string::npos, kMask);
    return false;
}

} // namespace

bool isSecretName(std::string_view name)
{
    std::string last, before;
    for (const char letter : name) {
        if (std::isalnum(static_cast<unsigned char>(letter))) {
            last += static_cast<char>(std::tolower(static_cast<unsigned char>(letter)));
        } else if (!last.empty()) {
            before = std::move(last);
            last.clear();
        }
    }
    return isOneOf(last, kSecretNames) || (last == "key" && isOneOf(before, kSecretKeys));
}

void maskSecrets(std::vector<std::string>& argv)
{
    bool isSecret = false;
    for (std::string& word : argv) {
        // Two switches in a row: the first takes no value.
        if (isSecret && !word.starts_with('-')) {
            word = kMask;
            isSecret = false;
        } else {
            isSecret = maskWord(word);
        }
    }
}

std::string maskedLine(const std::string& line)
{
    std::string result, word;
    bool isSecret = false;
    const auto finish = [&] {
        if (word.empty())
            return;
        if (isSecret && word == "Bearer") // of a header: the secret is what follows
            result += word;
        else if (isSecret) {
            result += kMask;
            isSecret = false;
        } else {
            isSecret = maskWord(word);
            result += word;
        }
        word.clear();
    };
    for (const char letter : line) {
        if (std::isspace(static_cast<unsigned char>(letter)) || letter == ',' || letter == '(') {
            finish();
            result += letter;
        } else {
            word += letter;
        }
    }
    finish();
    return result;
}

} // namespace gantry
