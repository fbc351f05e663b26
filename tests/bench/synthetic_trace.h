#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>

namespace gantry::bench {

/// What the events of one kind add up to, modulo 2^64: the oracle of whoever reads them.
struct SyntheticSum
{
    std::uint64_t count = 0;
    std::uint64_t start = 0, duration = 0; ///< ns
    std::uint64_t correlation = 0;

    bool operator==(const SyntheticSum&) const = default;
};

struct SyntheticSums
{
    SyntheticSum ranges, calls, kernels, memcpys;

    [[nodiscard]] std::uint64_t events() const { return ranges.count + calls.count + kernels.count + memcpys.count; }
    bool operator==(const SyntheticSums&) const = default;
    /// The same of a reader whose times count from the first event.
    [[nodiscard]] SyntheticSums fromFirstStart() const;
};

/// Start of the first event of every synthetic trace, ns from time 0.
inline constexpr std::int64_t kSyntheticFirstStart = 1'000'000'000;
/// Time 0 of every synthetic trace.
inline constexpr std::int64_t kSyntheticUtcNs = 1'700'000'000'000'000'000;

// Two writers of the same simulated training of `events` events (synthetic_training.h): 13.6 % ranges, 43.2 % calls, 38.9 % kernels,
// 4.3 % memcpys. Each replaces the file and returns what it wrote. Errors: CannotWrite and what errnoError() makes.

/// In the schema of the Nsight Systems SQLite export, rows sorted by start as there; 58 bytes a row.
[[nodiscard]] Result<SyntheticSums> writeNsysSqlite(const std::filesystem::path& path, std::uint64_t events);

/// In the layout of PyTorch's profiler (Kineto); about 350 bytes an event.
[[nodiscard]] Result<SyntheticSums> writeKinetoJson(const std::filesystem::path& path, std::uint64_t events);

} // namespace gantry::bench
