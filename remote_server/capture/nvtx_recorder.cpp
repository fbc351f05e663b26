#include "remote_server/capture/nvtx_recorder.h"

#include "remote_server/capture/control_channel.h"
#include "remote_server/capture/control_protocol.h"

#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <pthread.h>
#include <utility>

namespace gantry::capture {
namespace {

using records::LossCounter;
using records::NamedRecord;
using records::NvtxRecord;
using records::PayloadType;
using records::RecordType;

/// One thing with a name. Entries are only ever added and live as long as the process: handles point at them.
struct DictionaryEntry
{
    RecordType type;
    std::uint32_t scope;
    std::uint32_t id;
    std::uint32_t length;
    DictionaryEntry* next;
    char text[1]; ///< `length` bytes
};

// Registered strings are meant to be few; a program that registers one per request must not eat the target's memory.
constexpr std::uint32_t kMaxDictionaryEntries = 1u << 20;

pthread_mutex_t g_dictionaryMutex = PTHREAD_MUTEX_INITIALIZER;
DictionaryEntry* g_dictionary = nullptr;
std::uint32_t g_dictionarySize = 0;
std::uint32_t g_nextTextId = 1;
std::uint32_t g_nextDomainId = 1;
std::atomic<std::uint64_t> g_nextRangeId{1};

/// This thread's pushes in the current window that are still open, over all domains, whether there was room for their records
/// or not: a pop names its push. A pop without one closes a range that began before the window.
struct OpenPushes
{
    struct Push
    {
        std::uint32_t domain;
        std::uint32_t id;
    };
    std::uint32_t windowId;
    std::uint32_t lastId;
    std::uint32_t size;
    std::uint32_t tooDeep; ///< open beyond `pushes`
    Push pushes[records::kMaxOpenPushes];
};
thread_local OpenPushes t_openPushes;

/// The ranges that open and close windows; null: none do.
std::atomic<const char*> g_triggerMessage{nullptr};
const char* g_triggerDomain = "";
std::atomic<std::uint32_t> g_triggerGeneration{0}; ///< so that a range of an earlier trigger is none of this one's

/// This thread's push that opened a window.
struct TriggerPush
{
    std::uint32_t generation;
    std::uint32_t windowId;
    std::uint32_t depth; ///< pushes of its domain that are open inside of it
    nvtxDomainHandle_t domain;
};
thread_local TriggerPush t_triggerPush;

/// The start/end range that opened a window; it may end on any thread.
std::atomic<std::uint64_t> g_triggerRangeId{0};
std::atomic<std::uint32_t> g_triggerRangeWindow{0};

std::string_view textOf(const DictionaryEntry& entry)
{
    return {entry.text, entry.length};
}

void writeEntry(CaptureState& s, std::uint32_t window, const DictionaryEntry& entry)
{
    const std::string_view text = textOf(entry);
    const bool written =
        entry.type == RecordType::Text
            ? threadCursor().append(s.region, window, currentThreadId(), entry.type, records::TextRecord{{}, entry.id, entry.length}, text)
            : threadCursor().append(s.region, window, currentThreadId(), entry.type,
                                    NamedRecord{{}, entry.scope, entry.id, entry.length, 0}, text);
    if (!written)
        s.region.count(LossCounter::NvtxNoChunk);
}

std::string_view bounded(CaptureState& s, const char* text)
{
    if (!text)
        return {};
    const std::size_t length = strnlen(text, records::kMaxTextLength + 1);
    if (length > records::kMaxTextLength)
        s.region.count(LossCounter::TextTruncated);
    return {text, length < records::kMaxTextLength ? length : records::kMaxTextLength};
}

/// Finds or adds an entry; ids of 0 are assigned. Null when the dictionary is full. Domains and strings are found by text.
DictionaryEntry* define(CaptureState& s, RecordType type, std::uint32_t scope, std::uint32_t id, std::string_view text)
{
    pthread_mutex_lock(&g_dictionaryMutex);
    DictionaryEntry* entry = nullptr;
    if (type == RecordType::Domain)
        for (DictionaryEntry* e = g_dictionary; e && !entry; e = e->next)
            if (e->type == type && textOf(*e) == text)
                entry = e;
    if (!entry && g_dictionarySize < kMaxDictionaryEntries) {
        entry = static_cast<DictionaryEntry*>(std::malloc(sizeof(DictionaryEntry) + text.size()));
        if (entry) {
            *entry = DictionaryEntry{type, scope, id, static_cast<std::uint32_t>(text.size()), g_dictionary, {}};
            if (type == RecordType::Text)
                entry->id = g_nextTextId++;
            if (type == RecordType::Domain)
                entry->id = g_nextDomainId++;
            std::memcpy(entry->text, text.data(), text.size());
            g_dictionary = entry;
            ++g_dictionarySize;
            if (const std::uint32_t window = s.nvtxWindow.load(std::memory_order_relaxed))
                writeEntry(s, window, *entry);
        }
    }
    pthread_mutex_unlock(&g_dictionaryMutex);
    if (!entry)
        s.region.count(LossCounter::DictionaryFull);
    return entry;
}

std::string_view narrow(CaptureState& s, const wchar_t* text, char (&buffer)[1024])
{
    if (!text)
        return {};
    std::size_t n = 0;
    // NVTX's wide texts are almost always ASCII; anything else becomes '?', which needs no locale in the target.
    for (; text[n] && n < sizeof buffer; ++n)
        buffer[n] = text[n] > 0 && text[n] < 0x80 ? static_cast<char>(text[n]) : '?';
    if (text[n])
        s.region.count(LossCounter::TextTruncated);
    return {buffer, n};
}

std::uint32_t domainId(nvtxDomainHandle_t handle)
{
    return handle ? reinterpret_cast<const DictionaryEntry*>(handle)->id : 0;
}

void write(CaptureState& s, std::uint32_t window, RecordType type, NvtxRecord record, std::string_view text = {})
{
    record.tid = currentThreadId();
    record.textLength = static_cast<std::uint16_t>(text.size());
    if (!threadCursor().append(s.region, window, record.tid, type, record, text))
        s.region.count(LossCounter::NvtxNoChunk);
}

/// Triton leaves everything but version, size, colour and message uninitialised (its NvtxRange), so of its domain nothing
/// else is believed.
bool isTriton(nvtxDomainHandle_t domain)
{
    const auto* entry = reinterpret_cast<const DictionaryEntry*>(domain);
    return entry && textOf(*entry) == "Triton";
}

void writeAttributes(CaptureState& s, std::uint32_t window, RecordType type, nvtxDomainHandle_t domain, const nvtxEventAttributes_t* a,
                     std::uint64_t rangeId, std::int64_t now, std::uint32_t enclosing = 0)
{
    NvtxRecord record{};
    record.timeMonotonicNs = now;
    record.rangeId = rangeId;
    record.enclosing = enclosing;
    record.domain = domainId(domain);
    std::string_view text;
    char buffer[1024];
    if (a && a->size >= NVTX_EVENT_ATTRIB_STRUCT_SIZE) {
        record.color = a->colorType == NVTX_COLOR_ARGB ? a->color : 0;
        if (!isTriton(domain)) {
            record.category = a->category;
            switch (a->payloadType) {
            case NVTX_PAYLOAD_TYPE_UNSIGNED_INT64:
                record.payloadType = PayloadType::Unsigned;
                record.payload = a->payload.ullValue;
                break;
            case NVTX_PAYLOAD_TYPE_UNSIGNED_INT32:
                record.payloadType = PayloadType::Unsigned;
                record.payload = a->payload.uiValue;
                break;
            case NVTX_PAYLOAD_TYPE_INT64:
                record.payloadType = PayloadType::Signed;
                record.payload = static_cast<std::uint64_t>(a->payload.llValue);
                break;
            case NVTX_PAYLOAD_TYPE_INT32:
                record.payloadType = PayloadType::Signed;
                record.payload = static_cast<std::uint64_t>(std::int64_t{a->payload.iValue});
                break;
            case NVTX_PAYLOAD_TYPE_DOUBLE:
            case NVTX_PAYLOAD_TYPE_FLOAT: {
                const double value =
                    a->payloadType == NVTX_PAYLOAD_TYPE_DOUBLE ? a->payload.dValue : static_cast<double>(a->payload.fValue);
                record.payloadType = PayloadType::Double;
                std::memcpy(&record.payload, &value, sizeof value);
                break;
            }
            default:
                break; // none, or an extended payload
            }
        }
        if (a->messageType == NVTX_MESSAGE_TYPE_ASCII)
            text = bounded(s, a->message.ascii);
        else if (a->messageType == NVTX_MESSAGE_TYPE_UNICODE)
            text = narrow(s, a->message.unicode, buffer);
        else if (a->messageType == NVTX_MESSAGE_TYPE_REGISTERED && a->message.registered)
            record.textId = reinterpret_cast<const DictionaryEntry*>(a->message.registered)->id;
    }
    write(s, window, type, record, text);
}

/// The open NVTX window, or 0. All an idle target pays per NVTX call.
std::uint32_t openWindow()
{
    CaptureState* s = state();
    return s ? s->nvtxWindow.load(std::memory_order_relaxed) : 0;
}

std::string_view messageOf(CaptureState& s, const nvtxEventAttributes_t& a, char (&buffer)[1024])
{
    if (a.messageType == NVTX_MESSAGE_TYPE_ASCII && a.message.ascii)
        return {a.message.ascii, strnlen(a.message.ascii, sizeof OpenMessage::triggerMessage)};
    if (a.messageType == NVTX_MESSAGE_TYPE_UNICODE)
        return narrow(s, a.message.unicode, buffer);
    if (a.messageType == NVTX_MESSAGE_TYPE_REGISTERED && a.message.registered)
        return textOf(*reinterpret_cast<const DictionaryEntry*>(a.message.registered));
    return {};
}

/// Whether a range with these attributes is one that opens a window.
bool isTrigger(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes)
{
    const char* message = g_triggerMessage.load(std::memory_order_acquire);
    CaptureState* s = message ? state() : nullptr;
    if (!s || !attributes || attributes->size < NVTX_EVENT_ATTRIB_STRUCT_SIZE)
        return false;
    char buffer[1024];
    const auto* entry = reinterpret_cast<const DictionaryEntry*>(domain);
    const bool isOfDomain =
        std::strcmp(g_triggerDomain, kAnyDomain) == 0 || (entry ? textOf(*entry) : std::string_view()) == g_triggerDomain;
    return isOfDomain && messageOf(*s, *attributes, buffer) == message;
}

/// This thread's push of the present trigger that is open in `domain`; null: none.
TriggerPush* triggerPush(nvtxDomainHandle_t domain)
{
    TriggerPush& push = t_triggerPush;
    const bool isPresent = push.windowId && push.generation == g_triggerGeneration.load(std::memory_order_relaxed);
    return isPresent && push.domain == domain ? &push : nullptr;
}

OpenPushes& openPushes(std::uint32_t window)
{
    OpenPushes& open = t_openPushes;
    if (open.windowId != window) {
        open.windowId = window;
        open.size = open.tooDeep = 0;
    }
    return open;
}

/// The domain's innermost open push; null: none.
OpenPushes::Push* innermost(OpenPushes& open, std::uint32_t domain)
{
    for (std::uint32_t i = open.size; i > 0; --i)
        if (open.pushes[i - 1].domain == domain)
            return &open.pushes[i - 1];
    return nullptr;
}

int push(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes)
{
    if (TriggerPush* around = triggerPush(domain))
        ++around->depth;
    else if (isTrigger(domain, attributes))
        t_triggerPush = {g_triggerGeneration.load(std::memory_order_relaxed), triggerBegins(), 0, domain};
    const std::uint32_t window = openWindow();
    if (!window)
        return NVTX_NO_PUSH_POP_TRACKING;
    OpenPushes& open = openPushes(window);
    if (open.size == records::kMaxOpenPushes) {
        state()->region.count(LossCounter::NvtxTooDeep);
        return static_cast<int>(open.size + open.tooDeep++);
    }
    const OpenPushes::Push* around = innermost(open, domainId(domain));
    const OpenPushes::Push added{domainId(domain), ++open.lastId};
    writeAttributes(*state(), window, RecordType::NvtxPush, domain, attributes, added.id, clockNs(CLOCK_MONOTONIC),
                    around ? around->id : 0);
    open.pushes[open.size] = added;
    return static_cast<int>(open.size++);
}

int recordPop(nvtxDomainHandle_t domain)
{
    const std::uint32_t window = openWindow();
    if (!window)
        return NVTX_NO_PUSH_POP_TRACKING;
    NvtxRecord record{};
    record.timeMonotonicNs = clockNs(CLOCK_MONOTONIC);
    record.domain = domainId(domain);
    OpenPushes& open = openPushes(window);
    if (open.tooDeep > 0)
        return static_cast<int>(open.size + --open.tooDeep);
    OpenPushes::Push* ended = innermost(open, record.domain);
    if (!ended) {
        state()->region.count(LossCounter::UnmatchedEnds);
        return -1;
    }
    record.rangeId = ended->id;
    // Not always the last: ranges of different domains need not nest.
    std::memmove(ended, ended + 1, static_cast<std::size_t>(open.pushes + open.size - (ended + 1)) * sizeof *ended);
    --open.size;
    if (const OpenPushes::Push* around = innermost(open, record.domain))
        record.enclosing = around->id;
    write(*state(), window, RecordType::NvtxPop, record);
    return static_cast<int>(open.size);
}

int pop(nvtxDomainHandle_t domain)
{
    const int depth = recordPop(domain);
    if (TriggerPush* ended = triggerPush(domain); ended && ended->depth-- == 0) {
        triggerEnds(ended->windowId);
        *ended = {};
    }
    return depth;
}

nvtxRangeId_t start(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes)
{
    const std::uint64_t id = g_nextRangeId.fetch_add(1, std::memory_order_relaxed);
    if (isTrigger(domain, attributes))
        if (const std::uint32_t opened = triggerBegins()) {
            g_triggerRangeWindow.store(opened, std::memory_order_relaxed);
            g_triggerRangeId.store(id, std::memory_order_release);
        }
    if (const std::uint32_t window = openWindow())
        writeAttributes(*state(), window, RecordType::NvtxStart, domain, attributes, id, clockNs(CLOCK_MONOTONIC));
    return id;
}

void end(nvtxRangeId_t id)
{
    if (const std::uint32_t window = openWindow()) {
        NvtxRecord record{};
        record.timeMonotonicNs = clockNs(CLOCK_MONOTONIC);
        record.rangeId = id;
        write(*state(), window, RecordType::NvtxEnd, record);
    }
    if (std::uint64_t opener = id; id && g_triggerRangeId.compare_exchange_strong(opener, 0, std::memory_order_acquire) && state())
        triggerEnds(g_triggerRangeWindow.load(std::memory_order_relaxed));
}

void mark(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes)
{
    if (const std::uint32_t window = openWindow())
        writeAttributes(*state(), window, RecordType::NvtxMark, domain, attributes, 0, clockNs(CLOCK_MONOTONIC));
}

nvtxEventAttributes_t plain(const char* text)
{
    nvtxEventAttributes_t a{};
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_ASCII;
    a.message.ascii = text;
    return a;
}

nvtxEventAttributes_t plain(const wchar_t* text)
{
    nvtxEventAttributes_t a = plain(static_cast<const char*>(nullptr));
    a.messageType = NVTX_MESSAGE_TYPE_UNICODE;
    a.message.unicode = text;
    return a;
}

template <typename Char>
int pushText(const Char* text)
{
    const auto a = plain(text);
    return push(nullptr, &a);
}
template <typename Char>
nvtxRangeId_t startText(const Char* text)
{
    const auto a = plain(text);
    return start(nullptr, &a);
}
template <typename Char>
void markText(const Char* text)
{
    const auto a = plain(text);
    mark(nullptr, &a);
}

int pushEx(const nvtxEventAttributes_t* a)
{
    return push(nullptr, a);
}
int popDefault()
{
    return pop(nullptr);
}
nvtxRangeId_t startEx(const nvtxEventAttributes_t* a)
{
    return start(nullptr, a);
}
void markEx(const nvtxEventAttributes_t* a)
{
    mark(nullptr, a);
}
void domainEnd(nvtxDomainHandle_t, nvtxRangeId_t id)
{
    end(id);
}

std::string_view textOf(CaptureState& s, const char* text, char (&)[1024])
{
    return bounded(s, text);
}
std::string_view textOf(CaptureState& s, const wchar_t* text, char (&buffer)[1024])
{
    return narrow(s, text, buffer);
}

template <typename Char>
DictionaryEntry* defineText(RecordType type, std::uint32_t scope, std::uint32_t id, const Char* text)
{
    char buffer[1024];
    return state() ? define(*state(), type, scope, id, textOf(*state(), text, buffer)) : nullptr;
}

template <typename Char>
void nameThread(std::uint32_t tid, const Char* text)
{
    defineText(RecordType::ThreadName, 0, tid, text);
}
template <typename Char>
void nameCategory(std::uint32_t id, const Char* text)
{
    defineText(RecordType::Category, 0, id, text);
}
template <typename Char>
void nameDomainCategory(nvtxDomainHandle_t domain, std::uint32_t id, const Char* text)
{
    defineText(RecordType::Category, domainId(domain), id, text);
}
template <typename Char>
nvtxDomainHandle_t createDomain(const Char* text)
{
    return reinterpret_cast<nvtxDomainHandle_t>(defineText(RecordType::Domain, 0, 0, text));
}
template <typename Char>
nvtxStringHandle_t registerString(nvtxDomainHandle_t domain, const Char* text)
{
    return reinterpret_cast<nvtxStringHandle_t>(defineText(RecordType::Text, domainId(domain), 0, text));
}

} // namespace

void dumpNvtxDictionary(CaptureState& s, std::uint32_t windowId)
{
    pthread_mutex_lock(&g_dictionaryMutex);
    for (const DictionaryEntry* entry = g_dictionary; entry; entry = entry->next)
        writeEntry(s, windowId, *entry);
    pthread_mutex_unlock(&g_dictionaryMutex);
}

namespace {

using Handler = std::pair<unsigned, NvtxFunctionPointer>;

template <typename Function>
NvtxFunctionPointer fn(Function* function)
{
    return reinterpret_cast<NvtxFunctionPointer>(function);
}

/// One NVTX instance's tables of function slots.
struct Instance
{
    NvtxFunctionTable core, core2;
    unsigned coreSize, core2Size;
};

constexpr std::size_t kMaxInstances = 1024; // executables and libraries of one process that use NVTX
pthread_mutex_t g_instancesMutex = PTHREAD_MUTEX_INITIALIZER;
Instance g_instances[kMaxInstances];
std::size_t g_instanceCount = 0;

void set(NvtxFunctionTable table, unsigned size, std::initializer_list<Handler> handlers, bool isWanted = true)
{
    for (const auto& [id, handler] : handlers)
        if (id < size && table[id])                                                      // older headers have shorter tables
            __atomic_store_n(table[id], isWanted ? handler : nullptr, __ATOMIC_RELEASE); // an empty slot is how NVTX says "no tool"
}

void setNames(const Instance& i)
{
    set(i.core, i.coreSize,
        {
            {NVTX_CBID_CORE_NameCategoryA, fn(nameCategory<char>)},
            {NVTX_CBID_CORE_NameCategoryW, fn(nameCategory<wchar_t>)},
            {NVTX_CBID_CORE_NameOsThreadA, fn(nameThread<char>)},
            {NVTX_CBID_CORE_NameOsThreadW, fn(nameThread<wchar_t>)},
        });
    set(i.core2, i.core2Size,
        {
            {NVTX_CBID_CORE2_DomainNameCategoryA, fn(nameDomainCategory<char>)},
            {NVTX_CBID_CORE2_DomainNameCategoryW, fn(nameDomainCategory<wchar_t>)},
            {NVTX_CBID_CORE2_DomainRegisterStringA, fn(registerString<char>)},
            {NVTX_CBID_CORE2_DomainRegisterStringW, fn(registerString<wchar_t>)},
            {NVTX_CBID_CORE2_DomainCreateA, fn(createDomain<char>)},
            {NVTX_CBID_CORE2_DomainCreateW, fn(createDomain<wchar_t>)},
        });
}

void setEvents(const Instance& i, bool areWanted)
{
    set(i.core, i.coreSize,
        {
            {NVTX_CBID_CORE_MarkEx, fn(markEx)},
            {NVTX_CBID_CORE_MarkA, fn(markText<char>)},
            {NVTX_CBID_CORE_MarkW, fn(markText<wchar_t>)},
            {NVTX_CBID_CORE_RangeStartEx, fn(startEx)},
            {NVTX_CBID_CORE_RangeStartA, fn(startText<char>)},
            {NVTX_CBID_CORE_RangeStartW, fn(startText<wchar_t>)},
            {NVTX_CBID_CORE_RangeEnd, fn(end)},
            {NVTX_CBID_CORE_RangePushEx, fn(pushEx)},
            {NVTX_CBID_CORE_RangePushA, fn(pushText<char>)},
            {NVTX_CBID_CORE_RangePushW, fn(pushText<wchar_t>)},
            {NVTX_CBID_CORE_RangePop, fn(popDefault)},
        },
        areWanted);
    set(i.core2, i.core2Size,
        {
            {NVTX_CBID_CORE2_DomainMarkEx, fn(mark)},
            {NVTX_CBID_CORE2_DomainRangeStartEx, fn(start)},
            {NVTX_CBID_CORE2_DomainRangeEnd, fn(domainEnd)},
            {NVTX_CBID_CORE2_DomainRangePushEx, fn(push)},
            {NVTX_CBID_CORE2_DomainRangePop, fn(pop)},
        },
        areWanted);
}

/// g_instancesMutex held.
bool areEventsWanted()
{
    return openWindow() != 0 || g_triggerMessage.load(std::memory_order_relaxed);
}

} // namespace

void resetNvtxLocks()
{
    g_dictionaryMutex = PTHREAD_MUTEX_INITIALIZER;
    g_instancesMutex = PTHREAD_MUTEX_INITIALIZER;
}

void updateNvtxHandlers()
{
    pthread_mutex_lock(&g_instancesMutex);
    for (std::size_t i = 0; i < g_instanceCount; ++i)
        setEvents(g_instances[i], areEventsWanted());
    pthread_mutex_unlock(&g_instancesMutex);
}

void setNvtxTrigger(const char* message, const char* domain)
{
    g_triggerMessage.store(nullptr, std::memory_order_relaxed);
    g_triggerGeneration.fetch_add(1, std::memory_order_relaxed);
    g_triggerRangeId.store(0, std::memory_order_relaxed);
    g_triggerDomain = domain;
    g_triggerMessage.store(message, std::memory_order_release);
    updateNvtxHandlers();
}

void installNvtxHandlers(NvtxGetExportTableFunc_t getExportTable)
{
    const auto* callbacks = static_cast<const NvtxExportTableCallbacks*>(getExportTable(NVTX_ETID_CALLBACKS));
    const auto* version = static_cast<const NvtxExportTableVersionInfo*>(getExportTable(NVTX_ETID_VERSIONINFO));
    if (!callbacks || callbacks->struct_size < sizeof *callbacks)
        return;
    Instance instance{};
    if (!callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE, &instance.core, &instance.coreSize))
        instance.coreSize = 0;
    if (!callbacks->GetModuleFunctionTable(NVTX_CB_MODULE_CORE2, &instance.core2, &instance.core2Size))
        instance.core2Size = 0;
    setNames(instance);
    pthread_mutex_lock(&g_instancesMutex);
    if (g_instanceCount < kMaxInstances)
        g_instances[g_instanceCount++] = instance;
    if (areEventsWanted()) // else NVTX empties the slots itself when this returns
        setEvents(instance, true);
    pthread_mutex_unlock(&g_instancesMutex);
    if (version && version->struct_size >= sizeof *version)
        version->SetInjectionNvtxVersion(NVTX_VERSION);
}

} // namespace gantry::capture
