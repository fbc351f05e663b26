#include "trace_model/import/sqlite_memory.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <optional>
#include <string_view>
#include <tuple>
#include <unordered_map>

namespace gantry::importing {
namespace {

using report::TableCursor;

constexpr char kSource[] = "CUDA_GPU_MEMORY_USAGE_EVENTS";
constexpr char kBytesUnit[] = "bytes";

/// Kinds of memory that are told apart.
enum class Place : std::uint8_t
{
    Device,
    Pinned,
    Managed
};

std::optional<Place> placeOf(std::uint8_t memoryKind)
{
    switch (memoryKind) { // ENUM_CUDA_MEM_KIND
    case 1:
        return Place::Pinned;
    case 2: // device, array and static
    case 3:
    case 5:
        return Place::Device;
    case 4:
    case 6:
        return Place::Managed;
    default:
        return std::nullopt;
    }
}

struct Operation
{
    TimestampNs time;
    std::uint64_t globalPid, address, bytes;
    std::optional<std::uint64_t> poolSize, poolUsed;
    std::uint32_t device;
    Place place;
    bool isRelease;
};

/// Memory of one process on one device.
struct Holder
{
    std::uint64_t globalPid;
    std::uint32_t device;
    Place place;
    auto operator<=>(const Holder&) const = default;
};

/// One line of bytes over time.
class Line
{
public:
    Line(EventSink& sink, RowSink& rows, const CounterDefinition& definition) : m_rows(rows), m_counter(sink.define(definition)) {}

    void set(TimestampNs time, double value)
    {
        if (m_time != time)
            flush();
        m_time = time;
        m_value = value;
    }
    /// The last of the values of one time is the one that counts.
    void flush()
    {
        if (m_time)
            m_rows.add(CounterSample{m_counter, *m_time, m_value});
    }

private:
    RowSink& m_rows;
    std::uint32_t m_counter;
    std::optional<TimestampNs> m_time;
    double m_value = 0;
};

class MemoryUsage
{
public:
    MemoryUsage(EventSink& sink, RowSink& rows, std::vector<Operation> operations)
        : m_sink(sink), m_rows(rows), m_operations(std::move(operations))
    {
        std::stable_sort(m_operations.begin(), m_operations.end(), [](const Operation& a, const Operation& b) { return a.time < b.time; });
        for (const Operation& operation : m_operations)
            m_processes.insert(operation.globalPid);
    }

    void write()
    {
        addUp([this](const Operation& operation, double, bool wasThere) {
            m_held[holderOf(operation)] += wasThere ? static_cast<double>(operation.bytes) : 0;
        });
        const TimestampNs begin = m_operations.empty() ? 0 : std::min<TimestampNs>(0, m_operations.front().time);
        for (const auto& [holder, bytes] : m_held)
            lineOf(holder).set(begin, bytes);
        addUp([this](const Operation& operation, double change, bool) {
            const double held = m_held[holderOf(operation)] += change;
            lineOf(holderOf(operation)).set(operation.time, held);
            addPool(operation);
        });
        for (auto& [holder, line] : m_lines)
            line.flush();
        for (auto& [pool, line] : m_poolLines)
            line.flush();
    }

private:
    static Holder holderOf(const Operation& operation) { return {operation.globalPid, operation.device, operation.place}; }

    /// Calls `use(operation, change, wasThere)` in order of time. How many bytes a release gives back is known by its allocation; else it
    /// was there before, and the release says it. What is allocated where something was has been released unseen.
    template <typename Use>
    void addUp(Use use)
    {
        std::map<std::uint64_t, std::unordered_map<std::uint64_t, std::uint64_t>> live; // bytes by process and address
        for (const Operation& operation : m_operations) {
            auto& ofProcess = live[operation.globalPid];
            const auto found = ofProcess.find(operation.address);
            const bool isKnown = found != ofProcess.end();
            const double before = isKnown ? static_cast<double>(found->second) : 0;
            if (!operation.isRelease) {
                ofProcess[operation.address] = operation.bytes;
                use(operation, static_cast<double>(operation.bytes) - before, false);
            } else {
                if (isKnown)
                    ofProcess.erase(found);
                use(operation, isKnown ? -before : -static_cast<double>(operation.bytes), !isKnown);
            }
        }
    }

