#include "trace_model/report/database.h"

#include "trace_model/report/byte_source.h"
#include "trace_model/report/foreign_file.h"
#include "trace_model/report/utf8.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <sqlite3.h>
#include <unistd.h>
#include <utility>

namespace gantry::report {
namespace {

/// A row is at least a cell pointer of two bytes, a header byte and a type byte (sqlite.org/fileformat2.html, 1.6 and 2.1): a
/// damaged file whose pages lead in a circle would otherwise be read forever.
constexpr std::uint64_t kMinRowBytes = 4;
constexpr std::uint64_t kLeavesOfARun = 32; // of a sample: pages read at once
constexpr std::size_t kLeavesOfAPart = 256; // fewer pages than this are read sooner than a thread is made
constexpr std::size_t kHeaderBytes = 100;   // sqlite.org/fileformat2.html, 1.3

std::uint32_t bigEndian(const std::string& bytes, std::size_t offset, std::size_t length)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < length; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
    return value;
}

/// How long the file is by its header. The page count at 28 holds only when the numbers at 24 and 92 agree
/// (sqlite.org/fileformat2.html, 1.3.7).
std::uint64_t promisedBytes(const std::string& head)
{
    if (bigEndian(head, 24, 4) != bigEndian(head, 92, 4))
        return kHeaderBytes;
    const std::uint64_t pageSize = bigEndian(head, 16, 2);
    return (pageSize == 1 ? 65536 : pageSize) * bigEndian(head, 28, 4);
}

/// Rows that lie in a journal beside the file and not in it. It is not written to, so they cannot be had without another program.
Result<void> checkJournals(const std::filesystem::path& path)
{
    constexpr std::uintmax_t kWalHeaderBytes = 32; // fileformat2.html, 4.1
    const auto bytesOf = [](const std::filesystem::path& beside) {
        std::error_code absent;
        const std::uintmax_t bytes = std::filesystem::file_size(beside, absent);
        return absent ? 0 : bytes;
    };
    if (bytesOf(path.string() + "-wal") > kWalHeaderBytes)
        return Error{ErrorCode::Busy,
                     fmt::format("part of {0} still lies in the file {0}-wal: close the program that writes it, or run `sqlite3 '{0}' "
                                 "'PRAGMA wal_checkpoint(TRUNCATE)'`, and open it again",
                                 path.string()),
                     {}};
    const std::filesystem::path journal = path.string() + "-journal";
    constexpr std::string_view kHot = "\xD9\xD5\x05\xF9\x20\xA1\x63\xD7"; // fileformat2.html, 3: of a journal that is not void
    char magic[kHot.size()] = {};
    if (bytesOf(journal) > kHot.size() && std::ifstream(journal, std::ios::binary).read(magic, sizeof magic) &&
        std::string_view(magic, sizeof magic) == kHot)
        return Error{ErrorCode::Busy,
                     fmt::format("{0} is being written, or was left half written ({0}-journal): close the program that writes it, or run "
                                 "`sqlite3 '{0}' 'PRAGMA user_version'`, which undoes the half, and open it again",
                                 path.string()),
                     {}};
    return {};
}

/// A new file for temporary use, mode 0600, removed again when it is not kept.
class TemporaryFile
{
public:
    static Result<TemporaryFile> create()
    {
        std::error_code error;
        const std::filesystem::path folder = std::filesystem::temp_directory_path(error);
        if (error)
            return Error{ErrorCode::CannotWrite,
                         "the folder for temporary files is not there (" + error.message() + "): set TMPDIR to one that is",
                         {}};
        std::string name = (folder / "gantry-XXXXXX").string();
        const int fd = mkostemp(name.data(), O_CLOEXEC);
        if (fd < 0)
            return errnoError(errno, "cannot unpack into " + name);
        return TemporaryFile(fd, std::move(name));
    }
    TemporaryFile(TemporaryFile&& other) noexcept : m_fd(std::exchange(other.m_fd, -1)), m_path(std::exchange(other.m_path, {})) {}
    TemporaryFile& operator=(TemporaryFile&&) = delete;
    ~TemporaryFile()
    {
        if (m_fd >= 0)
            ::close(m_fd);
        std::error_code ignored;
        if (!m_path.empty())
            std::filesystem::remove(m_path, ignored);
    }

