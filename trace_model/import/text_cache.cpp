#include "trace_model/import/text_cache.h"

#include <algorithm>
#include <cstring>
#include <utility>

namespace gantry::importing {
namespace {

constexpr std::size_t kFirstEntries = 1024;
constexpr std::size_t kMaxEntries = std::size_t{1} << 21;
constexpr std::size_t kBlockBytes = std::size_t{1} << 16;
constexpr std::size_t kMaxKeptBytes = std::size_t{64} << 20;

std::uint64_t load(const char* p, std::size_t bytes = 8)
{
    std::uint64_t word = 0;
    std::memcpy(&word, p, bytes);
    return word;
}

/// Both halves of the product, folded: every bit of the result hangs on every bit of both.
std::uint64_t mix(std::uint64_t a, std::uint64_t b)
{
    __extension__ using Wide = unsigned __int128;
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Odd numbers with about as many ones as zeros.
constexpr std::uint64_t kSeedA = 0x9E3779B97F4A7C15, kSeedB = 0xC2B2AE3D27D4EB4F, kSeedC = 0x165667B19E3779F9;

} // namespace

std::uint64_t hashOf(std::string_view bytes)
{
    const char* p = bytes.data();
    std::size_t rest = bytes.size();
    std::uint64_t first = kSeedA ^ rest, second = kSeedB;
    for (; rest > 32; rest -= 32, p += 32) {
        first = mix(load(p) ^ kSeedA, load(p + 8) ^ first);
        second = mix(load(p + 16) ^ kSeedC, load(p + 24) ^ second);
    }
    if (rest > 16) {
        first = mix(load(p) ^ kSeedA, load(p + 8) ^ first);
        p += 16;
        rest -= 16;
    }
    const std::uint64_t low = load(p, std::min<std::size_t>(rest, 8));
    const std::uint64_t high = rest > 8 ? load(p + 8, rest - 8) : 0;
    return mix(mix(low ^ kSeedC, high ^ first) ^ second, kSeedB);
}

TextCache::TextCache(EventSink& sink) : m_sink(sink), m_entries(kFirstEntries) {}

TextId TextCache::id(std::string_view text)
{
    if (text.empty())
        return 0;
    const std::uint64_t hash = hashOf(text);
    const std::size_t mask = m_entries.size() - 1;
    for (std::size_t at = hash & mask;; at = (at + 1) & mask) {
        const Entry& entry = m_entries[at];
        if (!entry.text)
            return add(hash, text);
        if (entry.hash == hash && entry.length == text.size() && std::memcmp(entry.text, text.data(), text.size()) == 0)
            return entry.id;
    }
}

TextId TextCache::add(std::uint64_t hash, std::string_view text)
{
    const bool isHalfFull = m_used >= m_entries.size() / 2;
    if (m_keptBytes + text.size() > kMaxKeptBytes || (isHalfFull && m_entries.size() == kMaxEntries))
        clear();
    else if (isHalfFull)
        grow();
    const std::size_t mask = m_entries.size() - 1;
    std::size_t at = hash & mask;
    while (m_entries[at].text)
        at = (at + 1) & mask;
    const TextId id = m_sink.intern(text);
    m_entries[at] = {hash, keep(text), text.size(), id};
    ++m_used;
    return id;
}

const char* TextCache::keep(std::string_view text)
{
    m_keptBytes += text.size();
    if (text.size() > kBlockBytes / 4) {
        m_longTexts.push_back(std::make_unique<char[]>(text.size()));
        std::memcpy(m_longTexts.back().get(), text.data(), text.size());
        return m_longTexts.back().get();
    }
    if (m_blockFree < text.size()) {
        m_blocks.push_back(std::make_unique<char[]>(kBlockBytes));
        m_blockFree = kBlockBytes;
    }
    char* const kept = m_blocks.back().get() + (kBlockBytes - m_blockFree);
    std::memcpy(kept, text.data(), text.size());
    m_blockFree -= text.size();
    return kept;
}

void TextCache::grow()
{
    std::vector<Entry> larger(m_entries.size() * 2);
    const std::size_t mask = larger.size() - 1;
    for (const Entry& entry : m_entries) {
        if (!entry.text)
            continue;
        std::size_t at = entry.hash & mask;
        while (larger[at].text)
            at = (at + 1) & mask;
        larger[at] = entry;
    }
    m_entries = std::move(larger);
}

void TextCache::clear()
{
    std::fill(m_entries.begin(), m_entries.end(), Entry{});
    m_used = 0;
    m_blocks.clear();
    m_longTexts.clear();
    m_blockFree = m_keptBytes = 0;
}

} // namespace gantry::importing
