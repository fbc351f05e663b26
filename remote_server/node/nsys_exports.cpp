#include "remote_server/node/nsys_exports.h"

#include "remote_server/node/shown_name.h"
#include "trace_model/import/nsys_export.h"

#include <chrono>
#include <spdlog/spdlog.h>
#include <sys/statvfs.h>
#include <utility>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostExports = 4;             // nsys takes some times the report's size in memory
constexpr std::chrono::seconds kReleasePatience{2}; // an export that was just cancelled takes half a second to end nsys
constexpr std::uint64_t kFullDisk = 16 << 20;
constexpr std::chrono::seconds kVersionPatience{3}; // a client waits for it
constexpr std::chrono::seconds kAskAgain{30};       // an nsys that did not say its version

std::uint64_t freeBytes(const fs::path& folder)
{
    struct statvfs disk
    {
    };
    return statvfs(folder.c_str(), &disk) == 0 ? std::uint64_t{disk.f_bavail} * disk.f_frsize : 0;
}

std::string mebibytes(std::uint64_t bytes)
{
    return std::to_string((bytes + (1 << 20) - 1) >> 20) + " MiB";
}

} // namespace

NsysExports::NsysExports(Options options) : m_options(std::move(options))
{
    WorkFolder::sweep(m_options.folder, m_options.places.program.empty() ? "nsys" : m_options.places.program.filename().string());
}

NsysExports::Program NsysExports::nsys()
{
    const fs::path path = importing::findNsys(m_options.places, {});
    if (path.empty())
        return {};
    std::error_code ignored;
    const auto changed = fs::last_write_time(path, ignored);
    {
        const std::lock_guard lock(m_versionMutex);
        const bool isAnswer = !m_program.version.empty() || std::chrono::steady_clock::now() < m_askAgain;
        if (m_program.path == path && m_programChanged == changed && isAnswer)
            return m_program;
    }
    const Program program{path.string(), importing::nsysVersion(path, kVersionPatience)}; // unlocked: nobody waits for another's answer
    const std::lock_guard lock(m_versionMutex);
    m_program = program;
    m_programChanged = changed;
    m_askAgain = std::chrono::steady_clock::now() + kAskAgain;
    return program;
}

Result<void> NsysExports::claim(const proto::NsysExport& report)
{
    std::unique_lock lock(m_mutex);
    const auto isFree = [&] { return !m_running.contains(report.clientName) && m_running.size() < kMostExports; };
    m_released.wait_for(lock, kReleasePatience, isFree);
    if (const auto other = m_running.find(report.clientName); other != m_running.end())
        return Error{ErrorCode::Busy,
                     "this node already exports " + other->second + " for " + report.clientName + ": wait until it is done, or cancel it",
                     {}};
    if (m_running.size() >= kMostExports)
        return Error{
            ErrorCode::Busy, "this node already exports " + std::to_string(m_running.size()) + " reports for others: try again later", {}};
    m_running.emplace(report.clientName, report.fileName);
    return {};
}

void NsysExports::release(const std::string& clientName)
{
    {
        const std::lock_guard lock(m_mutex);
        m_running.erase(clientName);
    }
    m_released.notify_all();
}

Result<std::unique_ptr<NsysExports::Export>> NsysExports::begin(proto::NsysExport report)
{
    // nsys tells formats by their names.
    const fs::path extension = fs::path(report.fileName).extension();
    const std::string name = extension == ".qdrep" || extension == ".qdstrm" ? "report" + extension.string() : "report.nsys-rep";
    report.fileName = shownName(report.fileName);
    report.clientName = shownName(report.clientName);
    if (importing::findNsys(m_options.places, {}).empty())
        return Error{ErrorCode::Unsupported,
                     "nsys is not installed on this node: install Nsight Systems there, or start its gantryd with --nsys PATH",
                     {}};
    if (const std::uint64_t free = freeBytes(m_options.folder); report.totalBytes > free)
        return Error{ErrorCode::CannotWrite,
                     "the report takes " + mebibytes(report.totalBytes) + " and " + m_options.folder.string() + " on the node has " +
                         mebibytes(free) + " free: free space there, or start its gantryd with another --report-folder",
                     {}};
    GANTRY_TRY(WorkFolder folder, WorkFolder::make(m_options.folder));
    GANTRY_TRY(NewFile file, NewFile::create(folder.path() / name));
    GANTRY_CHECK(claim(report));
    spdlog::info("exporting {} ({}) for {}", report.fileName, mebibytes(report.totalBytes), report.clientName);
    return std::unique_ptr<Export>(new Export(*this, std::move(report), std::move(folder), std::move(file)));
}

NsysExports::Export::Export(NsysExports& owner, proto::NsysExport report, WorkFolder folder, NewFile file)
    : m_owner(owner), m_report(std::move(report)), m_folder(std::move(folder)), m_file(std::move(file))
{
}

NsysExports::Export::~Export()
{
    m_owner.release(m_report.clientName);
}

Result<void> NsysExports::Export::append(std::string_view data)
{
    if (data.size() > m_report.totalBytes - m_bytes)
        return Error{ErrorCode::BadInput,
                     m_report.fileName + " is longer than the " + std::to_string(m_report.totalBytes) + " bytes that were announced",
                     {}};
    m_bytes += data.size();
    return m_file.write(data);
}

Result<fs::path> NsysExports::Export::run(const importing::ReadControl& control)
{
    GANTRY_CHECK(m_file.publish(Durability::Volatile));
    const auto info = importing::inspectNsysReport(m_file.path());
    if (!info)
        return Error{info.error().code, info.error().message, {}}; // the name that it has here says nothing
    const fs::path target = m_folder.path() / "report.sqlite";
    const fs::path nsys = importing::findNsys(m_owner.m_options.places, info->version);
    const auto exported = importing::exportWith(nsys, m_file.path(), *info, target, control);
    if (!exported && exported.error().code == ErrorCode::BadInput && freeBytes(m_folder.path()) < kFullDisk)
        return Error{ErrorCode::CannotWrite,
                     m_owner.m_options.folder.string() + " on the node is full: free space there. " + exported.error().message,
                     {}};
    if (!exported)
        return exported.error();
    return target;
}

} // namespace gantry::node