    Result<void> write(std::string_view bytes)
    {
        while (!bytes.empty()) {
            const ssize_t written = ::write(m_fd, bytes.data(), bytes.size());
            if (written < 0 && errno == EINTR)
                continue;
            if (written < 0)
                return failure();
            bytes.remove_prefix(static_cast<std::size_t>(written));
        }
        return {};
    }
    /// Closes it; who asks removes it.
    Result<std::filesystem::path> keep()
    {
        if (::close(std::exchange(m_fd, -1)) != 0)
            return failure();
        return std::exchange(m_path, {});
    }

private:
    TemporaryFile(int fd, std::filesystem::path path) : m_fd(fd), m_path(std::move(path)) {}
    [[nodiscard]] Error failure() const
    {
        Error error = errnoError(errno, "cannot unpack the report into " + m_path.string());
        return {ErrorCode::CannotWrite, error.message + ": free some space there, or set TMPDIR to a larger folder", {}};
    }

    int m_fd;
    std::filesystem::path m_path;
};

Result<std::filesystem::path> unpack(ByteSource& packed, const std::stop_token& stop, const std::function<void(double)>& progress)
{
    GANTRY_TRY(TemporaryFile target, TemporaryFile::create());
    std::vector<char> block(std::size_t{1} << 20);
    while (true) {
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "opening the report was cancelled", {}};
        GANTRY_TRY(const std::size_t got, packed.read(block));
        GANTRY_CHECK(target.write({block.data(), got}));
        if (progress)
            progress(static_cast<double>(packed.fileBytesRead()) / static_cast<double>(packed.fileBytes()));
        if (got < block.size())
            return target.keep();
    }
}

} // namespace

Error sqliteError(sqlite3* db, const std::string& doing)
{
    const int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
    const std::string text = doing + ": " + (db ? sqlite3_errmsg(db) : "out of memory");
    switch (code & 0xFF) {
    case SQLITE_FULL:
    case SQLITE_IOERR:
        return {ErrorCode::CannotWrite, text + ": free some space there and capture again", {}};
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        return {ErrorCode::CannotWrite, text, {}};
    case SQLITE_CORRUPT:
        return {ErrorCode::Truncated, text + ": the file is damaged or was cut off, fetch or export it again", {}};
    case SQLITE_NOTADB:
        return {ErrorCode::NotAReport, text, {}};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return {ErrorCode::Busy, text + ": another program is writing it", {}};
    default:
        return {ErrorCode::BadInput, text, {}};
    }
}

TableCursor::TableCursor(sqlite3* db, sqlite3_stmt* statement, std::vector<int> places, std::uint64_t maxRows)
    : m_db(db), m_statement(statement), m_places(std::move(places)), m_rowsLeft(maxRows)
{
}

TableCursor::TableCursor(PageCursor pages, std::vector<int> places, int rowIdPlace)
    : m_pages(std::move(pages)), m_places(std::move(places)), m_rowIdPlace(rowIdPlace)
{
}

TableCursor::TableCursor(TableCursor&& other) noexcept
    : m_db(other.m_db),
      m_statement(std::exchange(other.m_statement, nullptr)),
      m_pages(std::move(other.m_pages)),
      m_places(std::move(other.m_places)),
      m_rowIdPlace(other.m_rowIdPlace),
      m_rowsLeft(other.m_rowsLeft),
      m_error(std::move(other.m_error))
{
}

TableCursor::~TableCursor()
{
    sqlite3_finalize(m_statement);
}

bool TableCursor::next()
{
    if (!m_pages)
        return nextOfLibrary();
    if (m_pages->next())
        return true;
    if (!m_error)
        m_error = m_pages->error();
    return false;
}

bool TableCursor::nextOfLibrary()
{
    if (!m_statement || m_error)
        return false;
    const int status = sqlite3_step(m_statement);
    if (status == SQLITE_ROW && m_rowsLeft-- > 0)
        return true;
    if (status == SQLITE_ROW)
        m_error = Error{
            ErrorCode::Truncated, "cannot read the report: the file is damaged (its pages lead in a circle), fetch or export it again", {}};
    else if (status != SQLITE_DONE)
        m_error = sqliteError(m_db, "cannot read the report");
    return false;
}

bool TableCursor::isNullInLibrary(std::size_t column) const
{
    return sqlite3_column_type(m_statement, m_places[column]) == SQLITE_NULL;
}

std::int64_t TableCursor::integerOfLibrary(std::size_t column, std::int64_t ifNull) const
{
    return isNullInLibrary(column) ? ifNull : sqlite3_column_int64(m_statement, m_places[column]);
}

