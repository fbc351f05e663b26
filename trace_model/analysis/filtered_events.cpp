#include "trace_model/analysis/filtered_events.h"

#include "trace_model/analysis/filter_work.h"
#include "trace_model/base/parallel.h"
#include "trace_model/trace/event_search.h"

#include <algorithm>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

namespace gantry::analysis {
namespace {

using trace::EventId;
using trace::EventKind;
using trace::StringId;
using trace::Trace;

constexpr std::uint32_t kBlock = 2048; // rows that are tested at a time: their marks stay in the nearest cache
constexpr std::uint32_t kTaskRows = 256 * kBlock;

/// Clears the marks of those of `count` rows from `first` on that do not meet a term.
using Test = std::function<void(std::uint32_t first, std::uint32_t count, std::uint8_t* marks)>;

/// Numbers from `least` to `most`, or all others.
struct Interval
{
    std::int64_t least = std::numeric_limits<std::int64_t>::min(), most = std::numeric_limits<std::int64_t>::max();
    bool isInverted = false;

    [[nodiscard]] bool holds(std::int64_t number) const { return (number >= least && number <= most) != isInverted; }
};

Interval intervalOf(const FilterTerm& term, std::int64_t origin)
{
    const std::int64_t value = term.numbers.front() + origin;
    Interval interval;
    switch (term.op) {
    case FilterOperator::Less:
        interval.most = value - 1;
        break;
    case FilterOperator::AtMost:
        interval.most = value;
        break;
    case FilterOperator::Greater:
        interval.least = value + 1;
        break;
    case FilterOperator::AtLeast:
        interval.least = value;
        break;
    case FilterOperator::Equal:
    case FilterOperator::Contains:
    case FilterOperator::NotEqual:
        interval = {value, value, term.op == FilterOperator::NotEqual};
        break;
    }
    return interval;
}

bool isWanted(const FilterTerm& term, std::int64_t number)
{
    if (term.op == FilterOperator::Equal)
        return std::find(term.numbers.begin(), term.numbers.end(), number) != term.numbers.end();
    if (term.op == FilterOperator::NotEqual)
        return std::find(term.numbers.begin(), term.numbers.end(), number) == term.numbers.end();
    return intervalOf(term, 0).holds(number);
}

/// A term and what is found out about it once for all kinds of events.
struct PreparedTerm
{
    const FilterTerm& term;
    std::optional<trace::NameMatcher> matcher;
    std::vector<std::uint8_t> strings;      ///< by StringId: meets the term
    std::shared_ptr<const FilterWork> work; ///< of requests and models

    [[nodiscard]] bool meets(StringId id) const { return id.value < strings.size() && strings[id.value] != 0; }
    [[nodiscard]] bool meets(std::string_view name) const { return matcher->matches(name) != (term.op == FilterOperator::NotEqual); }
};

/// The tests of one kind of events.
class KindTests
{
public:
    KindTests(const Trace& trace, EventKind kind, const std::vector<PreparedTerm>& terms, Projected projected)
        : m_trace(trace), m_kind(kind)
    {
        const trace::EventColumns& columns = trace.columns(kind);
        m_end = static_cast<std::uint32_t>(columns.size());
        if (kind == EventKind::GpuRange && projected == Projected::LeftOut)
            addEach([&ranges = trace.gpuRanges](std::uint32_t row) { return !ranges.isProjected(row); });
        for (const PreparedTerm& term : terms)
            if (m_end > m_first)
                Trace::visit(trace, kind, [&](const auto& of) { add(of, term); });
    }

    [[nodiscard]] std::uint32_t first() const { return m_first; }
    [[nodiscard]] std::uint32_t end() const { return m_end; }

