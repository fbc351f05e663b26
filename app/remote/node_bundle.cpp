#include "app/remote/node_bundle.h"

#include "trace_model/base/digest.h"
#include "trace_model/base/new_file.h"

#include <cerrno>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <memory>
#include <vector>
#include <zlib.h>
#include <zstd.h>

namespace gantry::app {

namespace {

constexpr int kGzipLevel = 6;
constexpr int kGzipWindow = 15 + 16; // zlib.h, deflateInit2: 16 more for a gzip header, which then holds no time and no name

std::filesystem::path cacheFolder()
{
    const char* const cache = std::getenv("XDG_CACHE_HOME");
    const char* const home = std::getenv("HOME");
    if (cache && *cache == '/')
        return std::filesystem::path(cache) / "gantry";
    return std::filesystem::path(home ? home : "/tmp") / ".cache" / "gantry";
}

/// Writes what it is given to a file, through zlib or as it is.
class Packer
{
public:
    Packer(NewFile& file, BundlePacking packing) : m_file(file), m_isGzip(packing == BundlePacking::Gzip)
    {
        if (m_isGzip)
            m_isReady = ::deflateInit2(&m_stream, kGzipLevel, Z_DEFLATED, kGzipWindow, 8, Z_DEFAULT_STRATEGY) == Z_OK;
    }
    Packer(const Packer&) = delete;
    Packer& operator=(const Packer&) = delete;
    ~Packer()
    {
        if (m_isGzip)
            ::deflateEnd(&m_stream);
    }

    Result<void> write(std::string_view data, bool isLast)
    {
        if (!m_isGzip)
            return m_file.write(data);
        if (!m_isReady)
            return Error{ErrorCode::Internal, "zlib cannot be used", {}};
        m_stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data())); // zlib.h 1.2 has no const here
        m_stream.avail_in = static_cast<uInt>(data.size());
        do {
            m_stream.next_out = reinterpret_cast<Bytef*>(m_out.data());
            m_stream.avail_out = static_cast<uInt>(m_out.size());
            ::deflate(&m_stream, isLast ? Z_FINISH : Z_NO_FLUSH);
            GANTRY_CHECK(m_file.write(std::string_view(m_out.data(), m_out.size() - m_stream.avail_out)));
        } while (m_stream.avail_out == 0);
        return {};
    }

private:
    NewFile& m_file;
    bool m_isGzip, m_isReady = true;
    z_stream m_stream{};
    std::vector<char> m_out = std::vector<char>(1 << 16);
};

Result<void> repack(const std::filesystem::path& bundle, Packer& packer, const std::stop_token& stop)
{
    std::ifstream in(bundle, std::ios::binary);
    if (!in)
        return errnoError(errno, fmt::format("cannot read {}", bundle.string()));
    const std::unique_ptr<ZSTD_DCtx, decltype(&ZSTD_freeDCtx)> context(ZSTD_createDCtx(), &ZSTD_freeDCtx);
    std::vector<char> packed(ZSTD_DStreamInSize()), plain(ZSTD_DStreamOutSize());
    std::size_t rest = 1;
    while (in.read(packed.data(), static_cast<std::streamsize>(packed.size())) || in.gcount() > 0) {
        if (stop.stop_requested())
            return Error{ErrorCode::Cancelled, "packing the node bundle was cancelled", {}};
        ZSTD_inBuffer input{packed.data(), static_cast<std::size_t>(in.gcount()), 0};
        while (input.pos < input.size) {
            ZSTD_outBuffer output{plain.data(), plain.size(), 0};
            rest = ZSTD_decompressStream(context.get(), &output, &input);
            if (ZSTD_isError(rest) != 0)
                return Error{ErrorCode::BadInput, fmt::format("{} is damaged: {}", bundle.string(), ZSTD_getErrorName(rest)), {}};
            GANTRY_CHECK(packer.write(std::string_view(plain.data(), output.pos), false));
        }
    }
    if (rest != 0)
        return Error{ErrorCode::Truncated, fmt::format("{} ends too early", bundle.string()), {}};
    return packer.write({}, true);
}

} // namespace

Result<std::filesystem::path> findNodeBundle()
{
    const std::string name = fmt::format("gantry-node-{}-x86_64.tar.zst", GANTRY_VERSION);
    std::error_code error;
    const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
    for (const std::filesystem::path& place :
         {folder.parent_path() / "share" / "gantry" / name, folder.parent_path() / name, folder / name})
        if (std::filesystem::is_regular_file(place, error))
            return place;
    return Error{
        ErrorCode::NotFound,
        fmt::format("there is no {} beside this program to give the node: build the target node-bundle, or start gantryd there yourself",
                    name),
        {}};
}

Result<NodeBundle> packNodeBundle(const std::filesystem::path& bundle, BundlePacking packing, std::stop_token stop)
{
    GANTRY_TRY(const std::string sha256, sha256OfFile(bundle));
    if (packing == BundlePacking::Zstd)
        return NodeBundle{bundle, sha256, packing};
    const std::filesystem::path file =
        cacheFolder() / fmt::format("node-bundle-{}.tar{}", sha256, packing == BundlePacking::Gzip ? ".gz" : "");
    std::error_code error;
    if (!std::filesystem::exists(file, error)) {
        std::filesystem::create_directories(file.parent_path(), error);
        GANTRY_TRY(NewFile fresh, NewFile::create(file));
        Packer packer(fresh, packing);
        GANTRY_CHECK(repack(bundle, packer, stop));
        GANTRY_CHECK(fresh.publish());
    }
    GANTRY_TRY(const std::string packedSha256, sha256OfFile(file));
    return NodeBundle{file, packedSha256, packing};
}

} // namespace gantry::app
