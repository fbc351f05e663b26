// The floor of nvtx_pair_bench: an NVTX tool that does the least a tool can do. A push and a pop each write a time stamp and a pointer
// into a ring of their thread, nobody reads it, and no text is kept.

#include <nvtx3/nvToolsExt.h>

#include <cstddef>
#include <cstdint>
#include <ctime>
#ifdef __x86_64__
#include <x86intrin.h>
#endif

namespace {

struct alignas(32) Entry
{
    std::uint64_t time;
    const char* text;
    std::uint64_t domain, kind;
};

struct Ring
{
    static constexpr std::size_t kEntries = std::size_t{1} << 16;
    Entry* entries;
    std::uint64_t written;
    int depth;
};

thread_local constinit Ring t_ring __attribute__((tls_model("initial-exec")));

std::uint64_t now()
{
#ifdef __x86_64__
    return __rdtsc();
#else
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(t.tv_nsec);
#endif
}

[[gnu::noinline]] void makeRing(Ring& ring)
{
    ring.entries = new Entry[Ring::kEntries]{};
}

void add(Ring& ring, const char* text, const void* domain, std::uint64_t kind)
{
    if (!ring.entries) [[unlikely]]
        makeRing(ring);
    Entry& entry = ring.entries[ring.written++ % Ring::kEntries];
    entry.text = text;
    entry.domain = reinterpret_cast<std::uint64_t>(domain);
    entry.kind = kind;
    entry.time = now();
}

int push(const char* text)
{
    add(t_ring, text, nullptr, 1);
    return t_ring.depth++;
}

int pop()
{
    add(t_ring, nullptr, nullptr, 2);
    return --t_ring.depth;
}

int domainPush(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes)
{
    add(t_ring, attributes->message.ascii, domain, 1);
    return t_ring.depth++;
}

int domainPop(nvtxDomainHandle_t domain)
{
    add(t_ring, nullptr, domain, 2);
    return --t_ring.depth;
}

} // namespace

extern "C" __attribute__((visibility("default"))) int InitializeInjectionNvtx2(NvtxGetExportTableFunc_t getExportTable)
{
    const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(getExportTable(NVTX_ETID_CALLBACKS));
    NvtxFunctionTable table = nullptr;
    unsigned size = 0;
    callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &table, &size);
    *table[NVTX_CBID_CORE_RangePushA] = reinterpret_cast<NvtxFunctionPointer>(push);
    *table[NVTX_CBID_CORE_RangePop] = reinterpret_cast<NvtxFunctionPointer>(pop);
    callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &table, &size);
    *table[NVTX_CBID_CORE2_DomainRangePushEx] = reinterpret_cast<NvtxFunctionPointer>(domainPush);
    *table[NVTX_CBID_CORE2_DomainRangePop] = reinterpret_cast<NvtxFunctionPointer>(domainPop);
    return 1;
}