    /// Appends those of `count` rows from `row` on, at most kBlock, that meet all terms.
    void take(std::uint32_t row, std::uint32_t count, std::vector<std::uint32_t>& rows) const
    {
        std::array<std::uint8_t, kBlock> marks;
        std::fill_n(marks.begin(), count, std::uint8_t{1});
        for (const Test& test : m_tests)
            test(row, count, marks.data());
        std::size_t found = rows.size(); // written without a branch: what is wanted comes in no order that could be guessed
        rows.resize(found + count);
        for (std::uint32_t i = 0; i < count; ++i) {
            rows[found] = row + i;
            found += marks[i];
        }
        rows.resize(found);
    }

private:
    void addNone() { m_end = m_first; }

    /// Of each row its number's mark in `table`, which has one more for numbers that there are none of.
    void addTable(const trace::Column<std::uint32_t>& numbers, std::vector<std::uint8_t> table)
    {
        if (std::find(table.begin(), table.end(), std::uint8_t{1}) == table.end())
            return addNone();
        table.push_back(0);
        m_tests.emplace_back([&numbers, table = std::move(table)](std::uint32_t first, std::uint32_t count, std::uint8_t* marks) {
            const auto last = static_cast<std::uint32_t>(table.size() - 1);
            for (std::uint32_t i = 0; i < count; ++i)
                marks[i] &= table[std::min(numbers[first + i], last)];
        });
    }

    template <typename V, typename Meets>
    void addCoded(const trace::Column<std::uint32_t>& numbers, const trace::Dictionary<V>& values, Meets meets)
    {
        std::vector<std::uint8_t> table(values.size());
        for (std::uint32_t number = 0; number < values.size(); ++number)
            table[number] = meets(values[number]);
        addTable(numbers, std::move(table));
    }

    template <typename Meets>
    void addEach(Meets meets)
    {
        m_tests.emplace_back([meets = std::move(meets)](std::uint32_t first, std::uint32_t count, std::uint8_t* marks) {
            for (std::uint32_t i = 0; i < count; ++i)
                if (marks[i] != 0)
                    marks[i] = meets(first + i);
        });
    }

    void addStarts(const trace::EventColumns& columns, const Interval& interval)
    {
        if (interval.isInverted)
            return addEach([&columns, interval](std::uint32_t row) { return interval.holds(columns.start[row]); });
        // They are sorted.
        const auto* const first = std::lower_bound(columns.start.begin(), columns.start.end(), interval.least);
        const auto* const end = std::upper_bound(columns.start.begin(), columns.start.end(), interval.most);
        m_first = std::max(m_first, static_cast<std::uint32_t>(first - columns.start.begin()));
        m_end = std::max(m_first, std::min(m_end, static_cast<std::uint32_t>(end - columns.start.begin())));
    }

    void addDurations(const trace::EventColumns& columns, const Interval& interval)
    {
        if (!columns.longDurations.empty())
            return addEach([&columns, interval](std::uint32_t row) { return interval.holds(columns.duration(row)); });
        constexpr std::int64_t kMost = trace::EventColumns::kLong - 1;
        if (interval.least > kMost || interval.most < 0)
            return interval.isInverted ? void() : addNone();
        const auto least = static_cast<std::uint32_t>(std::max<std::int64_t>(interval.least, 0));
        const auto width = static_cast<std::uint32_t>(std::min(interval.most, kMost)) - least;
        m_tests.emplace_back([&columns, least, width,
                              inverted = std::uint8_t{interval.isInverted}](std::uint32_t first, std::uint32_t count, std::uint8_t* marks) {
            const std::uint32_t* const durations = columns.shortDuration.data() + first;
            for (std::uint32_t i = 0; i < count; ++i)
                marks[i] &= static_cast<std::uint8_t>(durations[i] - least <= width) ^ inverted;
        });
    }

    /// `numberOf(place)`: nothing for what has no such number.
    template <typename Columns, typename NumberOf>
    void addPlaces(const Columns& columns, const FilterTerm& term, NumberOf numberOf)
    {
        if constexpr (std::is_base_of_v<trace::GpuEventColumns, Columns>) {
            addCoded(columns.placeNumber, columns.places, [&](const trace::GpuPlace& place) {
                const std::optional<std::int64_t> number = numberOf(place);
                return number && isWanted(term, *number);
            });
        } else {
            addNone();
        }
    }

