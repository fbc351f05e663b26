#include "remote_server/node/readiness/kernel_log.h"

#include "trace_model/base/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <string_view>

namespace gantry::node {
namespace {

constexpr std::size_t kRecordBytes = 8192; // one read, one record: Linux, Documentation/ABI/testing/dev-kmsg
constexpr int kMostRecords = 1 << 17;
// "Xid Errors" of NVIDIA's GPU deployment documentation: memory, NVLink, off the bus, the GPU's own processor.
constexpr int kHardware[] = {48, 62, 63, 64, 74, 79, 94, 95, 119, 120, 140, 143};

/// "…NVRM: Xid (PCI:0000:01:00): 79, …"
void countIn(std::string_view record, XidErrors& errors)
{
    for (std::size_t at = 0; (at = record.find("NVRM: Xid (", at)) != std::string_view::npos;) {
        at = record.find("): ", at);
        if (at == std::string_view::npos)
            return;
        at += 3;
        int number = 0;
        if (std::from_chars(record.data() + at, record.data() + record.size(), number).ec != std::errc())
            continue;
        ++errors.count;
        errors.last = number;
        errors.hasHardware = errors.hasHardware || std::find(std::begin(kHardware), std::end(kHardware), number) != std::end(kHardware);
    }
}

} // namespace

Result<XidErrors> xidErrors(const std::filesystem::path& kernelLog)
{
    const UniqueFd file(open(kernelLog.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!file)
        return errnoError(errno, "cannot read " + kernelLog.string());
    XidErrors errors;
    std::string record(kRecordBytes, '\0');
    for (int i = 0; i < kMostRecords; ++i) {
        const ssize_t size = read(file.get(), record.data(), record.size());
        if (size < 0 && (errno == EPIPE || errno == EINTR)) // what was next has been overwritten
            continue;
        if (size < 0 && errno != EAGAIN)
            return errnoError(errno, "cannot read " + kernelLog.string());
        if (size <= 0)
            break;
        countIn(std::string_view(record.data(), static_cast<std::size_t>(size)), errors);
    }
    return errors;
}

} // namespace gantry::node