std::int64_t TableCursor::wholeOfOther(std::size_t column, std::int64_t ifNull, bool& isBad) const
{
    if (isNull(column))
        return ifNull;
    if (m_pages ? isRowId(column) : sqlite3_column_type(m_statement, m_places[column]) == SQLITE_INTEGER)
        return integer(column);
    constexpr double kLimit = 9223372036854775808.0; // 2^63
    const auto value = number(column);
    isBad = isBad || !value || *value >= kLimit || *value < -kLimit;
    return value && !isBad ? static_cast<std::int64_t>(*value) : ifNull;
}

std::optional<double> TableCursor::number(std::size_t column) const
{
    if (isNull(column))
        return std::nullopt;
    const int type = m_pages ? SQLITE_NULL : sqlite3_column_type(m_statement, m_places[column]);
    const bool isNumber = m_pages ? isRowId(column) || stored(column).isNumber() : type == SQLITE_INTEGER || type == SQLITE_FLOAT;
    const double value = isNumber ? real(column) : 0;
    return isNumber && std::isfinite(value) ? std::optional(value) : std::nullopt;
}

double TableCursor::real(std::size_t column) const
{
    if (isNull(column))
        return 0.0;
    if (m_pages)
        return isRowId(column) ? static_cast<double>(m_pages->rowId()) : stored(column).real();
    return sqlite3_column_double(m_statement, m_places[column]);
}

std::string_view TableCursor::text(std::size_t column) const
{
    if (isNull(column))
        return {};
    if (m_pages) {
        if (!isRowId(column) && !stored(column).isNumber())
            return validUtf8(stored(column).text(), m_scratch);
        if (isRowId(column) || !stored(column).isReal())
            return m_scratch = std::to_string(integer(column));
        char digits[40];
        return m_scratch = sqlite3_snprintf(sizeof digits, digits, "%!.15g", stored(column).real());
    }
    const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(m_statement, m_places[column]));
    return text ? validUtf8({text, static_cast<std::size_t>(sqlite3_column_bytes(m_statement, m_places[column]))}, m_scratch)
                : std::string_view();
}

Database::Database(Database&& other) noexcept
    : m_db(std::exchange(other.m_db, nullptr)),
      m_pages(std::move(other.m_pages)),
      m_unpacked(std::exchange(other.m_unpacked, {})),
      m_bytes(other.m_bytes),
      m_damage(std::move(other.m_damage))
{
}

Database::~Database()
{
    sqlite3_close(m_db);
    if (!m_unpacked.empty()) {
        std::error_code ignored;
        std::filesystem::remove(m_unpacked, ignored);
    }
}

