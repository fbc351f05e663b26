// A program with many threads in NVTX, one that calls CUDA's driver, and children that were forked without exec. SIGTERM makes it return
// from main() while its threads go on.
//
// usage: busy_target THREADS CHILDREN

#include "tests/remote_server/capture/fake_cupti.h"

#include <nvtx3/nvToolsExt.h>

#include <csignal>
#include <cstdlib>
#include <dlfcn.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace {

using namespace gantry::capture;

void emit(int pairs)
{
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("busy");
    nvtxEventAttributes_t inner{};
    inner.version = NVTX_VERSION;
    inner.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    inner.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    inner.message.registered = nvtxDomainRegisterStringA(domain, "inner");
    for (int i = 0; i != pairs; ++i) {
        nvtxRangePushA("outer");
        nvtxDomainRangePushEx(domain, &inner);
        nvtxDomainRangePop(domain);
        nvtxRangePop();
        nvtxRangeEnd(nvtxRangeStartA("anywhere"));
        if (i % 16 == 15)
            usleep(20'000); // more would fill the region sooner than a daemon under a sanitizer reads it
    }
}

constexpr int kForEver = -1;

bool initializeCuda()
{
    void* library = dlopen(std::getenv("NVTX_INJECTION64_PATH"), RTLD_NOW | RTLD_NOLOAD);
    const auto initialize = library ? reinterpret_cast<int (*)()>(dlsym(library, "InitializeInjection")) : nullptr;
    return initialize && initialize() == 1; // as cuInit does
}

/// In the middle of what its parent's threads do. Every second one begins to use CUDA itself, as a worker of Python's multiprocessing may.
bool forkAndWait(int number)
{
    const pid_t child = fork();
    if (child == 0) {
        emit(100);
        if (number % 2 == 1 && !initializeCuda())
            _exit(2);
        emit(100);
        _exit(0);
    }
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

} // namespace

int main(int argc, char** argv)
{
    if (argc != 3)
        return 64;
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    fakeCupti() = {}; // also maps it, before the library looks
    nvtxMarkA("loads the library");
    if (!initializeCuda())
        return 3;
    for (int i = 0; i < std::stoi(argv[1]); ++i)
        std::thread(emit, kForEver).detach();
    std::thread([] {
        for (;; usleep(1000)) // the fake's mutex is not fair
            callDriver(CUPTI_DRIVER_TRACE_CBID_cuLaunchKernel);
    }).detach();
    for (int i = 0; i < std::stoi(argv[2]); ++i)
        if (!forkAndWait(i))
            return 4;
    int signal = 0;
    sigwait(&ends, &signal);
    return 0;
}
