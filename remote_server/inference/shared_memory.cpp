#include "remote_server/inference/shared_memory.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::inference_server {
namespace {

Error bad(std::string text)
{
    return {ErrorCode::BadInput, std::move(text), {}};
}

/// Whether offset + bytes lie within `size`, whatever they are.
bool isWithin(std::uint64_t offset, std::uint64_t bytes, std::uint64_t size)
{
    return offset <= size && bytes <= size - offset;
}

/// Size of the object behind a region now; 0 when it cannot be told.
std::uint64_t sizeOf(int file)
{
    struct stat status
    {
    };
    return fstat(file, &status) == 0 && status.st_size > 0 ? static_cast<std::uint64_t>(status.st_size) : 0;
}

Error isShorter(const std::string& name)
{
    return bad(fmt::format("the shared memory object of region '{}' has become shorter than what was registered", name));
}

class SystemBytes : public SharedBytes
{
public:
    SystemBytes(std::string name, std::shared_ptr<const int> file, std::uint64_t offset, std::uint64_t bytes)
        : m_name(std::move(name)), m_file(std::move(file)), m_offset(offset), m_bytes(bytes)
    {
    }

    Result<std::string> read() const override
    {
        if (!isWithin(m_offset, m_bytes, sizeOf(*m_file))) // before as much is allocated
            return isShorter(m_name);
        std::string data(m_bytes, '\0');
        for (std::uint64_t at = 0; at < m_bytes;) {
            const ssize_t count = pread(*m_file, data.data() + at, m_bytes - at, static_cast<off_t>(m_offset + at));
            if (count < 0 && errno == EINTR)
                continue;
            if (count <= 0)
                return isShorter(m_name);
            at += static_cast<std::uint64_t>(count);
        }
        return data;
    }

    Result<void> write(std::string_view data) const override
    {
        if (!isWithin(m_offset, data.size(), sizeOf(*m_file))) // pwrite() would make it longer again
            return isShorter(m_name);
        for (std::uint64_t at = 0; at < data.size();) {
            const ssize_t count = pwrite(*m_file, data.data() + at, data.size() - at, static_cast<off_t>(m_offset + at));
            if (count < 0 && errno == EINTR)
                continue;
            if (count <= 0)
                return errnoError(errno, "cannot write to shared memory region '" + m_name + "'");
            at += static_cast<std::uint64_t>(count);
        }
        return {};
    }

private:
    std::string m_name;
    std::shared_ptr<const int> m_file;
    std::uint64_t m_offset, m_bytes;
};

class CudaBytes : public SharedBytes
{
public:
    CudaBytes(std::shared_ptr<const CudaMemory> memory, std::uint64_t offset, std::uint64_t bytes)
        : m_memory(std::move(memory)), m_offset(offset), m_bytes(bytes)
    {
    }
    Result<std::string> read() const override { return m_memory->read(m_offset, m_bytes); }
    Result<void> write(std::string_view data) const override { return m_memory->write(m_offset, data); }

private:
    std::shared_ptr<const CudaMemory> m_memory;
    std::uint64_t m_offset, m_bytes;
};

/// What `regions` holds of that name; of all for an empty one.
template <typename Region, typename Kept>
Result<std::vector<Region>> listed(const std::map<std::string, Kept>& regions, const std::string& name, const char* kind)
{
    std::vector<Region> list;
    if (name.empty())
        for (const auto& [key, kept] : regions)
            list.push_back(kept.region);
    else if (const auto found = regions.find(name); found != regions.end())
        list.push_back(found->second.region);
    else
        return Error{ErrorCode::NotFound, fmt::format("Unable to find {} shared memory region: '{}'", kind, name), {}};
    return list;
}

/// Triton's two sentences about a place that is not within its region.
Result<void> checkPlace(const SharedPlace& place, std::uint64_t size)
{
    if (place.offset > size)
        return bad(fmt::format("Invalid offset for shared memory region: '{}'", place.region));
    if (place.bytes == 0 || !isWithin(place.offset, place.bytes, size))
        return bad(fmt::format("Invalid offset + byte size for shared memory region: '{}'", place.region));
    return {};
}

template <typename Kept>
void forget(std::map<std::string, Kept>& regions, const std::string& name)
{
    if (name.empty())
        regions.clear();
    else
        regions.erase(name);
}

} // namespace

