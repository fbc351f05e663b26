#include "trace_model/import/chrome_tracks.h"

#include "trace_model/import/json_text.h"
#include "trace_model/import/text_cache.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <utility>

namespace gantry::importing {
namespace {

constexpr std::uint32_t kMadeUpMask = kFirstMadeUpId - 1;
// Past so many made-up ids the rest share the last one; a probe must always find a free number.
constexpr std::size_t kMostMadeUp = 4'000'000;

std::string lowered(std::string_view text)
{
    std::string lower(text);
    std::transform(lower.begin(), lower.end(), lower.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return lower;
}

/// The number that begins in `text` behind at most a few signs and blanks: "gpu:0", "stream #13(compute)".
std::optional<std::uint32_t> numberBehind(std::string_view text, std::string_view word)
{
    for (std::size_t at = text.find(word); at != std::string_view::npos; at = text.find(word, at + 1)) {
        const std::string_view rest = text.substr(at + word.size());
        const std::size_t begin = rest.find_first_not_of(" :#_/-");
        if (begin == std::string_view::npos || !json::isDigit(rest[begin]))
            continue;
        const std::size_t end = std::min(rest.find_first_not_of("0123456789", begin), rest.size());
        if (const auto number = json::integerOf(rest.substr(begin, end - begin));
            number && *number <= std::numeric_limits<std::uint32_t>::max())
            return static_cast<std::uint32_t>(*number);
    }
    return std::nullopt;
}

} // namespace

std::optional<std::uint32_t> deviceInName(std::string_view processName)
{
    const std::string name = lowered(processName);
    if (name.find("cpu") != std::string::npos)
        return std::nullopt;
    if (const auto number = numberBehind(name, "gpu"))
        return number;
    return numberBehind(name, "device");
}

std::uint32_t TrackIds::idOf(std::int64_t number)
{
    return number >= 0 && number <= kLargestOwn ? static_cast<std::uint32_t>(number) : idOf(std::to_string(number));
}

std::uint32_t TrackIds::idOf(std::string_view text)
{
    const std::lock_guard lock(m_mutex);
    if (m_ids.size() >= kMostMadeUp) {
        const auto found = m_ids.find(std::string(text));
        return found == m_ids.end() ? kFirstMadeUpId | kMadeUpMask : found->second;
    }
    const auto [found, isNew] = m_ids.try_emplace(std::string(text), 0);
    if (isNew) {
        auto id = static_cast<std::uint32_t>(hashOf(text)) & kMadeUpMask;
        while (!m_texts.try_emplace(kFirstMadeUpId | id, found->first).second)
            id = (id + 1) & kMadeUpMask;
        found->second = kFirstMadeUpId | id;
    }
    return found->second;
}

std::string_view TrackIds::textOf(std::uint32_t id) const
{
    const auto found = m_texts.find(id);
    return found == m_texts.end() ? std::string_view{} : found->second;
}

void TrackNames::merge(TrackNames&& later)
{
    for (auto& [key, name] : later.processes)
        processes[key] = std::move(name);
    for (auto& [key, name] : later.threads)
        threads[key] = std::move(name);
}

TrackFinder::TrackFinder(TrackIds& ids, const TrackNames& known) : m_ids(ids), m_known(known) {}

std::uint32_t TrackFinder::textIdOf(std::string_view text)
{
    const auto [found, isNew] = m_textIds.try_emplace(std::string(text), 0);
    if (isNew)
        found->second = m_ids.idOf(text);
    return found->second;
}

std::uint64_t TrackFinder::globalTidOf(const TraceEvent& event)
{
    const auto idOf = [&](Number number, Text text) -> std::uint64_t {
        if (event.has(number))
            return m_ids.idOf(event.number(number));
        return event.has(text) ? textIdOf(event.text(text)) : 0;
    };
    return idOf(Number::Pid, Text::Pid) << 24 | idOf(Number::Tid, Text::Tid);
}

TrackFinder::Slot& TrackFinder::slotOf(const TraceEvent& event)
{
    constexpr std::uint32_t kBoth = bitOf(Number::Pid) | bitOf(Number::Tid);
    if ((event.numbersPresent & kBoth) != kBoth) {
        m_textSlot = {};
        m_textSlot.track = describe(globalTidOf(event));
        return m_textSlot;
    }
    const std::int64_t pid = event.number(Number::Pid), tid = event.number(Number::Tid);
    const auto hash = static_cast<std::uint64_t>(pid) * 31 + static_cast<std::uint64_t>(tid);
    Slot& slot = m_slots[(hash ^ hash >> 8) % m_slots.size()];
    if (slot.generation != m_generation || slot.pid != pid || slot.tid != tid)
        slot = {pid, tid, m_generation, false, describe(globalTidOf(event))};
    return slot;
}

std::uint64_t TrackFinder::threadOf(const TraceEvent& event)
{
    Slot& slot = slotOf(event);
    if (!slot.isThread) {
        m_threads.insert(slot.track.globalTid);
        slot.isThread = true;
    }
    return slot.track.globalTid;
}

std::string_view TrackFinder::nameOf(std::uint64_t key, std::map<std::uint64_t, std::string> TrackNames::*kind) const
{
    for (const TrackNames* names : {&m_names, &m_known}) {
        const auto found = (names->*kind).find(key);
        if (found != (names->*kind).end())
            return found->second;
    }
    return {};
}

Track TrackFinder::describe(std::uint64_t globalTid)
{
    const auto device = deviceInName(nameOf(globalTid & ~std::uint64_t{0xFFFFFF}, &TrackNames::processes));
    if (!device)
        return {globalTid, std::nullopt};
    // A GPU's process has rows of other things too ("XLA Ops", "Steps"): they are no work of a stream.
    const std::string thread = lowered(nameOf(globalTid, &TrackNames::threads));
    if (!thread.empty() && thread.find("stream") == std::string::npos)
        return {globalTid, std::nullopt};
    m_deviceTracks[globalTid] = *device;
    return {globalTid, device};
}

void TrackFinder::nameProcess(std::uint64_t globalTid, std::string name)
{
    m_names.processes[globalTid & ~std::uint64_t{0xFFFFFF}] = std::move(name);
    ++m_generation;
}

void TrackFinder::nameThread(std::uint64_t globalTid, std::string name)
{
    m_names.threads[globalTid] = std::move(name);
    ++m_generation;
}

} // namespace gantry::importing
