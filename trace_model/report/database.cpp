#include "trace_model/report/database.h"

#include "trace_model/report/foreign_file.h"
#include "trace_model/report/utf8.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fstream>
#include <memory>
#include <sqlite3.h>
#include <unistd.h>
#include <utility>
#include <zstd.h>

namespace gantry::report {
namespace {

constexpr std::uint64_t kLargestUnpacked = std::uint64_t{4} << 30;
/// A row is at least a cell pointer of two bytes, a header byte and a type byte (sqlite.org/fileformat2.html, 1.6 and 2.1): a
/// damaged file whose pages lead in a circle would otherwise be read forever.
constexpr std::uint64_t kMinRowBytes = 4;
constexpr std::uint64_t kLeavesOfARun = 32; // of a sample: pages read at once
constexpr std::size_t kLeavesOfAPart = 256; // fewer pages than this are read sooner than a thread is made
constexpr std::size_t kHeaderBytes = 100; // sqlite.org/fileformat2.html, 1.3
constexpr unsigned char kZstdMagic[] = {0x28, 0xB5, 0x2F, 0xFD};

std::string headOf(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    std::string head(kHeaderBytes, '\0');
    file.read(head.data(), static_cast<std::streamsize>(head.size()));
    head.resize(static_cast<std::size_t>(file.gcount()));
    return head;
}

std::uint32_t bigEndian(const std::string& bytes, std::size_t offset, std::size_t length)
{
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < length; ++i)
        value = value << 8 | static_cast<unsigned char>(bytes[offset + i]);
    return value;
}

/// Says when the header promises more pages than the file has: a copy or fetch that was cut off. The page count at 28 holds
/// only when the numbers at 24 and 92 agree (sqlite.org/fileformat2.html, 1.3.7).
std::optional<Error> truncationOf(const std::string& head, std::uint64_t bytes, const std::filesystem::path& path)
{
    std::uint64_t promised = kHeaderBytes;
    if (head.size() == kHeaderBytes && bigEndian(head, 24, 4) == bigEndian(head, 92, 4)) {
        const std::uint64_t pageSize = bigEndian(head, 16, 2);
        promised = (pageSize == 1 ? 65536 : pageSize) * bigEndian(head, 28, 4);
    }
    if (bytes >= promised)
        return {};
    return Error{ErrorCode::Truncated,
                 path.string() + " is truncated (" + std::to_string(bytes) + " of " + std::to_string(promised) + " bytes): copy or fetch it again", {}};
}

/// What a file that is no SQLite database is, as a sentence with the next step.
std::string explain(const std::string& head)
{
    if (auto foreign = describeForeign(head))
        return *std::move(foreign);
    if (head.starts_with("NVIDIA Tegra Profiler Report"))
        return "this is an Nsight Systems report, whose format is not public: run `nsys export --type sqlite FILE` and open the result";
    const std::size_t begin = head.find_first_not_of(" \t\r\n");
    if (head.starts_with("\x1f\x8b") || head[begin] == '{' || head[begin] == '[')
        return "this looks like a JSON trace, which this version does not read: open a .gantry report or an Nsight Systems SQLite export";
    return "this is neither a Gantry report nor an Nsight Systems SQLite export: choose a file that ends in .gantry, .gantry.zst or .sqlite";
}

/// Unpacks a .zst file into a temporary file (mode 0600), which the Database removes.
Result<std::filesystem::path> unpack(const std::filesystem::path& packed)
{
    std::string target = (std::filesystem::temp_directory_path() / "gantry-XXXXXX").string();
    const int fd = mkostemp(target.data(), O_CLOEXEC);
    if (fd < 0)
        return errnoError(errno, "cannot unpack into " + target);
    const std::unique_ptr<std::FILE, decltype(&std::fclose)> out(fdopen(fd, "wb"), &std::fclose);
    const auto fail = [&](ErrorCode code, std::string text) {
        std::filesystem::remove(target);
        return Error{code, std::move(text), {}};
    };
    std::ifstream in(packed, std::ios::binary);
    const std::unique_ptr<ZSTD_DStream, decltype(&ZSTD_freeDStream)> stream(ZSTD_createDStream(), &ZSTD_freeDStream);
    std::vector<char> input(ZSTD_DStreamInSize()), output(ZSTD_DStreamOutSize());
    std::uint64_t total = 0;
    std::size_t state = 1; // 0: a frame has ended
    while (in.read(input.data(), static_cast<std::streamsize>(input.size())), in.gcount() > 0) {
        ZSTD_inBuffer source{input.data(), static_cast<std::size_t>(in.gcount()), 0};
        while (source.pos < source.size) {
            ZSTD_outBuffer sink{output.data(), output.size(), 0};
            state = ZSTD_decompressStream(stream.get(), &sink, &source);
            if (ZSTD_isError(state))
                return fail(ErrorCode::Truncated, "the compressed report is damaged: fetch it again");
            total += sink.pos;
            if (total > kLargestUnpacked)
                return fail(ErrorCode::BadInput, "the compressed report unpacks to more than 4 GiB: unpack it yourself with `zstd -d` and open the result");
            if (std::fwrite(output.data(), 1, sink.pos, out.get()) != sink.pos)
                return fail(ErrorCode::CannotWrite, "no space left to unpack the report into " + target);
        }
    }
    if (state != 0)
        return fail(ErrorCode::Truncated, "the compressed report ends too early: fetch it again");
    if (std::fflush(out.get()) != 0)
        return fail(ErrorCode::CannotWrite, "no space left to unpack the report into " + target);
    return std::filesystem::path(target);
}

} // namespace

