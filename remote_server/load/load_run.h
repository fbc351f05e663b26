#pragma once

#include "remote_server/load/load_options.h"
#include "remote_server/load/load_result.h"
#include "remote_server/load/load_tally.h"
#include "remote_server/load/model_requests.h"
#include "trace_model/base/result.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <grpcpp/generic/generic_stub.h>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace grpc {
class ByteBuffer;
class Channel;
class CompletionQueue;
}

namespace gantry::load {

/// Which request leaves next, and when: at once in a closed loop, at times of their own in an open one. Any thread.
class Departures
{
public:
    using Clock = std::chrono::steady_clock;
    struct Departure
    {
        Clock::time_point at;
        std::uint64_t number = 0;
        std::size_t model = 0;
    };

    Departures(const LoadOptions& options, Clock::time_point begin);

    /// Nothing when the load is over.
    [[nodiscard]] std::optional<Departure> next();
    /// From now on the load's own end counts: the warm-up is over. Said at the begin where there is none. The time, which is not after that
    /// of any departure of the warm-up.
    Clock::time_point beginMeasuring();
    /// Nothing leaves any more.
    void end();

private:
    void forgetDeparted(Clock::time_point now);

    const LoadOptions& m_options;
    std::mutex m_mutex; ///< of all that follows
    Clock::time_point m_next;
    std::optional<Clock::time_point> m_measuredFrom;
    std::uint64_t m_given = 0, m_givenBefore = 0; ///< in all, and those that leave before the measurement
    std::deque<Clock::time_point> m_ahead;        ///< when those leave that were given ahead of their time; only in an open loop
    bool m_hasEnded = false;
    std::mt19937_64 m_random;
    std::discrete_distribution<std::size_t> m_pick;
};

/// Workers that send requests until the load's own end, halt() or a stop. take() and the waits are for one thread.
class LoadRun
{
public:
    using Clock = Departures::Clock;

    /// Begins. The references must outlive the run. Errors: Unsupported when the machine has no thread for each request in flight.
    [[nodiscard]] static Result<std::unique_ptr<LoadRun>> start(const LoadOptions& options, const std::vector<ModelRequests>& models,
                                                                const std::vector<std::shared_ptr<grpc::Channel>>& channels,
                                                                std::string idPrefix, std::stop_token stop);
    LoadRun(const LoadRun&) = delete;
    LoadRun& operator=(const LoadRun&) = delete;
    ~LoadRun(); ///< halts and waits

    /// What was answered since the last call, by model, and until when.
    [[nodiscard]] std::pair<std::vector<LoadTally>, Clock::time_point> take();
    /// What was answered since the last call of this, of all models.
    [[nodiscard]] LoadTally takeProgress();
    /// The warm-up is over: what left before now is forgotten, though its answers may be yet to come, and the load's own end counts.
    Clock::time_point beginMeasuring();

    enum class Wait
    {
        Time,    ///< it is `until`
        Answers, ///< so many came since take()
        Over     ///< the run is
    };
    [[nodiscard]] Wait waitUntil(Clock::time_point until, std::uint64_t answers = 0); ///< 0: they do not matter
    /// Nothing leaves any more; what is in flight is awaited.
    void halt();

    [[nodiscard]] Clock::time_point begin() const { return m_begin; }
    [[nodiscard]] std::int64_t utcNs(Clock::time_point time) const;
    /// All that were kept, and how many had no room.
    [[nodiscard]] std::pair<std::vector<RequestTimes>, std::uint64_t> takeRequests();

private:
    LoadRun(const LoadOptions& options, const std::vector<ModelRequests>& models, std::string idPrefix, std::stop_token stop);
    [[nodiscard]] grpc::ByteBuffer wireOf(const Departures::Departure& departure, const std::string& id) const;
    /// By ModelInfer. Errors: Cancelled after a stop; Internal with what the server said.
    [[nodiscard]] Result<void> askOnce(grpc::GenericStub& stub, grpc::CompletionQueue& queue, const grpc::ByteBuffer& wire,
                                       RequestSteps& steps) const;
    void work(grpc::Channel& channel);
    void add(const Departures::Departure& departure, const RequestSteps& steps, const std::string* error);
    void keep(const Departures::Departure& departure, const RequestSteps& steps, bool isOk);
    [[nodiscard]] std::uint64_t answers() const; ///< also of requests that failed; with m_mutex held

    const LoadOptions& m_options;
    const std::vector<ModelRequests>& m_models;
    const std::string m_idPrefix;
    const std::stop_token m_stop;
    const Clock::time_point m_begin;
    const std::int64_t m_utcOffset; ///< ns to add to the steady clock for UTC
    Departures m_departures;
    std::mutex m_mutex;
    std::condition_variable m_changed;
    std::vector<LoadTally> m_tallies;     ///< m_mutex, by model
    std::optional<Clock::time_point> m_measuredFrom; ///< m_mutex: what left before it does not count
    LoadTally m_progress;                 ///< m_mutex
    std::vector<RequestTimes> m_requests; ///< m_mutex
    std::size_t m_timesKept = 0;          ///< m_mutex: requests and responses of m_requests
    std::uint64_t m_requestsDropped = 0;  ///< m_mutex
    std::uint64_t m_awaited = 0;          ///< m_mutex: answers that waitUntil() waits for
    int m_running = 0;                    ///< m_mutex
    std::stop_source m_halted;            ///< ends the wait for the next departure
    std::vector<std::jthread> m_workers;
};

} // namespace gantry::load
