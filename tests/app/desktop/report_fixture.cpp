#include "report_fixture.h"

#include "trace_model/report/report_writer.h"

#include <stdexcept>

namespace gantry::desktop_test {

namespace {

constexpr std::uint64_t kPid = 4711;
constexpr std::uint64_t kGlobalPid = kPid << 24;
constexpr std::uint64_t kInstanceTid = kGlobalPid | 4712;
constexpr std::uint64_t kFrontTid = kGlobalPid | 4711;
constexpr TimestampNs kPeriod = 1'000'000;

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
