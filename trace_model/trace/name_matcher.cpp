#include "trace_model/trace/name_matcher.h"

#include <algorithm>
#include <cctype>
#include <re2/re2.h>

namespace gantry::trace {
namespace {

std::string lower(std::string_view text)
{
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

} // namespace

NameQuery parseNameQuery(std::string_view typed)
{
    if (typed.size() > 2 && typed.front() == '/' && typed.back() == '/')
        return {std::string(typed.substr(1, typed.size() - 2)), NameMatch::Regex};
    if (typed.size() > 1 && typed.front() == '~')
        return {std::string(typed.substr(1)), NameMatch::Fuzzy};
    return {std::string(typed), NameMatch::Substring};
}

NameMatcher::NameMatcher(const NameQuery& query) : m_text(lower(query.text)), m_match(query.match) {}
NameMatcher::NameMatcher(NameMatcher&& other) noexcept = default;
NameMatcher& NameMatcher::operator=(NameMatcher&& other) noexcept = default;
NameMatcher::~NameMatcher() = default;

Result<NameMatcher> NameMatcher::create(const NameQuery& query)
{
    NameMatcher matcher(query);
    if (query.match == NameMatch::Regex) {
        RE2::Options options;
        options.set_case_sensitive(false);
        options.set_log_errors(false);
        matcher.m_regex = std::make_unique<RE2>(query.text, options);
        if (!matcher.m_regex->ok())
            return Error{ErrorCode::BadInput, "no regular expression: " + matcher.m_regex->error(), {}};
    }
    return matcher;
}

bool NameMatcher::matches(std::string_view name) const
{
    switch (m_match) {
    case NameMatch::Regex:
        return RE2::PartialMatch(re2::StringPiece(name.data(), name.size()), *m_regex);
    case NameMatch::Fuzzy: {
        std::size_t wanted = 0;
        for (std::size_t i = 0; i < name.size() && wanted < m_text.size(); ++i)
            wanted += std::tolower(static_cast<unsigned char>(name[i])) == static_cast<unsigned char>(m_text[wanted]);
        return wanted == m_text.size();
    }
    case NameMatch::Exact:
        return lower(name) == m_text;
    case NameMatch::Substring:
        break;
    }
    return lower(name).find(m_text) != std::string::npos;
}

std::vector<std::uint8_t> NameMatcher::matchesOf(const StringTable& strings) const
{
    std::vector<std::uint8_t> result(strings.size());
    for (std::uint32_t i = 0; i < strings.size(); ++i)
        result[i] = matches(strings[StringId(i)]);
    return result;
}

} // namespace gantry::trace