    template <typename Columns>
    void addNames(const Columns& columns, const PreparedTerm& term)
    {
        const auto meetsString = [&term](StringId id) { return term.meets(id); };
        if constexpr (std::is_same_v<Columns, trace::KernelColumns>) {
            const bool isNot = term.term.op == FilterOperator::NotEqual;
            addCoded(columns.nameNumber, columns.names, [&](const trace::KernelName& name) {
                const bool isShort = meetsString(name.shortName),
                           isFull = name.demangledName.isNone() ? isShort : meetsString(name.demangledName);
                return isNot ? isShort && isFull : isShort || isFull;
            });
        } else if constexpr (std::is_same_v<Columns, trace::CallColumns>) {
            addCoded(columns.calleeNumber, columns.callees, [&](const trace::Callee& callee) { return meetsString(callee.name); });
        } else if constexpr (std::is_same_v<Columns, trace::NvtxColumns>) {
            addCoded(columns.labelNumber, columns.labels, [&](const trace::NvtxLabel& label) { return meetsString(label.text); });
        } else if constexpr (std::is_same_v<Columns, trace::GpuRangeColumns>) {
            addEach([&columns, &term](std::uint32_t row) { return term.meets(columns.text[row]); });
        } else if constexpr (std::is_same_v<Columns, trace::OverheadColumns>) {
            addEach([&columns, &term](std::uint32_t row) { return term.meets(columns.name[row]); });
        } else {
            addFewNames(columns, term);
        }
    }

    /// Of events whose names are made of a few numbers.
    template <typename Columns>
    void addFewNames(const Columns& columns, const PreparedTerm& term)
    {
        if constexpr (std::is_same_v<Columns, trace::PhaseColumns>) {
            std::array<std::uint8_t, 256> table{};
            for (std::size_t phase = 0; phase < records::kRequestPhaseCount; ++phase)
                table[phase] = term.meets(records::name(static_cast<records::RequestPhase>(phase)));
            table[static_cast<std::uint8_t>(records::RequestPhase::Outside)] = term.meets(records::name(records::RequestPhase::Outside));
            addEach([&columns, table](std::uint32_t row) { return table[static_cast<std::uint8_t>(columns.phase[row])]; });
        } else if constexpr (std::is_same_v<Columns, trace::MemcpyColumns>) {
            constexpr std::size_t kMemories = static_cast<std::size_t>(trace::MemoryKind::Unknown) + 1;
            constexpr std::size_t kKinds = static_cast<std::size_t>(trace::CopyKind::UvmDtoD) + 1;
            const auto placeOf = [](const trace::CopyRoute& route) {
                return (static_cast<std::size_t>(route.kind) * kMemories + static_cast<std::size_t>(route.source)) * kMemories +
                       static_cast<std::size_t>(route.destination);
            };
            std::vector<std::uint8_t> table(kKinds * kMemories * kMemories);
            for (std::size_t place = 0; place < table.size(); ++place)
                table[place] = term.meets(Trace::nameOf({static_cast<trace::CopyKind>(place / (kMemories * kMemories)),
                                                         static_cast<trace::MemoryKind>(place / kMemories % kMemories),
                                                         static_cast<trace::MemoryKind>(place % kMemories)}));
            addEach([&columns, placeOf, table = std::move(table)](std::uint32_t row) {
                const std::size_t place = placeOf(columns.route[row]);
                return place < table.size() && table[place] != 0;
            });
        } else {
            // Few enough to be named one by one: memsets, synchronizations and whole graphs.
            addEach([this, &term](std::uint32_t row) { return term.meets(m_trace.nameOf(EventId(m_kind, row))); });
        }
    }

