#include "trace_model/import/kernel_name.h"

#include <cstddef>

namespace gantry::importing {
namespace {

constexpr std::size_t kNone = std::string_view::npos;

constexpr char closingOf(char open)
{
    return open == '<' ? '>' : open == '(' ? ')' : open == '[' ? ']' : '}';
}

/// Behind the bracket that closes the one at `at`; kNone: none does. Inside of others than <>, < and > may be signs of comparison.
std::size_t behindBrackets(std::string_view text, std::size_t at)
{
    constexpr std::size_t kDeepest = 1024;
    char expected[kDeepest];
    std::size_t depth = 0;
    for (; at < text.size(); ++at) {
        const char c = text[at];
        const bool isArrow = c == '>' && text[at - 1] == '-';
        if (depth > 0 && c == expected[depth - 1] && !isArrow) {
            if (--depth == 0)
                return at + 1;
        } else if (c == '(' || c == '[' || c == '{' || (c == '<' && (depth == 0 || expected[depth - 1] == '>'))) {
            if (depth == kDeepest)
                return kNone;
            expected[depth++] = closingOf(c);
        }
    }
    return kNone;
}

/// Behind the name of an operator that begins at `at`, where it has one of the brackets: "operator()", "operator<< <int>".
std::size_t behindOperator(std::string_view text, std::size_t at)
{
    at += std::string_view("operator").size();
    const std::string_view rest = text.substr(at);
    for (const std::string_view sign : {"()", " ()", "[]", "<=>", "<<=", "<<", "<=", "->*", "->", ">>=", ">>", ">=", "<", ">"})
        if (rest.starts_with(sign)) {
            at += sign.size();
            return text.substr(at).starts_with(" <") ? at + 1 : at;
        }
    return at;
}

} // namespace

std::string_view shortKernelName(std::string_view demangled)
{
    std::size_t begin = 0, end = kNone; // of what may be the name; `end`: where its template arguments begin
    std::size_t at = 0;
    const auto name = [&](std::size_t behind) {
        std::string_view text = demangled.substr(begin, (end == kNone ? behind : end) - begin);
        return text.ends_with(' ') ? text.substr(0, text.size() - 1) : text; // of "operator<< <int>"
    };
    while (at < demangled.size()) {
        const char c = demangled[at];
        if (at == begin && demangled.substr(at).starts_with("operator")) {
            at = behindOperator(demangled, at);
        } else if (demangled.substr(at).starts_with("::")) {
            begin = at += 2;
            end = kNone;
        } else if (c == ' ') { // what was before is the type that it returns
            begin = ++at;
            end = kNone;
        } else if (c == '<' || c == '(' || c == '[' || c == '{') {
            const std::size_t behind = behindBrackets(demangled, at);
            if (behind == kNone)
                return demangled;
            const bool isInside = demangled.substr(behind).starts_with("::"); // a function around it, or "(anonymous namespace)"
            if (c == '(' && !isInside) {
                const std::string_view found = name(at);
                return found.empty() ? demangled : found;
            }
            if (c == '<')
                end = at;
            at = behind;
        } else {
            ++at;
        }
    }
    return end == kNone || begin == end ? demangled : name(at);
}

} // namespace gantry::importing
