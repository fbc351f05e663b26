#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace gantry::node {

/// Whose matter an Xid is.
enum class XidKind
{
    Information, ///< the driver has dealt with it: a row of memory was remapped
    Application, ///< a program did wrong or was ended, others go on: a contained memory error too
    Hardware     ///< of the GPU, its memory or its links; it needs a reset at least
};
[[nodiscard]] XidKind kindOfXid(int number);

/// What NVIDIA's driver has told the kernel log since the machine booted, as far as that reaches back.
struct XidErrors
{
    struct OfKind
    {
        std::uint64_t count = 0;
        int last = 0; ///< its number, 79
    };
    OfKind information, application, hardware;

    [[nodiscard]] std::uint64_t count() const { return information.count + application.count + hardware.count; }
};

/// Reads the kernel log, "/dev/kmsg". Errors: NotFound, NotPermitted (it is for root).
[[nodiscard]] Result<XidErrors> xidErrors(const std::filesystem::path& kernelLog);

} // namespace gantry::node
