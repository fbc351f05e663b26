#pragma once

#include "tests/support/collecting_sink.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/import/chrome_trace.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <zlib.h>

namespace gantry::test {

inline void writeFile(const std::filesystem::path& path, std::string_view bytes)
{
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

inline std::string readFile(const std::filesystem::path& path)
{
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

/// gzip's format.
inline std::string gzipped(std::string_view bytes)
{
    z_stream stream{};
    if (::deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        throw std::runtime_error("zlib cannot start");
    std::string packed(::deflateBound(&stream, bytes.size()) + 64, '\0');
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
    stream.avail_in = static_cast<uInt>(bytes.size());
    stream.next_out = reinterpret_cast<Bytef*>(packed.data());
    stream.avail_out = static_cast<uInt>(packed.size());
    ::deflate(&stream, Z_FINISH);
    packed.resize(stream.total_out);
    ::deflateEnd(&stream);
    return packed;
}

/// The content of a whole gzip file.
inline std::string gunzipped(const std::filesystem::path& path)
{
    const gzFile file = ::gzopen(path.c_str(), "rb"); // reads plain files too
    std::string bytes;
    char block[1 << 16];
    for (int count = ::gzread(file, block, sizeof block); count > 0; count = ::gzread(file, block, sizeof block))
        bytes.append(block, static_cast<std::size_t>(count));
    ::gzclose(file);
    return bytes;
}

/// What a reader made of a Chrome trace.
struct ReadTrace
{
    CollectingSink sink;
    Result<void> result;

    [[nodiscard]] const importing::TableTally* table(std::string_view name)
    {
        for (const importing::TableTally& tally : sink.report().tables)
            if (tally.name == name)
                return &tally;
        return nullptr;
    }
    /// How many events of a category were skipped for a reason.
    [[nodiscard]] std::uint64_t skipped(std::string_view name, std::string_view reason)
    {
        const importing::TableTally* const tally = table(name);
        for (const importing::SkippedRows& rows : tally ? tally->skipped : std::vector<importing::SkippedRows>{})
            if (rows.reason == reason)
                return rows.count;
        return 0;
    }
};

inline std::unique_ptr<ReadTrace> readTrace(std::string_view bytes, const importing::ChromeReadOptions& options = {})
{
    const TemporaryFolder folder;
    writeFile(folder / "trace.json", bytes);
    auto trace = std::make_unique<ReadTrace>();
    trace->result = importing::readChromeTrace(folder / "trace.json", trace->sink, {}, options);
    return trace;
}

/// "61 × without arguments ...": what of a table's rows was kept in part.
inline std::vector<std::string> reduced(ReadTrace& trace, std::string_view name)
{
    std::vector<std::string> lines;
    if (const importing::TableTally* const tally = trace.table(name))
        for (const importing::SkippedRows& rows : tally->reduced)
            lines.push_back(std::to_string(rows.count) + " × " + rows.reason);
    return lines;
}

/// A trace whose list holds these events.
inline std::string listOf(std::string_view events)
{
    return "{\"traceEvents\": [" + std::string(events) + "]}";
}

} // namespace gantry::test
