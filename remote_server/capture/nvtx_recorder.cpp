#include "remote_server/capture/nvtx_recorder.h"

#include "remote_server/capture/control_channel.h"
#include "remote_server/capture/control_protocol.h"
#include "remote_server/capture/nvtx_dictionary.h"
#include "remote_server/capture/nvtx_payload.h"
#include "remote_server/capture/short_text.h"
#include "remote_server/capture/stream_names.h"
#include "remote_server/capture/thread_state.h"
#include "remote_server/capture/time_stamp.h"

#include <cstring>
#include <dlfcn.h>
#include <initializer_list>
#include <pthread.h>
#include <utility>

namespace gantry::capture {
namespace {

using records::LossCounter;
using records::NvtxRecord;
using records::PayloadType;
using records::RecordType;

std::atomic<std::uint64_t> g_nextRangeId{1};

/// The ranges that open and close windows; null: none do.
std::atomic<const char*> g_triggerMessage{nullptr};
const char* g_triggerDomain = "";
std::atomic<std::uint32_t> g_triggerGeneration{0}; ///< so that a range of an earlier trigger is none of this one's

/// The start/end range that opened a window; it may end on any thread.
std::atomic<std::uint64_t> g_triggerRangeId{0};
std::atomic<std::uint32_t> g_triggerRangeWindow{0};

std::uint32_t domainId(nvtxDomainHandle_t handle)
{
    return handle ? reinterpret_cast<const DictionaryEntry*>(handle)->id : 0;
}

void write(CaptureState& s, std::uint32_t window, RecordType type, NvtxRecord record, std::string_view text = {})
{
    ThreadState* t = threadState();
    record.tid = t ? t->threadId : 0;
    record.textLength = static_cast<std::uint16_t>(text.size());
    if (!t || !t->cursor.append(s.region, window, record.tid, type, record, text))
        s.region.count(LossCounter::NvtxNoChunk);
}

/// The same with extended payloads, which few events have.
[[gnu::noinline]] void writeExtended(CaptureState& s, std::uint32_t window, RecordType type, NvtxRecord record, std::string_view text,
                                     const ExtendedPayload& payload)
{
    PayloadBytes bytes;
    bytes.take(s, record.domain, payload);
    ThreadState* t = threadState();
    record.tid = t ? t->threadId : 0;
    record.textLength = static_cast<std::uint16_t>(text.size());
    record.payloadType = PayloadType::Extended;
    record.payload = bytes.bytes().size();
    const std::size_t begin = (sizeof record + text.size() + 7) & ~std::size_t{7};
    const auto size = static_cast<std::uint32_t>(begin + bytes.bytes().size());
    std::byte* place = t ? t->cursor.reserve(s.region, window, record.tid, size) : nullptr;
    if (!place) {
        s.region.count(LossCounter::NvtxNoChunk);
        return;
    }
    record.header = {type, 0, size};
    std::memset(place + begin - 8, 0, 8); // what pads the text, if anything does
    std::memcpy(place, &record, sizeof record);
    if (!text.empty()) // whose data() may be null, which memcpy must not be given
        std::memcpy(place + sizeof record, text.data(), text.size());
    std::memcpy(place + begin, bytes.bytes().data(), bytes.bytes().size());
    t->cursor.commit(size);
}

/// Triton leaves everything but version, size, colour and message uninitialised (its NvtxRange), so of its domain nothing
/// else is believed.
bool isTriton(nvtxDomainHandle_t domain)
{
    const auto* entry = reinterpret_cast<const DictionaryEntry*>(domain);
    return entry && textOf(*entry) == "Triton";
}

void writeAttributes(CaptureState& s, std::uint32_t window, RecordType type, nvtxDomainHandle_t domain, const nvtxEventAttributes_t* a,
                     std::uint64_t rangeId, std::int64_t now, std::uint32_t enclosing = 0, ExtendedPayload payload = {})
{
    NvtxRecord record{};
    record.time = now;
    record.rangeId = rangeId;
    record.enclosing = enclosing;
    record.domain = domainId(domain);
    std::string_view text;
    NarrowText buffer;
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
                payload = extendedPayload(*a); // or none
                break;
            }
        }
        if (a->messageType == NVTX_MESSAGE_TYPE_ASCII)
            text = boundedText(s, a->message.ascii, buffer);
        else if (a->messageType == NVTX_MESSAGE_TYPE_UNICODE)
            text = boundedText(s, a->message.unicode, buffer);
        else if (a->messageType == NVTX_MESSAGE_TYPE_REGISTERED && a->message.registered)
            record.textId = reinterpret_cast<const DictionaryEntry*>(a->message.registered)->id;
    }
    if (payload.isThere())
        writeExtended(s, window, type, record, text, payload);
    else
        write(s, window, type, record, text);
}

