#include "remote_server/node/readiness/kernel_log.h"

#include "trace_model/base/unique_fd.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fcntl.h>
#include <span>
#include <string_view>

namespace gantry::node {
namespace {

constexpr std::size_t kRecordBytes = 8192; // one read, one record: Linux, Documentation/ABI/testing/dev-kmsg
constexpr int kMostRecords = 1 << 17;
// By the immediate action that the catalogue in NVIDIA's "Xid Errors" asks for: a reset or a look at the hardware (memory, NVLink, off the
// bus, the GPU's own processors), and none. All others end at most the program that met them; 94 is a memory error that was contained.
constexpr int kHardware[] = {48, 61, 62, 64, 74, 79, 95, 119, 120, 140, 143, 149, 155, 157, 158, 161};
constexpr int kInformation[] = {63, 92, 121, 154, 156, 160};

bool contains(std::span<const int> numbers, int number)
{
    return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
}

XidErrors::OfKind& errorsOf(XidKind kind, XidErrors& errors)
{
    return kind == XidKind::Hardware ? errors.hardware : kind == XidKind::Information ? errors.information : errors.application;
}

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
        XidErrors::OfKind& kind = errorsOf(kindOfXid(number), errors);
        ++kind.count;
        kind.last = number;
    }
}

} // namespace

XidKind kindOfXid(int number)
{
    return contains(kHardware, number) ? XidKind::Hardware : contains(kInformation, number) ? XidKind::Information : XidKind::Application;
}

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
