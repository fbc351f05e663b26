#include "remote_server/capture/nvtx_dictionary.h"

#include "remote_server/capture/thread_state.h"

#include <cstdlib>
#include <cstring>
#include <pthread.h>

namespace gantry::capture {
namespace {

using records::LossCounter;
using records::RecordType;

// Registered strings are meant to be few; a program that registers one per request must not eat the target's memory.
constexpr std::uint32_t kMaxDictionaryEntries = 1u << 20;

pthread_mutex_t g_dictionaryMutex = PTHREAD_MUTEX_INITIALIZER;
DictionaryEntry* g_dictionary = nullptr; ///< in the order of definition: the last name of a thing is the one it has
DictionaryEntry** g_dictionaryEnd = &g_dictionary;
std::uint32_t g_dictionarySize = 0;
std::uint32_t g_nextTextId = 1;
std::uint32_t g_nextDomainId = 1;

void writeEntry(CaptureState& s, std::uint32_t window, const DictionaryEntry& entry)
{
    const std::string_view text = textOf(entry);
    ThreadState* t = threadState();
    const bool written =
        t && (entry.type == RecordType::Text
                  ? t->cursor.append(s.region, window, t->threadId, entry.type, records::TextRecord{{}, entry.id, entry.length}, text)
                  : t->cursor.append(s.region, window, t->threadId, entry.type,
                                     records::NamedRecord{{}, entry.scope, entry.id, entry.length, 0}, text));
    if (!written)
        s.region.count(LossCounter::NvtxNoChunk);
}

} // namespace

std::string_view boundedText(CaptureState& s, const char* text, NarrowText&)
{
    if (!text)
        return {};
    const std::size_t length = strnlen(text, records::kMaxTextLength + 1);
    if (length > records::kMaxTextLength)
        s.region.count(LossCounter::TextTruncated);
    return {text, length < records::kMaxTextLength ? length : records::kMaxTextLength};
}

std::string_view boundedText(CaptureState& s, const wchar_t* text, NarrowText& buffer)
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
            *entry = DictionaryEntry{type, scope, id, static_cast<std::uint32_t>(text.size()), nullptr, {}};
            if (type == RecordType::Text)
                entry->id = g_nextTextId++;
            if (type == RecordType::Domain)
                entry->id = g_nextDomainId++;
            if (!text.empty()) // whose data() may be null, which memcpy must not be given
                std::memcpy(entry->text, text.data(), text.size());
            *g_dictionaryEnd = entry;
            g_dictionaryEnd = &entry->next;
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

void dumpNvtxDictionary(CaptureState& s, std::uint32_t windowId)
{
    pthread_mutex_lock(&g_dictionaryMutex);
    for (const DictionaryEntry* entry = g_dictionary; entry; entry = entry->next)
        writeEntry(s, windowId, *entry);
    pthread_mutex_unlock(&g_dictionaryMutex);
}

void resetNvtxDictionaryLock()
{
    g_dictionaryMutex = PTHREAD_MUTEX_INITIALIZER;
}

} // namespace gantry::capture
