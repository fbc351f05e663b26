#pragma once

#include "remote_server/node/sampling/sample_source.h"

#include <cstdint>
#include <filesystem>
#include <utility>

namespace gantry::node {

/// CPU and memory of the host from /proc (proc(5): stat, meminfo). `root` is "/" but for tests.
class HostSampler : public SampleSource
{
public:
    explicit HostSampler(std::filesystem::path root = "/") : m_root(std::move(root)) {}
    void sample(SampleRound& round) override;
    [[nodiscard]] SourceState state() const override { return {"host", {}, 0, {}, {}}; }

private:
    std::filesystem::path m_root;
    std::uint64_t m_lastBusy = 0, m_lastTotal = 0; ///< clock ticks; 0: no round before
};

} // namespace gantry::node
