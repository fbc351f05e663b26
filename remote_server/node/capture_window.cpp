#include "remote_server/node/capture_window.h"

#include "remote_server/node/capture_plan.h"
#include "remote_server/node/clock.h"
#include "remote_server/node/notes.h"
#include "remote_server/node/thread_ids.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

namespace gantry::node {
namespace {

constexpr std::uint64_t kDefaultRingBytes = std::uint64_t{256} << 20; // node.proto, StartCaptureRequest.ring_bytes
constexpr std::size_t kNamesShare = 4;                                // of a ring: a quarter of its bytes at most are names of one process
constexpr DurationNs kLateNs = 1'000'000'000;                         // what CUPTI hands over may be old already

std::map<std::uint32_t, std::string> threadNamesOf(int pid)
{
    std::map<std::uint32_t, std::string> names;
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid) + "/task", error), end; !error && entry != end;
         entry.increment(error)) {
        std::ifstream file(entry->path() / "comm", std::ios::binary);
        std::string name;
        std::getline(file, name);
        names[ownThreadId(pid, static_cast<std::uint32_t>(std::strtoul(entry->path().filename().c_str(), nullptr, 10)))] = name;
    }
    return names;
}

/// What a user must know of how a process took the window; empty: nothing.
template <typename Message>
std::string messageOf(const CaptureLink& link, const Message& opened)
{
    const std::string detail(opened.detail, strnlen(opened.detail, sizeof opened.detail));
    const std::string process = "process " + std::to_string(link.pid());
    if (opened.outcome == capture::OpenOutcome::CudaBusy)
        return process + " is held by another CUDA profiler, so only NVTX is captured: end that profiler first (" + detail + ")";
    if (opened.outcome == capture::OpenOutcome::CudaFailed)
        return "CUDA work of " + process + " cannot be captured, only NVTX is: " + detail;
    return detail.empty() ? detail : process + ": " + detail;
}

} // namespace

std::uint32_t contentBits(const proto::CaptureContent& c)
{
    using namespace capture;
    return (c.nvtx ? ContentNvtx : 0u) | (c.kernels ? ContentKernels : 0u) | (c.memcpy ? ContentMemcpy : 0u) |
           (c.runtimeApi ? ContentRuntimeApi : 0u) | (c.driverApi ? ContentDriverApi : 0u) |
           (c.synchronization ? ContentSynchronization : 0u) | (c.overhead ? ContentOverhead : 0u) |
           (c.apiQueries ? ContentApiQueries : 0u) | (c.memoryAllocations ? ContentMemoryAllocations : 0u) |
           (c.modules ? ContentModules : 0u) | (c.wholeGraphs ? ContentWholeGraphs : 0u);
}

