#pragma once

#include "remote_server/node/sampling/sample_source.h"

#include <filesystem>
#include <optional>
#include <utility>

namespace gantry::node {

/// What the host's disks, networks and InfiniBand ports have carried, from /proc and /sys, once a second. Disks are whole ones, without
/// loop and memory devices; networks are without the loopback, what containers are given and what never carried anything. `root` is "/" but
/// for tests.
class HostIoSampler : public SampleSource
{
public:
    explicit HostIoSampler(std::filesystem::path root = "/") : m_root(std::move(root)) {}
    void sample(SampleRound& round) override;
    [[nodiscard]] SourceState state() const override { return {"disks and networks", {}, kPeriod, m_took, {}}; }

private:
    static constexpr DurationNs kPeriod = 1'000'000'000;

    void sampleDisks(SampleRound& round) const;
    void sampleNetworks(SampleRound& round) const;
    void sampleInfiniBand(SampleRound& round) const;

    std::filesystem::path m_root;
    TimestampNs m_next = 0;
    std::optional<DurationNs> m_took; ///< the last reading
};

} // namespace gantry::node
