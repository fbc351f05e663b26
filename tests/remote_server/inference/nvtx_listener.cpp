// An NVTX tool for the tests: writes each call to the file that NVTX_LISTENER_LOG names, one a line, with the thread in front.

#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <nvtx3/nvToolsExt.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

std::mutex g_mutex;
std::FILE* g_log = nullptr;
std::map<nvtxRangeId_t, std::string> g_open; // start/end ranges by id
nvtxRangeId_t g_nextRange = 1;

/// With g_mutex held, so that the order of the lines is that of the calls.
void write(const std::string& line)
{
    std::fprintf(g_log, "%ld %s\n", syscall(SYS_gettid), line.c_str());
    std::fflush(g_log);
}

// Handles of domains and strings are pointers to their texts.
std::string textOf(const void* handle)
{
    return *static_cast<const std::string*>(handle);
}

std::string messageOf(const nvtxEventAttributes_t* a)
{
    return a->messageType == NVTX_MESSAGE_TYPE_REGISTERED ? textOf(a->message.registered) : std::string(a->message.ascii);
}

std::string describe(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* a)
{
    return textOf(domain) + " " + messageOf(a) +
           (a->payloadType == NVTX_PAYLOAD_TYPE_UNSIGNED_INT64 ? " " + std::to_string(a->payload.ullValue) : "") + " category " +
           std::to_string(a->category) + (a->messageType == NVTX_MESSAGE_TYPE_REGISTERED ? " registered" : " ascii");
}

nvtxDomainHandle_t NVTX_API domainCreate(const char* name)
{
    return reinterpret_cast<nvtxDomainHandle_t>(new std::string(name)); // lives as long as the process, like the domain
}

nvtxStringHandle_t NVTX_API registerString(nvtxDomainHandle_t, const char* text)
{
    return reinterpret_cast<nvtxStringHandle_t>(new std::string(text));
}

void NVTX_API nameCategory(nvtxDomainHandle_t domain, uint32_t category, const char* name)
{
    const std::lock_guard lock(g_mutex);
    write("category " + textOf(domain) + " " + std::to_string(category) + " " + name);
}

void NVTX_API nameThread(uint32_t thread, const char* name)
{
    const std::lock_guard lock(g_mutex);
    write("thread " + std::to_string(thread) + " " + name);
}

void NVTX_API mark(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* a)
{
    const std::lock_guard lock(g_mutex);
    write("mark " + describe(domain, a));
}

nvtxRangeId_t NVTX_API rangeStart(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* a)
{
    const std::lock_guard lock(g_mutex);
    write("start " + describe(domain, a));
    g_open[g_nextRange] = messageOf(a) + " " + std::to_string(a->payload.ullValue);
    return g_nextRange++;
}

void NVTX_API rangeEnd(nvtxDomainHandle_t, nvtxRangeId_t id)
{
    const std::lock_guard lock(g_mutex);
    const auto open = g_open.find(id);
    write("end " + (open == g_open.end() ? "unknown" : open->second));
    if (open != g_open.end())
        g_open.erase(open);
}

int NVTX_API rangePush(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* a)
{
    const std::lock_guard lock(g_mutex);
    write("push " + describe(domain, a));
    return 0;
}

int NVTX_API rangePop(nvtxDomainHandle_t)
{
    const std::lock_guard lock(g_mutex);
    write("pop");
    return 0;
}

template <typename Function>
void set(NvtxFunctionTable table, unsigned int size, unsigned int id, Function function)
{
    if (id < size && table[id])
        *table[id] = reinterpret_cast<NvtxFunctionPointer>(function);
}

} // namespace

extern "C" NVTX_DYNAMIC_EXPORT int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t getExportTable)
{
    const char* path = std::getenv("NVTX_LISTENER_LOG");
    g_log = path ? std::fopen(path, "w") : nullptr;
    const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(getExportTable(NVTX_ETID_CALLBACKS));
    NvtxFunctionTable table = nullptr;
    unsigned int size = 0;
    if (!g_log || !callbacks || !callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size))
        return 0;
    set(table, size, NVTX_CBID_CORE_NameOsThreadA, nameThread);
    if (!callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size))
        return 0;
    set(table, size, NVTX_CBID_CORE2_DomainCreateA, domainCreate);
    set(table, size, NVTX_CBID_CORE2_DomainRegisterStringA, registerString);
    set(table, size, NVTX_CBID_CORE2_DomainNameCategoryA, nameCategory);
    set(table, size, NVTX_CBID_CORE2_DomainMarkEx, mark);
    set(table, size, NVTX_CBID_CORE2_DomainRangeStartEx, rangeStart);
    set(table, size, NVTX_CBID_CORE2_DomainRangeEnd, rangeEnd);
    set(table, size, NVTX_CBID_CORE2_DomainRangePushEx, rangePush);
    set(table, size, NVTX_CBID_CORE2_DomainRangePop, rangePop);
    return 1;
}
