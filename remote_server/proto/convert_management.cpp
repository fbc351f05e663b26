#include "remote_server/proto/convert_management.h"

#include "remote_server/proto/convert.h"
#include "remote_server/proto/enumerator.h"

#include <algorithm>

namespace gantry::proto {
namespace {

static_assert(static_cast<int>(ReadinessLevel::Blocked) == v1::READINESS_LEVEL_BLOCKED);
static_assert(static_cast<int>(LogLevel::Error) == v1::LOG_LEVEL_ERROR);

template <typename T>
std::optional<T> maybe(bool isThere, T value)
{
    return isThere ? std::optional<T>(value) : std::nullopt;
}

v1::NodeProcess toWire(const NodeProcess& process)
{
    v1::NodeProcess wire;
    wire.set_pid(process.pid);
    wire.set_user(validUtf8(process.user));
    wire.set_executable(validUtf8(process.executable));
    for (const std::string& word : process.argv)
        wire.add_argv(validUtf8(word));
    wire.set_started_utc_ns(process.startedUtcNs);
    if (process.residentBytes)
        wire.set_resident_bytes(*process.residentBytes);
    if (process.cpuCores)
        wire.set_cpu_cores(*process.cpuCores);
    for (const ProcessGpuUse& use : process.gpus) {
        v1::ProcessGpuUse& to = *wire.add_gpus();
        to.set_gpu(use.gpu);
        if (use.memoryBytes)
            to.set_memory_bytes(*use.memoryBytes);
        if (use.smRatio)
            to.set_sm_ratio(*use.smRatio);
    }
    wire.set_target_id(process.targetId);
    return wire;
}

NodeProcess fromWire(const v1::NodeProcess& wire)
{
    NodeProcess process;
    process.pid = wire.pid();
    process.user = wire.user();
    process.executable = wire.executable();
    process.argv.assign(wire.argv().begin(), wire.argv().end());
    process.startedUtcNs = wire.started_utc_ns();
    process.residentBytes = maybe<std::uint64_t>(wire.has_resident_bytes(), wire.resident_bytes());
    process.cpuCores = maybe(wire.has_cpu_cores(), wire.cpu_cores());
    for (const v1::ProcessGpuUse& use : wire.gpus())
        process.gpus.push_back(
            {use.gpu(), maybe<std::uint64_t>(use.has_memory_bytes(), use.memory_bytes()), maybe(use.has_sm_ratio(), use.sm_ratio())});
    process.targetId = wire.target_id();
    return process;
}

} // namespace

v1::ReadinessReport toWire(const ReadinessReport& report)
{
    v1::ReadinessReport wire;
    for (const ReadinessItem& item : report.items) {
        v1::ReadinessItem& to = *wire.add_items();
        to.set_topic(item.topic);
        to.set_level(static_cast<v1::ReadinessLevel>(item.level));
        to.set_finding(validUtf8(item.finding));
        to.set_effect(validUtf8(item.effect));
        to.set_fix(validUtf8(item.fix));
    }
    wire.set_checked_utc_ns(report.checkedUtcNs);
    return wire;
}

ReadinessReport fromWire(const v1::ReadinessReport& wire)
{
    ReadinessReport report;
    for (const v1::ReadinessItem& item : wire.items())
        report.items.push_back(
            {item.topic(), enumerator(item.level(), ReadinessLevel::Blocked), item.finding(), item.effect(), item.fix()});
    report.checkedUtcNs = wire.checked_utc_ns();
    return report;
}

v1::ListProcessesReply toWire(const ProcessList& list)
{
    v1::ListProcessesReply wire;
    for (const NodeProcess& process : list.processes)
        *wire.add_processes() = toWire(process);
    wire.set_no_gpu_use_reason(validUtf8(list.noGpuUseReason));
    wire.set_incomplete_reason(validUtf8(list.incompleteReason));
    return wire;
}

ProcessList fromWire(const v1::ListProcessesReply& wire)
{
    ProcessList list;
    for (const v1::NodeProcess& process : wire.processes())
        list.processes.push_back(fromWire(process));
    list.noGpuUseReason = wire.no_gpu_use_reason();
    list.incompleteReason = wire.incomplete_reason();
    return list;
}

v1::ReportPolicy toWire(const ReportPolicy& policy)
{
    v1::ReportPolicy wire;
    wire.set_max_total_bytes(policy.maxTotalBytes);
    wire.set_max_age_ns(policy.maxAgeNs);
    wire.set_min_free_disk_bytes(policy.minFreeDiskBytes);
    return wire;
}

ReportPolicy fromWire(const v1::ReportPolicy& wire)
{
    return {wire.max_total_bytes(), wire.max_age_ns(), wire.min_free_disk_bytes()};
}

v1::ListReportsReply toWire(const ReportShelf& shelf)
{
    v1::ListReportsReply wire;
    for (const ReportInfo& report : shelf.reports)
        *wire.add_reports() = toWire(report);
    *wire.mutable_policy() = toWire(shelf.policy);
    wire.set_total_bytes(shelf.totalBytes);
    if (shelf.diskFreeBytes)
        wire.set_disk_free_bytes(*shelf.diskFreeBytes);
    return wire;
}

ReportShelf fromWire(const v1::ListReportsReply& wire)
{
    ReportShelf shelf;
    for (const v1::ReportInfo& report : wire.reports())
        shelf.reports.push_back(fromWire(report));
    shelf.policy = fromWire(wire.policy());
    shelf.totalBytes = wire.total_bytes();
    if (wire.has_disk_free_bytes())
        shelf.diskFreeBytes = wire.disk_free_bytes();
    return shelf;
}

v1::LogLevel toWire(LogLevel level)
{
    return static_cast<v1::LogLevel>(level);
}

LogLevel fromWire(v1::LogLevel level)
{
    return enumerator(level, LogLevel::Error);
}

ReadinessLevel ReadinessReport::worst() const
{
    // "Could not be looked at" is worse than a note, and better than what is known not to work.
    const auto rank = [](ReadinessLevel level) { return level == ReadinessLevel::Unknown ? 2.5 : static_cast<double>(level); };
    const auto found = std::max_element(items.begin(), items.end(),
                                        [&](const ReadinessItem& a, const ReadinessItem& b) { return rank(a.level) < rank(b.level); });
    return found == items.end() ? ReadinessLevel::Ok : found->level;
}

const char* name(ReadinessLevel level)
{
    switch (level) {
    case ReadinessLevel::Unknown:
        return "unknown";
    case ReadinessLevel::Ok:
        return "ok";
    case ReadinessLevel::Note:
        return "note";
    case ReadinessLevel::Limited:
        return "limited";
    case ReadinessLevel::Blocked:
        return "blocked";
    }
    return "unknown";
}

const char* name(LogLevel level)
{
    switch (level) {
    case LogLevel::Unknown:
        return "unknown";
    case LogLevel::Debug:
        return "debug";
    case LogLevel::Info:
        return "info";
    case LogLevel::Warning:
        return "warning";
    case LogLevel::Error:
        return "error";
    }
    return "unknown";
}

} // namespace gantry::proto
