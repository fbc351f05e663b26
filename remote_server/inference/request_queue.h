#pragma once

#include "remote_server/inference/infer_job.h"

#include "inference/model_config.pb.h"

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace gantry::inference_server {

/// The requests that wait for an instance of a model, and which of them execute together, by Triton's rules: in order of priority,
/// those that waited too long by their level's policy behind the others or refused, and as many as a preferred size, the delay and the
/// shapes allow. Its owner locks.
class RequestQueue
{
public:
    using Job = std::unique_ptr<InferJob>;

    explicit RequestQueue(const inference::ModelConfig& config);

    /// Queues a request that waits since its times.queueStart. Gives it back when its level is full. In time of log(size()), as are
    /// takeExpired() and take() for each request that they take.
    [[nodiscard]] Job push(Job job);

    /// Takes out those whose time in the queue is over and whose policy is to refuse them then; puts those that are only delayed behind
    /// the others of their level.
    [[nodiscard]] std::vector<Job> takeExpired(std::int64_t nowNs);
    [[nodiscard]] std::vector<Job> takeCancelled();

    /// What an idle instance does now.
    struct Plan
    {
        std::size_t requests = 0;                       ///< to take; 0: to wait
        std::optional<std::int64_t> lookAgainAtNs = {}; ///< when waiting: not later than this
    };
    [[nodiscard]] Plan plan(std::int64_t nowNs) const;
    /// The request that take() would give first; null: none waits.
    [[nodiscard]] const InferJob* next() const;
    /// The next requests, as many as plan() said.
    [[nodiscard]] std::vector<Job> take(std::size_t requests);

    /// From now on nothing waits for company.
    void stopWaiting() { m_waitsForCompany = false; }
    [[nodiscard]] std::size_t size() const { return m_size; }
    [[nodiscard]] bool empty() const { return m_size == 0; }

private:
    struct Waiting
    {
        Job job;
        std::uint64_t number = 0;    ///< in the order of arrival
        std::int64_t deadlineNs = 0; ///< 0: none
    };
    using Line = std::list<Waiting>;
    struct Level
    {
        inference::ModelQueuePolicy policy;
        Line waiting, delayed; ///< in this order
    };
    struct Place
    {
        Level* level;
        Line::iterator waiting; ///< in its `waiting`
    };

    void forgetDeadline(const Waiting& waiting);
    [[nodiscard]] bool fitsTogether(const InferJob& first, const InferJob& other) const;
    /// Calls visit(job) in the order of execution until it returns false.
    template <typename Visit>
    void forEach(const Visit& visit) const;
    void takeCancelled(Line& from, std::vector<Job>& taken);

    bool m_batches;
    std::uint64_t m_mostRows;
    std::set<std::uint64_t> m_preferred; ///< rows
    std::int64_t m_delayNs;
    std::uint64_t m_lastLevel, m_defaultLevel; ///< 0: there are no levels
    std::set<std::string> m_ragged;            ///< inputs whose shapes may differ
    std::map<std::uint64_t, Level> m_levels;
    std::map<std::pair<std::int64_t, std::uint64_t>, Place> m_deadlines; ///< by deadline and number: those that have one, soonest first
    std::uint64_t m_pushed = 0;
    std::size_t m_size = 0;
    bool m_waitsForCompany = true;
};

} // namespace gantry::inference_server
