#pragma once

#include <cstdint>
#include <filesystem>

namespace gantry::desktop_test {

/// What a fixture report holds; the second report of a comparison differs in these.
struct ReportShape
{
    int requests = 12;              ///< of model "bert_base", one every millisecond
    std::int64_t inferNs = 600'000; ///< length of each compute_infer phase
    bool pinned = false;            ///< kind of the host memory of the copies
    std::uint64_t dropped = 0;      ///< records that CUPTI is said to have dropped
    bool hasSampledRows = false;    ///< when threads ran, GPU memory in use, and what NVML measures of the GPU
};

/// Writes a small complete report with ReportWriter: one GPU, two streams with kernels and copies, one instance thread with
/// NVTX ranges and API calls, requests with phases, and two metric series.
void writeReport(const std::filesystem::path& path, const ReportShape& shape = {});

/// Cuts a report in its first page, as a copy leaves it that was interrupted at once: nothing of it can be read.
void truncateFile(const std::filesystem::path& path);

} // namespace gantry::desktop_test
