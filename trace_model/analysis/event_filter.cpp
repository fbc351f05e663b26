#include "trace_model/analysis/event_filter.h"

#include "trace_model/base/quantity_text.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>
#include <optional>
#include <utility>

namespace gantry::analysis {
namespace {

using trace::EventKind;
using trace::NameMatch;

constexpr FilterKeyInfo kKeys[] = {
    {FilterKey::Name, "name", "", FilterValue::Text, "name~gemm", "part of the name; = is the whole name"},
    {FilterKey::Duration, "dur", "duration", FilterValue::Duration, "dur>50us", "how long it lasted"},
    {FilterKey::Kind, "kind", "", FilterValue::Kind, "kind=kernel", "what it is"},
    {FilterKey::Stream, "stream", "", FilterValue::Number, "stream=7", "CUDA stream"},
    {FilterKey::Device, "device", "gpu", FilterValue::Number, "device=0", "GPU"},
    {FilterKey::Request, "request", "", FilterValue::Text, "request=42", "id of a request: its phases and what ran for it"},
    {FilterKey::Model, "model", "", FilterValue::Text, "model=bert", "requests for a model and what ran for them"},
    {FilterKey::Thread, "thread", "tid", FilterValue::Number, "thread=1234", "thread of the operating system"},
    {FilterKey::Bytes, "bytes", "size", FilterValue::Bytes, "bytes>1MiB", "copied or set"},
    {FilterKey::Domain, "domain", "", FilterValue::Text, "domain=NCCL", "NVTX domain"},
    {FilterKey::Category, "category", "", FilterValue::Number, "category=3", "NVTX category"},
    {FilterKey::Process, "process", "pid", FilterValue::Number, "process=4711", "process of the operating system"},
    {FilterKey::Context, "context", "", FilterValue::Number, "context=1", "CUDA context"},
    {FilterKey::Start, "start", "", FilterValue::Duration, "start>1.25s", "when it began, since the report's start"},
    {FilterKey::End, "end", "", FilterValue::Duration, "end<338ms", "when it ended, since the report's start"},
    {FilterKey::Correlation, "correlation", "corr", FilterValue::Number, "correlation=812", "what joins a launch and its work"},
};

constexpr std::pair<std::string_view, EventKind> kKindWords[] = {
    {"sync", EventKind::Synchronization}, {"api", EventKind::ApiCall},   {"range", EventKind::NvtxRange},
    {"nvtx", EventKind::NvtxRange},       {"mark", EventKind::NvtxMark}, {"graph", EventKind::GraphLaunch},
    {"library", EventKind::LibraryCall},  {"os", EventKind::OsCall},
};

std::optional<EventKind> kindOf(std::string_view word)
{
    for (int k = 0; k < trace::kEventKindCount; ++k)
        if (trace::name(static_cast<EventKind>(k)) == word)
            return static_cast<EventKind>(k);
    for (const auto& [text, kind] : kKindWords)
        if (text == word)
            return kind;
    return {};
}

const FilterKeyInfo* keyOf(std::string_view word)
{
    const auto* const found = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const FilterKeyInfo& info) {
        return info.word == word || (!info.longer.empty() && info.longer == word);
    });
    return found == std::end(kKeys) ? nullptr : found;
}

/// Letters to change, add or leave out to make one word the other.
std::size_t slips(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 1; i <= a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i);
        for (std::size_t j = 1; j <= b.size(); ++j)
            diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1])}));
    }
    return row.back();
}

/// The key that a word is one slip away from.
const FilterKeyInfo* almostKey(std::string_view word)
{
    constexpr std::size_t kShortest = 4; // shorter words are a slip away from too much
    if (word.size() < kShortest)
        return nullptr;
    const auto* const found = std::find_if(std::begin(kKeys), std::end(kKeys), [&](const FilterKeyInfo& info) {
        return slips(word, info.word) == 1 || (!info.longer.empty() && slips(word, info.longer) == 1);
    });
    return found == std::end(kKeys) ? nullptr : found;
}

bool isSpace(char c)
{
    return std::isspace(static_cast<unsigned char>(c)) != 0;
}

class Reader
{
public:
    explicit Reader(std::string_view text) : m_text(text) {}

    std::variant<EventFilter, FilterProblem> read()
    {
        while (!m_problem && skipSpace())
            readTerm();
        if (m_problem)
            return std::move(*m_problem);
        return std::move(m_filter);
    }

private:
    bool skipSpace()
    {
        while (m_at < m_text.size() && isSpace(m_text[m_at]))
            ++m_at;
        return m_at < m_text.size();
    }

    void fail(std::size_t position, std::string expected) { m_problem = FilterProblem{position, std::move(expected)}; }