    template <typename Columns>
    void addWork(const Columns& columns, const PreparedTerm& term)
    {
        const FilterWork& work = *term.work;
        if constexpr (std::is_same_v<Columns, trace::PhaseColumns>)
            addEach([&columns, &work](std::uint32_t row) { return work.hasRequest(columns.request[row]); });
        else if constexpr (std::is_base_of_v<trace::ThreadEventColumns, Columns>)
            addEach([&columns, &work](std::uint32_t row) { return work.hasCall(columns.globalTid(row), columns.start[row]); });
        else if constexpr (std::is_base_of_v<trace::GpuEventColumns, Columns>)
            addEach([&columns, &work](std::uint32_t row) { return work.hasLaunched(columns.globalPid(row), columns.correlation[row]); });
    }

    template <typename Columns>
    void add(const Columns& columns, const PreparedTerm& prepared)
    {
        using trace::GpuPlace;
        constexpr bool isOfThread = std::is_base_of_v<trace::ThreadEventColumns, Columns>;
        constexpr bool isNvtx = std::is_same_v<Columns, trace::NvtxColumns>;
        const FilterTerm& term = prepared.term;
        const auto some = [](auto number) { return std::optional<std::int64_t>(number); };
        switch (term.key) {
        case FilterKey::Name:
            return addNames(columns, prepared);
        case FilterKey::Kind:
            return isWanted(term, static_cast<std::int64_t>(m_kind)) ? void() : addNone();
        case FilterKey::Duration:
            return addDurations(columns, intervalOf(term, 0));
        case FilterKey::Start:
            return addStarts(columns, intervalOf(term, m_trace.time.start));
        case FilterKey::End:
            return addEach([&columns, interval = intervalOf(term, m_trace.time.start)](std::uint32_t row) {
                return interval.holds(columns.end(row));
            });
        case FilterKey::Bytes:
            if constexpr (std::is_same_v<Columns, trace::MemcpyColumns> || std::is_same_v<Columns, trace::MemsetColumns>)
                return addEach([&columns, interval = intervalOf(term, 0)](std::uint32_t row) {
                    return interval.holds(static_cast<std::int64_t>(columns.bytes[row]));
                });
            return addNone();
        case FilterKey::Device:
            return addPlaces(columns, term, [&](const GpuPlace& place) { return some(place.device); });
        case FilterKey::Context:
            return addPlaces(columns, term, [&](const GpuPlace& place) { return some(place.context); });
        case FilterKey::Stream:
            return addPlaces(columns, term, [](const GpuPlace& place) {
                constexpr std::uint32_t kNotOfOne = 0xFFFFFFFFu;
                return place.stream == kNotOfOne ? std::nullopt : std::optional<std::int64_t>(place.stream);
            });
        case FilterKey::Process:
            if constexpr (isOfThread)
                return addCoded(columns.threadNumber, columns.threads,
                                [&](std::uint64_t tid) { return isWanted(term, Trace::pidOf(tid)); });
            return addPlaces(columns, term, [&](const GpuPlace& place) { return some(Trace::pidOf(place.globalPid)); });
        case FilterKey::Thread:
            if constexpr (isOfThread)
                return addCoded(columns.threadNumber, columns.threads,
                                [&](std::uint64_t tid) { return isWanted(term, Trace::tidOf(tid)); });
            return addNone();
        case FilterKey::Domain:
            if constexpr (isNvtx)
                return addCoded(columns.labelNumber, columns.labels,
                                [&](const trace::NvtxLabel& label) { return !label.domain.isNone() && prepared.meets(label.domain); });
            return addNone();
        case FilterKey::Category:
            if constexpr (isNvtx)
                return addCoded(columns.labelNumber, columns.labels,
                                [&](const trace::NvtxLabel& label) { return isWanted(term, label.category); });
            return addNone();
        case FilterKey::Request:
        case FilterKey::Model:
            return addWork(columns, prepared);
        case FilterKey::Correlation:
            if constexpr (std::is_base_of_v<trace::GpuEventColumns, Columns> || std::is_same_v<Columns, trace::CallColumns>)
                return addEach([&columns, &term](std::uint32_t row) {
                    return columns.correlation[row] != 0 && isWanted(term, columns.correlation[row]);
                });
            return addNone();
        }
    }

