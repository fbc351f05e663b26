#include "remote_server/inference/rate_limiter.h"

#include <algorithm>

namespace gantry::inference_server {

RateLimiter::Member::Member(RateLimiter& limiter, const inference::ModelRateLimiter& wants, int device)
    : m_limiter(limiter), m_weight(std::max(1u, wants.priority()))
{
    for (const auto& resource : wants.resources())
        m_wants[{resource.name(), resource.global() ? kGlobal : device}] += resource.count();
    const std::lock_guard lock(m_limiter.m_mutex);
    // One that comes later does not catch up with all the turns the others had.
    for (const Member* other : m_limiter.m_members)
        m_turns = std::max(m_turns, other->m_turns);
    m_limiter.m_members.push_back(this);
}

RateLimiter::Member::~Member()
{
    const std::lock_guard lock(m_limiter.m_mutex);
    std::erase(m_limiter.m_members, this);
}

void RateLimiter::Member::begin()
{
    std::unique_lock lock(m_limiter.m_mutex);
    m_waits = true;
    m_limiter.m_changed.wait(lock, [this] { return m_limiter.isNext(*this); });
    m_waits = false;
    m_turns += m_weight;
    for (const auto& [resource, count] : m_wants)
        m_limiter.m_inUse[resource] += count;
    lock.unlock();
    m_limiter.m_changed.notify_all(); // another one may be next now, for what is left
}

void RateLimiter::Member::end()
{
    {
        const std::lock_guard lock(m_limiter.m_mutex);
        for (const auto& [resource, count] : m_wants)
            m_limiter.m_inUse[resource] -= count;
    }
    m_limiter.m_changed.notify_all();
}

std::uint64_t RateLimiter::inUse(const std::string& resource, int device) const
{
    const std::lock_guard lock(m_mutex);
    const auto found = m_inUse.find({resource, device});
    return found == m_inUse.end() ? 0 : found->second;
}

std::size_t RateLimiter::waiting() const
{
    const std::lock_guard lock(m_mutex);
    return static_cast<std::size_t>(
        std::count_if(m_members.begin(), m_members.end(), [](const Member* member) { return member->m_waits; }));
}

/// Never less than one member wants: it would wait for ever.
std::uint64_t RateLimiter::limitOf(const std::pair<std::string, int>& resource) const
{
    std::uint64_t most = 0;
    for (const Member* member : m_members)
        if (const auto found = member->m_wants.find(resource); found != member->m_wants.end())
            most = std::max(most, found->second);
    auto limit = m_limits.find(resource);
    if (limit == m_limits.end() && resource.second != kGlobal)
        limit = m_limits.find({resource.first, kEveryDevice});
    return limit == m_limits.end() ? most : std::max(most, limit->second);
}

bool RateLimiter::fits(const Member& member) const
{
    return std::all_of(member.m_wants.begin(), member.m_wants.end(), [this](const auto& wanted) {
        const auto used = m_inUse.find(wanted.first);
        return (used == m_inUse.end() ? 0 : used->second) + wanted.second <= limitOf(wanted.first);
    });
}

bool RateLimiter::isNext(const Member& member) const
{
    return fits(member) && std::none_of(m_members.begin(), m_members.end(), [&](const Member* other) {
               return other != &member && other->m_waits && other->m_turns < member.m_turns && fits(*other);
           });
}

} // namespace gantry::inference_server
