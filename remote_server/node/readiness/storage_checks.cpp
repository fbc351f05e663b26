#include "remote_server/node/readiness/storage_checks.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <sys/statvfs.h>
#include <unistd.h>

namespace gantry::node {
namespace {

using proto::ReadinessLevel;

constexpr std::uint64_t kLittleRoom = std::uint64_t{1} << 30; // some windows of a busy server
constexpr std::uint64_t kScarceRoom = std::uint64_t{10} << 30;
constexpr std::uint64_t kContainerDefault = 64u << 20; // of /dev/shm, in docker and Kubernetes

std::string gibibytes(std::uint64_t bytes)
{
    char text[32];
    std::snprintf(text, sizeof text, bytes < (1u << 30) ? "%.0f MiB" : "%.1f GiB",
                  static_cast<double>(bytes) / (bytes < (1u << 30) ? 1u << 20 : 1u << 30));
    return text;
}

} // namespace

Result<DiskRoom> diskRoomOf(const std::filesystem::path& folder)
{
    struct statvfs disk
    {
    };
    if (statvfs(folder.c_str(), &disk) != 0)
        return errnoError(errno, "cannot ask for the room in " + folder.string());
    return DiskRoom{std::uint64_t{disk.f_bavail} * disk.f_frsize, std::uint64_t{disk.f_blocks} * disk.f_frsize,
                    (disk.f_flag & ST_RDONLY) != 0};
}

ReadinessItems checkDisk(const ReadinessInputs& inputs)
{
    const std::string folder = inputs.reportFolder.string();
    const auto room = inputs.diskRoom(inputs.reportFolder);
    if (!room)
        return {unknownItem("disk", room.error().message)};
    constexpr const char* kNoReports = "No report can be written, so that nothing can be captured.";
    if (room->isReadOnly)
        return {{"disk", ReadinessLevel::Blocked, "The file system of the report folder " + folder + " is read-only.", kNoReports,
                 "start gantryd with --report-folder on another file system"}};
    if (const int refused = access(folder.c_str(), W_OK | X_OK) == 0 ? 0 : errno; refused != 0)
        return {{"disk", ReadinessLevel::Blocked,
                 "gantryd cannot write to its report folder " + folder + ": " + std::strerror(refused) + ".", kNoReports,
                 "chown it to gantryd's user, or start gantryd with another --report-folder"}};
    const std::string finding = gibibytes(room->freeBytes) + " of " + gibibytes(room->totalBytes) + " are free in " + folder + ".";
    const std::string fix = "gantryctl report policy --max-total 20G --min-free 10G, or delete reports: gantryctl report delete NAME";
    if (room->freeBytes < kLittleRoom)
        return {{"disk", ReadinessLevel::Limited, finding, "Long windows, and those with many events, do not fit.", fix}};
    if (room->freeBytes < kScarceRoom)
        return {{"disk", ReadinessLevel::Note, finding, "There is room for a few dozen reports.", fix}};
    return {{"disk", ReadinessLevel::Ok, finding, {}, {}}};
}

ReadinessItems checkSharedMemory(const ReadinessInputs& inputs)
{
    const auto room = inputs.diskRoom(inputs.root / "dev/shm");
    if (!room)
        return {unknownItem("shared memory", room.error().message)};
    const std::string finding = "/dev/shm has " + gibibytes(room->totalBytes) + ", of which " + gibibytes(room->freeBytes) + " are free.";
    if (room->totalBytes > kContainerDefault)
        return {{"shared memory", ReadinessLevel::Ok, finding, {}, {}}};
    return {{"shared memory", ReadinessLevel::Note, finding,
             "None on Gantry, whose records lie in memory files; servers of several processes (PyTorch, NCCL, Triton's Python backend) run "
             "out of it.",
             "start the container with --shm-size=8g, in Kubernetes mount an emptyDir with medium Memory at /dev/shm"}};
}

} // namespace gantry::node