Result<void> SharedMemory::checkFree(const std::string& name) const
{
    if (name.empty())
        return bad("a shared memory region needs a name");
    if (m_system.contains(name) || m_cuda.contains(name))
        return Error{ErrorCode::Busy, fmt::format("shared memory region '{}' already in manager", name), {}};
    return {};
}

Result<void> SharedMemory::registerSystem(const SystemRegion& region)
{
    const std::lock_guard lock(m_mutex);
    GANTRY_CHECK(checkFree(region.name));
    const int opened = shm_open(region.key.c_str(), O_RDWR | O_CLOEXEC, 0);
    if (opened < 0)
        return Error{
            ErrorCode::Internal, fmt::format("Unable to open shared memory region: '{}': {}", region.key, std::strerror(errno)), {}};
    const std::shared_ptr<const int> file(new int(opened), [](const int* descriptor) {
        close(*descriptor);
        delete descriptor;
    });
    const std::uint64_t size = sizeOf(*file);
    if (region.bytes == 0 || !isWithin(region.offset, region.bytes, size))
        return bad(
            fmt::format("failed to register shared memory region '{}': invalid args: offset {} and byte size {} do not lie within the "
                        "{} bytes of '{}'",
                        region.name, region.offset, region.bytes, size, region.key));
    m_system.emplace(region.name, System{region, file});
    return {};
}

Result<void> SharedMemory::registerCuda(const CudaRegion& region, std::string_view handle)
{
    const std::lock_guard lock(m_mutex);
    GANTRY_CHECK(checkFree(region.name));
    auto memory = CudaMemory::open(handle, region.device, region.bytes);
    if (!memory)
        return bad(fmt::format("failed to register shared memory region '{}': {}", region.name, memory.error().text()));
    m_cuda.emplace(region.name, Cuda{region, std::move(*memory)});
    return {};
}

void SharedMemory::unregisterSystem(const std::string& name)
{
    const std::lock_guard lock(m_mutex);
    forget(m_system, name);
}

void SharedMemory::unregisterCuda(const std::string& name)
{
    const std::lock_guard lock(m_mutex);
    forget(m_cuda, name);
}

Result<std::vector<SharedMemory::SystemRegion>> SharedMemory::systemRegions(const std::string& name) const
{
    const std::lock_guard lock(m_mutex);
    return listed<SystemRegion>(m_system, name, "system");
}

Result<std::vector<SharedMemory::CudaRegion>> SharedMemory::cudaRegions(const std::string& name) const
{
    const std::lock_guard lock(m_mutex);
    return listed<CudaRegion>(m_cuda, name, "cuda");
}

Result<std::shared_ptr<const SharedBytes>> SharedMemory::find(const SharedPlace& place) const
{
    const std::lock_guard lock(m_mutex);
    if (const auto system = m_system.find(place.region); system != m_system.end()) {
        GANTRY_CHECK(checkPlace(place, system->second.region.bytes));
        const std::uint64_t offset = system->second.region.offset + place.offset;
        return std::shared_ptr<const SharedBytes>(std::make_shared<SystemBytes>(place.region, system->second.file, offset, place.bytes));
    }
    if (const auto cuda = m_cuda.find(place.region); cuda != m_cuda.end()) {
        GANTRY_CHECK(checkPlace(place, cuda->second.region.bytes));
        return std::shared_ptr<const SharedBytes>(std::make_shared<CudaBytes>(cuda->second.memory, place.offset, place.bytes));
    }
    return Error{ErrorCode::NotFound, fmt::format("Unable to find shared memory region: '{}'", place.region), {}};
}

} // namespace gantry::inference_server