Error sqliteError(sqlite3* db, const std::string& doing)
{
    const int code = db ? sqlite3_errcode(db) : SQLITE_NOMEM;
    const std::string text = doing + ": " + (db ? sqlite3_errmsg(db) : "out of memory");
    switch (code & 0xFF) {
    case SQLITE_FULL:
    case SQLITE_IOERR: return {ErrorCode::CannotWrite, text + ": free some space there and capture again", {}};
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM: return {ErrorCode::CannotWrite, text, {}};
    case SQLITE_CORRUPT: return {ErrorCode::Truncated, text + ": the file is damaged or was cut off, fetch or export it again", {}};
    case SQLITE_NOTADB: return {ErrorCode::NotAReport, text, {}};
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return {ErrorCode::Busy, text + ": another program is writing it", {}};
    default: return {ErrorCode::BadInput, text, {}};
    }
}

TableCursor::TableCursor(sqlite3* db, sqlite3_stmt* statement, std::vector<int> places, std::uint64_t maxRows)
    : m_db(db), m_statement(statement), m_places(std::move(places)), m_rowsLeft(maxRows)
{
}

TableCursor::TableCursor(PageCursor pages, std::vector<int> places, int rowIdPlace) : m_pages(std::move(pages)), m_places(std::move(places)), m_rowIdPlace(rowIdPlace) {}

TableCursor::TableCursor(TableCursor&& other) noexcept
    : m_db(other.m_db), m_statement(std::exchange(other.m_statement, nullptr)), m_pages(std::move(other.m_pages)), m_places(std::move(other.m_places)),
      m_rowIdPlace(other.m_rowIdPlace), m_rowsLeft(other.m_rowsLeft), m_error(std::move(other.m_error))
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
        m_error = Error{ErrorCode::Truncated, "cannot read the report: the file is damaged (its pages lead in a circle), fetch or export it again", {}};
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
    return text ? validUtf8({text, static_cast<std::size_t>(sqlite3_column_bytes(m_statement, m_places[column]))}, m_scratch) : std::string_view();
}

Database::Database(Database&& other) noexcept : m_db(std::exchange(other.m_db, nullptr)), m_pages(std::move(other.m_pages)), m_unpacked(std::exchange(other.m_unpacked, {})), m_bytes(other.m_bytes) {}

Database::~Database()
{
    sqlite3_close(m_db);
    if (!m_unpacked.empty()) {
        std::error_code ignored;
        std::filesystem::remove(m_unpacked, ignored);
    }
}