/// The open NVTX window, or 0. All an idle target pays per NVTX call.
std::uint32_t openWindow()
{
    CaptureState* s = state();
    return s ? s->nvtxWindow.load(std::memory_order_relaxed) : 0;
}

std::string_view messageOf(CaptureState& s, const nvtxEventAttributes_t& a, NarrowText& buffer)
{
    if (a.messageType == NVTX_MESSAGE_TYPE_ASCII && a.message.ascii)
        return {a.message.ascii, strnlen(a.message.ascii, sizeof OpenMessage::triggerMessage)};
    if (a.messageType == NVTX_MESSAGE_TYPE_UNICODE)
        return boundedText(s, a.message.unicode, buffer);
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
    NarrowText buffer;
    const auto* entry = reinterpret_cast<const DictionaryEntry*>(domain);
    const bool isOfDomain =
        std::strcmp(g_triggerDomain, kAnyDomain) == 0 || (entry ? textOf(*entry) : std::string_view()) == g_triggerDomain;
    return isOfDomain && messageOf(*s, *attributes, buffer) == message;
}

/// This thread's push of the present trigger that is open in `domain`; null: none.
TriggerPush* triggerPush(nvtxDomainHandle_t domain)
{
    TriggerPush* push = t_thread ? &t_thread->triggerPush : nullptr;
    const bool isPresent = push && push->windowId && push->generation == g_triggerGeneration.load(std::memory_order_relaxed);
    return isPresent && push->domain == domain ? push : nullptr;
}

/// This thread as it is in `window`; null: there is no memory for what it has open, and the event is counted as lost.
ThreadState* threadIn(CaptureState& s, std::uint32_t window)
{
    ThreadState* t = threadState();
    if (!t)
        s.region.count(LossCounter::NvtxNoChunk);
    else if (t->openPushes.windowId != window) {
        t->openPushes.windowId = window;
        t->openPushes.size = t->openPushes.tooDeep = 0;
    }
    return t;
}

/// Any push, whatever it has and whatever it meets.
[[gnu::noinline]] int pushAny(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes, const ExtendedPayload& payload = {})
{
    if (TriggerPush* around = triggerPush(domain))
        ++around->depth;
    else if (isTrigger(domain, attributes))
        if (ThreadState* t = threadState())
            if (const std::uint32_t opened = triggerBegins()) // else the range that did may be one of this thread, in another domain
                t->triggerPush = {g_triggerGeneration.load(std::memory_order_relaxed), opened, 0, domain};
    const std::uint32_t window = openWindow();
    ThreadState* t = window ? threadIn(*state(), window) : nullptr;
    if (!t)
        return NVTX_NO_PUSH_POP_TRACKING;
    OpenPushes& open = t->openPushes;
    if (open.size == records::kMaxOpenPushes) {
        state()->region.count(LossCounter::NvtxTooDeep);
        return static_cast<int>(open.size + open.tooDeep++);
    }
    const OpenPushes::Push* around = open.innermost(domainId(domain));
    const OpenPushes::Push added{domainId(domain), ++open.lastNumber, around ? around->number : 0};
    writeAttributes(*state(), window, RecordType::NvtxPush, domain, attributes, added.number, timeStamp(), added.enclosing, payload);
    open.pushes[open.size] = added;
    return static_cast<int>(open.size++);
}

int recordPop(nvtxDomainHandle_t domain, const ExtendedPayload& payload)
{
    const std::uint32_t window = openWindow();
    NvtxRecord record{};
    record.time = timeStamp();
    ThreadState* t = window ? threadIn(*state(), window) : nullptr;
    if (!t)
        return NVTX_NO_PUSH_POP_TRACKING;
    OpenPushes& open = t->openPushes;
    if (open.tooDeep > 0)
        return static_cast<int>(open.size + --open.tooDeep);
    OpenPushes::Push* ended = open.innermost(domainId(domain));
    if (!ended) {
        state()->region.count(LossCounter::UnmatchedEnds);
        return -1;
    }
    record.domain = ended->domain;
    record.rangeId = ended->number;
    record.enclosing = ended->enclosing;
    // Not always the last: ranges of different domains need not nest.
    std::memmove(ended, ended + 1, static_cast<std::size_t>(open.pushes + open.size - (ended + 1)) * sizeof *ended);
    --open.size;
    if (payload.isThere()) [[unlikely]]
        writeExtended(*state(), window, RecordType::NvtxPop, record, {}, payload);
    else
        write(*state(), window, RecordType::NvtxPop, record);
    return static_cast<int>(open.size);
}

