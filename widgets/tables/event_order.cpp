#include "widgets/tables/event_order.h"

#include "widgets/theme/format.h"
#include "widgets/timeline/event_text.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <unordered_map>
#include <utility>

namespace gantry::widgets {
namespace {

using trace::EventId;
using trace::EventKind;
using trace::Trace;

constexpr std::size_t kStopCheckMask = 0xFFFF; // a look at the token each 65 536 events
constexpr double kTextsShare = 0.2;            // of the time that sorting takes, where the texts of all events differ
constexpr double kRankedShare = 0.3;

/// Not QChar::isDigit(): digits of other scripts stand elsewhere among the letters, and there is no order of both.
bool isDigit(QChar c)
{
    return c >= QLatin1Char('0') && c <= QLatin1Char('9');
}

/// The digits that begin at `from`, however many, without zeros in front; `from` is behind them then.
QStringView takeNumber(QStringView text, qsizetype& from)
{
    while (from < text.size() && text[from] == QLatin1Char('0'))
        ++from;
    const qsizetype first = from;
    while (from < text.size() && isDigit(text[from]))
        ++from;
    return text.sliced(first, from - first);
}

/// "Stream 7" before "Stream 13", whatever the case of letters.
bool naturallyLess(const QString& a, const QString& b)
{
    qsizetype i = 0, j = 0;
    while (i < a.size() && j < b.size()) {
        if (isDigit(a[i]) && isDigit(b[j])) {
            const QStringView numberA = takeNumber(a, i), numberB = takeNumber(b, j);
            if (numberA.size() != numberB.size())
                return numberA.size() < numberB.size();
            if (const int order = numberA.compare(numberB); order != 0)
                return order < 0;
            continue;
        }
        const QChar lowerA = a[i++].toCaseFolded(), lowerB = b[j++].toCaseFolded();
        if (lowerA != lowerB)
            return lowerA < lowerB;
    }
    return a.size() - i < b.size() - j;
}

/// What a column says of an event, as a number: equal where the texts are.
std::uint64_t textKey(const Trace& trace, EventId event, EventColumn column)
{
    const auto ofKind = [event](std::uint32_t number) { return static_cast<std::uint64_t>(event.kind()) << 32 | number; };
    const std::uint32_t row = event.row();
    if (column == EventColumn::Name)
        return event.kind() == EventKind::Phase ? ofKind(static_cast<std::uint32_t>(trace.phases.phase[row])) : labelKey(trace, event);
    return Trace::visit(trace, event.kind(), [&](const auto& columns) {
        using Columns = std::remove_cvref_t<decltype(columns)>;
        if constexpr (std::is_base_of_v<trace::GpuEventColumns, Columns>) {
            return ofKind(columns.placeNumber[row]);
        } else if constexpr (std::is_base_of_v<trace::ThreadEventColumns, Columns>) {
            return ofKind(columns.threadNumber[row]);
        } else {
            const trace::Request& request = trace.requests[columns.request[row].value];
            return std::uint64_t{1} << 63 | static_cast<std::uint64_t>(request.model.value) << 32 | request.version.value;
        }
    });
}

/// A text and the number of its key.
using NumberedText = std::pair<QString, std::uint32_t>;

/// In parts, with a look at the token before each. False: asked to stop.
bool sortNaturally(std::vector<NumberedText>& texts, const std::stop_token& stop)
{
    constexpr std::size_t kPart = 1 << 14; // texts: some ms
    const auto less = [](const NumberedText& a, const NumberedText& b) { return naturallyLess(a.first, b.first); };
    const auto at = [&](std::size_t i) { return texts.begin() + static_cast<std::ptrdiff_t>(std::min(i, texts.size())); };
    for (std::size_t from = 0; from < texts.size(); from += kPart) {
        if (stop.stop_requested())
            return false;
        std::sort(at(from), at(from + kPart), less);
    }
    for (std::size_t length = kPart; length < texts.size(); length *= 2) {
        for (std::size_t from = 0; from + length < texts.size(); from += 2 * length) {
            if (stop.stop_requested())
                return false;
            std::inplace_merge(at(from), at(from + length), at(from + 2 * length), less);
        }
    }
    return true;
}

/// Ranks of texts by their keys. Most keys are a kind and a small number, which are looked up in a table.
class Ranks
{
public:
    /// Takes note of an event; its number is that of its text until rank().
    std::uint32_t numberOf(std::uint64_t key, EventId event)
    {
        const auto kind = key >> 32;
        const auto number = static_cast<std::uint32_t>(key);
        if (kind < m_tables.size() && number < kMostInTable) {
            std::vector<std::uint32_t>& table = m_tables[kind];
            if (number >= table.size())
                table.resize(std::max<std::size_t>(number + 1, table.size() * 2));
            if (table[number] == 0) {
                m_examples.push_back(event);
                table[number] = static_cast<std::uint32_t>(m_examples.size());
            }
            return table[number] - 1;
        }
        const auto [entry, isNew] = m_others.try_emplace(key, static_cast<std::uint32_t>(m_examples.size()));
        if (isNew)
            m_examples.push_back(event);
        return entry->second;
    }
    /// By number, where its text stands among all. Nothing: asked to stop.
    [[nodiscard]] std::vector<std::uint32_t> ranks(const std::function<QString(EventId)>& textOf,
                                                   const std::function<void(double)>& progress, const std::stop_token& stop) const
    {
        std::vector<NumberedText> texts;
        for (std::uint32_t i = 0; i < m_examples.size(); ++i) {
            if ((i & kStopCheckMask) == 0) {
                if (stop.stop_requested())
                    return {};
                if (progress)
                    progress(kTextsShare * i / static_cast<double>(m_examples.size()));
            }
            texts.emplace_back(textOf(m_examples[i]), i);
        }
        if (!sortNaturally(texts, stop))
            return {};
        std::vector<std::uint32_t> ranks(texts.size());
        for (std::uint32_t i = 0; i < texts.size(); ++i) // equal texts of several keys are one
            ranks[texts[i].second] = i > 0 && !naturallyLess(texts[i - 1].first, texts[i].first) ? ranks[texts[i - 1].second] : i;
        return ranks;
    }

private:
    static constexpr std::uint32_t kMostInTable = 1 << 22;
    std::array<std::vector<std::uint32_t>, trace::kEventKindCount> m_tables; ///< number + 1, or 0
    std::unordered_map<std::uint64_t, std::uint32_t> m_others;
    std::vector<EventId> m_examples; ///< one of each text
};

/// An event and, in the upper half, what it is sorted by.
using Keyed = std::uint64_t;

/// By the upper halves; equal ones stay as they are. False: asked to stop.
bool radixSort(std::vector<Keyed>& items, const std::function<void(double)>& progress, const std::stop_token& stop)
{
    constexpr int kBits = 11, kPasses = 3; // a pass's places stay in the nearest cache
    constexpr std::size_t kBuckets = 1 << kBits;
    const auto digit = [](Keyed item, int pass) { return static_cast<std::size_t>(item >> (32 + pass * kBits)) & (kBuckets - 1); };
    std::array<std::vector<std::size_t>, kPasses> counts;
    counts.fill(std::vector<std::size_t>(kBuckets));
    for (const Keyed item : items)
        for (int pass = 0; pass < kPasses; ++pass)
            ++counts[static_cast<std::size_t>(pass)][digit(item, pass)];
    std::vector<Keyed> sorted(items.size());
    for (int pass = 0; pass < kPasses; ++pass) {
        std::vector<std::size_t>& places = counts[static_cast<std::size_t>(pass)];
        if (!items.empty() && places[digit(items.front(), pass)] == items.size())
            continue; // all have the same
        std::exclusive_scan(places.begin(), places.end(), places.begin(), std::size_t{0});
        for (std::size_t i = 0; i < items.size(); ++i) {
            if ((i & kStopCheckMask) == 0 && stop.stop_requested())
                return false;
            sorted[places[digit(items[i], pass)]++] = items[i];
        }
        items.swap(sorted);
        if (progress)
            progress(0.4 + 0.2 * (pass + 1));
    }
    return true;
}

/// Of durations; those too long for a number of 32 bits are told apart by their places among each other.
class DurationKeys
{
public:
    explicit DurationKeys(const Trace& trace) : m_trace(trace)
    {
        for (int k = 0; k < trace::kEventKindCount; ++k) {
            const auto& durations = trace.columns(static_cast<EventKind>(k)).longDurations;
            m_long.insert(m_long.end(), durations.begin(), durations.end());
        }
        std::sort(m_long.begin(), m_long.end());
    }
    [[nodiscard]] std::uint32_t operator()(EventId event) const
    {
        const DurationNs duration = m_trace.columns(event.kind()).duration(event.row());
        if (duration < trace::EventColumns::kLong)
            return static_cast<std::uint32_t>(duration);
        return trace::EventColumns::kLong +
               static_cast<std::uint32_t>(std::lower_bound(m_long.begin(), m_long.end(), duration) - m_long.begin());
    }

private:
    const Trace& m_trace;
    std::vector<DurationNs> m_long;
};

} // namespace

void sortEvents(const Trace& trace, std::vector<EventId>& events, EventColumn column, Qt::SortOrder order,
                const std::function<void(double)>& progress, const std::stop_token& stop)
{
    if (column == EventColumn::Start) {
        if (order == Qt::DescendingOrder)
            std::reverse(events.begin(), events.end());
        return;
    }
    std::vector<Keyed> items(events.size());
    const auto fill = [&](const auto& keyOf) {
        for (std::size_t i = 0; i < events.size(); ++i) {
            if ((i & kStopCheckMask) == 0 && stop.stop_requested())
                return;
            items[i] = static_cast<Keyed>(keyOf(events[i])) << 32 | events[i].packed;
        }
    };
    std::vector<std::uint32_t> ranks; // of the numbers that are in the upper halves; empty: they are what counts
    if (column == EventColumn::Duration) {
        fill(DurationKeys(trace));
    } else {
        const auto shown = [&](EventId event) {
            return column == EventColumn::Name ? toQString(trace.nameOf(event)) : eventCell(trace, event, column, CellText::Shown);
        };
        Ranks texts;
        const bool isKind = column == EventColumn::Kind;
        fill([&](EventId event) {
            return texts.numberOf(isKind ? static_cast<std::uint64_t>(event.kind()) << 32 : textKey(trace, event, column), event);
        });
        ranks = texts.ranks(shown, progress, stop);
    }
    if (stop.stop_requested())
        return;
    if (progress)
        progress(kRankedShare);
    const std::uint32_t flip = order == Qt::DescendingOrder ? ~0U : 0U; // so that equal ones stay by start
    for (Keyed& item : items) {
        const auto key = static_cast<std::uint32_t>(item >> 32);
        item = static_cast<Keyed>((ranks.empty() ? key : ranks[key]) ^ flip) << 32 | static_cast<std::uint32_t>(item);
    }
    if (!radixSort(items, progress, stop))
        return;
    std::transform(items.begin(), items.end(), events.begin(), [](Keyed item) {
        EventId event;
        event.packed = static_cast<std::uint32_t>(item);
        return event;
    });
}

} // namespace gantry::widgets
