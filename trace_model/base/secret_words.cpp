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
    const std::size_t begin = scheme + 3, end = std::min(word.find('/', begin), word.size());
    const std::size_t at = word.substr(0, end).rfind('@'); // a password may hold one
    if (at == std::string::npos || at < begin)
        return;
    const std::size_t colon = word.find(':', begin);
    const std::size_t from = colon < at ? colon + 1 : begin;
    word.replace(from, at - from, kMask);
}

/// An option whose value holds a secret, whatever its name says.
bool isSecretOption(std::string_view name)
{
    return name == "--http-restricted-api" || name == "--grpc-restricted-protocol"; // Triton: "inference:infer-key=SECRET"
}

/// Returns whether the next word is the value of a secret that this one names.
bool maskWord(std::string& word)
{
    maskUrl(word);
    for (std::size_t at = word.find_first_of("=:"); at != std::string::npos; at = word.find_first_of("=:", at + 1)) {
        const std::string_view name = std::string_view(word).substr(0, at); // of "--env=HF_TOKEN=X" the last one counts
        if (!isSecretName(name) && !isSecretOption(name))
            continue;
        if (at + 1 == word.size())
            return true; // "token: X" of a log
        word.replace(at + 1, std::string::npos, kMask);
        return false;
    }
    return word.starts_with('-') && (isSecretName(word) || isSecretOption(word)) && word.find_first_of("=:") == std::string::npos;
}

/// "Bearer" of a header: the secret is what follows.
bool isScheme(std::string_view word)
{
    constexpr std::string_view kSchemes[] = {"bearer", "basic", "digest", "negotiate"};
    std::string lower(word);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char letter) { return std::tolower(letter); });
    return isOneOf(lower, kSchemes);
}

/// The quote that a word opens and does not close; 0: none.
char openQuote(std::string_view word)
{
    for (const char quote : {'"', '\''})
        if (std::count(word.begin(), word.end(), quote) % 2 != 0)
            return quote;
    return 0;
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
        // Two switches in a row: the first takes no value. Some take several.
        const bool isSwitch = word.starts_with("--") || (word.starts_with('-') && word.size() <= 2);
        if (isSecret && !isSwitch) {
            word = kMask;
        } else if (std::any_of(word.begin(), word.end(), [](unsigned char letter) { return std::isspace(letter) != 0; })) {
            word = maskedLine(word); // of a shell
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
    char quote = 0; // of a secret that goes on
    const auto finish = [&] {
        if (word.empty())
            return;
        const std::string before = word;
        if (quote != 0) {
            quote = openQuote(word) == quote ? char(0) : quote;
            result += kMask;
        } else if (isSecret && isScheme(word)) {
            result += word;
        } else if (isSecret) {
            quote = openQuote(word);
            result += kMask;
            isSecret = false;
        } else {
            isSecret = maskWord(word);
            if (word != before)
                quote = openQuote(before);
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