Result<Database> Database::open(const std::filesystem::path& path)
{
    std::error_code error;
    if (!std::filesystem::exists(path, error))
        return Error{ErrorCode::NotFound, "there is no file " + path.string() + ": check the path, or fetch the report again", {}};
    if (std::filesystem::is_directory(path, error))
        return Error{ErrorCode::NotAReport, path.string() + " is a folder: open a report in it", {}};
    if (access(path.c_str(), R_OK) != 0)
        return errnoError(errno, "cannot read " + path.string());

    Database database(nullptr);
    std::string head = headOf(path);
    std::filesystem::path readable = path;
    if (head.size() >= sizeof kZstdMagic && std::memcmp(head.data(), kZstdMagic, sizeof kZstdMagic) == 0) {
        GANTRY_TRY(database.m_unpacked, unpack(path));
        readable = database.m_unpacked;
        head = headOf(readable);
    }
    if (!head.starts_with("SQLite format 3"))
        return Error{ErrorCode::NotAReport, explain(head), {path.string()}};
    database.m_bytes = std::filesystem::file_size(readable, error);
    if (auto truncated = truncationOf(head, database.m_bytes, path))
        return *std::move(truncated);
    // immutable: a report is complete when it has its name; nothing is locked and a read-only folder is enough.
    std::string uri = "file:";
    for (const char c : readable.string())
        if (c == '?' || c == '#' || c == '%')
            uri += c == '?' ? "%3f" : c == '#' ? "%23" : "%25";
        else
            uri += c;
    uri += "?mode=ro&immutable=1";
    if (sqlite3_open_v2(uri.c_str(), &database.m_db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX, nullptr) != SQLITE_OK)
        return sqliteError(database.m_db, "cannot open " + path.string());
    // Not mapped into memory: a file that is overwritten while it is read must be an error, not a SIGBUS.
    sqlite3_exec(database.m_db, "PRAGMA query_only=1; PRAGMA cell_size_check=1; PRAGMA trusted_schema=0", nullptr, nullptr, nullptr);
    if (sqlite3_exec(database.m_db, "SELECT count(*) FROM sqlite_master", nullptr, nullptr, nullptr) != SQLITE_OK)
        return sqliteError(database.m_db, "cannot open " + path.string());
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
        columns.push_back({text(1), isKey && sqlite3_stricmp(text(2).c_str(), "INTEGER") == 0, sqlite3_column_type(info, 4) != SQLITE_NULL});
    }
    sqlite3_finalize(info);
    if (!allStored)
        return std::nullopt;
    for (Column& column : columns)
        column.isRowId = column.isRowId && keys == 1;
    return columns;
}

/// No cursor: the library has to read this table.
Result<std::vector<TableCursor>> Database::pageParts(const char* table, const std::vector<Column>& stored, std::initializer_list<const char*> columns, int count,
                                                     std::uint64_t oneOf) const
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
    GANTRY_TRY(auto leaves, m_pages->leavesOf(root));
    if (!leaves)
        return cursors;
    if (oneOf > 1 && leaves->size() > kLeavesOfAPart)
        std::erase_if(*leaves, [&, i = std::uint64_t{0}](std::uint32_t) mutable { return i++ / kLeavesOfARun % oneOf != 0; });
    const std::size_t used = std::min<std::size_t>(static_cast<std::size_t>(std::max(1, count)), leaves->size() / kLeavesOfAPart + 1);
    for (std::size_t i = 0; i < used; ++i) {
        std::vector<std::uint32_t> part(leaves->begin() + static_cast<std::ptrdiff_t>(leaves->size() * i / used),
                                        leaves->begin() + static_cast<std::ptrdiff_t>(leaves->size() * (i + 1) / used));
        cursors.push_back(TableCursor(PageCursor(m_pages, std::move(part), wanted), places, rowIdPlace));
    }
    return cursors;
}

Result<std::vector<TableCursor>> Database::parts(const char* table, std::initializer_list<const char*> columns, int count, std::uint64_t oneOf) const
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
