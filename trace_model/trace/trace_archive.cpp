#include "trace_model/trace/trace_archive.h"

#include "trace_model/base/digest.h"
#include "trace_model/base/new_file.h"
#include "trace_model/base/parallel.h"

#include <array>
#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <sys/mman.h>
#include <sys/stat.h>
#include <type_traits>
#include <unistd.h>

namespace gantry::trace {
namespace {

constexpr std::size_t kAlignment = 64; // of columns: a cache line
constexpr char kMagic[8] = {'G', 'A', 'N', 'T', 'R', 'Y', 'C', '\n'};

struct Footer
{
    std::uint64_t directoryOffset = 0, directoryBytes = 0, fileBytes = 0;
    std::uint32_t directoryCrc = 0, version = kArchiveVersion;
    /// Sizes of what is stored as it lies in memory: another compiler's may differ.
    std::array<std::uint32_t, 4> sizes = {sizeof(Request), sizeof(Execution), sizeof(LaunchShape), sizeof(NvtxLabel)};
    char key[64] = {};
    char magic[8] = {};
};

// One list of members serves writing and reading: `archive(value)` on each, in this order.

template <typename Archive>
void describe(Archive& a, TimeRange& v)
{
    a(v.start, v.end);
}
template <typename Archive>
void describe(Archive& a, Loss& v)
{
    a(v.name, v.severity, v.count, v.help);
}
template <typename Archive>
void describe(Archive& a, GpuInfo& v)
{
    a(v.device, v.name, v.uuid, v.file);
}
template <typename Archive>
void describe(Archive& a, TraceMeta& v)
{
    a(v.format, v.producer, v.title, v.hostName, v.targetName, v.sessionUtcNs, v.sessionMonotonicNs, v.gpus, v.settings, v.warnings,
      v.targetExited, v.isPreview, v.complete, v.whyIncomplete, v.isUtcOfUnknownZone);
    a(v.clockErrorNs, v.windowCostRatio, v.windowCostError, v.openCost, v.closeCost);
}
template <typename Archive>
void describe(Archive& a, importing::SkippedRows& v)
{
    a(v.reason, v.count);
}
template <typename Archive>
void describe(Archive& a, importing::TableTally& v)
{
    a(v.name, v.rows, v.kept, v.skipped, v.reduced);
}
template <typename Archive>
void describe(Archive& a, importing::ImportReport& v)
{
    a(v.file, v.format, v.producer, v.fileBytes, v.tables, v.clock, v.alignment, v.offset, v.zone, v.alignmentErrorNs, v.time);
}
template <typename Archive>
void describe(Archive& a, importing::SummaryTable& v)
{
    a(v.name, v.columns, v.rows);
}
template <typename Archive>
void describe(Archive& a, StringTable& v)
{
    a(v.texts(), v.ends());
}
template <typename Archive>
void describe(Archive& a, DepthRow& v)
{
    a(v.event, v.blockStart, v.blockBusy, v.place);
}
template <typename Archive>
void describe(Archive& a, CounterColumns& v)
{
    a(v.time, v.value, v.levels, v.blockTime, v.unit, v.isExact, v.isDerived, v.source);
}
template <typename Archive>
void describe(Archive& a, Track& v)
{
    a(v.kind, v.parent.value, v.name, v.detail, v.rows, v.counter, v.globalTid, v.device, v.context, v.stream);
}

template <typename Archive, typename Set>
requires std::is_base_of_v<EventColumns, Set>
void describe(Archive& a, Set& v)
{
    a(v.start, v.shortDuration, v.longDurations, v.latestEnds);
    const auto one = [&](auto member) {
        if constexpr (requires { member.numbers; })
            a(v.*(member.numbers), (v.*(member.values)).values());
        else if constexpr (requires { (v.*member).values; })
            a((v.*member).values);
        else
            a(v.*member);
    };
    std::apply([&](auto... member) { (one(member), ...); }, Set::members());
}

template <typename Archive>
void describe(Archive& a, Trace& v)
{
    a(v.meta, v.time, v.window, v.strings, v.losses, v.imports, v.summaries);
    for (int kind = 0; kind < kEventKindCount; ++kind)
        Trace::visit(v, static_cast<EventKind>(kind), [&](auto& columns) { a(columns); });
    a(v.requests, v.executions, v.executionMembers, v.earlierExecutions, v.tracks, v.threadNames, v.processNames, v.streamNames, v.categoryNames);
}

/// Writes columns to a file and the rest to a directory.
class Writer
{
public:
    explicit Writer(NewFile& file) : m_file(file) { put({kMagic, sizeof kMagic}); }

    template <typename... T>
    void operator()(T&... values)
    {
        (write(values), ...);
    }