    void readTerm()
    {
        const std::size_t start = m_at;
        std::size_t end = start;
        while (end < m_text.size() && std::isalpha(static_cast<unsigned char>(m_text[end])))
            ++end;
        const std::string_view word = m_text.substr(start, end - start);
        m_at = end;
        const std::optional<FilterOperator> op = readOperator();
        const FilterKeyInfo* key = op ? keyOf(word) : nullptr;
        if (op && !key)
            if (const FilterKeyInfo* meant = almostKey(word))
                return fail(start, fmt::format("'{}' for '{}', or the word in quotes to look for it as a name", meant->word, word));
        if (!key) {
            if (op && !word.empty() && m_filter.unknownKey.empty() && isValueBehind(*op))
                m_filter.unknownKey = word;
            m_at = start;
            return readName();
        }
        m_isAfterWord = false;
        readValues(*key, *op, end);
    }

    /// Whether what follows an operator is compared with: in kernel<float> and at::native it is not.
    [[nodiscard]] bool isValueBehind(FilterOperator op) const
    {
        if (m_at == m_text.size() || isSpace(m_text[m_at]))
            return false;
        const bool isClosed = m_text.find('>', m_at) != std::string_view::npos;
        const bool isNumber = std::isdigit(static_cast<unsigned char>(m_text[m_at])) != 0;
        return op == FilterOperator::Contains ? m_text[m_at - 1] == '~' : op == FilterOperator::Less ? isNumber && !isClosed : true;
    }

    std::optional<FilterOperator> readOperator()
    {
        static constexpr std::pair<std::string_view, FilterOperator> kOperators[] = {
            {"!=", FilterOperator::NotEqual}, {"<=", FilterOperator::AtMost},  {">=", FilterOperator::AtLeast},
            {"==", FilterOperator::Equal},    {"=", FilterOperator::Equal},    {"<", FilterOperator::Less},
            {">", FilterOperator::Greater},   {"~", FilterOperator::Contains}, {":", FilterOperator::Contains}};
        for (const auto& [text, op] : kOperators) {
            if (m_text.substr(m_at).starts_with(text)) {
                m_at += text.size();
                return op;
            }
        }
        return {};
    }

    /// A quoted text, a regular expression or a word.
    std::optional<trace::NameQuery> readText(NameMatch ofWords)
    {
        const char first = m_at < m_text.size() ? m_text[m_at] : ' ';
        if (first == '"') {
            const std::size_t close = m_text.find('"', m_at + 1);
            if (close == std::string_view::npos) {
                fail(m_text.size(), fmt::format("a closing quote for the one at character {}", m_at + 1));
                return {};
            }
            const std::string text(m_text.substr(m_at + 1, close - m_at - 1));
            m_at = close + 1;
            return trace::NameQuery{text, ofWords};
        }
        if (first == '/') {
            for (std::size_t close = m_text.find('/', m_at + 2); close != std::string_view::npos; close = m_text.find('/', close + 1)) {
                if (close + 1 < m_text.size() && !isSpace(m_text[close + 1]))
                    continue;
                trace::NameQuery query{std::string(m_text.substr(m_at + 1, close - m_at - 1)), NameMatch::Regex};
                if (const auto matcher = trace::NameMatcher::create(query); !matcher) {
                    fail(m_at, "a regular expression, but this is " + matcher.error().message);
                    return {};
                }
                m_at = close + 1;
                return query;
            }
        }
        const std::size_t start = m_at;
        while (m_at < m_text.size() && !isSpace(m_text[m_at]))
            ++m_at;
        const std::string_view word = m_text.substr(start, m_at - start);
        if (word.size() > 1 && word.front() == '~')
            return trace::NameQuery{std::string(word.substr(1)), NameMatch::Fuzzy};
        return trace::NameQuery{std::string(word), ofWords};
    }

    void readName()
    {
        const std::size_t start = m_at;
        auto query = readText(NameMatch::Substring);
        if (!query)
            return;
        const bool isWord = query->match == NameMatch::Substring && m_text[start] != '"';
        if (isWord && m_isAfterWord) {
            FilterTerm& before = m_filter.terms.back();
            before.text.text = std::string(m_text.substr(m_nameStart, m_at - m_nameStart));
            return;
        }
        m_isAfterWord = isWord;
        m_nameStart = start;
        if (!query->text.empty())
            m_filter.terms.push_back({FilterKey::Name, FilterOperator::Contains, std::move(*query), {}});
    }

    void readValues(const FilterKeyInfo& key, FilterOperator op, std::size_t operatorAt)
    {
        const bool isText = key.value == FilterValue::Text;
        const bool isOrder = op != FilterOperator::Contains && op != FilterOperator::Equal && op != FilterOperator::NotEqual;
        if (isText && isOrder)
            return fail(operatorAt, fmt::format("~, = or != after '{}'", key.word));
        if (key.value == FilterValue::Kind && isOrder)
            return fail(operatorAt, fmt::format("= or != after '{}'", key.word));
        if (!isText && op == FilterOperator::Contains)
            return fail(operatorAt,
                        fmt::format("{} after '{}'", key.value == FilterValue::Kind ? "= or !=" : "=, !=, <, <=, > or >=", key.word));
        FilterTerm term{key.key, op, {}, {}};
        if (isText) {
            const std::size_t valueAt = m_at;
            auto query = readText(op == FilterOperator::Contains ? NameMatch::Substring : NameMatch::Exact);
            if (!query)
                return;
            if (query->text.empty())
                return fail(valueAt, fmt::format("a text, such as {}", key.example));
            term.text = std::move(*query);
        } else if (!readNumbers(key, isOrder, term.numbers)) {
            return;
        }
        m_filter.terms.push_back(std::move(term));
    }

