#pragma once

#include "remote_server/inference/model.h"

#include <compare>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace gantry::inference_server {

/// What an answer is looked for under. `load` is a number of the model's that no other model or version has and that changes when it is
/// loaded again; `sum` is of the inputs, and others may have it too: who finds an answer compares them.
struct CacheKey
{
    std::uint64_t load = 0, sum = 0;
    auto operator<=>(const CacheKey&) const = default;
};

/// Order of the inputs, names, datatypes and shapes count.
[[nodiscard]] CacheKey cacheKeyOf(std::uint64_t load, const std::vector<Tensor>& inputs);

/// Answers of models with the inputs that they answer, the longest unused forgotten first when both take more bytes than allowed. Any
/// thread.
class ResponseCache
{
public:
    using Outputs = std::shared_ptr<const std::vector<Tensor>>;

    explicit ResponseCache(std::uint64_t capacityBytes) : m_capacity(capacityBytes) {}

    /// `key`: of these inputs. Null: not known.
    [[nodiscard]] Outputs lookup(const CacheKey& key, const std::vector<Tensor>& inputs);
    /// Answers that are larger than the whole cache are not kept. Of several inputs with one key the last are known.
    void insert(const CacheKey& key, std::vector<Tensor> inputs, std::vector<Tensor> outputs);

    struct Counts
    {
        std::uint64_t entries = 0, bytes = 0, capacityBytes = 0;
        std::uint64_t lookups = 0, hits = 0, misses = 0, insertions = 0, evictions = 0, tooLarge = 0;
        std::uint64_t lookupNs = 0, insertionNs = 0; ///< time within lookup() and insert()
    };
    [[nodiscard]] Counts counts() const;

private:
    struct Entry
    {
        CacheKey key;
        std::shared_ptr<const std::vector<Tensor>> inputs; ///< shared: they are compared without the lock
        Outputs outputs;
        std::uint64_t bytes;
    };
    struct KeyHash
    {
        std::size_t operator()(const CacheKey& key) const { return static_cast<std::size_t>(key.load ^ key.sum); }
    };
    void forget(std::list<Entry>::iterator entry);

    const std::uint64_t m_capacity;
    mutable std::mutex m_mutex; ///< everything below
    std::list<Entry> m_entries; ///< last used first
    std::unordered_map<CacheKey, std::list<Entry>::iterator, KeyHash> m_byKey;
    Counts m_counts;
};

} // namespace gantry::inference_server
