#pragma once

#include "remote_server/inference/backends/decoder_engine.h"

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

namespace gantry::inference_server {

/// A request for tokens.
struct Generation
{
    std::vector<std::int32_t> prompt; ///< at least one
    int maxTokens = 1;                ///< how many to make
};

/// Makes tokens for several requests at once, each the one with the highest logit, in iterations that requests join and leave (in-flight
/// batching): an iteration takes the whole prompt of those that are new and one token of each that was there. Who finds no block in the
/// cache for its next token puts the youngest out, which waits before all that are not in yet and begins again with what it had made.
/// One thread.
class InflightBatcher
{
public:
    struct Limits
    {
        int blocks = 64, tokensPerBlock = 16; ///< of the KV cache
        int mostRequests = 8;                 ///< that run in one iteration

        [[nodiscard]] PagedCache::Shape cache() const { return {blocks, tokensPerBlock}; }
    };

    /// The engine has a cache of as many blocks.
    InflightBatcher(std::unique_ptr<DecoderEngine> engine, const Limits& limits);

    /// Whether a request can join now.
    [[nodiscard]] bool hasRoomFor(const Generation& generation) const;
    /// Lets a request join that there is room for, and that alone fits into the cache with all of its tokens.
    void add(std::uint64_t request, Generation generation);
    /// Takes a request out and its blocks back.
    void remove(std::uint64_t request);
    void clear();
    [[nodiscard]] bool empty() const { return m_running.empty() && m_paused.empty(); }
    [[nodiscard]] const PagedCache& cache() const { return m_cache; }
    [[nodiscard]] const DecoderEngine& engine() const { return *m_engine; }

    /// What is computed in an iteration.
    struct Plan
    {
        std::vector<std::uint64_t> members; ///< requests, in order of age; at least one
        int contextRequests = 0;            ///< those whose prompts are computed
        int contextTokens = 0, generationTokens = 0;
        int cachedTokens = 0; ///< that the cache has of the members before the iteration
        int paused = 0;       ///< requests that wait to begin again
    };
    /// The begin of an iteration: who is in it. Not when empty().
    [[nodiscard]] const Plan& plan();
    /// The iteration's computation. Each layer is computed by the `run` that `around` is called with.
    /// Errors: the engine's; the members are then to be taken out.
    [[nodiscard]] Result<void> compute(const std::function<void(int layer, const std::function<void()>& run)>& around);

    struct Token
    {
        std::uint64_t request = 0;
        std::int32_t id = 0;
        bool isLast = false; ///< the request is done and gone
    };
    /// The end of an iteration: a token for each member, in their order.
    [[nodiscard]] std::vector<Token> takeTokens();

private:
    struct Sequence
    {
        std::uint64_t request = 0;
        std::vector<std::int32_t> tokens; ///< the prompt and what was made
        int cached = 0;                   ///< so many of them are in the cache
        int toMake = 0;
        PagedCache::Table table;
    };
    void pauseYoungest();
    void resume();
    [[nodiscard]] static int length(const Sequence& sequence) { return static_cast<int>(sequence.tokens.size()); }

    const int m_mostRequests;
    PagedCache m_cache;
    const std::unique_ptr<DecoderEngine> m_engine;
    std::deque<Sequence> m_running, m_paused; ///< both in order of age
    Plan m_plan;
    std::vector<std::int32_t> m_next; ///< of the members, in order
};

} // namespace gantry::inference_server
