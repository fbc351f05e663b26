#include "remote_server/node/context_switches.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/thread_ids.h"
#include "trace_model/base/unique_fd.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <linux/perf_event.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gantry::node {
namespace {

constexpr std::size_t kRingPages = 8; // a switch takes 32 bytes: 1,000 within 10 ms
constexpr std::chrono::milliseconds kDrainPeriod{10};
constexpr int kDrainsBetweenSearches = 5;
constexpr std::size_t kMostSwitches = 8'000'000; // held for one window, 16 bytes each
constexpr std::size_t kMostThreads = 8'192;

UniqueFd openEvent(int tid)
{
    perf_event_attr attributes{};
    attributes.type = PERF_TYPE_SOFTWARE;
    attributes.size = sizeof attributes;
    attributes.config = PERF_COUNT_SW_DUMMY;
    attributes.sample_type = PERF_SAMPLE_TID | PERF_SAMPLE_TIME | PERF_SAMPLE_CPU;
    attributes.sample_id_all = 1;
    attributes.context_switch = 1;
    attributes.exclude_kernel = 1; // else perf_event_paranoid 2 forbids it; switches are told all the same
    attributes.exclude_hv = 1;
    attributes.use_clockid = 1;
    attributes.clockid = CLOCK_MONOTONIC;
    return UniqueFd(static_cast<int>(syscall(SYS_perf_event_open, &attributes, tid, -1, -1, PERF_FLAG_FD_CLOEXEC)));
}

/// perf_event_open(2), PERF_RECORD_SWITCH with sample_id of the types above.
struct SwitchRecord
{
    perf_event_header header;
    std::uint32_t pid, tid;
    std::uint64_t time;
    std::uint32_t cpu, reserved;
};

/// PERF_RECORD_LOST.
struct LostRecord
{
    perf_event_header header;
    std::uint64_t id, lost;
};

std::optional<int> paranoidLevel()
{
    std::ifstream file("/proc/sys/kernel/perf_event_paranoid");
    int level = 0;
    return file >> level ? std::optional(level) : std::nullopt;
}

/// Whether a thread runs or could: proc(5), the state behind the name in parentheses.
bool isRunning(int pid, std::uint32_t tid)
{
    std::ifstream file("/proc/" + std::to_string(pid) + "/task/" + std::to_string(tid) + "/stat");
    std::string text;
    std::getline(file, text);
    const std::size_t nameEnd = text.rfind(')');
    return nameEnd != std::string::npos && nameEnd + 2 < text.size() && text[nameEnd + 2] == 'R';
}

} // namespace

Error perfEventError(int error, std::optional<int> paranoid)
{
    const std::string what = "context switches cannot be recorded: ";
    if (error == ENOSYS || error == ENOENT || error == EINVAL || error == EOPNOTSUPP)
        return {ErrorCode::Unsupported, what + "the kernel has no perf events that tell them (Linux 4.3 and later have)", {}};
    if (paranoid && *paranoid > 2)
        return {ErrorCode::NotPermitted,
                what + "kernel.perf_event_paranoid is " + std::to_string(*paranoid) +
                    ", which leaves perf events to root: `sysctl kernel.perf_event_paranoid=2`, or give gantryd CAP_PERFMON",
                {}};
    return {
        ErrorCode::NotPermitted,
        what + "perf_event_open is refused (" + std::strerror(error) + ")" +
            (paranoid ? " though kernel.perf_event_paranoid is " + std::to_string(*paranoid) : std::string()) +
            ": in a container add CAP_PERFMON and allow perf_event_open in its seccomp profile; else run gantryd as the user of the target",
        {}};
}

/// The events of one thread, as the kernel writes them into memory that both share.
struct ContextSwitches::Ring
{
    UniqueFd event;
    std::uint32_t tid = 0; ///< its own, as its other events have it
    std::byte* memory = nullptr;
    std::int64_t openedNs = 0;
    std::optional<bool> isRunning; ///< absent: no switch yet
    bool isThere = true;           ///< its thread was there at the last look

    static std::size_t pageBytes() { return static_cast<std::size_t>(sysconf(_SC_PAGESIZE)); }
    static std::size_t dataBytes() { return kRingPages * pageBytes(); }

    Ring(UniqueFd opened, std::uint32_t thread) : event(std::move(opened)), tid(thread), openedNs(monotonicNow())
    {
        void* mapped = mmap(nullptr, pageBytes() + dataBytes(), PROT_READ | PROT_WRITE, MAP_SHARED, event.get(), 0);
        memory = mapped == MAP_FAILED ? nullptr : static_cast<std::byte*>(mapped);
    }
    Ring(const Ring&) = delete;
    Ring& operator=(const Ring&) = delete;
    ~Ring()
    {
        if (memory)
            munmap(memory, pageBytes() + dataBytes());
    }

    /// Gives each record to `take(header, bytes)`. The bytes are a copy: a record may lie across the end of the ring.
    template <typename Take>
    void read(Take take)
    {
        auto* page = reinterpret_cast<perf_event_mmap_page*>(memory);
        const std::uint64_t head = __atomic_load_n(&page->data_head, __ATOMIC_ACQUIRE);
        std::uint64_t tail = page->data_tail;
        const std::byte* data = memory + pageBytes();
        const auto copy = [&](std::uint64_t from, void* to, std::size_t size) {
            const std::size_t at = from % dataBytes(), first = std::min(size, dataBytes() - at);
            std::memcpy(to, data + at, first);
            std::memcpy(static_cast<std::byte*>(to) + first, data, size - first);
        };
        while (tail + sizeof(perf_event_header) <= head) {
            alignas(8) std::byte bytes[64];
            perf_event_header header{};
            copy(tail, &header, sizeof header);
            if (header.size < sizeof header || tail + header.size > head)
                break;
            copy(tail, bytes, std::min<std::size_t>(header.size, sizeof bytes));
            take(header, bytes);
            tail += header.size;
        }
        __atomic_store_n(&page->data_tail, tail, __ATOMIC_RELEASE);
    }
};