    std::string ofProcess(std::uint64_t globalPid, std::string_view what) const
    {
        return m_processes.size() > 1 ? fmt::format("{}, process {}", what, globalPid >> 24 & 0xFFFFFF) : std::string(what);
    }

    Line& lineOf(const Holder& holder)
    {
        const auto found = m_lines.find(holder);
        if (found != m_lines.end())
            return found->second;
        static constexpr std::string_view kNames[] = {"known allocations", "known pinned allocations", "known managed allocations"};
        const auto place = static_cast<std::size_t>(holder.place);
        const std::string group = holder.place == Place::Pinned ? "Host" : fmt::format("GPU {}", holder.device);
        return m_lines.try_emplace(holder, m_sink, m_rows, exactLine(ofProcess(holder.globalPid, kNames[place]), group)).first->second;
    }

    void addPool(const Operation& operation)
    {
        if (!operation.poolSize)
            return;
        for (const bool isUsed : {false, true}) {
            const auto key = std::make_tuple(operation.globalPid, operation.device, isUsed);
            auto found = m_poolLines.find(key);
            if (found == m_poolLines.end())
                found = m_poolLines
                            .try_emplace(key, m_sink, m_rows,
                                         exactLine(ofProcess(operation.globalPid, isUsed ? "memory pool used" : "memory pool size"),
                                                   fmt::format("GPU {}", operation.device)))
                            .first;
            found->second.set(operation.time, static_cast<double>(isUsed ? operation.poolUsed.value_or(0) : *operation.poolSize));
        }
    }

    static CounterDefinition exactLine(std::string name, std::string group)
    {
        return {std::move(name), kBytesUnit, std::move(group), kSource, true};
    }

    EventSink& m_sink;
    RowSink& m_rows;
    std::vector<Operation> m_operations;
    std::set<std::uint64_t> m_processes;
    std::map<Holder, double> m_held; ///< bytes
    std::map<Holder, Line> m_lines;
    std::map<std::tuple<std::uint64_t, std::uint32_t, bool>, Line> m_poolLines; ///< by process, device, and whether of what is used
};

} // namespace

Result<void> readMemoryUsage(SqliteTables& tables, const SqliteFacts& facts)
{
    std::vector<Operation> operations;
    SqliteWorker& worker = tables.workers().front();
    GANTRY_CHECK(tables.each(kSource,
                             {"start", "globalPid", "deviceId", "address", "bytes", "memKind", "memoryOperationType", "localMemoryPoolSize",
                              "localMemoryPoolUtilizedSize"},
                             [&](TableCursor& row) -> const char* {
                                 RowNumbers numbers(row);
                                 bool isBad = false;
                                 const TimestampNs time = row.whole(0, kNoTime, isBad);
                                 if (isBad || !areEventTimes(time, time))
                                     return skipped::kNoTimes;
                                 Operation operation{};
                                 operation.time = time;
                                 operation.globalPid = numbers.bits(1);
                                 operation.device = facts.deviceOf(operation.globalPid, numbers.required(2));
                                 operation.address = numbers.bits(3);
                                 operation.bytes = numbers.bytes(4);
                                 const auto place = placeOf(numbers.small(5, 7));
                                 operation.isRelease = numbers.whole(6) != 0;
                                 if (!row.isNull(7))
                                     operation.poolSize = numbers.bytes(7);
                                 if (!row.isNull(8))
                                     operation.poolUsed = numbers.bytes(8);
                                 if (!numbers.areGood())
                                     return skipped::kBadNumber;
                                 if (!place)
                                     return "of a kind of memory that is not told";
                                 operation.place = *place;
                                 worker.cover(time, time);
                                 worker.meet(operation.globalPid);
                                 operations.push_back(operation);
                                 return nullptr;
                             }));
    MemoryUsage(tables.sink(), worker.rows, std::move(operations)).write();
    return {};
}

} // namespace gantry::importing
