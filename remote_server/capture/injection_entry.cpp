// The ways into the library: the CUDA driver calls InitializeInjection in cuInit (CUDA_INJECTION64_PATH), every NVTX instance
// calls InitializeInjectionNvtx2 on its first use (NVTX_INJECTION64_PATH), NVTX 1 and 2 call InitializeInjectionNvtx. Any of them may
// come first, from any thread, within a static constructor.

#include "remote_server/capture/capture_state.h"
#include "remote_server/capture/control_channel.h"
#include "remote_server/capture/control_protocol.h"
#include "remote_server/capture/cupti_session.h"
#include "remote_server/capture/library_version.h"
#include "remote_server/capture/nvtx_recorder.h"
#include "remote_server/capture/thread_state.h"
#include "remote_server/capture/time_stamp.h"

#include <cstdlib>
#include <fcntl.h>
#include <new>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gantry::capture {

std::atomic<CaptureState*> g_process{nullptr};
thread_local constinit ThreadState* t_thread __attribute__((tls_model("initial-exec"))) = nullptr;

namespace {

[[gnu::used]] constexpr char kVersion[] = GANTRY_CAPTURE_VERSION_MARK GANTRY_VERSION; // for who looks into the file

pthread_once_t g_once = PTHREAD_ONCE_INIT;
pthread_key_t g_threadEnd;
bool g_hasHooks = false; ///< of thread ends and forks; a forked child has those of its parent

/// A child that was forked without exec has no control thread, and CUDA and CUPTI of its parent are invalid in it: it records nothing
/// and touches nothing of its parent's. Only when it initialises CUDA itself, as a worker of Python's multiprocessing may, is it set up
/// anew.
void inForkedChild()
{
    g_process.store(nullptr, std::memory_order_relaxed);
    g_once = PTHREAD_ONCE_INIT;
    if (t_thread)
        *t_thread = ThreadState{.threadId = static_cast<std::uint32_t>(syscall(SYS_gettid))};
    forgetNvtxOfParent();
    forgetCuptiOfParent();
    abandonControlChannel();
}

/// A thread ends: its chunk goes to the reader, also when its window is over. Should it record once more, from a destructor that runs
/// later, it gets a new state and comes here again.
void onThreadEnd(void* thread)
{
    if (state())
        static_cast<ThreadState*>(thread)->cursor.leave();
    t_thread = nullptr;
    munmap(thread, kThreadStateBytes);
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
    g_hasHooks = true;
    chooseClock();
    g_process.store(s, std::memory_order_release);
    if (!startControlThread(*s, socketPath, std::getenv(kTargetVariable)))
        g_process.store(nullptr, std::memory_order_release);
}

} // namespace

bool enter()
{
    pthread_once(&g_once, setUp);
    return state() != nullptr;
}

ThreadState* mapThreadState()
{
    void* memory = mmap(nullptr, kThreadStateBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return nullptr;
    t_thread = new (memory) ThreadState{.threadId = static_cast<std::uint32_t>(syscall(SYS_gettid))};
    pthread_setspecific(g_threadEnd, t_thread);
    return t_thread;
}

std::uint32_t currentThreadId()
{
    const ThreadState* t = threadState();
    return t ? t->threadId : static_cast<std::uint32_t>(syscall(SYS_gettid));
}

records::ThreadCursor& threadCursor()
{
    thread_local records::ThreadCursor spare; // of a thread that the system has no page for
    ThreadState* t = threadState();
    return t ? t->cursor : spare;
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

/// Of the payload extension, once in each instance that uses it.
GANTRY_EXPORT int InitializeInjectionNvtxExtension(gantry::capture::nvtx_payload::ModuleInfo* module)
{
    if (module && gantry::capture::enter())
        gantry::capture::installPayloadHandlers(*module);
    return 1;
}

GANTRY_EXPORT int InitializeInjectionNvtx(NvtxGetExportTableFunc_t getExportTable)
{
    return InitializeInjectionNvtx2(getExportTable);
}
