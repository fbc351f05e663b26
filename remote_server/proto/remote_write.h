#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

/// Samples as a Prometheus server takes them by remote write.
namespace gantry::proto {

struct RemoteWriteSample
{
    std::int64_t utcMs = 0;
    double value = 0;
};

struct RemoteWriteSeries
{
    std::map<std::string, std::string> labels; ///< __name__ among them; as remoteWriteLabels() makes them
    std::vector<RemoteWriteSample> samples;    ///< oldest first, at most one a millisecond
};

/// Labels of a series with names that the server takes: characters that it does not know become '_', and those without a value go.
[[nodiscard]] std::map<std::string, std::string> remoteWriteLabels(std::string_view name, const std::map<std::string, std::string>& labels);

/// All samples in requests of `mostSamples` at most, in the order of time over all series: a server refuses what is older than what it
/// has. Of several samples of a series in a millisecond the last is kept.
[[nodiscard]] std::vector<std::vector<RemoteWriteSeries>> remoteWriteBatches(const std::vector<RemoteWriteSeries>& series,
                                                                             std::size_t mostSamples);

/// The body of a request.
[[nodiscard]] std::string encodeRemoteWrite(const std::vector<RemoteWriteSeries>& batch);

} // namespace gantry::proto