CaptureWindow::CaptureWindow(std::uint32_t windowId, std::string ofCapture, const proto::CaptureRequest& asked, std::int64_t nowNs)
    : id(windowId), captureId(std::move(ofCapture)), request(asked), startedNs(nowNs)
{
    if (request.content.contextSwitches)
        m_switches = std::make_unique<ContextSwitches>(request.isRing() ? request.ringNs + 1'000'000'000 : 0);
}

capture::OpenMessage CaptureWindow::openMessage(std::int64_t nowNs) const
{
    capture::OpenMessage opening{};
    opening.type = capture::MessageType::Open;
    opening.windowId = id;
    opening.content = contentBits(request.content);
    opening.isFollowed = isFollowed;
    if (const DurationNs length = CapturePlan::longestWindow(request))
        opening.durationNs = std::max<DurationNs>(1, length - elapsedNs(nowNs));
    return opening;
}

CaptureWindow::Member& CaptureWindow::add(CaptureLink& link)
{
    Member& member = m_members.emplace_back();
    member.link = &link;
    member.capture.pid = link.pid();
    member.capture.executable = link.executable();
    member.damagedBefore = link.region().damagedChunks();
    if (m_switches)
        m_switches->add(link.pid());
    if (request.maxRequests > 0)
        member.requests.emplace(RangeName::request());
    if (request.maxIterations > 0)
        member.iterations.emplace(request.iterationRange.empty() ? RangeName::execution() : RangeName::parse(request.iterationRange));
    return member;
}

CaptureWindow::Member* CaptureWindow::find(const CaptureLink& link)
{
    const auto found = std::find_if(m_members.begin(), m_members.end(), [&](const Member& member) { return member.link == &link; });
    return found == m_members.end() ? nullptr : &*found;
}

void CaptureWindow::drain(Member& member, std::size_t budget, std::int64_t nowNs)
{
    std::size_t held = bytes();
    m_events += member.link->region().drain(id, [&](const records::RecordView& view) {
        if (!request.isRing() && held + view.bytes.size() > budget) {
            ++member.capture.overBudgetRecords;
            return;
        }
        held += view.bytes.size();
        member.capture.records.add(view, nowNs);
        if (member.requests)
            member.requests->take(view);
        if (member.iterations)
            member.iterations->take(view);
    });
}

void CaptureWindow::trimRing(std::int64_t nowNs)
{
    const std::size_t most = request.ringBytes > 0 ? request.ringBytes : kDefaultRingBytes;
    for (Member& member : m_members) {
        member.capture.records.trim(nowNs - request.ringNs - kLateNs);
        member.capture.records.trimNames(most / kNamesShare);
    }
    while (bytes() > most) {
        const auto oldest = std::min_element(m_members.begin(), m_members.end(), [](const Member& a, const Member& b) {
            return a.capture.records.oldestNs() < b.capture.records.oldestNs();
        });
        if (!oldest->capture.records.giveUpOldest())
            break;
    }
    std::erase_if(m_members, [this](const Member& member) {
        const RecordStore& records = member.capture.records;
        if (member.link || records.events() > 0)
            return false;
        m_goneFromNs = std::max(m_goneFromNs, records.heldFromNs());
        m_goneRecords += records.overwritten();
        return true;
    });
}

void CaptureWindow::takeOpened(Member& member, const capture::OpenedMessage& opened)
{
    member.capture.opened = opened;
    addNote(message, messageOf(*member.link, opened));
}

void CaptureWindow::takeCuda(const CaptureLink& link, const capture::CudaLoadedMessage& loaded)
{
    addNote(message, messageOf(link, loaded));
}

void CaptureWindow::takeClosed(Member& member, const capture::ClosedMessage& closed, std::size_t budget, std::int64_t nowNs)
{
    drain(member, budget, nowNs);
    takeLosses(member);
    std::copy(std::begin(closed.losses), std::end(closed.losses), member.capture.losses.begin());
    member.capture.closed = closed;
    m_closeCostNs = std::max(m_closeCostNs, closeCost(closed));
}

void CaptureWindow::takeEnd(Member& member, std::size_t budget, std::int64_t nowNs)
{
    if (!member.capture.closed) {
        drain(member, budget, nowNs);
        takeLosses(member);
        member.capture.ended = true;
    }
    member.link = nullptr;
}

/// Until the process has opened the window, its counters are those of the one before.
void CaptureWindow::takeLosses(Member& member)
{
    if (member.capture.opened)
        for (std::size_t i = 0; i < member.capture.losses.size(); ++i)
            member.capture.losses[i] = member.link->region().loss(static_cast<records::LossCounter>(i));
    member.capture.damagedChunks = member.link->region().damagedChunks() - member.damagedBefore;
    if (member.capture.threadNames.empty())
        member.capture.threadNames = threadNamesOf(member.capture.pid);
}

std::vector<int> CaptureWindow::pids() const
{
    std::vector<int> result;
    for (const Member& member : m_members)
        result.push_back(member.capture.pid);
    return result;
}

bool CaptureWindow::hasReachedBound(std::int64_t nowNs) const
{
    std::uint64_t requests = 0, iterations = 0;
    for (const Member& member : m_members) {
        requests += member.requests ? member.requests->finished() : 0;
        iterations += member.iterations ? member.iterations->finished() : 0;
    }
    return (request.maxRequests > 0 && requests >= request.maxRequests) ||
           (request.maxIterations > 0 && iterations >= request.maxIterations) || (request.maxBytes > 0 && bytes() >= request.maxBytes) ||
           (CapturePlan::longestWindow(request) > 0 && elapsedNs(nowNs) >= CapturePlan::longestWindow(request));
}

bool CaptureWindow::isOpenedByAll() const
{
    return std::all_of(m_members.begin(), m_members.end(), [](const Member& member) { return member.capture.opened || !member.link; });
}

bool CaptureWindow::isClosedByAll() const
{
    return std::none_of(m_members.begin(), m_members.end(), [](const Member& member) { return member.isRecording(); });
}

bool CaptureWindow::hasAnswered() const
{
    return std::any_of(m_members.begin(), m_members.end(), [](const Member& member) { return member.capture.closed.has_value(); });
}

bool CaptureWindow::hasRecorded() const
{
    return std::any_of(m_members.begin(), m_members.end(),
                       [](const Member& member) { return member.capture.opened || member.capture.records.bytes() > 0; });
}

bool CaptureWindow::isUnanswered() const
{
    return std::any_of(m_members.begin(), m_members.end(), [](const Member& member) { return member.isRecording(); });
}

bool CaptureWindow::hasLostProcess() const
{
    return std::any_of(m_members.begin(), m_members.end(), [](const Member& member) { return member.capture.ended; });
}

std::size_t CaptureWindow::bytes() const
{
    std::size_t sum = 0;
    for (const Member& member : m_members)
        sum += member.capture.records.bytes();
    return sum;
}

void CaptureWindow::markOpened(std::int64_t nowNs)
{
    if (isOpened())
        return;
    m_openedNs = nowNs;
    for (const Member& member : m_members)
        if (member.capture.opened) {
            m_openCostNs = std::max(m_openCostNs, openCost(*member.capture.opened));
            m_openedNs = std::min(m_openedNs, member.capture.opened->openMonotonicNs);
        }
}

DurationNs CaptureWindow::openCost(const capture::OpenedMessage& opened) const
{
    return isTriggered ? opened.costNs : std::max(opened.costNs, opened.openMonotonicNs - startedNs);
}

DurationNs CaptureWindow::closeCost(const capture::ClosedMessage& closed) const
{
    return closingNs == 0 ? closed.costNs : std::max(closed.costNs, closed.closeMonotonicNs + closed.costNs - closingNs);
}

std::int64_t CaptureWindow::elapsedNs(std::int64_t nowNs) const
{
    return isOpened() ? nowNs - m_openedNs : 0;
}

std::int64_t CaptureWindow::heldNs(std::int64_t nowNs) const
{
    std::int64_t from = std::max(m_openedNs, m_goneFromNs);
    for (const Member& member : m_members)
        from = std::max(from, member.capture.records.heldFromNs());
    return isOpened() ? std::min(nowNs - from, request.ringNs) : 0;
}

void CaptureWindow::describe(proto::CaptureStatus& status, std::int64_t nowNs) const
{
    status.events = m_events;
    status.bytes = bytes();
    status.openCostNs = m_openCostNs;
    status.closeCostNs = m_closeCostNs;
    status.targetExited = status.targetExited || hasLostProcess();
    status.dropped = 0;
    status.ringOverwritten = m_goneRecords;
    status.processes = 0;
    for (const Member& member : m_members) {
        status.processes += member.link != nullptr;
        status.ringOverwritten += member.capture.records.overwritten();
        status.dropped += member.capture.overBudgetRecords;
        if (member.link && member.capture.opened)
            for (const auto counter :
                 {records::LossCounter::NvtxNoChunk, records::LossCounter::CuptiNoChunk, records::LossCounter::CuptiDropped})
                status.dropped += member.link->region().loss(counter);
    }
    if (isOpened() && closingNs == 0) {
        if (status.elapsedNs == 0) // once: a wall clock that is set meanwhile does not move what began before
            status.windowBeginUtcNs = utcNow() - elapsedNs(nowNs);
        status.elapsedNs = elapsedNs(nowNs);
    }
    if (request.isRing())
        status.ringHeldNs = heldNs(nowNs);
    addNote(status.message, message);
}

WindowCapture CaptureWindow::bounds(std::int64_t openNs, std::int64_t closeNs, std::int64_t nowNs) const
{
    WindowCapture result;
    result.openMonotonicNs = openNs;
    result.closeMonotonicNs = closeNs;
    result.openRealtimeNs = utcNow() - (nowNs - openNs);
    result.targetId = request.targetId;
    result.content = contentBits(request.content);
    return result;
}

WindowCapture CaptureWindow::finish(std::int64_t nowNs)
{
    std::int64_t closed = 0;
    for (Member& member : m_members) {
        if (member.capture.closed)
            closed = std::max(closed, member.capture.closed->closeMonotonicNs);
        else if (member.link)
            takeLosses(member);
        if (m_switches)
            member.capture.switches = m_switches->recorded(member.capture.pid);
    }
    m_switches.reset();
    WindowCapture result = bounds(m_openedNs, closed ? closed : nowNs, nowNs);
    for (Member& member : m_members)
        result.processes.push_back(std::move(member.capture));
    m_members.clear();
    return result;
}

WindowCapture CaptureWindow::snapshot(DurationNs lastNs, std::int64_t nowNs)
{
    const DurationNs held = heldNs(nowNs);
    WindowCapture result = bounds(nowNs - (lastNs > 0 ? std::min(lastNs, held) : held), nowNs, nowNs);
    result.isOfRing = true;
    for (Member& member : m_members) {
        if (member.link && !member.capture.closed)
            takeLosses(member);
        ProcessCapture& copied = result.processes.emplace_back();
        copied.pid = member.capture.pid;
        copied.executable = member.capture.executable;
        copied.records = member.capture.records.copy();
        copied.opened = member.capture.opened;
        copied.closed = capture::ClosedMessage{}; // its part in this report ends as asked
        copied.ended = member.capture.ended;
        copied.losses = member.capture.losses;
        copied.damagedChunks = member.capture.damagedChunks;
        copied.threadNames = member.capture.threadNames;
        if (m_switches)
            copied.switches = m_switches->recorded(copied.pid);
    }
    return result;
}

} // namespace gantry::node
