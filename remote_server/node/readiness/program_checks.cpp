#include "remote_server/node/readiness/program_checks.h"

#include "remote_server/capture/library_version.h"
#include "remote_server/node/small_file.h"

#include <sys/stat.h>
#include <unistd.h>

namespace gantry::node {
namespace {

using proto::ReadinessLevel;

constexpr std::size_t kMostLibraryBytes = 32u << 20; // with all its symbols it is a tenth of that

/// What the library says of itself; empty: nothing.
std::string versionIn(const std::string& library)
{
    const std::size_t at = library.find(capture::kVersionMark);
    if (at == std::string::npos)
        return {};
    const std::size_t begin = at + capture::kVersionMark.size();
    return library.substr(begin, library.find('\0', begin) - begin);
}

} // namespace

ReadinessItems checkCaptureLibrary(const ReadinessInputs& inputs)
{
    constexpr const char* kTopic = "capture library";
    constexpr const char* kEffect = "Targets cannot be captured by Gantry's own engine; nsys, PyTorch's profiler and server traces work.";
    constexpr const char* kFix = "install the node bundle anew, or start gantryd with --capture-library PATH";
    if (inputs.captureLibrary.empty())
        return {{kTopic, ReadinessLevel::Blocked, "libgantry_capture.so is not beside gantryd.", kEffect, kFix}};
    const std::string path = inputs.captureLibrary.string();
    const auto library = readSmallFile(inputs.captureLibrary, kMostLibraryBytes);
    struct stat status
    {
    };
    if (!library || ::stat(path.c_str(), &status) != 0)
        return {{kTopic, ReadinessLevel::Blocked, library ? path + " is gone." : library.error().message + ".", kEffect, kFix}};
    if (!library->starts_with("\177ELF"))
        return {{kTopic, ReadinessLevel::Blocked, path + " is no library.", kEffect, kFix}};
    const std::string version = versionIn(*library);
    if (version != GANTRY_VERSION)
        return {{kTopic, ReadinessLevel::Limited,
                 path + " is " + (version.empty() ? "of a version that it does not tell" : "of version " + version) +
                     ", gantryd of " GANTRY_VERSION ".",
                 "Processes that load it may be refused, as both have to be of one version.", kFix}};
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 || (status.st_uid != 0 && status.st_uid != geteuid()))
        return {{kTopic, ReadinessLevel::Limited, path + " can be changed by other users.",
                 "Nothing keeps them from running their own code in your targets.",
                 "chmod go-w " + path + ", and chown it to yourself or root"}};
    return {{kTopic, ReadinessLevel::Ok, path + ", version " + version + ".", {}, {}}};
}

ReadinessItems checkNsys(const ReadinessInputs& inputs)
{
    constexpr std::chrono::milliseconds kShareOfPatience{200}; // for its start and end
    const auto nsys = importing::findNsys(inputs.nsysPlaces, {});
    if (nsys.empty())
        return {{"nsys", ReadinessLevel::Note, "Nsight Systems is not installed.",
                 "Windows of its engine, and exports of .nsys-rep files on this node, are refused; Gantry's own engine needs none.",
                 "install nsight-systems-cli, or start gantryd with --nsys PATH"}};
    const std::string version =
        importing::nsysVersion(nsys, inputs.patience > 2 * kShareOfPatience ? inputs.patience - kShareOfPatience : inputs.patience);
    if (version.empty())
        return {unknownItem("nsys", nsys.string() + " does not say its version")};
    return {{"nsys", ReadinessLevel::Ok, "Nsight Systems " + version + " is " + nsys.string() + ".", {}, {}}};
}

} // namespace gantry::node
