#include "trace_model/report/history_store.h"

#include "trace_model/metrics/prometheus_text.h"
#include "trace_model/report/database.h"
#include "trace_model/report/sqlite.h"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

namespace gantry::report {
namespace {

constexpr int kPackLevel = 3;
constexpr unsigned long long kMostBlockBytes = 256ULL << 20; // unpacked; a block of 2,000 series has some 3 MiB

// Alone with it: two writers would number series differently, and no file of shared memory is needed beside it.
constexpr const char* kSetUp =
    "PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
    "CREATE TABLE IF NOT EXISTS series (id INTEGER PRIMARY KEY, name TEXT NOT NULL, labels TEXT NOT NULL, "
    "unit TEXT NOT NULL, kind INTEGER NOT NULL, help TEXT NOT NULL, UNIQUE (name, labels));"
    // Of its own, so that an earlier gantryd finds the table above as it made it.
    "CREATE TABLE IF NOT EXISTS series_newest (id INTEGER PRIMARY KEY, utc INTEGER NOT NULL);"
    "CREATE TABLE IF NOT EXISTS block (id INTEGER PRIMARY KEY, resolution INTEGER NOT NULL, begin INTEGER NOT NULL, "
    "end INTEGER NOT NULL, mono_to_utc INTEGER NOT NULL, boot TEXT NOT NULL, content BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS block_time ON block (resolution, begin, end, LENGTH(content));";

constexpr std::int64_t kUnnoted = 2 * 3600LL * 1'000'000'000; // between blocks and what is noted of series: an earlier gantryd wrote them

bool isDamaged(int status)
{
    return status == SQLITE_CORRUPT || status == SQLITE_NOTADB;
}

std::string packed(const std::string& content)
{
    std::string room(ZSTD_compressBound(content.size()), '\0');
    const std::size_t size = ZSTD_compress(room.data(), room.size(), content.data(), content.size(), kPackLevel);
    room.resize(ZSTD_isError(size) ? 0 : size); // with room for the bound it does not fail
    return room;
}

Result<std::string> unpacked(std::string_view content)
{
    const unsigned long long size = ZSTD_getFrameContentSize(content.data(), content.size());
    if (size > kMostBlockBytes) // also its two values for errors
        return Error{ErrorCode::Truncated, "a block of the history of metrics is damaged", {}};
    std::string room(static_cast<std::size_t>(size), '\0');
    if (ZSTD_decompress(room.data(), room.size(), content.data(), content.size()) != size)
        return Error{ErrorCode::Truncated, "a block of the history of metrics is damaged", {}};
    return room;
}

} // namespace

struct HistoryStore::Connection
{
    SqliteHandle handle;