/// Any pop.
[[gnu::noinline]] int popAny(nvtxDomainHandle_t domain, const ExtendedPayload& payload = {})
{
    const int depth = recordPop(domain, payload);
    if (TriggerPush* ended = triggerPush(domain); ended && ended->depth-- == 0) {
        triggerEnds(ended->windowId);
        *ended = {};
    }
    return depth;
}

/// The window whose pushes and pops may take the short way: the one that is open, while no trigger is set and ticks are counted. Else 0.
std::atomic<std::uint32_t> g_shortWindow{0};

/// This thread, when it has joined that window already and its chunk has room for `size` bytes more; else null.
[[gnu::always_inline]] inline ThreadState* readyThread(std::uint32_t size)
{
    const std::uint32_t window = g_shortWindow.load(std::memory_order_relaxed);
    ThreadState* t = t_thread;
    if (!t || window == 0 || t->openPushes.windowId != window || t->cursor.windowId != window) [[unlikely]]
        return nullptr;
    const records::ChunkHeader* chunk = t->cursor.chunk;
    return chunk && chunk->used.load(std::memory_order_relaxed) + size <= records::kChunkCapacity ? t : nullptr;
}

/// A push as most are, with a text or a registered string and perhaps a colour; with popShort() the way that must cost next to nothing.
/// It calls nothing, so that nothing is saved on the stack. False: it is none of these, or something else is to be done, and nothing
/// has been.
[[gnu::always_inline]] inline bool pushShort(nvtxDomainHandle_t domain, const char* text, std::uint32_t textId, std::uint32_t color,
                                             int& depth)
{
    ThreadState* t = readyThread(sizeof(records::ShortPushRecord) + kShortTextRoom);
    if (!t) [[unlikely]]
        return false;
    OpenPushes& open = t->openPushes;
    const std::uint32_t size = open.size;
    const std::uint32_t id = domainId(domain);
    std::uint32_t enclosing = 0;
    if (size > 0) {
        const OpenPushes::Push& last = open.pushes[size - 1];
        if (size == records::kMaxOpenPushes || last.domain != id) [[unlikely]]
            return false;
        enclosing = last.number;
    }
    records::ChunkHeader& chunk = *t->cursor.chunk;
    const std::uint32_t used = chunk.used.load(std::memory_order_relaxed);
    std::byte* place = reinterpret_cast<std::byte*>(&chunk + 1) + used;
    std::uint32_t length = 0;
    if (text) {
        length = copyShortText(reinterpret_cast<char*>(place + sizeof(records::ShortPushRecord)), text);
        if (length == kNotCopied) [[unlikely]]
            return false;
    }
    const std::uint32_t recordSize = (sizeof(records::ShortPushRecord) + length + 7) & ~7u;
    const std::uint32_t number = ++open.lastNumber;
    open.pushes[size] = {id, number, enclosing};
    open.size = size + 1;
    // Field by field: a whole record would be put together on the stack and wait there for its small stores.
    auto& record = *reinterpret_cast<records::ShortPushRecord*>(place);
    record.header = {RecordType::NvtxShortPush, 0, recordSize};
    record.tid = t->threadId;
    record.domain = id;
    record.number = number;
    record.enclosing = enclosing;
    record.textId = textId;
    record.color = color;
    record.time = ticks();
    chunk.used.store(used + recordSize, std::memory_order_release);
    depth = static_cast<int>(size);
    return true;
}

/// The same for the pop of the last push.
[[gnu::always_inline]] inline bool popShort(nvtxDomainHandle_t domain, int& depth)
{
    ThreadState* t = readyThread(sizeof(records::ShortPopRecord));
    if (!t) [[unlikely]]
        return false;
    const std::int64_t now = ticks(); // what follows is no part of the range
    OpenPushes& open = t->openPushes;
    const std::uint32_t size = open.size;
    if (size == 0 || open.tooDeep > 0) [[unlikely]]
        return false;
    const OpenPushes::Push& last = open.pushes[size - 1];
    const std::uint32_t id = domainId(domain);
    if (last.domain != id) [[unlikely]]
        return false;
    open.size = size - 1;
    records::ChunkHeader& chunk = *t->cursor.chunk;
    const std::uint32_t used = chunk.used.load(std::memory_order_relaxed);
    auto& record = *reinterpret_cast<records::ShortPopRecord*>(reinterpret_cast<std::byte*>(&chunk + 1) + used);
    record.header = {RecordType::NvtxShortPop, 0, sizeof record};
    record.time = now;
    record.tid = t->threadId;
    record.domain = id;
    record.number = last.number;
    record.enclosing = last.enclosing;
    chunk.used.store(used + sizeof record, std::memory_order_release);
    depth = static_cast<int>(size - 1);
    return true;
}

