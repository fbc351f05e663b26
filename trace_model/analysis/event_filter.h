#pragma once

#include "trace_model/base/result.h"
#include "trace_model/trace/event_kinds.h"
#include "trace_model/trace/name_matcher.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gantry::analysis {

/// What a term of a filter is about.
enum class FilterKey
{
    Name,
    Kind,
    Duration,
    Start, ///< since the report's start
    End,
    Bytes,
    Device,
    Context,
    Stream,
    Process,
    Thread,
    Domain,
    Category,
    Request, ///< an id of the server's or the client's: its phases, and all that its execution did
    Model,   ///< the same of all requests for models with such a name
    Correlation,
};

enum class FilterOperator
{
    Contains, ///< "~"
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
};

/// What values a key is compared with.
enum class FilterValue
{
    Text,
    Kind,
    Number,
    Duration,
    Bytes,
};

/// A key as it is written, for help and completion.
struct FilterKeyInfo
{
    FilterKey key;
    std::string_view word;   ///< "dur"
    std::string_view longer; ///< another spelling, "duration", or empty
    FilterValue value;
    std::string_view example; ///< "dur>50us"
    std::string_view help;    ///< "how long it lasted"
};

/// All keys, the most used first.
[[nodiscard]] std::span<const FilterKeyInfo> filterKeys();

/// One condition. An event that has no such thing (a call has no stream) does not meet it, whatever the operator.
struct FilterTerm
{
    FilterKey key = FilterKey::Name;
    FilterOperator op = FilterOperator::Contains;
    trace::NameQuery text;             ///< of a text; a regular expression is one that compiles
    std::vector<std::int64_t> numbers; ///< any of them, of = and !=; else one. Durations in ns, kinds as in EventKind
};

/// Conditions that events meet all of.
struct EventFilter
{
    std::vector<FilterTerm> terms;
    std::string unknownKey; ///< the first word that stands where a key would and is matched as part of a name; empty: there is none

    /// Whether it is but names as trace::parseNameQuery() has them.
    [[nodiscard]] bool isPlain() const;
    /// "no key 'foo': matched as a name; keys are name, dur, …"; empty where nothing could be meant otherwise.
    [[nodiscard]] std::string note() const;
};

/// What is wrong with an expression, and where.
struct FilterProblem
{
    std::size_t position = 0; ///< byte of the text, from 0
    std::string expected;     ///< "a length of time with its unit, such as 50us"

    /// "at character 5: expected …".
    [[nodiscard]] std::string text(std::string_view expression) const;
};

/// Reads a filter: terms "key operator value" and names, separated by spaces: `gemm dur>50us stream=7,13 domain="my domain"`. Words
/// beside each other are one name, as far as they go; "/…/" is a regular expression, "~…" fuzzy, "…" quoted as it is. A word whose
/// key is not known is a name too (`foo<float>`), unless it is a slip of a known one.
[[nodiscard]] std::variant<EventFilter, FilterProblem> readEventFilter(std::string_view text);

/// The same. Errors: BadInput with the place and what was expected.
[[nodiscard]] Result<EventFilter> parseEventFilter(std::string_view text);

} // namespace gantry::analysis
