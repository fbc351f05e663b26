#include "trace_model/import/sqlite_nvtx.h"

#include "trace_model/import/sqlite_events.h"

#include <fmt/format.h>

namespace gantry::importing {
namespace {

using report::TableCursor;

enum NvtxColumn
{
    kStart,
    kEnd,
    kType,
    kTid,
    kDomain,
    kText,
    kTextId,
    kCategory,
    kColor,
    kFirstPayload,
    kLastPayload = kFirstPayload + 3,
    kJson,
    kJsonId
};

/// The part of NVTX_EVENTS that one worker reads.
class NvtxPart
{
public:
    NvtxPart(const SqliteFacts& facts, EventSink& sink) : m_facts(facts), m_sink(sink), m_noText(sink.intern("")) {}

    /// Says why the row is not used, or null.
    const char* take(SqliteWorker& worker, const TableCursor& row)
    {
        constexpr std::int64_t kCategoryName = 33, kThread = 39, kDomainCreate = 75, kDomainDestroy = 76;
        RowNumbers numbers(row);
        const std::int64_t type = numbers.whole(kType);
        const std::uint64_t tid = numbers.bits(kTid);
        const TextId domain = domainOf(processOf(tid), numbers.whole(kDomain));
        if (!numbers.areGood())
            return skipped::kBadNumber;
        switch (type) {
        case kDomainCreate:
            domains.emplace_back(domain, textOf(worker, row));
            return nullptr;
        case kThread:
            threads.emplace_back(tid, textOf(worker, row));
            return nullptr;
        case kCategoryName:
            if (const TextId name = textOf(worker, row); name != m_noText)
                categories.push_back({processOf(tid), domain, numbers.bits32(kCategory), name});
            return nullptr;
        case kDomainDestroy:
            return nullptr;
        case 59: // push and pop
        case 70:
            return takeRange(worker, row, tid, domain, false);
        case 60: // start and end
        case 71:
            return takeRange(worker, row, tid, domain, true);
        case 34:
        case 65:
            return takeMark(worker, row, tid, domain);
        default:
            return "of a type that is not shown";
        }
    }

    struct CategoryName
    {
        std::uint64_t globalPid;
        TextId domain;
        std::uint32_t category;
        TextId name;
    };

    std::vector<std::pair<TextId, TextId>> domains; ///< placeholder and name
    std::vector<CategoryName> categories;
    std::vector<std::pair<std::uint64_t, TextId>> threads;

private:
    TextId textOf(SqliteWorker& worker, const TableCursor& row)
    {
        if (row.isNull(kText))
            return row.isNull(kTextId) ? m_noText : m_facts.name(row.integer(kTextId), worker.tally);
        const TextId text = worker.texts.id(row.text(kText));
        return text == 0 ? m_noText : text;
    }

    /// Domains are numbered for each process, and named by rows that may come after their ranges: until then they have a placeholder.
    TextId domainOf(std::uint64_t globalPid, std::int64_t domain)
    {
        if (domain == 0)
            return 0;
        const auto [found, isNew] = m_placeholders.try_emplace({globalPid, domain}, 0);
        if (isNew)
            found->second = m_sink.intern(fmt::format("NVTX domain {} of process {}", domain, globalPid >> 24 & 0xFFFFFF));
        return found->second;
    }

    static std::optional<std::uint64_t> payloadOf(RowNumbers& numbers, const TableCursor& row)
    {
        for (std::size_t column = kFirstPayload; column <= kLastPayload; ++column)
            if (!row.isNull(column))
                return numbers.bits(column);
        return std::nullopt;
    }

    /// 0: none.
    TextId payloadTextOf(SqliteWorker& worker, const TableCursor& row)
    {
        if (!row.isNull(kJson))
            return worker.texts.id(row.text(kJson));
        return row.isNull(kJsonId) ? 0 : m_facts.name(row.integer(kJsonId), worker.tally);
    }

    const char* takeRange(SqliteWorker& worker, const TableCursor& row, std::uint64_t tid, TextId domain, bool isStartEnd)
    {
        RowNumbers numbers(row);
        const TimestampNs start = numbers.whole(kStart, kNoTime);
        const TimestampNs end = numbers.whole(kEnd, start); // none: the range never ended
        if (!numbers.areGood() || !areEventTimes(start, end))
            return skipped::kNoTimes;
        RangeRow range{start, {}, tid, 0, domain, numbers.bits32(kCategory), numbers.bits32(kColor), payloadOf(numbers, row), isStartEnd};
        if (!row.isNull(kEnd))
            range.end = end;
        if (!numbers.areGood())
            return skipped::kBadNumber;
        range.textId = textOf(worker, row);
        range.payloadText = payloadTextOf(worker, row);
        worker.cover(start, end);
        worker.meet(processOf(tid));
        worker.rows.add(range);
        return nullptr;
    }

    const char* takeMark(SqliteWorker& worker, const TableCursor& row, std::uint64_t tid, TextId domain)
    {
        RowNumbers numbers(row);
        const TimestampNs time = numbers.whole(kStart, kNoTime);
        if (!numbers.areGood() || !areEventTimes(time, time))
            return skipped::kNoTimes;
        MarkRow mark{time, tid, 0, domain, numbers.bits32(kCategory), numbers.bits32(kColor), payloadOf(numbers, row)};
        if (!numbers.areGood())
            return skipped::kBadNumber;
        mark.textId = textOf(worker, row);
        mark.payloadText = payloadTextOf(worker, row);
        worker.cover(time, time);
        worker.meet(processOf(tid));
        worker.rows.add(mark);
        return nullptr;
    }

    const SqliteFacts& m_facts;
    EventSink& m_sink;
    TextId m_noText;
    std::map<std::pair<std::uint64_t, std::int64_t>, TextId> m_placeholders;
};

} // namespace

Result<void> readNvtx(SqliteTables& tables, const SqliteFacts& facts)
{
    EventSink& sink = tables.sink();
    std::deque<SqliteWorker>& workers = tables.workers();
    std::vector<std::pair<const SqliteWorker*, NvtxPart>> parts;
    for (const SqliteWorker& worker : workers)
        parts.emplace_back(&worker, NvtxPart(facts, sink));
    GANTRY_CHECK(tables.eachEvent("NVTX_EVENTS",
                                  {"start", "end", "eventType", "globalTid", "domainId", "text", "textId", "category", "color",
                                   "uint64Value", "int64Value", "uint32Value", "int32Value", "jsonText", "jsonTextId"},
                                  [&](SqliteWorker& worker, const TableCursor& row) {
                                      auto* part = &parts.front();
                                      while (part->first != &worker)
                                          ++part;
                                      return part->second.take(worker, row);
                                  }));
    for (const auto& [worker, part] : parts) {
        for (const auto& [text, meaning] : part.domains)
            sink.nameDomain(text, meaning);
        for (const auto& [globalPid, domain, category, name] : part.categories)
            sink.nameCategory(globalPid, domain, category, name);
        for (const auto& [tid, name] : part.threads)
            if (name != 0 && !facts.isNamedThread(tid))
                sink.nameThread(tid, name);
    }
    return {};
}

} // namespace gantry::importing
