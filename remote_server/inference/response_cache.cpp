#include "remote_server/inference/response_cache.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

namespace gantry::inference_server {
namespace {

__extension__ typedef unsigned __int128 Product; // no type of ISO C++, hence the word before it

/// A sum of 64 bits over everything added, each word stirred by a 128-bit product: several bytes a cycle, and equal for different requests
/// only where somebody means it to be.
class KeySum
{
public:
    void add(std::uint64_t word) { m_sum = stir(m_sum ^ word, 0x9E3779B97F4A7C15ull); } // 2^64 / golden ratio

    void add(const std::string& bytes)
    {
        add(bytes.size());
        std::size_t at = 0;
        for (; at + sizeof(std::uint64_t) <= bytes.size(); at += sizeof(std::uint64_t))
            add(wordAt(bytes, at, sizeof(std::uint64_t)));
        if (at < bytes.size())
            add(wordAt(bytes, at, bytes.size() - at));
    }

    [[nodiscard]] std::uint64_t sum() const { return m_sum; }

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

    std::uint64_t m_sum = 0x243F6A8885A308D3ull; // digits of pi
};

std::uint64_t bytesOf(const std::vector<Tensor>& tensors)
{
    constexpr std::uint64_t kBookkeeping = 128; // list and hash nodes of an entry, about
    std::uint64_t bytes = kBookkeeping;
    for (const Tensor& tensor : tensors)
        bytes += sizeof(Tensor) + tensor.name.size() + tensor.shape.size() * sizeof(std::int64_t) + tensor.data.size();
    return bytes;
}

bool areSame(const std::vector<Tensor>& some, const std::vector<Tensor>& others)
{
    return std::equal(some.begin(), some.end(), others.begin(), others.end(), [](const Tensor& a, const Tensor& b) {
        return a.name == b.name && a.type == b.type && a.shape == b.shape && a.data == b.data;
    });
}

std::uint64_t nsSince(std::chrono::steady_clock::time_point began)
{
    return static_cast<std::uint64_t>(std::chrono::nanoseconds(std::chrono::steady_clock::now() - began).count());
}

} // namespace

CacheKey cacheKeyOf(std::uint64_t load, const std::vector<Tensor>& inputs)
{
    KeySum sum;
    for (const Tensor& input : inputs) {
        sum.add(input.name);
        sum.add(static_cast<std::uint64_t>(input.type));
        sum.add(input.shape.size());
        for (const std::int64_t dim : input.shape)
            sum.add(static_cast<std::uint64_t>(dim));
        sum.add(input.data);
    }
    return {load, sum.sum()};
}

ResponseCache::Outputs ResponseCache::lookup(const CacheKey& key, const std::vector<Tensor>& inputs)
{
    const auto began = std::chrono::steady_clock::now();
    Entry found{};
    {
        const std::lock_guard lock(m_mutex);
        if (const auto entry = m_byKey.find(key); entry != m_byKey.end()) {
            m_entries.splice(m_entries.begin(), m_entries, entry->second);
            found = *entry->second;
        }
    }
    const bool isHit = found.inputs && areSame(*found.inputs, inputs);
    const std::lock_guard lock(m_mutex);
    ++m_counts.lookups;
    ++(isHit ? m_counts.hits : m_counts.misses);
    m_counts.lookupNs += nsSince(began);
    return isHit ? found.outputs : nullptr;
}

void ResponseCache::insert(const CacheKey& key, std::vector<Tensor> inputs, std::vector<Tensor> outputs)
{
    const std::uint64_t bytes = bytesOf(inputs) + bytesOf(outputs);
    const auto question = std::make_shared<const std::vector<Tensor>>(std::move(inputs));
    const auto kept = std::make_shared<const std::vector<Tensor>>(std::move(outputs));
    const auto began = std::chrono::steady_clock::now();
    const std::lock_guard lock(m_mutex);
    if (bytes > m_capacity) {
        ++m_counts.tooLarge;
        return;
    }
    if (const auto known = m_byKey.find(key); known != m_byKey.end())
        forget(known->second); // two requests at once missed it, or other inputs have the same key
    while (m_counts.bytes + bytes > m_capacity) {
        forget(std::prev(m_entries.end()));
        ++m_counts.evictions;
    }
    m_entries.push_front({key, question, kept, bytes});
    m_byKey[key] = m_entries.begin();
    m_counts.bytes += bytes;
    ++m_counts.insertions;
    m_counts.insertionNs += nsSince(began);
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