int push(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* a)
{
    if (a && a->size >= NVTX_EVENT_ATTRIB_STRUCT_SIZE && a->payloadType == NVTX_PAYLOAD_UNKNOWN && a->category == 0) [[likely]] {
        const bool isRegistered = a->messageType == NVTX_MESSAGE_TYPE_REGISTERED && a->message.registered;
        int depth = 0;
        if ((isRegistered || a->messageType == NVTX_MESSAGE_TYPE_ASCII) &&
            pushShort(domain, isRegistered ? nullptr : a->message.ascii,
                      isRegistered ? reinterpret_cast<const DictionaryEntry*>(a->message.registered)->id : 0,
                      a->colorType == NVTX_COLOR_ARGB ? a->color : 0, depth)) [[likely]]
            return depth;
    }
    return pushAny(domain, a);
}

int pop(nvtxDomainHandle_t domain)
{
    int depth = 0;
    return popShort(domain, depth) ? depth : popAny(domain);
}

nvtxRangeId_t startAny(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes, const ExtendedPayload& payload)
{
    const std::uint64_t id = g_nextRangeId.fetch_add(1, std::memory_order_relaxed);
    if (isTrigger(domain, attributes))
        if (const std::uint32_t opened = triggerBegins()) {
            g_triggerRangeWindow.store(opened, std::memory_order_relaxed);
            g_triggerRangeId.store(id, std::memory_order_release);
        }
    if (const std::uint32_t window = openWindow())
        writeAttributes(*state(), window, RecordType::NvtxStart, domain, attributes, id, timeStamp(), 0, payload);
    return id;
}

nvtxRangeId_t start(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes)
{
    return startAny(domain, attributes, {});
}

void endAny(nvtxRangeId_t id, nvtxDomainHandle_t domain, const ExtendedPayload& payload)
{
    if (const std::uint32_t window = openWindow()) {
        NvtxRecord record{};
        record.time = timeStamp();
        record.rangeId = id;
        record.domain = domainId(domain);
        if (payload.isThere())
            writeExtended(*state(), window, RecordType::NvtxEnd, record, {}, payload);
        else
            write(*state(), window, RecordType::NvtxEnd, record);
    }
    if (std::uint64_t opener = id; id && g_triggerRangeId.compare_exchange_strong(opener, 0, std::memory_order_acquire) && state())
        triggerEnds(g_triggerRangeWindow.load(std::memory_order_relaxed));
}

void end(nvtxRangeId_t id)
{
    endAny(id, nullptr, {});
}

