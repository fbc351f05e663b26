#pragma once

#include "remote_server/capture/capture_state.h"
#include "trace_model/records/event_records.h"

#include <cstdint>
#include <string_view>

/// The names that NVTX events refer to: domains, registered strings, categories, threads and streams. Any thread.
namespace gantry::capture {

/// One thing with a name. Entries are only ever added and live as long as the process: handles point at them.
struct DictionaryEntry
{
    records::RecordType type;
    std::uint32_t scope;
    std::uint32_t id;
    std::uint32_t length;
    DictionaryEntry* next;
    char text[1]; ///< `length` bytes
};

[[nodiscard]] inline std::string_view textOf(const DictionaryEntry& entry)
{
    return {entry.text, entry.length};
}

/// A wide text as it is recorded, in its narrow form.
using NarrowText = char[1024];

/// The text as it is recorded. What is cut off is counted.
[[nodiscard]] std::string_view boundedText(CaptureState& s, const char* text, NarrowText&);
[[nodiscard]] std::string_view boundedText(CaptureState& s, const wchar_t* text, NarrowText& buffer);

/// Finds or adds an entry and writes a new one into the window that is open; domains and strings get their id here. Null: the
/// dictionary is full, which is counted.
DictionaryEntry* define(CaptureState& s, records::RecordType type, std::uint32_t scope, std::uint32_t id, std::string_view text);

/// Writes all domains, registered strings and names known so far into window `windowId`; what is
/// registered later is written when it is. Control thread.
void dumpNvtxDictionary(CaptureState& s, std::uint32_t windowId);

/// In a child after fork: nobody is left who would let go of what was locked.
void resetNvtxDictionaryLock();

} // namespace gantry::capture
