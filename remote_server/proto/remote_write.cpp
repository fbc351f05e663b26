#include "remote_server/proto/remote_write.h"

#include "prometheus/remote_write.pb.h"

#include <algorithm>
#include <snappy.h>

namespace gantry::proto {
namespace {

/// A sample by where it is.
struct Place
{
    std::int64_t utcMs = 0;
    std::size_t series = 0, sample = 0;
};

/// prometheus.io/docs/concepts/data_model: letters, digits and '_' (a metric's name may have ':'), and no digit in front.
std::string allowedName(std::string_view name, bool isMetric)
{
    std::string allowed;
    for (const char c : name) {
        const bool isLetter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (isMetric && c == ':');
        const bool isDigit = c >= '0' && c <= '9';
        if (isDigit && allowed.empty())
            allowed += '_';
        allowed += isLetter || isDigit ? c : '_';
    }
    return allowed.empty() ? "_" : allowed;
}

std::vector<Place> inOrderOfTime(const std::vector<RemoteWriteSeries>& series)
{
    std::vector<Place> places;
    for (std::size_t i = 0; i < series.size(); ++i) {
        const auto& samples = series[i].samples;
        for (std::size_t k = 0; k < samples.size(); ++k)
            if (k + 1 == samples.size() || samples[k + 1].utcMs != samples[k].utcMs)
                places.push_back({samples[k].utcMs, i, k});
    }
    std::stable_sort(places.begin(), places.end(), [](const Place& a, const Place& b) { return a.utcMs < b.utcMs; });
    return places;
}

} // namespace

std::map<std::string, std::string> remoteWriteLabels(std::string_view name, const std::map<std::string, std::string>& labels)
{
    std::map<std::string, std::string> allowed;
    for (const auto& [label, value] : labels)
        if (!value.empty())
            allowed.emplace(allowedName(label, false), value);
    allowed["__name__"] = allowedName(name, true);
    return allowed;
}

std::vector<std::vector<RemoteWriteSeries>> remoteWriteBatches(const std::vector<RemoteWriteSeries>& series, std::size_t mostSamples)
{
    const std::vector<Place> places = inOrderOfTime(series);
    const std::size_t most = std::max<std::size_t>(1, mostSamples);
    std::vector<std::vector<RemoteWriteSeries>> batches;
    for (std::size_t begin = 0; begin < places.size(); begin += most) {
        std::map<std::size_t, RemoteWriteSeries> batch;
        for (std::size_t i = begin; i < std::min(places.size(), begin + most); ++i) {
            const RemoteWriteSeries& from = series[places[i].series];
            RemoteWriteSeries& to = batch.try_emplace(places[i].series, RemoteWriteSeries{from.labels, {}}).first->second;
            to.samples.push_back(from.samples[places[i].sample]);
        }
        std::vector<RemoteWriteSeries>& all = batches.emplace_back();
        for (auto& [index, one] : batch)
            all.push_back(std::move(one));
    }
    return batches;
}

std::string encodeRemoteWrite(const std::vector<RemoteWriteSeries>& batch)
{
    ::prometheus::WriteRequest request;
    for (const RemoteWriteSeries& series : batch) {
        ::prometheus::TimeSeries& out = *request.add_timeseries();
        for (const auto& [name, value] : series.labels) { // of a map: by name, as the server wants them
            ::prometheus::Label& label = *out.add_labels();
            label.set_name(name);
            label.set_value(value);
        }
        for (const RemoteWriteSample& sample : series.samples) {
            ::prometheus::Sample& point = *out.add_samples();
            point.set_value(sample.value);
            point.set_timestamp(sample.utcMs);
        }
    }
    const std::string plain = request.SerializeAsString();
    std::string packed;
    snappy::Compress(plain.data(), plain.size(), &packed);
    return packed;
}

} // namespace gantry::proto
