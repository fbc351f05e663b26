#include "remote_server/inference/response_cache.h"

#include <chrono>
#include <cstring>
#include <utility>

namespace gantry::inference_server {
namespace {

__extension__ typedef unsigned __int128 Product; // no type of ISO C++, hence the word before it

/// Two sums of 64 bits over everything added, each word stirred by a 128-bit product: wide enough that no two requests a server will
/// ever see are expected to agree, and several bytes a cycle. Not for adversaries.
class KeySum
{
public:
    void add(std::uint64_t word)
    {
        m_first = stir(m_first ^ word, 0x9E3779B97F4A7C15ull); // 2^64 / golden ratio
        m_second = stir(m_second + word, 0xC2B2AE3D27D4EB4Full ^ m_first);
    }

    void add(const std::string& bytes)
    {
        add(bytes.size());
        std::size_t at = 0;
        for (; at + sizeof(std::uint64_t) <= bytes.size(); at += sizeof(std::uint64_t))
            add(wordAt(bytes, at, sizeof(std::uint64_t)));
        if (at < bytes.size())
            add(wordAt(bytes, at, bytes.size() - at));
    }

    [[nodiscard]] CacheKey key() const { return {m_first, m_second}; }

private:
    static std::uint64_t wordAt(const std::string& bytes, std::size_t at, std::size_t size)
    {
        std::uint64_t word = 0;
        std::memcpy(&word, bytes.data() + at, size);
        return word;
    }

    static std::uint64_t stir(std::uint64_t value, std::uint64_t factor)
    {
        const auto product = static_cast<Product>(value ^ 0x94D049BB133111EBull) * (factor | 1);
        // Not the halves alone: a product of zero would forget everything before it.
        return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64) ^ (value << 1 | value >> 63);
    }

    std::uint64_t m_first = 0x243F6A8885A308D3ull, m_second = 0x13198A2E03707344ull; // digits of pi
};

std::uint64_t bytesOf(const std::vector<Tensor>& tensors)
{
    constexpr std::uint64_t kBookkeeping = 128; // list and hash nodes of an entry, about
    std::uint64_t bytes = kBookkeeping;
    for (const Tensor& tensor : tensors)
        bytes += sizeof(Tensor) + tensor.name.size() + tensor.shape.size() * sizeof(std::int64_t) + tensor.data.size();
    return bytes;
}

/// Adds the time until its end to a counter.
class TimeInto
{
public:
    explicit TimeInto(std::uint64_t& sum) : m_sum(sum) {}
    TimeInto(const TimeInto&) = delete;
    TimeInto& operator=(const TimeInto&) = delete;
    ~TimeInto() { m_sum += static_cast<std::uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now() - m_start).count()); }

private:
    std::uint64_t& m_sum;
    std::chrono::steady_clock::time_point m_start = std::chrono::steady_clock::now();
};

} // namespace

CacheKey cacheKeyOf(std::uint64_t load, const std::vector<Tensor>& inputs)
{
    KeySum sum;
    sum.add(load);
    for (const Tensor& input : inputs) {
        sum.add(input.name);
        sum.add(static_cast<std::uint64_t>(input.type));
        sum.add(input.shape.size());
        for (const std::int64_t dim : input.shape)
            sum.add(static_cast<std::uint64_t>(dim));
        sum.add(input.data);
    }
    return sum.key();
}

ResponseCache::Outputs ResponseCache::lookup(const CacheKey& key)
{
    const std::lock_guard lock(m_mutex);
    const TimeInto time(m_counts.lookupNs);
    ++m_counts.lookups;
    const auto found = m_byKey.find(key);
    if (found == m_byKey.end()) {
        ++m_counts.misses;
        return nullptr;
    }
    ++m_counts.hits;
    m_entries.splice(m_entries.begin(), m_entries, found->second);
    return found->second->outputs;
}

void ResponseCache::insert(const CacheKey& key, std::vector<Tensor> outputs)
{
    const std::uint64_t bytes = bytesOf(outputs);
    const auto kept = std::make_shared<const std::vector<Tensor>>(std::move(outputs));
    const std::lock_guard lock(m_mutex);
    const TimeInto time(m_counts.insertionNs);
    if (bytes > m_capacity) {
        ++m_counts.tooLarge;
        return;
    }
    if (const auto known = m_byKey.find(key); known != m_byKey.end())
        forget(known->second); // two requests at once missed it
    while (m_counts.bytes + bytes > m_capacity) {
        forget(std::prev(m_entries.end()));
        ++m_counts.evictions;
    }
    m_entries.push_front({key, kept, bytes});
    m_byKey[key] = m_entries.begin();
    m_counts.bytes += bytes;
    ++m_counts.insertions;
}

void ResponseCache::forget(std::list<Entry>::iterator entry)
{
    m_counts.bytes -= entry->bytes;
    m_byKey.erase(entry->key);
    m_entries.erase(entry);
}

ResponseCache::Counts ResponseCache::counts() const
{
    const std::lock_guard lock(m_mutex);
    Counts counts = m_counts;
    counts.entries = m_entries.size();
    counts.capacityBytes = m_capacity;
    return counts;
}

} // namespace gantry::inference_server