    Result<void> finish(std::string_view key)
    {
        pad();
        Footer footer;
        footer.directoryOffset = m_bytes;
        footer.directoryBytes = m_directory.size();
        footer.directoryCrc = crc32(std::as_bytes(std::span(m_directory)));
        footer.fileBytes = m_bytes + m_directory.size() + sizeof footer;
        key.copy(footer.key, sizeof footer.key);
        std::memcpy(footer.magic, kMagic, sizeof kMagic);
        put(m_directory);
        put({reinterpret_cast<const char*>(&footer), sizeof footer});
        return m_result;
    }

private:
    template <typename T>
    void write(T& value)
    {
        if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>)
            m_directory.append(reinterpret_cast<const char*>(&value), sizeof value);
        else
            writeMore(value);
    }
    void writeMore(std::string& text)
    {
        std::uint64_t size = text.size();
        write(size);
        m_directory += text;
    }
    template <typename T>
    void writeMore(std::optional<T>& value)
    {
        bool isThere = value.has_value();
        write(isThere);
        if (value)
            write(*value);
    }
    template <typename T>
    void writeMore(std::vector<T>& values)
    {
        std::uint64_t size = values.size();
        write(size);
        for (T& value : values)
            write(value);
    }
    template <typename K, typename V>
    void writeMore(std::map<K, V>& values)
    {
        std::uint64_t size = values.size();
        write(size);
        for (auto& [key, value] : values) {
            K copy = key;
            write(copy);
            write(value);
        }
    }
    template <typename... T>
    void writeMore(std::tuple<T...>& values)
    {
        std::apply([&](auto&... value) { (write(value), ...); }, values);
    }
    template <typename T>
    void writeMore(Column<T>& column)
    {
        pad();
        std::uint64_t offset = m_bytes, bytes = column.bytes().size();
        std::uint32_t checksum = crc32(column.bytes());
        write(offset);
        write(bytes);
        write(checksum);
        put({reinterpret_cast<const char*>(column.data()), bytes});
    }
    template <typename T>
    requires requires(Writer& a, T& v) { describe(a, v); }
    void writeMore(T& value) { describe(*this, value); }

    void pad()
    {
        static constexpr char kZeros[kAlignment] = {};
        if (const std::size_t over = m_bytes % kAlignment; over != 0)
            put({kZeros, kAlignment - over});
    }
    void put(std::string_view bytes)
    {
        if (m_result && !bytes.empty())
            m_result = m_file.write(bytes);
        m_bytes += bytes.size();
    }

    NewFile& m_file;
    std::string m_directory;
    std::uint64_t m_bytes = 0;
    Result<void> m_result;
};

/// A file in memory.
class Mapping
{
public:
    static std::shared_ptr<const Mapping> open(const std::filesystem::path& path)
    {
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return nullptr;
        struct stat info = {};
        void* data = MAP_FAILED;
        if (fstat(fd, &info) == 0 && info.st_size > 0)
            data = mmap(nullptr, static_cast<std::size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        return data == MAP_FAILED ? nullptr
                                  : std::shared_ptr<const Mapping>(
                                        new Mapping({static_cast<const std::byte*>(data), static_cast<std::size_t>(info.st_size)}));
    }
    Mapping(const Mapping&) = delete;
    Mapping& operator=(const Mapping&) = delete;
    ~Mapping() { munmap(const_cast<std::byte*>(m_bytes.data()), m_bytes.size()); }
    [[nodiscard]] std::span<const std::byte> bytes() const { return m_bytes; }

private:
    explicit Mapping(std::span<const std::byte> bytes) : m_bytes(bytes) {}
    std::span<const std::byte> m_bytes;
};

/// Reads what Writer wrote. Trusts no number: isGood() tells whether all of it made sense.
class Reader
{
public:
    Reader(std::shared_ptr<const Mapping> file, std::span<const std::byte> directory) : m_file(std::move(file)), m_directory(directory) {}

