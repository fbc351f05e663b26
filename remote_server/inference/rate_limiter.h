#pragma once

#include "inference/model_config.pb.h"

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

namespace gantry::inference_server {

/// Lets instances of all models execute as far as the resources that they name go round, those first that had the fewest turns for
/// their priority (Triton's rate limiter, --rate-limit=execution_count). Any thread.
class RateLimiter
{
public:
    /// Resources by name and device (kEveryDevice: on each). Of those that are not named there is as much as the instance that wants
    /// most of them wants.
    static constexpr int kEveryDevice = -2, kGlobal = -1;
    using Limits = std::map<std::pair<std::string, int>, std::uint64_t>;
    explicit RateLimiter(Limits limits) : m_limits(std::move(limits)) {}

    /// An instance that takes part while this lives; its thread is the only one that takes turns with it.
    class Member
    {
    public:
        Member(RateLimiter& limiter, const inference::ModelRateLimiter& wants, int device);
        Member(const Member&) = delete;
        Member& operator=(const Member&) = delete;
        ~Member();

        /// Waits until it is this one's turn, and takes what it wants.
        void begin();
        void end();

    private:
        friend class RateLimiter;
        RateLimiter& m_limiter;
        std::map<std::pair<std::string, int>, std::uint64_t> m_wants;
        std::uint64_t m_weight;    ///< of one turn
        std::uint64_t m_turns = 0; ///< times the weight
        bool m_waits = false;
    };

    /// What is taken of a resource now.
    [[nodiscard]] std::uint64_t inUse(const std::string& resource, int device) const;
    /// Members that are in begin().
    [[nodiscard]] std::size_t waiting() const;

private:
    [[nodiscard]] std::uint64_t limitOf(const std::pair<std::string, int>& resource) const;
    [[nodiscard]] bool fits(const Member& member) const;
    [[nodiscard]] bool isNext(const Member& member) const;

    const Limits m_limits;
    mutable std::mutex m_mutex; ///< everything below, and the members
    std::condition_variable m_changed;
    std::vector<Member*> m_members;
    Limits m_inUse;
};

} // namespace gantry::inference_server