    [[nodiscard]] SqliteStatement prepare(const char* sql) const
    {
        sqlite3_stmt* statement = nullptr;
        sqlite3_prepare_v2(handle.get(), sql, -1, &statement, nullptr);
        return SqliteStatement(statement);
    }
    [[nodiscard]] Error error() const { return sqliteError(handle.get(), "keeping the history of metrics"); }
    /// Of a statement without rows.
    [[nodiscard]] Result<void> done(SqliteStatement& statement) const
    {
        if (!statement.get() || statement.step() != SQLITE_DONE)
            return error();
        return {};
    }
};

HistoryStore::HistoryStore(Options options) : m_options(std::move(options)) {}

HistoryStore::~HistoryStore() = default;

Result<std::unique_ptr<HistoryStore>> HistoryStore::open(Options options)
{
    std::unique_ptr<HistoryStore> store(new HistoryStore(std::move(options)));
    Result<void> connected = store->connect();
    const auto& path = store->m_options.path;
    if (!connected && !path.empty() &&
        (connected.error().code == ErrorCode::Truncated || connected.error().code == ErrorCode::NotAReport)) {
        store->m_connection.reset();
        std::error_code ignored;
        std::filesystem::rename(path, path.string() + ".damaged", ignored);
        std::filesystem::remove(path.string() + "-wal", ignored); // of the other file
        connected = store->connect();
    }
    if (!connected)
        return connected.error();
    return store;
}

Result<void> HistoryStore::connect()
{
    if (!m_options.path.empty()) { // SQLite would make it as the umask says
        const int file = ::open(m_options.path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (file < 0)
            return errnoError(errno, "cannot keep the history of metrics in " + m_options.path.string());
        (void)fchmod(file, 0600);
        ::close(file);
    }
    sqlite3* opened = nullptr;
    const char* path = m_options.path.empty() ? ":memory:" : m_options.path.c_str();
    const int status = sqlite3_open_v2(path, &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
    m_connection = std::make_unique<Connection>();
    m_connection->handle.reset(opened);
    if (status != SQLITE_OK || sqlite3_exec(opened, kSetUp, nullptr, nullptr, nullptr) != SQLITE_OK) {
        const int why = sqlite3_errcode(opened) & 0xff;
        if (why == SQLITE_BUSY || why == SQLITE_LOCKED)
            return Error{ErrorCode::Busy, "another gantryd keeps its history of metrics in " + m_options.path.string(), {}};
        Error error = m_connection->error();
        if (isDamaged(why))
            error.code = ErrorCode::Truncated;
        return error;
    }
    GANTRY_CHECK(readSeries());
    GANTRY_CHECK(readNewest());
    SqliteStatement sums = m_connection->prepare("SELECT resolution, SUM(LENGTH(content)) FROM block GROUP BY resolution");
    while (sums.get() && sums.step() == SQLITE_ROW)
        m_bytes[static_cast<int>(sums.integer(0))] = static_cast<std::uint64_t>(sums.integer(1));
    return {};
}

Result<void> HistoryStore::readSeries()
{
    SqliteStatement rows = m_connection->prepare("SELECT id, name, labels, unit, kind, help FROM series");
    if (!rows.get())
        return m_connection->error();
    int status = SQLITE_DONE;
    while ((status = rows.step()) == SQLITE_ROW) {
        metrics::SeriesDefinition series{static_cast<std::uint32_t>(rows.integer(0)),
                                         std::string(rows.text(1)),
                                         std::string(rows.text(3)),
                                         rows.integer(4) == 1 ? metrics::SeriesKind::Counter : metrics::SeriesKind::Gauge,
                                         metrics::parseLabels(rows.text(2)),
                                         std::string(rows.text(5))};
        m_ids[{series.name, series.labels}] = series.id;
        m_lastId = std::max(m_lastId, series.id);
        m_series[series.id] = std::move(series);
    }
    return status == SQLITE_DONE ? Result<void>() : m_connection->error();
}

/// Series of which nothing is noted are as new as the newest block: they may be in any of them.
Result<void> HistoryStore::readNewest()
{
    SqliteStatement rows = m_connection->prepare("SELECT id, utc FROM series_newest");
    SqliteStatement newestBlock = m_connection->prepare("SELECT MAX(end) FROM block");
    if (!rows.get() || !newestBlock.get())
        return m_connection->error();
    std::int64_t noted = 0;
    while (rows.step() == SQLITE_ROW) {
        noted = std::max(noted, rows.integer(1));
        m_newest[static_cast<std::uint32_t>(rows.integer(0))] = rows.integer(1);
    }
    if (newestBlock.step() != SQLITE_ROW || newestBlock.isNull(0))
        return {};
    const std::int64_t end = newestBlock.integer(0);
    std::vector<std::uint32_t> unknown;
    for (const auto& [id, series] : m_series)
        if (end - noted > kUnnoted || !m_newest.contains(id))
            unknown.push_back(id);
    newestBlock.reset();
    return noteSamples(unknown, end);
}

Result<void> HistoryStore::noteSamples(const std::vector<std::uint32_t>& ids, std::int64_t utcNs)
{
    if (ids.empty())
        return {};
    sqlite3* database = m_connection->handle.get();
    SqliteStatement note = m_connection->prepare("INSERT OR REPLACE INTO series_newest VALUES (?, ?)");
    if (!note.get() || sqlite3_exec(database, "BEGIN", nullptr, nullptr, nullptr) != SQLITE_OK)
        return m_connection->error();
    for (const std::uint32_t id : ids) {
        std::int64_t& newest = m_newest[id];
        if (newest >= utcNs)
            continue;
        note.bind(0, std::int64_t{id});
        note.bind(1, utcNs);
        if (const auto noted = m_connection->done(note); !noted) {
            sqlite3_exec(database, "ROLLBACK", nullptr, nullptr, nullptr);
            return noted.error();
        }
        note.reset();
        newest = utcNs;
    }
    return sqlite3_exec(database, "COMMIT", nullptr, nullptr, nullptr) == SQLITE_OK ? Result<void>() : m_connection->error();
}

Result<void> HistoryStore::moveNewest(std::int64_t byNs)
{
    SqliteStatement move = m_connection->prepare("UPDATE series_newest SET utc = utc + ?");
    if (!move.get())
        return m_connection->error();
    move.bind(0, byNs);
    GANTRY_CHECK(m_connection->done(move));
    for (auto& [id, newest] : m_newest)
        newest += byNs;
    return {};
}

std::vector<std::uint32_t> HistoryStore::endedSeries() const
{
    std::vector<std::uint32_t> ended;
    SqliteStatement oldest = m_connection->prepare("SELECT MIN(begin) FROM block");
    if (!oldest.get() || oldest.step() != SQLITE_ROW || oldest.isNull(0))
        return ended;
    for (const auto& [id, newest] : m_newest)
        if (newest < oldest.integer(0))
            ended.push_back(id);
    return ended;
}

Result<void> HistoryStore::removeSeries(const std::vector<std::uint32_t>& ids)
{
    SqliteStatement series = m_connection->prepare("DELETE FROM series WHERE id = ?");
    SqliteStatement noted = m_connection->prepare("DELETE FROM series_newest WHERE id = ?");
    if (!series.get() || !noted.get())
        return m_connection->error();
    for (const std::uint32_t id : ids) {
        for (SqliteStatement* remove : {&series, &noted}) {
            remove->bind(0, std::int64_t{id});
            GANTRY_CHECK(m_connection->done(*remove));
            remove->reset();
        }
        m_newest.erase(id);
        if (const auto known = m_series.find(id); known != m_series.end()) {
            m_ids.erase({known->second.name, known->second.labels});
            m_series.erase(known);
        }
    }
    return {};
}

std::optional<std::uint32_t> HistoryStore::idOf(const metrics::SeriesDefinition& series)
{
    const auto known = m_ids.find({series.name, series.labels});
    if (known != m_ids.end())
        return known->second;
    if (m_series.size() >= m_options.maxSeries)
        return {};
    const std::uint32_t id = m_lastId + 1;
    const std::string labels = metrics::formatLabels(series.labels);
    SqliteStatement insert = m_connection->prepare("INSERT INTO series VALUES (?, ?, ?, ?, ?, ?)");
    if (!insert.get())
        return {};
    insert.bind(0, std::int64_t{id});
    insert.bind(1, series.name);
    insert.bind(2, labels);
    insert.bind(3, series.unit);
    insert.bind(4, std::int64_t{series.kind == metrics::SeriesKind::Counter ? 1 : 0});
    insert.bind(5, series.help);
    if (insert.step() != SQLITE_DONE)
        return {}; // a full disk
    metrics::SeriesDefinition kept = series;
    kept.id = m_lastId = id;
    m_series.emplace(id, std::move(kept));
    m_ids.emplace(std::pair(series.name, series.labels), id);
    return id;
}

Result<void> HistoryStore::add(int resolution, const Block& block)
{
    const std::string content = packed(block.content);
    SqliteStatement insert = m_connection->prepare(
        "INSERT INTO block (resolution, begin, end, mono_to_utc, boot, content) VALUES (?, ?, ?, ?, ?, CAST(? AS BLOB))");
    if (!insert.get())
        return m_connection->error();
    insert.bind(0, std::int64_t{resolution});
    insert.bind(1, block.beginUtcNs);
    insert.bind(2, block.endUtcNs);
    insert.bind(3, block.monoToUtcNs);
    insert.bind(4, block.bootId);
    insert.bind(5, content);
    GANTRY_CHECK(m_connection->done(insert));
    m_bytes[resolution] += content.size();
    return shrink();
}

/// The oldest blocks of the resolution that takes most go until everything fits.
Result<void> HistoryStore::shrink()
{
    while (bytes() > m_options.maxBytes) {
        const auto largest =
            std::max_element(m_bytes.begin(), m_bytes.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
        SqliteStatement oldest = m_connection->prepare("SELECT id, LENGTH(content) FROM block WHERE resolution = ? ORDER BY begin LIMIT 1");
        if (!oldest.get())
            return m_connection->error();
        oldest.bind(0, std::int64_t{largest->first});
        if (oldest.step() != SQLITE_ROW) {
            largest->second = 0;
            continue;
        }
        const std::int64_t id = oldest.integer(0);
        const auto length = static_cast<std::uint64_t>(oldest.integer(1));
        oldest.reset();
        SqliteStatement remove = m_connection->prepare("DELETE FROM block WHERE id = ?");
        remove.bind(0, id);
        GANTRY_CHECK(m_connection->done(remove));
        largest->second -= std::min(largest->second, length);
    }
    return {};
}

Result<void> HistoryStore::removeBefore(int resolution, std::int64_t utcNs)
{
    SqliteStatement sum = m_connection->prepare("SELECT SUM(LENGTH(content)) FROM block WHERE resolution = ? AND end < ?");
    SqliteStatement remove = m_connection->prepare("DELETE FROM block WHERE resolution = ? AND end < ?");
    if (!sum.get() || !remove.get())
        return m_connection->error();
    for (SqliteStatement* statement : {&sum, &remove}) {
        statement->bind(0, std::int64_t{resolution});
        statement->bind(1, utcNs);
    }
    const auto gone = sum.step() == SQLITE_ROW ? static_cast<std::uint64_t>(sum.integer(0)) : 0;
    sum.reset();
    if (gone == 0)
        return {};
    GANTRY_CHECK(m_connection->done(remove));
    m_bytes[resolution] -= std::min(m_bytes[resolution], gone);
    return {};
}

Result<void> HistoryStore::setClock(const std::string& bootId, std::int64_t monoToUtcNs)
{
    SqliteStatement move =
        m_connection->prepare("UPDATE block SET begin = begin + (?1 - mono_to_utc), end = end + (?1 - mono_to_utc), mono_to_utc = ?1 "
                              "WHERE boot = ?2 AND ABS(?1 - mono_to_utc) > 1000000000");
    if (!move.get())
        return m_connection->error();
    SqliteStatement farthest = m_connection->prepare("SELECT MAX(?1 - mono_to_utc) FROM block WHERE boot = ?2");
    if (!farthest.get())
        return m_connection->error();
    for (SqliteStatement* statement : {&move, &farthest}) {
        statement->bind(0, monoToUtcNs);
        statement->bind(1, bootId);
    }
    const std::int64_t forward = farthest.step() == SQLITE_ROW && !farthest.isNull(0) ? farthest.integer(0) : 0;
    farthest.reset();
    if (forward > 0)
        GANTRY_CHECK(moveNewest(forward)); // all of them: one that is kept too long does no harm
    return m_connection->done(move);
}

std::vector<HistoryStore::BlockKey> HistoryStore::blocks(int resolution, std::int64_t fromUtcNs, std::int64_t toUtcNs) const
{
    std::vector<BlockKey> keys;
    SqliteStatement rows =
        m_connection->prepare("SELECT id, begin, end FROM block WHERE resolution = ? AND begin < ? AND end >= ? ORDER BY begin, id");
    if (!rows.get())
        return keys;
    rows.bind(0, std::int64_t{resolution});
    rows.bind(1, toUtcNs);
    rows.bind(2, fromUtcNs);
    while (rows.step() == SQLITE_ROW)
        keys.push_back({rows.integer(0), rows.integer(1), rows.integer(2)});
    return keys;
}

Result<HistoryStore::Block> HistoryStore::read(const BlockKey& key) const
{
    SqliteStatement row = m_connection->prepare("SELECT begin, end, mono_to_utc, boot, content FROM block WHERE id = ?");
    if (!row.get())
        return m_connection->error();
    row.bind(0, key.id);
    const int status = row.step();
    if (status == SQLITE_DONE)
        return Error{ErrorCode::NotFound, "a block of the history of metrics has gone", {}};
    if (status != SQLITE_ROW)
        return m_connection->error();
    GANTRY_TRY(std::string content, unpacked(row.text(4)));
    return Block{row.integer(0), row.integer(1), row.integer(2), std::string(row.text(3)), std::move(content)};
}

std::optional<std::int64_t> HistoryStore::edgeUtcNs(const char* query, int resolution) const
{
    SqliteStatement edge = m_connection->prepare(query);
    if (!edge.get())
        return {};
    edge.bind(0, std::int64_t{resolution});
    return edge.step() == SQLITE_ROW && !edge.isNull(0) ? std::optional(edge.integer(0)) : std::nullopt;
}

std::optional<std::int64_t> HistoryStore::oldestUtcNs(int resolution) const
{
    return edgeUtcNs("SELECT MIN(begin) FROM block WHERE resolution = ?", resolution);
}

std::optional<std::int64_t> HistoryStore::newestUtcNs(int resolution) const
{
    return edgeUtcNs("SELECT MAX(end) FROM block WHERE resolution = ?", resolution);
}

std::uint64_t HistoryStore::bytes() const
{
    std::uint64_t sum = 0;
    for (const auto& [resolution, bytes] : m_bytes)
        sum += bytes;
    return sum;
}

} // namespace gantry::report