    template <typename... T>
    void operator()(T&... values)
    {
        (read(values), ...);
    }
    [[nodiscard]] bool isGood() const { return m_isGood && m_directory.empty(); }
    [[nodiscard]] bool areColumnsIntact() const
    {
        std::atomic<bool> isIntact = true;
        std::vector<std::function<void()>> tasks;
        for (const auto& [bytes, checksum] : m_columns)
            tasks.emplace_back([&isIntact, bytes = bytes, checksum = checksum] {
                if (isIntact && crc32(bytes) != checksum)
                    isIntact = false;
            });
        inParallel(std::move(tasks));
        return isIntact;
    }

private:
    template <typename T>
    void read(T& value)
    {
        if constexpr (std::is_arithmetic_v<T> || std::is_enum_v<T>) {
            if (const auto bytes = take(sizeof value); bytes.size() == sizeof value)
                std::memcpy(&value, bytes.data(), sizeof value);
        } else {
            readMore(value);
        }
    }
    std::span<const std::byte> take(std::uint64_t bytes)
    {
        m_isGood = m_isGood && bytes <= m_directory.size();
        if (!m_isGood)
            return {};
        const auto taken = m_directory.first(bytes);
        m_directory = m_directory.subspan(bytes);
        return taken;
    }
    std::uint64_t readSize()
    {
        std::uint64_t size = 0;
        read(size);
        m_isGood = m_isGood && size <= m_directory.size(); // whatever it is, it takes a byte each
        return m_isGood ? size : 0;
    }
    void readMore(std::string& text)
    {
        const auto bytes = take(readSize());
        text.assign(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
    template <typename T>
    void readMore(std::optional<T>& value)
    {
        bool isThere = false;
        read(isThere);
        if (isThere)
            read(value.emplace());
    }
    template <typename T>
    void readMore(std::vector<T>& values)
    {
        values.resize(readSize());
        for (T& value : values)
            read(value);
    }
    template <typename K, typename V>
    void readMore(std::map<K, V>& values)
    {
        for (std::uint64_t left = readSize(); left > 0; --left) {
            K key{};
            read(key);
            read(values[key]);
        }
    }
    template <typename... T>
    void readMore(std::tuple<T...>& values)
    {
        std::apply([&](auto&... value) { (read(value), ...); }, values);
    }
    template <typename T>
    void readMore(Column<T>& column)
    {
        std::uint64_t offset = 0, bytes = 0;
        std::uint32_t checksum = 0;
        read(offset);
        read(bytes);
        read(checksum);
        const auto file = m_file->bytes();
        m_isGood = m_isGood && offset % kAlignment == 0 && offset <= file.size() && bytes <= file.size() - offset && bytes % sizeof(T) == 0;
        if (!m_isGood || bytes == 0)
            return;
        column = Column<T>::view(m_file, file.subspan(offset, bytes));
        m_columns.emplace_back(file.subspan(offset, bytes), checksum);
    }
    template <typename T>
    requires requires(Reader& a, T& v) { describe(a, v); }
    void readMore(T& value) { describe(*this, value); }

    std::shared_ptr<const Mapping> m_file;
    std::span<const std::byte> m_directory;
    std::vector<std::pair<std::span<const std::byte>, std::uint32_t>> m_columns; ///< and their checksums
    bool m_isGood = true;
};

/// Whether columns that are read side by side are of one length, and every track's parent is before it.
bool isConsistent(const Trace& trace)
{
    bool isGood = trace.strings.size() < std::numeric_limits<std::uint32_t>::max();
    for (int i = 0; i < kEventKindCount; ++i)
        Trace::visit(trace, static_cast<EventKind>(i), [&](const auto& columns) {
            const std::size_t rows = columns.size();
            isGood = isGood && columns.shortDuration.size() == rows &&
                     columns.latestEnds.size() == (rows + EventColumns::kBlockRows - 1) / EventColumns::kBlockRows;
            const auto one = [&](auto member) {
                if constexpr (requires { member.numbers; })
                    isGood = isGood && (columns.*(member.numbers)).size() == rows;
                else if constexpr (!requires { (columns.*member).values; })
                    isGood = isGood && (columns.*member).size() == rows;
            };
            std::apply([&](auto... member) { (one(member), ...); }, std::remove_cvref_t<decltype(columns)>::members());
        });
    for (std::size_t i = 0; i < trace.tracks.size(); ++i) {
        const Track& track = trace.tracks[i];
        isGood = isGood && (track.parent.isNone() || track.parent.value < i) && track.counter.time.size() == track.counter.value.size();
        for (const DepthRow& row : track.rows)
            isGood = isGood && row.blockStart.size() == (row.size() + DepthRow::kBlock - 1) / DepthRow::kBlock &&
                     row.blockBusy.size() == row.blockStart.size() &&
                     row.place.size() == (row.size() == 0 ? 0 : row.blockStart.size() - 1) * DepthRow::kBlock;
    }
    return isGood;
}

} // namespace

Result<void> writeArchive(const Trace& trace, const std::filesystem::path& path, std::string_view key)
{
    GANTRY_TRY(NewFile file, NewFile::create(path));
    Writer writer(file);
    writer(const_cast<Trace&>(trace)); // one list of members for both ways; writing changes nothing
    GANTRY_CHECK(writer.finish(key));
    return file.publish();
}

std::shared_ptr<const Trace> readArchive(const std::filesystem::path& path, std::string_view key, bool checkColumns)
{
    const auto file = Mapping::open(path);
    if (!file || file->bytes().size() < sizeof(Footer))
        return nullptr;
    const auto bytes = file->bytes();
    Footer footer;
    std::memcpy(&footer, bytes.data() + bytes.size() - sizeof footer, sizeof footer);
    Footer expected;
    key.copy(expected.key, sizeof expected.key);
    if (std::memcmp(footer.magic, kMagic, sizeof kMagic) != 0 || footer.version != kArchiveVersion || footer.sizes != expected.sizes ||
        std::memcmp(footer.key, expected.key, sizeof footer.key) != 0 || footer.fileBytes != bytes.size() ||
        footer.directoryOffset > bytes.size() || footer.directoryBytes > bytes.size() - footer.directoryOffset)
        return nullptr;
    const auto directory = bytes.subspan(footer.directoryOffset, footer.directoryBytes);
    if (crc32(directory) != footer.directoryCrc)
        return nullptr;
    auto trace = std::make_shared<Trace>();
    Reader reader(file, directory);
    reader(*trace);
    if (!reader.isGood() || !isConsistent(*trace) || (checkColumns && !reader.areColumnsIntact()))
        return nullptr;
    trace->cacheKey = key;
    trace->isFromCache = true;
    return trace;
}

} // namespace gantry::trace
