#include "report_fixture.h"

#include "trace_model/report/report_writer.h"

#include <stdexcept>
#include <utility>

namespace gantry::desktop_test {

namespace {

constexpr std::uint64_t kPid = 4711;
constexpr std::uint64_t kGlobalPid = kPid << 24;
constexpr std::uint64_t kInstanceTid = kGlobalPid | 4712;
constexpr std::uint64_t kFrontTid = kGlobalPid | 4711;
constexpr TimestampNs kPeriod = 1'000'000;

/// The thread of the instance runs but for a pause in the middle of each period; the other one runs where that one does not.
void addScheduling(report::ReportWriter& writer, TimestampNs end)
{
    constexpr TimestampNs kPause = 250'000, kFirstPause = 400'000;
    for (TimestampNs period = 0; period < end; period += kPeriod) {
        const TimestampNs pause = period + kFirstPause + period / kPeriod % 3 * 100'000;
        for (const auto& [tid, isOut] : {std::pair(kInstanceTid, true), std::pair(kFrontTid, false)}) {
            writer.add(report::SchedulingRow{pause, 3, !isOut, tid});
            writer.add(report::SchedulingRow{pause + kPause, 3, isOut, tid});
        }
    }
}

/// Weights that stay, and a workspace for each request that is given back with its end.
void addMemory(report::ReportWriter& writer, TimestampNs end)
{
    report::MemoryRow row;
    row.globalPid = kGlobalPid;
    row.contextId = 1;
    row.memKind = 2; // ENUM_CUDA_MEM_KIND: device
    const auto add = [&](TimestampNs at, std::uint64_t address, std::uint64_t bytes, bool isRelease) {
        row.start = at;
        row.address = address;
        row.bytes = bytes;
        row.isRelease = isRelease;
        writer.add(row);
    };
    add(50'000, 0x1000, std::uint64_t{440} << 20, false);
    for (TimestampNs at = kPeriod; at + kPeriod < end; at += kPeriod) {
        const std::uint64_t bytes = static_cast<std::uint64_t>(24 + at / kPeriod % 4 * 16) << 20;
        add(at + 150'000, 0x2000, bytes, false);
        add(at + 800'000, 0x2000, bytes, true);
    }
}

/// As a node with an H100 samples them.
void addGpuSeries(report::ReportWriter& writer, TimestampNs end)
{
    struct Series
    {
        const char* name;
        const char* unit;
        double low, high;
    };
    constexpr Series kSeries[] = {{"gpm_sm_active_ratio", "ratio", 0.42, 0.11},
                                  {"gpm_sm_occupancy_ratio", "ratio", 0.18, 0.05},
                                  {"gpm_tensor_active_ratio", "ratio", 0.21, 0.07},
                                  {"gpm_dram_ratio", "ratio", 0.33, 0.08},
                                  {"gpm_pcie_receive_bytes_per_second", "bytes/s", 2.1e9, 0.4e9}};
    std::uint32_t id = 100;
    for (const Series& series : kSeries) {
        writer.addSeries({++id, series.name, series.unit, metrics::SeriesKind::Gauge, {{"gpu", "0"}}, {}});
        for (TimestampNs at = 0; at < end; at += kPeriod)
            writer.addSample({id, at, series.low + series.high * static_cast<double>(at / kPeriod % 5)});
    }
}

} // namespace

void writeReport(const std::filesystem::path& path, const ReportShape& shape)
{
    auto created = report::ReportWriter::create(path);
    if (!created)
        throw std::runtime_error(created.error().text());
    report::ReportWriter writer = std::move(*created);

    writer.add(report::ProcessRow{kGlobalPid, static_cast<std::int64_t>(kPid), "gantry-serve"});
    report::GpuRow gpu;
    gpu.name = "NVIDIA H100 80GB HBM3";
    gpu.uuid = "GPU-0000";
    writer.add(gpu);
    writer.addCudaDevice(0, 0, kPid);
    for (std::uint32_t stream : {7u, 13u}) {
        report::StreamRow row;
        row.streamId = stream;
        row.contextId = 1;
        row.processId = kPid;
        writer.add(row);
    }
    writer.addThreadName(kInstanceTid, "bert_base_0_0");
    writer.addThreadName(kFrontTid, "grpc");

    const report::TextId model = writer.intern("bert_base"), version = writer.intern("1"), instance = writer.intern("bert_base_0_0");
    const report::TextId gemm = writer.intern("gemm_fp16_128x64"), softmax = writer.intern("softmax_rows");
    const report::TextId launch = writer.intern("cudaLaunchKernel"), copyAsync = writer.intern("cudaMemcpyAsync");
    report::NvtxRow domain;
    domain.type = report::NvtxEventType::DomainCreate;
    domain.textId = writer.intern("gantry.serve");
    domain.globalTid = kInstanceTid;
    domain.domainId = 1;
    writer.add(domain);

    std::uint32_t correlation = 1;
    for (int i = 0; i < shape.requests; ++i) {
        const TimestampNs start = (i + 1) * kPeriod;
        const std::uint64_t id = static_cast<std::uint64_t>(i + 1);
        const TimestampNs queueEnd = start + 100'000 + (i % 3) * 20'000;
        const TimestampNs inputEnd = queueEnd + 50'000;
        const TimestampNs inferEnd = inputEnd + shape.inferNs;
        const TimestampNs end = inferEnd + 40'000;

        report::RequestRow request;
        request.requestId = id;
        request.globalPid = kGlobalPid;
        request.model = model;
        request.version = version;
        request.start = start;
        request.end = end;
        request.batchId = id;
        using records::RequestPhase;
        request.phases[static_cast<std::size_t>(RequestPhase::Queue)] = TimeRange{start, queueEnd};
        request.phases[static_cast<std::size_t>(RequestPhase::ComputeInput)] = TimeRange{queueEnd, inputEnd};
        request.phases[static_cast<std::size_t>(RequestPhase::ComputeInfer)] = TimeRange{inputEnd, inferEnd};
        request.phases[static_cast<std::size_t>(RequestPhase::ComputeOutput)] = TimeRange{inferEnd, end};
        writer.add(request);

        report::ExecutionRow execution;
        execution.batchId = id;
        execution.globalTid = kInstanceTid;
        execution.model = model;
        execution.version = version;
        execution.instance = instance;
        execution.start = queueEnd;
        execution.end = end;
        writer.add(execution);

        const auto range = [&](const char* text, TimestampNs from, TimestampNs to) {
            report::NvtxRow row;
            row.start = from;
            row.end = to;
            row.textId = writer.intern(text);
            row.globalTid = kInstanceTid;
            row.domainId = 1;
            row.uint64Value = id;
            writer.add(row);
        };
        range("execute", queueEnd, end);
        range("compute_input", queueEnd, inputEnd);
        range("compute_infer", inputEnd, inferEnd);
        range("compute_output", inferEnd, end);

        const auto call = [&](report::TextId name, TimestampNs at) {
            report::ApiRow row;
            row.start = at;
            row.end = at + 5'000;
            row.globalTid = kInstanceTid;
            row.correlationId = correlation;
            row.nameId = name;
            writer.add(row);
        };
        const auto copy = [&](TimestampNs at, std::uint8_t kind) {
            call(copyAsync, at);
            report::MemcpyRow row;
            row.start = at + 8'000;
            row.end = at + 28'000;
            row.contextId = 1;
            row.streamId = 7;
            row.correlationId = correlation++;
            row.globalPid = kGlobalPid;
            row.bytes = 393'216;
            row.copyKind = kind; // 1 HtoD, 2 DtoH
            const std::uint8_t host = shape.pinned ? 1 : 0;
            row.srcKind = kind == 1 ? host : 2;
            row.dstKind = kind == 1 ? 2 : host;
            writer.add(row);
        };
        copy(queueEnd + 2'000, 1);
        for (int k = 0; k < 8; ++k) {
            const TimestampNs at = inputEnd + k * shape.inferNs / 10;
            call(launch, at);
            report::KernelRow row;
            row.start = at + 10'000;
            row.end = row.start + shape.inferNs / 12;
            row.contextId = 1;
            row.streamId = k % 4 == 3 ? 13 : 7;
            row.correlationId = correlation++;
            row.globalPid = kGlobalPid;
            row.shortName = row.demangledName = row.mangledName = k % 2 ? softmax : gemm;
            row.grid = {24, 12, 1};
            row.block = {128, 1, 1};
            writer.add(row);
        }
        copy(inferEnd + 2'000, 2);
    }

    const TimestampNs windowEnd = (shape.requests + 2) * kPeriod;
    metrics::SeriesDefinition cpu{1, "host_cpu_ratio", "ratio", metrics::SeriesKind::Gauge, {}, "CPU time used"};
    metrics::SeriesDefinition success{2, "nv_inference_request_success", "count", metrics::SeriesKind::Counter, {{"model", "bert_base"}}, "requests"};
    writer.addSeries(cpu);
    writer.addSeries(success);
    for (TimestampNs at = 0; at < windowEnd; at += kPeriod) {
        writer.addSample({1, at, 0.2 + 0.05 * static_cast<double>(at / kPeriod % 5)});
        writer.addSample({2, at, static_cast<double>(at / kPeriod)});
    }

    if (shape.hasSampledRows) {
        addScheduling(writer, windowEnd);
        addMemory(writer, windowEnd);
        addGpuSeries(writer, windowEnd);
    }

    report::ReportWriter::Session session;
    session.utcEpochNs = 1'700'000'000'000'000'000;
    session.systemClockNs = 1'000'000'000;
    session.window = {0, windowEnd};
    session.losses = {{"cupti_dropped_records", LossSeverity::Error, shape.dropped, "Records CUPTI dropped for want of a buffer."}};
    if (auto finished = writer.finish(session); !finished)
        throw std::runtime_error(finished.error().text());
}

void truncateFile(const std::filesystem::path& path)
{
    std::filesystem::resize_file(path, 1000);
}

} // namespace gantry::desktop_test
