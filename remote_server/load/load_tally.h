#pragma once

#include "remote_server/load/load_result.h"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gantry::load {

/// When one request was where, ns of one steady clock.
struct RequestSteps
{
    std::int64_t scheduled = 0; ///< meant to leave
    std::int64_t began = 0;     ///< a worker had it
    std::int64_t serialised = 0;
    std::int64_t answered = 0;
    std::int64_t done = 0; ///< its answer is read
    std::vector<std::int64_t> responses; ///< of a decoupled model: when each that is not empty came
    bool isStream = false;               ///< it went to a decoupled model
};

/// The requests of a time, counted. No thread of its own.
class LoadTally
{
public:
    void addAnswer(const RequestSteps& steps);
    void addError(const RequestSteps& steps, const std::string& message);
    void add(const LoadTally& other);

    [[nodiscard]] std::uint64_t sent() const { return m_sent; }

    /// Without what only the server knows. `batch` inferences in a request.
    [[nodiscard]] LoadFigures figures(double seconds, std::int64_t batch) const;

private:
    void count(const RequestSteps& steps);
    void addResponses(const RequestSteps& steps);

    std::uint64_t m_sent = 0, m_late = 0;
    double m_lateSum = 0, m_sendSum = 0, m_receiveSum = 0; ///< ns, of the answers
    std::map<std::string, std::uint64_t> m_errors;
    std::vector<DurationNs> m_latencies;
    std::uint64_t m_streams = 0, m_responses = 0;
    std::vector<DurationNs> m_firsts, m_gaps; ///< of the streams
};

/// The largest of the values is at most (1 + ratio) times the smallest; false where one is 0 or less.
[[nodiscard]] bool areWithin(const std::vector<double>& values, double ratio);

} // namespace gantry::load
