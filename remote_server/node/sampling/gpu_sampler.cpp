#include "remote_server/node/sampling/gpu_sampler.h"

#include "remote_server/gpu_sampler/gpu_frames.h"
#include "trace_model/import/child_program.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <nlohmann/json.hpp>

namespace gantry::node {
namespace {

using gpu_frames::FrameType;

constexpr std::size_t kMostValues = 32u << 20; // of one GPU: 256 MiB, half a minute at 100 kHz of ten metrics
constexpr std::size_t kMostSeries = 64;
constexpr int kSignalled = 128;                           // an exit status above: 128 + the signal that ended it
constexpr std::uint32_t kFirstSeriesId = 0x40000000;      // those of the sampler count up from 1
constexpr std::chrono::seconds kLastSamplesPatience{60};  // at 100 kHz they are read at a fifth of the speed at which they come
constexpr std::chrono::milliseconds kEndPatience{65'000}; // a sampler that is killed leaves the counters busy for a while

} // namespace

GpuSampler::GpuSampler(Options options) : m_options(std::move(options))
{
    for (const int index : m_options.devices)
        m_devices.emplace_back().index = index;
    for (Device& device : m_devices)
        m_threads.emplace_back([this, &device](const std::stop_token& stop) { run(device, stop); });
}

GpuSampler::~GpuSampler()
{
    stopSampling(); // all before the first is waited for
}

void GpuSampler::stopSampling()
{
    {
        const std::lock_guard lock(m_mutex);
        m_isStopping = true;
    }
    for (std::jthread& thread : m_threads)
        thread.request_stop();
}

bool GpuSampler::isReady() const
{
    const std::lock_guard lock(m_mutex);
    return std::all_of(m_devices.begin(), m_devices.end(), [](const Device& device) { return device.isReady; });
}

std::string GpuSampler::problem() const
{
    const std::lock_guard lock(m_mutex);
    for (const Device& device : m_devices)
        if (!device.problem.empty())
            return "GPU " + std::to_string(device.index) + " has no counter samples: " + device.problem;
    return {};
}

void GpuSampler::giveUp(Device& device, std::string problem)
{
    device.isReady = device.hasEnded = true;
    if (device.problem.empty())
        device.problem = std::move(problem);
}

void GpuSampler::run(Device& device, const std::stop_token& stop)
{
    const std::vector<std::string> command{m_options.program.string(), std::to_string(device.index), std::to_string(m_options.periodNs)};
    const auto take = [&](std::string_view bytes) { receive(device, bytes); };
    auto end = importing::runProgram(command, take, stop, kEndPatience);
    // One that crashes before it has begun, as NVIDIA's libraries may beside the end of another client, is started once more.
    const auto hasBegun = [&] {
        const std::lock_guard lock(m_mutex);
        return device.isReady;
    };
    if (end && end->exitStatus > kSignalled && !hasBegun() && !stop.stop_requested())
        end = importing::runProgram(command, take, stop, kEndPatience);
    const std::lock_guard lock(m_mutex);
    if (!end && end.error().code != ErrorCode::Cancelled)
        giveUp(device, end.error().text());
    else if (end && end->exitStatus != 0)
        giveUp(device, "gantry-gpu-sampler ended with status " + std::to_string(end->exitStatus));
    device.isReady = device.hasEnded = true;
    m_changed.notify_all();
}

void GpuSampler::receive(Device& device, std::string_view bytes)
{
    const std::lock_guard lock(m_mutex);
    if (device.hasEnded)
        return;
    device.received += bytes;
    std::size_t at = 0;
    gpu_frames::FrameHeader header{};
    while (device.received.size() - at >= sizeof header) {
        std::memcpy(&header, device.received.data() + at, sizeof header);
        if (header.magic != gpu_frames::kMagic || header.size > gpu_frames::kMaxFrameBytes)
            return giveUp(device, "gantry-gpu-sampler wrote something that this gantryd does not know: are both of the same version?");
        if (device.received.size() - at - sizeof header < header.size)
            break;
        if (!takeFrame(device, static_cast<std::uint32_t>(header.type),
                       std::string_view(device.received).substr(at + sizeof header, header.size)))
            return giveUp(device, "gantry-gpu-sampler wrote a frame that cannot be read");
        at += sizeof header + header.size;
    }
    device.received.erase(0, at);
    m_changed.notify_all();
}

bool GpuSampler::takeFrame(Device& device, std::uint32_t type, std::string_view content)
{
    switch (static_cast<FrameType>(type)) {
    case FrameType::Series:
        takeSeries(device, content);
        return device.isReady;
    case FrameType::Samples:
        takeSamples(device, content);
        return true;
    case FrameType::Failed:
        giveUp(device, std::string(content));
        return true;
    case FrameType::End: {
        const auto json = nlohmann::json::parse(content, nullptr, false);
        device.dropped +=
            json.is_object() && json.contains("lost") && json["lost"].is_number_unsigned() ? json["lost"].get<std::uint64_t>() : 0;
        device.hasEnded = true;
        return true;
    }
    }
    return true; // of a newer version
}

void GpuSampler::takeSeries(Device& device, std::string_view content)
{
    const auto json = nlohmann::json::parse(content, nullptr, false);
    if (!json.is_array() || json.empty() || json.size() > kMostSeries || device.isReady)
        return;
    for (const auto& entry : json) {
        const auto text = [&](const char* key) {
            return entry.is_object() && entry.contains(key) && entry[key].is_string() ? entry[key].get<std::string>() : std::string();
        };
        metrics::SeriesDefinition series;
        series.id =
            kFirstSeriesId + static_cast<std::uint32_t>(device.index) * kMostSeries + static_cast<std::uint32_t>(device.series.size());
        series.name = text("name");
        series.unit = text("unit");
        series.help = text("help");
        series.labels["gpu"] = std::to_string(device.index);
        device.series.push_back(std::move(series));
    }
    device.isReady = true;
}

void GpuSampler::takeSamples(Device& device, std::string_view content)
{
    const std::size_t valueBytes = device.series.size() * sizeof(double);
    const std::size_t recordBytes = sizeof(gpu_frames::SampleHead) + valueBytes;
    for (std::size_t at = 0; device.isReady && content.size() - at >= recordBytes; at += recordBytes) {
        if (device.values.size() >= kMostValues) {
            ++device.dropped;
            continue;
        }
        gpu_frames::SampleHead head{};
        std::memcpy(&head, content.data() + at, sizeof head);
        device.times.push_back(head.endMonotonicNs);
        for (std::size_t i = 0; i < device.series.size(); ++i) {
            double value = 0;
            std::memcpy(&value, content.data() + at + sizeof head + i * sizeof value, sizeof value);
            device.values.push_back(value);
        }
    }
}

void GpuSampler::keepFrom(TimestampNs time)
{
    const std::lock_guard lock(m_mutex);
    for (Device& device : m_devices)
        while (!device.times.empty() && device.times.front() < time) {
            device.times.pop_front();
            device.values.erase(device.values.begin(), device.values.begin() + static_cast<std::ptrdiff_t>(device.series.size()));
        }
}

void GpuSampler::copyTo(WindowCapture& window)
{
    std::unique_lock lock(m_mutex);
    m_changed.wait_for(lock, kLastSamplesPatience, [&] {
        return std::all_of(m_devices.begin(), m_devices.end(), [&](const Device& device) {
            return device.hasEnded || (!m_isStopping && !device.times.empty() && device.times.back() >= window.closeMonotonicNs);
        });
    });
    for (const Device& device : m_devices) {
        window.series.insert(window.series.end(), device.series.begin(), device.series.end());
        window.droppedGpuSamples += device.dropped;
        SampleFrames& frames = window.frames.emplace_back();
        for (const metrics::SeriesDefinition& series : device.series)
            frames.seriesIds.push_back(series.id);
        const auto first = std::lower_bound(device.times.begin(), device.times.end(), window.openMonotonicNs);
        const auto end = std::upper_bound(first, device.times.end(), window.closeMonotonicNs);
        frames.times.assign(first, end);
        const auto valuesBefore = [&](auto time) { // of all series
            return device.values.begin() + (time - device.times.begin()) * static_cast<std::ptrdiff_t>(device.series.size());
        };
        frames.values.assign(valuesBefore(first), valuesBefore(end));
    }
}

} // namespace gantry::node