Result<Database> Database::open(const std::filesystem::path& path, const std::stop_token& stop, const std::function<void(double)>& progress)
{
    GANTRY_TRY(std::unique_ptr<ByteSource> source, ByteSource::open(path));
    Database database(nullptr);
    std::filesystem::path readable = path;
    if (source->packing() != Packing::None) {
        GANTRY_TRY(database.m_unpacked, unpack(*source, stop, progress));
        readable = database.m_unpacked;
        database.m_damage = source->damage();
        if (!database.m_damage.empty() && source->unpackedBytes() < kHeaderBytes)
            return Error{ErrorCode::Truncated, "the compressed report is damaged or cut off at its begin: fetch it again", {path.string()}};
        GANTRY_TRY(source, ByteSource::open(readable));
    } else {
        GANTRY_CHECK(checkJournals(path));
    }
    std::string head(kHeaderBytes, '\0');
    GANTRY_TRY(const std::size_t headBytes, source->readAt(0, head));
    head.resize(headBytes);
    if (!head.starts_with("SQLite format 3"))
        return Error{ErrorCode::NotAReport,
                     describeForeign(head).value_or("this is neither a Gantry report nor an Nsight Systems SQLite export: choose a file "
                                                    "that ends in .gantry, .gantry.zst or .sqlite"),
                     {path.string()}};
    database.m_bytes = source->fileBytes() + source->unwrittenBytes(); // unused pages may be a hole
    const std::uint64_t promised = head.size() == kHeaderBytes ? promisedBytes(head) : kHeaderBytes;
    const bool isCut = database.m_bytes < promised;
    if (isCut && database.m_damage.empty())
        database.m_damage = fmt::format("The file is truncated ({} of {} bytes): what came after is not shown. Copy or fetch it again.",
                                        database.m_bytes, promised);
    const auto unreadable = [&] {
        return isCut ? Error{ErrorCode::Truncated,
                             fmt::format("the file is truncated ({} of {} bytes): copy or fetch it again", database.m_bytes, promised),
                             {path.string()}}
                     : sqliteError(database.m_db, "cannot open " + path.string());
    };
    // immutable: a report is complete when it has its name; nothing is locked and a read-only folder is enough.
    std::string uri = "file:";
    for (const char c : readable.string())
        if (c == '?' || c == '#' || c == '%')
            uri += c == '?' ? "%3f" : c == '#' ? "%23" : "%25";
        else
            uri += c;
    uri += "?mode=ro&immutable=1";
    if (sqlite3_open_v2(uri.c_str(), &database.m_db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK)
        return unreadable();
    // Not mapped into memory: a file that is overwritten while it is read must be an error, not a SIGBUS.
    sqlite3_exec(database.m_db, "PRAGMA query_only=1; PRAGMA cell_size_check=1; PRAGMA trusted_schema=0", nullptr, nullptr, nullptr);
    const auto canRead = [&](const char* sql) { return sqlite3_exec(database.m_db, sql, nullptr, nullptr, nullptr) == SQLITE_OK; };
    if (isCut || !canRead("SELECT count(*) FROM sqlite_master")) {
        // This makes the library open a file that has fewer pages than it should, and whose list of tables is damaged: the first statement
        // fails then, those after it know the tables before the damage.
        canRead("PRAGMA writable_schema=1");
        const char* const anyTable = "SELECT 1 FROM sqlite_master LIMIT 1";
        if (!canRead(anyTable) && !canRead(anyTable))
            return unreadable();
        if (database.m_damage.empty())
            database.m_damage = "The file's list of tables is damaged: those behind the damage are not shown. Copy, fetch or export it again.";
    }
    database.m_pages = PageFile::open(readable);
    return database;
}

std::vector<std::string> Database::tableNames() const
{
    std::vector<std::string> names;
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(m_db, "SELECT name FROM sqlite_master WHERE type='table' ORDER BY name", -1, &statement, nullptr);
    while (statement && sqlite3_step(statement) == SQLITE_ROW)
        if (const auto* name = reinterpret_cast<const char*>(sqlite3_column_text(statement, 0)))
            names.emplace_back(name);
    sqlite3_finalize(statement);
    return names;
}

bool Database::hasTable(std::string_view name) const
{
    for (const std::string& table : tableNames())
        if (table == name)
            return true;
    return false;
}

std::int64_t Database::rowCount(const std::string& table) const
{
    if (!hasTable(table))
        return 0;
    sqlite3_stmt* statement = nullptr;
    sqlite3_prepare_v2(m_db, ("SELECT count(*) FROM \"" + table + "\"").c_str(), -1, &statement, nullptr);
    const std::int64_t count = statement && sqlite3_step(statement) == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_finalize(statement);
    return count;
}

std::optional<std::vector<Database::Column>> Database::columnsOf(const char* table) const
{
    std::vector<Column> columns;
    sqlite3_stmt* info = nullptr;
    int keys = 0;
    bool allStored = true;
    sqlite3_prepare_v2(m_db, ("PRAGMA table_xinfo(\"" + std::string(table) + "\")").c_str(), -1, &info, nullptr);
    while (info && sqlite3_step(info) == SQLITE_ROW) {
        const auto text = [&](int column) {
            const auto* value = reinterpret_cast<const char*>(sqlite3_column_text(info, column));
            return std::string(value ? value : "");
        };
        const bool isKey = sqlite3_column_int(info, 5) != 0;
        keys += isKey;
        allStored = allStored && sqlite3_column_int(info, 6) == 0;
        columns.push_back(
            {text(1), isKey && sqlite3_stricmp(text(2).c_str(), "INTEGER") == 0, sqlite3_column_type(info, 4) != SQLITE_NULL});
    }
    sqlite3_finalize(info);
    if (!allStored)
        return std::nullopt;
    for (Column& column : columns)
        column.isRowId = column.isRowId && keys == 1;
    return columns;
}

/// No cursor: the library has to read this table.
Result<std::vector<TableCursor>> Database::pageParts(const char* table, const std::vector<Column>& stored,
                                                     std::initializer_list<const char*> columns, int count, std::uint64_t oneOf) const
{
    std::vector<TableCursor> cursors;
    std::vector<int> places, wanted;
    int rowIdPlace = -2;
    for (const char* name : columns) {
        const auto found = std::find_if(stored.begin(), stored.end(), [&](const Column& candidate) { return candidate.name == name; });
        if (found == stored.end()) {
            places.push_back(-1);
            continue;
        }
        if (found->hasDefault)
            return cursors;
        const int column = static_cast<int>(found - stored.begin());
        const auto known = std::find(wanted.begin(), wanted.end(), column);
        places.push_back(static_cast<int>(known - wanted.begin()));
        if (known == wanted.end())
            wanted.push_back(column);
        if (found->isRowId)
            rowIdPlace = places.back();
    }
    sqlite3_stmt* statement = nullptr;
    std::uint32_t root = 0;
    sqlite3_prepare_v2(m_db, "SELECT rootpage FROM sqlite_master WHERE type = 'table' AND name = ?", -1, &statement, nullptr);
    if (statement && sqlite3_bind_text(statement, 1, table, -1, SQLITE_STATIC) == SQLITE_OK && sqlite3_step(statement) == SQLITE_ROW)
        root = static_cast<std::uint32_t>(sqlite3_column_int64(statement, 0));
    sqlite3_finalize(statement);
    if (root == 0 || wanted.empty())
        return cursors;
    std::optional<PageFile::Leaves> found = m_pages->leavesOf(root);
    if (!found)
        return cursors;
    std::vector<std::uint32_t>& leaves = found->pages;
    if (oneOf > 1 && leaves.size() > kLeavesOfAPart)
        std::erase_if(leaves, [&, i = std::uint64_t{0}](std::uint32_t) mutable { return i++ / kLeavesOfARun % oneOf != 0; });
    const std::size_t used = std::min<std::size_t>(static_cast<std::size_t>(std::max(1, count)), leaves.size() / kLeavesOfAPart + 1);
    for (std::size_t i = 0; i < used; ++i) {
        std::vector<std::uint32_t> part(leaves.begin() + static_cast<std::ptrdiff_t>(leaves.size() * i / used),
                                        leaves.begin() + static_cast<std::ptrdiff_t>(leaves.size() * (i + 1) / used));
        cursors.push_back(TableCursor(PageCursor(m_pages, std::move(part), wanted), places, rowIdPlace));
    }
    cursors.front().m_error = std::move(found->damage);
    return cursors;
}

Result<std::vector<TableCursor>> Database::parts(const char* table, std::initializer_list<const char*> columns, int count,
                                                 std::uint64_t oneOf) const
{
    std::vector<TableCursor> cursors;
    const auto stored = columnsOf(table);
    if (stored && m_pages) {
        GANTRY_TRY(cursors, pageParts(table, *stored, columns, count, oneOf));
    }
    if (cursors.empty()) {
        GANTRY_TRY(TableCursor all, libraryRows(table, columns));
        cursors.push_back(std::move(all));
    }
    return cursors;
}

Result<TableCursor> Database::rows(const char* table, std::initializer_list<const char*> columns) const
{
    GANTRY_TRY(std::vector<TableCursor> cursors, parts(table, columns, 1));
    return std::move(cursors.front());
}

Result<TableCursor> Database::libraryRows(const char* table, std::initializer_list<const char*> columns) const
{
    std::vector<std::string> present;
    sqlite3_stmt* info = nullptr;
    sqlite3_prepare_v2(m_db, ("PRAGMA table_info(\"" + std::string(table) + "\")").c_str(), -1, &info, nullptr);
    while (info && sqlite3_step(info) == SQLITE_ROW)
        if (const auto* name = reinterpret_cast<const char*>(sqlite3_column_text(info, 1)))
            present.emplace_back(name);
    sqlite3_finalize(info);

    std::vector<int> places;
    std::string sql;
    int used = 0;
    for (const char* column : columns) {
        const bool exists = std::find(present.begin(), present.end(), column) != present.end();
        places.push_back(exists ? used++ : -1);
        if (exists)
            sql += (sql.empty() ? "SELECT \"" : ", \"") + std::string(column) + "\"";
    }
    if (sql.empty())
        return TableCursor(m_db, nullptr, std::move(places), 0);
    sqlite3_stmt* statement = nullptr;
    if (sqlite3_prepare_v2(m_db, (sql + " FROM \"" + table + "\"").c_str(), -1, &statement, nullptr) != SQLITE_OK)
        return sqliteError(m_db, std::string("cannot read table ") + table);
    return TableCursor(m_db, statement, std::move(places), m_bytes / kMinRowBytes + 1);
}

} // namespace gantry::report