struct ContextSwitches::Process
{
    int pid = 0;
    std::map<std::uint32_t, std::unique_ptr<Ring>> rings; ///< by thread
    std::map<std::uint32_t, bool> refused;                ///< threads that could not be watched
    std::deque<ContextSwitch> switches;
    std::uint64_t lost = 0;
};

Result<void> ContextSwitches::permitted()
{
    if (openEvent(0))
        return {};
    return perfEventError(errno, paranoidLevel());
}

ContextSwitches::ContextSwitches(DurationNs keepNs) : m_keepNs(keepNs)
{
    m_thread = std::jthread([this](std::stop_token stop) { run(stop); });
}

ContextSwitches::~ContextSwitches() = default;

void ContextSwitches::add(int pid)
{
    const std::lock_guard lock(m_mutex);
    auto [place, isNew] = m_processes.try_emplace(pid);
    if (!isNew)
        return;
    place->second = std::make_unique<Process>();
    place->second->pid = pid;
    findThreads(pid, *place->second);
}

void ContextSwitches::findThreads(int pid, Process& process)
{
    for (auto& [tid, ring] : process.rings)
        ring->isThere = false;
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc/" + std::to_string(pid) + "/task", error), end; !error && entry != end;
         entry.increment(error)) {
        const auto tid = static_cast<std::uint32_t>(std::strtoul(entry->path().filename().c_str(), nullptr, 10));
        if (const auto known = process.rings.find(tid); known != process.rings.end()) {
            known->second->isThere = true;
            continue;
        }
        if (process.refused.contains(tid))
            continue;
        UniqueFd event = process.rings.size() < kMostThreads ? openEvent(static_cast<int>(tid)) : UniqueFd();
        if (!event && errno == ESRCH)
            continue; // has ended meanwhile
        auto ring = event ? std::make_unique<Ring>(std::move(event), ownThreadId(pid, tid)) : nullptr;
        if (ring && ring->memory)
            process.rings.emplace(tid, std::move(ring));
        else
            process.refused.emplace(tid, true);
    }
}

void ContextSwitches::drain(Process& process)
{
    for (auto place = process.rings.begin(); place != process.rings.end();) {
        Ring& ring = *place->second;
        const auto keep = [&](const ContextSwitch& one) {
            if (m_held >= kMostSwitches) {
                ++process.lost;
                return;
            }
            process.switches.push_back(one);
            ++m_held;
        };
        ring.read([&](const perf_event_header& header, const std::byte* bytes) {
            if (header.type == PERF_RECORD_SWITCH && header.size >= sizeof(SwitchRecord)) {
                SwitchRecord record;
                std::memcpy(&record, bytes, sizeof record);
                const bool isIn = !(header.misc & PERF_RECORD_MISC_SWITCH_OUT);
                const auto cpu = static_cast<std::uint16_t>(record.cpu);
                if (!ring.isRunning) // as it was before: since the ring is there
                    keep({ring.openedNs, ring.tid, cpu, !isIn});
                ring.isRunning = isIn;
                keep({static_cast<std::int64_t>(record.time), ring.tid, cpu, isIn});
            } else if (header.type == PERF_RECORD_LOST) {
                LostRecord record;
                std::memcpy(&record, bytes, sizeof record);
                process.lost += record.lost;
            }
        });
        place = ring.isThere ? std::next(place) : process.rings.erase(place);
    }
    if (m_keepNs > 0) {
        const std::int64_t oldest = monotonicNow() - m_keepNs;
        for (; !process.switches.empty() && process.switches.front().monotonicNs < oldest; --m_held)
            process.switches.pop_front();
    }
}

ContextSwitches::Recorded ContextSwitches::recorded(int pid)
{
    const std::lock_guard lock(m_mutex);
    Recorded result;
    const auto found = m_processes.find(pid);
    if (found == m_processes.end())
        return result;
    Process& process = *found->second;
    drain(process);
    result.switches.assign(process.switches.begin(), process.switches.end());
    for (const auto& [tid, ring] : process.rings)
        if (!ring->isRunning && isRunning(pid, tid)) // all the time, without a switch
            result.switches.push_back({ring->openedNs, ring->tid, 0, true});
    result.lost = process.lost;
    result.unwatchedThreads = process.refused.size();
    return result;
}

void ContextSwitches::run(const std::stop_token& stop)
{
    std::mutex mutex;
    std::condition_variable_any wake;
    for (int round = 1; !stop.stop_requested(); ++round) {
        {
            std::unique_lock lock(mutex);
            wake.wait_for(lock, stop, kDrainPeriod, [] { return false; });
        }
        const std::lock_guard lock(m_mutex);
        for (auto& [pid, process] : m_processes) {
            if (round % kDrainsBetweenSearches == 0)
                findThreads(pid, *process);
            drain(*process);
        }
    }
}

} // namespace gantry::node
