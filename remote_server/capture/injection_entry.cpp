// The ways into the library: the CUDA driver calls InitializeInjection in cuInit (CUDA_INJECTION64_PATH), every NVTX instance
// calls InitializeInjectionNvtx2 on its first use (NVTX_INJECTION64_PATH), NVTX 1 and 2 call InitializeInjectionNvtx. Any of them may
// come first, from any thread, within a static constructor.

#include "remote_server/capture/capture_state.h"
#include "remote_server/capture/control_channel.h"
#include "remote_server/capture/control_protocol.h"
#include "remote_server/capture/nvtx_recorder.h"

#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gantry::capture {
namespace {

pthread_once_t g_once = PTHREAD_ONCE_INIT;
std::atomic<CaptureState*> g_state{nullptr};
pthread_key_t g_threadEnd;
bool g_hasHooks = false; ///< of thread ends and forks; a forked child has those of its parent

thread_local records::ThreadCursor t_cursor;
thread_local std::uint32_t t_threadId;
thread_local bool t_threadEndArmed;

/// A child that was forked without exec has no control thread, and CUDA and CUPTI of its parent are invalid in it: it records nothing
/// and touches nothing of its parent's. Only when it initialises CUDA itself, as a worker of Python's multiprocessing may, is it set up
/// anew.
void inForkedChild()
{
    g_state.store(nullptr, std::memory_order_relaxed);
    g_once = PTHREAD_ONCE_INIT;
    t_cursor = {};
    t_threadId = 0;
    resetNvtxLocks();
    abandonControlChannel();
}

/// A thread ends: its chunk goes to the reader, also when its window is over.
void onThreadEnd(void*)
{
    if (g_state.load(std::memory_order_acquire))
        t_cursor.leave();
}

void setUp()
{
    // The one place that reads the environment: an injected library has no other way to be told.
    const char* socketPath = std::getenv(kSocketVariable);
    if (!socketPath || socketPath[0] != '/')
        return;
    const int fd = memfd_create("gantry-capture", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, static_cast<off_t>(records::kRegionSize)) != 0)
        return;
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL); // the daemon maps it only when it cannot shrink under it
    void* region = mmap(nullptr, records::kRegionSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (region == MAP_FAILED)
        return;
    alignas(CaptureState) static char memory[sizeof(CaptureState)];
    auto* s = new (memory) CaptureState(region);
    s->regionFd = fd;
    s->region.initialise();
    if (!g_hasHooks && (pthread_key_create(&g_threadEnd, onThreadEnd) != 0 || pthread_atfork(nullptr, nullptr, inForkedChild) != 0))
        return;
    if (!g_hasHooks)
        std::atexit(closeAtExit);
    g_hasHooks = true;
    g_state.store(s, std::memory_order_release);
    if (!startControlThread(*s, socketPath, std::getenv(kTargetVariable)))
        g_state.store(nullptr, std::memory_order_release);
}

} // namespace

CaptureState* state()
{
    return g_state.load(std::memory_order_acquire);
}

bool enter()
{
    pthread_once(&g_once, setUp);
    return state() != nullptr;
}

std::uint32_t currentThreadId()
{
    if (t_threadId == 0)
        t_threadId = static_cast<std::uint32_t>(syscall(SYS_gettid));
    return t_threadId;
}

records::ThreadCursor& threadCursor()
{
    if (!t_threadEndArmed) {
        t_threadEndArmed = true;
        pthread_setspecific(g_threadEnd, &t_cursor);
    }
    return t_cursor;
}

} // namespace gantry::capture

#define GANTRY_EXPORT extern "C" __attribute__((visibility("default")))

GANTRY_EXPORT int InitializeInjection(void)
{
    if (gantry::capture::enter()) {
        gantry::capture::awaitFirstCommand();
        gantry::capture::announceCuda();
    }
    return 1;
}

GANTRY_EXPORT int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t getExportTable)
{
    // Always 1: with 0 NVTX would unload us and every later call would be lost. Without a daemon to talk to, nothing is
    // installed and the target's NVTX calls stay as cheap as without a tool.
    if (gantry::capture::enter()) {
        gantry::capture::installNvtxHandlers(getExportTable);
        gantry::capture::awaitFirstCommand();
    }
    return 1;
}

GANTRY_EXPORT int InitializeInjectionNvtx(NvtxGetExportTableFunc_t getExportTable)
{
    return InitializeInjectionNvtx2(getExportTable);
}