void mark(nvtxDomainHandle_t domain, const nvtxEventAttributes_t* attributes)
{
    if (const std::uint32_t window = openWindow())
        writeAttributes(*state(), window, RecordType::NvtxMark, domain, attributes, 0, timeStamp());
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
[[gnu::noinline]] int pushText(const Char* text)
{
    const auto a = plain(text);
    return pushAny(nullptr, &a);
}

int pushPlain(const char* text)
{
    int depth = 0;
    return pushShort(nullptr, text, 0, 0, depth) ? depth : pushText(text);
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

template <typename Char>
DictionaryEntry* defineText(RecordType type, std::uint32_t scope, std::uint32_t id, const Char* text)
{
    NarrowText buffer;
    return state() ? define(*state(), type, scope, id, boundedText(*state(), text, buffer)) : nullptr;
}

template <typename Char>
void nameThread(std::uint32_t tid, const Char* text)
{
    defineText(RecordType::ThreadName, 0, tid, text);
}
/// Of the runtime's handles and of the driver's, which are the same.
template <typename Char>
void nameStream(const void* handle, const Char* text)
{
    if (StreamPlace place; state() && findStream(handle, place))
        defineText(RecordType::StreamName, place.device, place.stream, text);
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

std::uint64_t registerSchema(nvtxDomainHandle_t domain, const nvtx_payload::SchemaAttributes* attributes)
{
    return definePayloadSchema(domainId(domain), attributes);
}
std::uint64_t registerEnum(nvtxDomainHandle_t domain, const nvtx_payload::EnumAttributes* attributes)
{
    return definePayloadEnum(domainId(domain), attributes);
}
void markPayload(nvtxDomainHandle_t domain, const nvtx_payload::Data* data, std::size_t count)
{
    if (const std::uint32_t window = openWindow())
        writeAttributes(*state(), window, RecordType::NvtxMark, domain, nullptr, 0, timeStamp(), 0, {data, count});
}
int pushPayload(nvtxDomainHandle_t domain, const nvtx_payload::Data* data, std::size_t count)
{
    return pushAny(domain, nullptr, {data, count});
}
int popPayload(nvtxDomainHandle_t domain, const nvtx_payload::Data* data, std::size_t count)
{
    return popAny(domain, {data, count});
}
nvtxRangeId_t startPayload(nvtxDomainHandle_t domain, const nvtx_payload::Data* data, std::size_t count)
{
    return startAny(domain, nullptr, {data, count});
}
void endPayload(nvtxDomainHandle_t domain, nvtxRangeId_t id, const nvtx_payload::Data* data, std::size_t count)
{
    endAny(id, domain, {data, count});
}
/// Always: who asks keeps the answer, and a window may open at any time.
std::uint8_t domainIsEnabled(nvtxDomainHandle_t)
{
    return 1;
}

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

void setStreamNames(const NvtxExportTableCallbacks& callbacks)
{
    NvtxFunctionTable table = nullptr;
    unsigned size = 0;
    if (callbacks.GetModuleFunctionTable(NVTX_CB_MODULE_CUDA, &table, &size))
        set(table, size,
            {
                {NVTX_CBID_CUDA_NameCuStreamA, fn(nameStream<char>)},
                {NVTX_CBID_CUDA_NameCuStreamW, fn(nameStream<wchar_t>)},
            });
    if (callbacks.GetModuleFunctionTable(NVTX_CB_MODULE_CUDART, &table, &size))
        set(table, size,
            {
                {NVTX_CBID_CUDART_NameCudaStreamA, fn(nameStream<char>)},
                {NVTX_CBID_CUDART_NameCudaStreamW, fn(nameStream<wchar_t>)},
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
            {NVTX_CBID_CORE_RangePushA, fn(pushPlain)},
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

/// By a window or by a trigger.
bool areEventsWanted()
{
    return openWindow() != 0 || g_triggerMessage.load(std::memory_order_relaxed);
}

} // namespace

bool pushIfWanted(nvtxDomainHandle_t domain, const nvtxEventAttributes_t& attributes)
{
    if (!areEventsWanted())
        return false;
    push(domain, &attributes);
    return true;
}

void popWanted(nvtxDomainHandle_t domain)
{
    pop(domain);
}

void forgetNvtxOfParent()
{
    resetNvtxDictionaryLock();
    g_shortWindow.store(0, std::memory_order_relaxed);
    g_instancesMutex = PTHREAD_MUTEX_INITIALIZER;
}

void updateNvtxHandlers()
{
    pthread_mutex_lock(&g_instancesMutex);
    const bool isPlain = g_countsTicks && !g_triggerMessage.load(std::memory_order_relaxed);
    g_shortWindow.store(isPlain ? openWindow() : 0, std::memory_order_release);
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

void installPayloadHandlers(nvtx_payload::ModuleInfo& module)
{
    if (module.moduleId != nvtx_payload::kModuleId || module.segmentCount < 1 || !module.segments)
        return;
    const nvtx_payload::ModuleSegment& segment = module.segments[0];
    const auto set = [&](std::size_t slot, auto* handler) {
        if (slot < segment.slotCount && segment.functionSlots)
            segment.functionSlots[slot] = reinterpret_cast<std::intptr_t>(handler);
    };
    set(nvtx_payload::SlotSchemaRegister, registerSchema);
    set(nvtx_payload::SlotEnumRegister, registerEnum);
    set(nvtx_payload::SlotMark, markPayload);
    set(nvtx_payload::SlotRangePush, pushPayload);
    set(nvtx_payload::SlotRangePop, popPayload);
    set(nvtx_payload::SlotRangeStart, startPayload);
    set(nvtx_payload::SlotRangeEnd, endPayload);
    set(nvtx_payload::SlotDomainIsEnabled, domainIsEnabled);
}

/// Keeps the executable or library that holds the tables loaded: windows change its slots for as long as the process lives.
static bool staysLoaded(const Instance& instance)
{
    const NvtxFunctionTable table = instance.coreSize ? instance.core : instance.core2;
    Dl_info object{};
    if (!table || !dladdr(reinterpret_cast<const void*>(table), &object) || !object.dli_fname)
        return false;
    // The main program is not found by its name, and need not be.
    (void)dlopen(object.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
    return true;
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
    setStreamNames(*callbacks);
    if (!staysLoaded(instance))
        return; // its slots could not be changed later
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
