#pragma once

#include "remote_server/inference/infer_job.h"

#include "inference/model_config.pb.h"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
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

    /// Queues a request that waits since its times.queueStart. Gives it back when its level is full.
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
        std::int64_t deadlineNs = 0; ///< 0: none
    };
    struct Level
    {
        inference::ModelQueuePolicy policy;
        std::deque<Waiting> waiting, delayed; ///< in this order
    };

    [[nodiscard]] bool fitsTogether(const InferJob& first, const InferJob& other) const;
    /// Calls visit(job) in the order of execution until it returns false.
    template <typename Visit>
    void forEach(const Visit& visit) const;
    template <typename Matches>
    void takeIf(std::deque<Waiting>& from, const Matches& matches, std::vector<Job>& taken);

    bool m_batches;
    std::uint64_t m_mostRows;
    std::set<std::uint64_t> m_preferred; ///< rows
    std::int64_t m_delayNs;
    std::uint64_t m_lastLevel, m_defaultLevel; ///< 0: there are no levels
    std::set<std::string> m_ragged;            ///< inputs whose shapes may differ
    std::map<std::uint64_t, Level> m_levels;
    std::size_t m_size = 0, m_withDeadline = 0;
    bool m_waitsForCompany = true;
};

} // namespace gantry::inference_server