    const Trace& m_trace;
    EventKind m_kind;
    std::uint32_t m_first = 0, m_end = 0;
    std::vector<Test> m_tests;
};

Result<std::vector<PreparedTerm>> prepared(const Trace& trace, const EventFilter& filter)
{
    std::vector<PreparedTerm> terms;
    for (const FilterTerm& term : filter.terms) {
        PreparedTerm& made = terms.emplace_back(PreparedTerm{term, {}, {}, {}});
        if (term.text.text.empty())
            continue;
        GANTRY_TRY(made.matcher, trace::NameMatcher::create(term.text));
        if (term.key == FilterKey::Request || term.key == FilterKey::Model) {
            made.work = std::make_shared<const FilterWork>(trace, term.key, *made.matcher, term.op);
            continue;
        }
        made.strings = made.matcher->matchesOf(trace.strings);
        if (term.op == FilterOperator::NotEqual)
            for (std::uint8_t& meets : made.strings)
                meets ^= 1U;
    }
    return terms;
}

} // namespace

Result<RowsByKind> filteredRows(const Trace& trace, const EventFilter& filter, TimeRange window, const std::stop_token& stop,
                                Projected projected)
{
    GANTRY_TRY(const std::vector<PreparedTerm> terms, prepared(trace, filter));
    std::vector<KindTests> kinds;
    kinds.reserve(trace::kEventKindCount);
    std::array<std::vector<std::vector<std::uint32_t>>, trace::kEventKindCount> parts;
    std::vector<std::function<void()>> tasks;
    for (std::size_t k = 0; k < parts.size(); ++k) {
        const auto kind = static_cast<EventKind>(k);
        const KindTests& tests = kinds.emplace_back(trace, kind, terms, projected);
        const trace::RowSelection selected = trace::rowsIn(trace.columns(kind), window);
        const std::uint32_t first = std::max(tests.first(), selected.first), end = std::min(tests.end(), selected.end);
        const std::size_t partCount = 1 + (end > first ? (end - first + kTaskRows - 1) / kTaskRows : 0);
        parts[k].resize(partCount);
        for (const std::uint32_t row : selected.early)
            if (row >= tests.first() && row < tests.end())
                tests.take(row, 1, parts[k].front());
        for (std::size_t part = 1; part < partCount; ++part) {
            const std::uint32_t from = first + static_cast<std::uint32_t>(part - 1) * kTaskRows, to = std::min(end, from + kTaskRows);
            tasks.emplace_back([&tests, &rows = parts[k][part], from, to, &stop] {
                for (std::uint32_t row = from; row < to && !stop.stop_requested(); row += kBlock)
                    tests.take(row, std::min(kBlock, to - row), rows);
            });
        }
    }
    inParallel(std::move(tasks));
    RowsByKind result;
    for (std::size_t k = 0; k < parts.size(); ++k) {
        for (std::vector<std::uint32_t>& part : parts[k]) {
            if (result[k].empty())
                result[k] = std::move(part);
            else
                result[k].insert(result[k].end(), part.begin(), part.end());
        }
    }
    return result;
}

Result<std::vector<EventId>> filteredEvents(const Trace& trace, const EventFilter& filter, const std::stop_token& stop)
{
    if (filter.terms.empty())
        return std::vector<EventId>();
    if (filter.isPlain())
        return trace::findEvents(trace, filter.terms.front().text, stop);
    GANTRY_TRY(const RowsByKind rows, filteredRows(trace, filter, kAlways, stop));
    std::vector<std::vector<EventId>> lists;
    for (std::size_t k = 0; k < rows.size(); ++k) {
        std::vector<EventId>& list = lists.emplace_back();
        list.reserve(rows[k].size());
        for (const std::uint32_t row : rows[k])
            list.emplace_back(static_cast<EventKind>(k), row);
    }
    return trace::mergedByStart(trace, std::move(lists));
}

} // namespace gantry::analysis