    bool readNumbers(const FilterKeyInfo& key, bool isOrder, std::vector<std::int64_t>& numbers)
    {
        const bool isQuantity = key.value == FilterValue::Duration || key.value == FilterValue::Bytes;
        do {
            const std::size_t start = m_at;
            while (m_at < m_text.size() && !isSpace(m_text[m_at]) && m_text[m_at] != ',')
                ++m_at;
            const std::string_view text = m_text.substr(start, m_at - start);
            const std::optional<std::int64_t> number = numberOf(key.value, text);
            if (!number) {
                fail(start, fmt::format("{}{}", expected(key), text.empty() ? std::string() : fmt::format(", not '{}'", text)));
                return false;
            }
            numbers.push_back(*number);
            if (m_at < m_text.size() && m_text[m_at] == ',' && (isOrder || isQuantity)) {
                fail(m_at, "a space: only what is equal to any of several values takes a list");
                return false;
            }
        } while (m_at < m_text.size() && m_text[m_at] == ',' && ++m_at <= m_text.size());
        return true;
    }

    static std::optional<std::int64_t> numberOf(FilterValue value, std::string_view text)
    {
        constexpr double kTooMuch = 9.2e18; // the largest int64 is 9.22e18
        const auto bounded = [](std::optional<double> number) {
            return number && *number < kTooMuch ? std::optional(static_cast<std::int64_t>(*number)) : std::nullopt;
        };
        switch (value) {
        case FilterValue::Duration:
            return text == "0" ? std::optional<std::int64_t>(0) : bounded(nanosecondsOf(text));
        case FilterValue::Bytes:
            return bounded(bytesOf(text));
        case FilterValue::Kind: {
            const auto kind = kindOf(text);
            return kind ? std::optional(static_cast<std::int64_t>(*kind)) : std::nullopt;
        }
        case FilterValue::Number:
        case FilterValue::Text:
            break;
        }
        std::int64_t number = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        return error == std::errc{} && end == text.data() + text.size() && number >= 0 ? std::optional(number) : std::nullopt;
    }

    static std::string expected(const FilterKeyInfo& key)
    {
        switch (key.value) {
        case FilterValue::Duration:
            return "a time with its unit, such as 50us, 2ms or 1.5s";
        case FilterValue::Bytes:
            return "an amount of memory, such as 4096, 64KiB or 1MiB";
        case FilterValue::Kind: {
            std::string kinds;
            for (int k = 0; k < trace::kEventKindCount; ++k)
                kinds += fmt::format("{}{}", k == 0 ? "" : ", ", trace::name(static_cast<EventKind>(k)));
            return "one of " + kinds;
        }
        case FilterValue::Number:
        case FilterValue::Text:
            break;
        }
        return fmt::format("a number, such as {}", key.example);
    }

    std::string_view m_text;
    std::size_t m_at = 0;
    std::size_t m_nameStart = 0; ///< of the words that are one name
    bool m_isAfterWord = false;
    EventFilter m_filter;
    std::optional<FilterProblem> m_problem;
};

} // namespace

std::span<const FilterKeyInfo> filterKeys()
{
    return kKeys;
}

bool EventFilter::isPlain() const
{
    return terms.size() == 1 && terms.front().key == FilterKey::Name && terms.front().op == FilterOperator::Contains;
}

std::string EventFilter::note() const
{
    if (unknownKey.empty())
        return {};
    std::vector<std::string_view> words;
    for (const FilterKeyInfo& info : kKeys)
        words.push_back(info.word);
    return fmt::format("no key '{}': matched as a name; keys are {}", unknownKey, fmt::join(words, ", "));
}

std::string FilterProblem::text(std::string_view expression) const
{
    // Characters as a person counts them, not bytes.
    const auto characters =
        std::count_if(expression.begin(), expression.begin() + static_cast<std::ptrdiff_t>(std::min(position, expression.size())),
                      [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
    return fmt::format("at character {}: expected {}", characters + 1, expected);
}

std::variant<EventFilter, FilterProblem> readEventFilter(std::string_view text)
{
    return Reader(text).read();
}

Result<EventFilter> parseEventFilter(std::string_view text)
{
    auto read = readEventFilter(text);
    if (const auto* problem = std::get_if<FilterProblem>(&read))
        return Error{ErrorCode::BadInput, problem->text(text), {}};
    return std::get<EventFilter>(std::move(read));
}

} // namespace gantry::analysis
