#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/string_table.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace re2 {
class RE2;
}

namespace gantry::trace {

/// How a name is compared with what is searched for. Case never counts.
enum class NameMatch
{
    Substring,
    Exact, ///< the whole name
    Regex, ///< RE2 syntax, anywhere in the name
    Fuzzy, ///< all characters in order, others between them: "sgm" finds "sgemm"
};

struct NameQuery
{
    std::string text;
    NameMatch match = NameMatch::Substring;
};

/// What a person types: "/gemm.*fp16/" is a regular expression, "~sgm" fuzzy, anything else a substring.
[[nodiscard]] NameQuery parseNameQuery(std::string_view typed);

/// Tells whether a name matches. Any thread.
class NameMatcher
{
public:
    /// Errors: BadInput (no regular expression).
    [[nodiscard]] static Result<NameMatcher> create(const NameQuery& query);
    NameMatcher(NameMatcher&& other) noexcept;
    NameMatcher& operator=(NameMatcher&& other) noexcept;
    ~NameMatcher();

    [[nodiscard]] bool matches(std::string_view name) const;
    /// Whether each string of the table matches, by StringId: events repeat names, so each name is looked at once.
    [[nodiscard]] std::vector<std::uint8_t> matchesOf(const StringTable& strings) const;
    /// What is looked for, in lower case.
    [[nodiscard]] const std::string& text() const { return m_text; }

private:
    explicit NameMatcher(const NameQuery& query);

    std::string m_text;
    NameMatch m_match;
    std::unique_ptr<re2::RE2> m_regex;
};

} // namespace gantry::trace
