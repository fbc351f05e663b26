#include "remote_server/proto/convert.h"

#include "remote_server/proto/convert_engine.h"
#include "remote_server/proto/convert_management.h"

#include <algorithm>
#include <array>
#include <string>

namespace gantry::proto {

namespace {

constexpr std::array kErrorCodes{
    ErrorCode::BadInput,    ErrorCode::NotAReport,      ErrorCode::UnsupportedVersion, ErrorCode::Truncated, ErrorCode::NotFound,
    ErrorCode::Unreachable, ErrorCode::VersionMismatch, ErrorCode::NotPermitted,       ErrorCode::Busy,      ErrorCode::CannotWrite,
    ErrorCode::TargetGone,  ErrorCode::Unsupported,     ErrorCode::Cancelled,          ErrorCode::Internal,
};

v1::TargetState toWire(TargetState state)
{
    switch (state) {
    case TargetState::Unknown:
        return v1::TARGET_STATE_UNKNOWN;
    case TargetState::Starting:
        return v1::TARGET_STATE_STARTING;
    case TargetState::Running:
        return v1::TARGET_STATE_RUNNING;
    case TargetState::Exited:
        return v1::TARGET_STATE_EXITED;
    case TargetState::Killed:
        return v1::TARGET_STATE_KILLED;
    }
    return v1::TARGET_STATE_UNKNOWN;
}

TargetState fromWire(v1::TargetState state)
{
    switch (state) {
    case v1::TARGET_STATE_STARTING:
        return TargetState::Starting;
    case v1::TARGET_STATE_RUNNING:
        return TargetState::Running;
    case v1::TARGET_STATE_EXITED:
        return TargetState::Exited;
    case v1::TARGET_STATE_KILLED:
        return TargetState::Killed;
    default:
        return TargetState::Unknown;
    }
}

} // namespace

std::string validUtf8(const std::string& text)
{
    const auto continuation = [&](std::size_t index) {
        return index < text.size() && (static_cast<unsigned char>(text[index]) & 0xC0) == 0x80;
    };
    std::string result;
    result.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) {
        const auto lead = static_cast<unsigned char>(text[i]);
        const std::size_t length = lead < 0x80                   ? 1
                                   : lead >= 0xC2 && lead < 0xE0 ? 2
                                   : lead >= 0xE0 && lead < 0xF0 ? 3
                                   : lead >= 0xF0 && lead < 0xF5 ? 4
                                                                 : 0;
        bool valid = length != 0;
        for (std::size_t k = 1; valid && k < length; ++k)
            valid = continuation(i + k);
        if (valid && length > 2) {
            // Overlong forms, UTF-16 surrogates and code points past U+10FFFF, by the second byte (RFC 3629, section 4).
            const auto second = static_cast<unsigned char>(text[i + 1]);
            valid = !((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
                      (lead == 0xF4 && second > 0x8F));
        }
        if (!valid) {
            result += "\xEF\xBF\xBD";
            ++i;
            continue;
        }
        result.append(text, i, length);
        i += length;
    }
    return result;
}

v1::HelloReply toWire(const HelloInfo& hello)
{
    v1::HelloReply wire;
    wire.set_protocol_version(hello.protocolVersion);
    wire.set_daemon_version(hello.daemonVersion);
    wire.set_host_name(hello.hostName);
    wire.set_boot_id(hello.bootId);
    wire.set_started_utc_ns(hello.startedUtcNs);
    return wire;
}

HelloInfo fromWire(const v1::HelloReply& wire)
{
    return HelloInfo{wire.protocol_version(), wire.daemon_version(), wire.host_name(), wire.boot_id(), wire.started_utc_ns()};
}

v1::NodeInfo toWire(const NodeInfo& info)
{
    v1::NodeInfo wire;
    wire.set_host_name(info.hostName);
    wire.set_os(info.os);
    wire.set_kernel(info.kernel);
    wire.set_cpu_model(info.cpuModel);
    wire.set_cpu_count(info.cpuCount);
    wire.set_memory_total_bytes(info.memoryTotalBytes);
    for (const GpuInfo& gpu : info.gpus) {
        v1::GpuInfo& to = *wire.add_gpus();
        to.set_index(gpu.index);
        to.set_name(gpu.name);
        to.set_uuid(gpu.uuid);
        to.set_pci_bus_id(gpu.pciBusId);
        to.set_memory_total_bytes(gpu.memoryTotalBytes);
        to.set_compute_major(gpu.computeMajor);
        to.set_compute_minor(gpu.computeMinor);
        to.set_problem(validUtf8(gpu.problem));
    }
    wire.set_no_gpu_reason(info.noGpuReason);
    wire.set_driver_version(info.driverVersion);
    wire.set_cuda_driver_version(info.cudaDriverVersion);
    wire.set_daemon_version(info.daemonVersion);
    wire.set_report_folder(validUtf8(info.reportFolder));
    if (info.diskFreeBytes)
        wire.set_disk_free_bytes(*info.diskFreeBytes);
    wire.set_nsys_path(validUtf8(info.nsysPath));
    wire.set_nsys_version(validUtf8(info.nsysVersion));
    wire.set_recording(validUtf8(info.recording));
    wire.set_user_name(validUtf8(info.userName));
    return wire;
}

NodeInfo fromWire(const v1::NodeInfo& wire)
{
    NodeInfo info;
    info.hostName = wire.host_name();
    info.os = wire.os();
    info.kernel = wire.kernel();
    info.cpuModel = wire.cpu_model();
    info.cpuCount = wire.cpu_count();
    info.memoryTotalBytes = wire.memory_total_bytes();
    for (const v1::GpuInfo& gpu : wire.gpus())
        info.gpus.push_back(GpuInfo{gpu.index(), gpu.name(), gpu.uuid(), gpu.pci_bus_id(), gpu.memory_total_bytes(), gpu.compute_major(),
                                    gpu.compute_minor(), gpu.problem()});
    info.noGpuReason = wire.no_gpu_reason();
    info.driverVersion = wire.driver_version();
    info.cudaDriverVersion = wire.cuda_driver_version();
    info.daemonVersion = wire.daemon_version();
    info.reportFolder = wire.report_folder();
    if (wire.has_disk_free_bytes())
        info.diskFreeBytes = wire.disk_free_bytes();
    info.nsysPath = wire.nsys_path();
    info.nsysVersion = wire.nsys_version();
    info.recording = wire.recording();
    info.userName = wire.user_name();
    return info;
}

v1::Target toWire(const Target& target)
{
    v1::Target wire;
    wire.set_id(target.id);
    wire.set_name(validUtf8(target.name));
    for (const std::string& argument : target.argv)
        wire.add_argv(validUtf8(argument));
    wire.set_pid(target.pid);
    wire.set_state(toWire(target.state));
    wire.set_exit_code(target.exitCode);
    wire.set_exit_signal(target.exitSignal);
    wire.set_started_utc_ns(target.startedUtcNs);
    wire.set_adopted(target.adopted);
    for (const TargetProcess& process : target.processes) {
        v1::TargetProcess& to = *wire.add_processes();
        to.set_pid(process.pid);
        to.set_executable(validUtf8(process.executable));
        to.set_capture_attached(process.captureAttached);
        to.set_cuda_loaded(process.cudaLoaded);
    }
    wire.set_grpc_address(target.grpcAddress);
    wire.set_metrics_url(target.metricsUrl);
    for (const ModelInfo& model : target.models)
        *wire.add_models() = toWire(model);
    wire.set_message(validUtf8(target.message));
    wire.set_engine(toWire(target.engine));
    wire.set_profile(target.profile);
    wire.set_profiler_url(target.profilerUrl);
    return wire;
}

Target fromWire(const v1::Target& wire)
{
    Target target;
    target.id = wire.id();
    target.name = wire.name();
    target.argv.assign(wire.argv().begin(), wire.argv().end());
    target.pid = wire.pid();
    target.state = fromWire(wire.state());
    target.exitCode = wire.exit_code();
    target.exitSignal = wire.exit_signal();
    target.startedUtcNs = wire.started_utc_ns();
    target.adopted = wire.adopted();
    for (const v1::TargetProcess& process : wire.processes())
        target.processes.push_back(TargetProcess{process.pid(), process.executable(), process.capture_attached(), process.cuda_loaded()});
    target.grpcAddress = wire.grpc_address();
    target.metricsUrl = wire.metrics_url();
    for (const v1::ModelInfo& model : wire.models())
        target.models.push_back(fromWire(model));
    target.message = wire.message();
    target.engine = fromWire(wire.engine());
    target.profile = wire.profile();
    target.profilerUrl = wire.profiler_url();
    return target;
}

v1::ModelInfo toWire(const ModelInfo& model)
{
    v1::ModelInfo wire;
    wire.set_name(validUtf8(model.name));
    wire.set_version(validUtf8(model.version));
    wire.set_state(validUtf8(model.state));
    wire.set_platform(validUtf8(model.platform));
    wire.set_reason(validUtf8(model.reason));
    return wire;
}

ModelInfo fromWire(const v1::ModelInfo& wire)
{
    return {wire.name(), wire.version(), wire.state(), wire.platform(), wire.reason()};
}

v1::ModelConfigText toWire(const ModelConfigText& config)
{
    v1::ModelConfigText wire;
    wire.set_text(validUtf8(config.text));
    wire.set_incomplete(config.isIncomplete);
    return wire;
}

ModelConfigText fromWire(const v1::ModelConfigText& wire)
{
    return {wire.text(), wire.incomplete()};
}

v1::ConfigProblem toWire(const ConfigProblem& problem)
{
    v1::ConfigProblem wire;
    wire.set_line(problem.line);
    wire.set_column(problem.column);
    wire.set_message(validUtf8(problem.message));
    return wire;
}

ConfigProblem fromWire(const v1::ConfigProblem& wire)
{
    return {wire.line(), wire.column(), wire.message()};
}

v1::TargetProfile toWire(const TargetProfileInfo& profile)
{
    v1::TargetProfile wire;
    wire.set_name(validUtf8(profile.name));
    wire.set_title(validUtf8(profile.title));
    wire.set_takes_iterations(profile.takesIterations);
    wire.set_has_profiler(profile.hasProfiler);
    for (const std::string& note : profile.notes)
        wire.add_notes(validUtf8(note));
    return wire;
}

TargetProfileInfo fromWire(const v1::TargetProfile& wire)
{
    return {wire.name(), wire.title(), wire.takes_iterations(), wire.has_profiler(), {wire.notes().begin(), wire.notes().end()}};
}

v1::LaunchTargetRequest toWire(const LaunchRequest& request)
{
    v1::LaunchTargetRequest wire;
    wire.set_name(request.name);
    for (const std::string& argument : request.argv)
        wire.add_argv(argument);
    wire.mutable_environment()->insert(request.environment.begin(), request.environment.end());
    wire.set_working_directory(request.workingDirectory);
    wire.set_grpc_address(request.grpcAddress);
    wire.set_metrics_url(request.metricsUrl);
    wire.set_inject(request.inject);
    wire.set_engine(toWire(request.engine));
    *wire.mutable_nsys() = toWire(request.nsys);
    wire.set_plan_only(request.isPlanOnly);
    wire.set_python_functions(request.pythonFunctions);
    wire.set_profile(request.profile);
    wire.set_iterations(request.iterations);
    return wire;
}

LaunchRequest fromWire(const v1::LaunchTargetRequest& wire)
{
    LaunchRequest request;
    request.name = wire.name();
    request.argv.assign(wire.argv().begin(), wire.argv().end());
    request.environment.insert(wire.environment().begin(), wire.environment().end());
    request.workingDirectory = wire.working_directory();
    request.grpcAddress = wire.grpc_address();
    request.metricsUrl = wire.metrics_url();
    request.inject = wire.inject();
    request.engine = fromWire(wire.engine());
    request.nsys = fromWire(wire.nsys());
    request.isPlanOnly = wire.plan_only();
    request.pythonFunctions = wire.python_functions();
    request.profile = wire.profile();
    request.iterations = wire.iterations();
    return request;
}

v1::ReportInfo toWire(const ReportInfo& report)
{
    v1::ReportInfo wire;
    wire.set_name(validUtf8(report.name));
    wire.set_size_bytes(report.sizeBytes);
    wire.set_sha256(report.sha256);
    wire.set_created_utc_ns(report.createdUtcNs);
    wire.set_target_name(validUtf8(report.targetName));
    wire.set_duration_ns(report.durationNs);
    wire.set_label(validUtf8(report.label));
    wire.set_session(validUtf8(report.session));
    wire.set_is_kept(report.isKept);
    wire.set_begin_utc_ns(report.beginUtcNs);
    return wire;
}

ReportInfo fromWire(const v1::ReportInfo& wire)
{
    return ReportInfo{wire.name(),        wire.size_bytes(), wire.sha256(),  wire.created_utc_ns(), wire.target_name(),
                      wire.duration_ns(), wire.label(),      wire.session(), wire.is_kept(),        wire.begin_utc_ns()};
}

v1::NsysExportBegin toWire(const NsysExport& report)
{
    v1::NsysExportBegin wire;
    wire.set_file_name(validUtf8(report.fileName));
    wire.set_total_bytes(report.totalBytes);
    wire.set_client_name(validUtf8(report.clientName));
    return wire;
}

NsysExport fromWire(const v1::NsysExportBegin& wire)
{
    return NsysExport{wire.file_name(), wire.total_bytes(), wire.client_name()};
}

v1::SeriesDefinition toWire(const metrics::SeriesDefinition& definition)
{
    v1::SeriesDefinition wire;
    wire.set_id(definition.id);
    wire.set_name(validUtf8(definition.name));
    wire.set_unit(definition.unit);
    wire.set_kind(definition.kind == metrics::SeriesKind::Counter ? v1::SERIES_KIND_COUNTER : v1::SERIES_KIND_GAUGE);
    for (const auto& [label, value] : definition.labels)
        (*wire.mutable_labels())[validUtf8(label)] = validUtf8(value);
    wire.set_help(validUtf8(definition.help));
    return wire;
}

metrics::SeriesDefinition fromWire(const v1::SeriesDefinition& wire)
{
    metrics::SeriesDefinition definition;
    definition.id = wire.id();
    definition.name = wire.name();
    definition.unit = wire.unit();
    definition.kind = wire.kind() == v1::SERIES_KIND_COUNTER ? metrics::SeriesKind::Counter : metrics::SeriesKind::Gauge;
    definition.labels.insert(wire.labels().begin(), wire.labels().end());
    definition.help = wire.help();
    return definition;
}

v1::Sample toWire(const metrics::Sample& sample)
{
    v1::Sample wire;
    wire.set_series_id(sample.seriesId);
    wire.set_mono_ns(sample.time);
    wire.set_value(sample.value);
    return wire;
}

metrics::Sample fromWire(const v1::Sample& wire)
{
    return metrics::Sample{wire.series_id(), wire.mono_ns(), wire.value()};
}

v1::MetricsBatch toWire(const MetricsBatch& batch)
{
    v1::MetricsBatch wire;
    wire.set_sequence(batch.sequence);
    wire.set_dropped_samples(batch.droppedSamples);
    for (const metrics::SeriesDefinition& definition : batch.definitions)
        *wire.add_definitions() = toWire(definition);
    wire.mutable_samples()->Reserve(static_cast<int>(batch.samples.size()));
    for (const metrics::Sample& sample : batch.samples)
        *wire.add_samples() = toWire(sample);
    wire.set_node_mono_ns(batch.nodeMonoNs);
    wire.set_node_utc_ns(batch.nodeUtcNs);
    return wire;
}

MetricsBatch fromWire(const v1::MetricsBatch& wire)
{
    MetricsBatch batch;
    batch.sequence = wire.sequence();
    batch.droppedSamples = wire.dropped_samples();
    batch.definitions.reserve(static_cast<std::size_t>(wire.definitions_size()));
    for (const v1::SeriesDefinition& definition : wire.definitions())
        batch.definitions.push_back(fromWire(definition));
    batch.samples.reserve(static_cast<std::size_t>(wire.samples_size()));
    for (const v1::Sample& sample : wire.samples())
        batch.samples.push_back(fromWire(sample));
    batch.nodeMonoNs = wire.node_mono_ns();
    batch.nodeUtcNs = wire.node_utc_ns();
    return batch;
}

v1::LogLine toWire(const LogLine& line)
{
    v1::LogLine wire;
    wire.set_utc_ns(line.utcNs);
    wire.set_text(validUtf8(line.text));
    wire.set_dropped_lines(line.droppedLines);
    wire.set_level(toWire(line.level));
    return wire;
}

LogLine fromWire(const v1::LogLine& wire)
{
    return LogLine{wire.utc_ns(), wire.text(), wire.dropped_lines(), fromWire(wire.level())};
}

grpc::StatusCode statusCode(ErrorCode code)
{
    switch (code) {
    case ErrorCode::BadInput:
    case ErrorCode::NotAReport:
        return grpc::StatusCode::INVALID_ARGUMENT;
    case ErrorCode::UnsupportedVersion:
    case ErrorCode::VersionMismatch:
        return grpc::StatusCode::FAILED_PRECONDITION;
    case ErrorCode::Truncated:
        return grpc::StatusCode::DATA_LOSS;
    case ErrorCode::NotFound:
        return grpc::StatusCode::NOT_FOUND;
    case ErrorCode::Unreachable:
        return grpc::StatusCode::UNAVAILABLE;
    case ErrorCode::NotPermitted:
        return grpc::StatusCode::PERMISSION_DENIED;
    case ErrorCode::Busy:
    case ErrorCode::CannotWrite:
        return grpc::StatusCode::RESOURCE_EXHAUSTED;
    case ErrorCode::TargetGone:
        return grpc::StatusCode::ABORTED;
    case ErrorCode::Unsupported:
        return grpc::StatusCode::UNIMPLEMENTED;
    case ErrorCode::Cancelled:
        return grpc::StatusCode::CANCELLED;
    case ErrorCode::Internal:
        return grpc::StatusCode::INTERNAL;
    }
    return grpc::StatusCode::INTERNAL;
}

namespace {

/// As much of it as an answer can carry. gRPC refuses trailers of more than 8 KiB, and with them the whole connection; in these it writes
/// %XX for what is not printable ASCII (gRPC over HTTP/2, "Status-Message").
std::string carriable(const std::string& message)
{
    constexpr std::size_t kMostBytes = 6000;
    std::size_t size = 0;
    for (std::size_t i = 0; i < message.size(); ++i) {
        size += message[i] >= ' ' && message[i] <= '~' && message[i] != '%' ? 1 : 3;
        if (size > kMostBytes)
            return validUtf8(message.substr(0, i)) + "…";
    }
    return message;
}

} // namespace

grpc::Status toStatus(const Error& error, grpc::ServerContextBase& context)
{
    context.AddTrailingMetadata(kErrorKey, std::string(gantry::name(error.code)));
    return grpc::Status(statusCode(error.code), carriable(error.text()));
}

Error toError(const grpc::Status& status, const grpc::ClientContext& context)
{
    const auto& trailing = context.GetServerTrailingMetadata();
    if (const auto named = trailing.find(kErrorKey); named != trailing.end()) {
        const std::string_view codeName(named->second.data(), named->second.size());
        return Error{errorCodeFromName(codeName).value_or(ErrorCode::Internal), status.error_message(), {}};
    }
    switch (status.error_code()) {
    case grpc::StatusCode::INVALID_ARGUMENT:
    case grpc::StatusCode::OUT_OF_RANGE:
        return Error{ErrorCode::BadInput, status.error_message(), {}};
    case grpc::StatusCode::NOT_FOUND:
        return Error{ErrorCode::NotFound, status.error_message(), {}};
    case grpc::StatusCode::UNAVAILABLE:
    case grpc::StatusCode::DEADLINE_EXCEEDED:
        return Error{ErrorCode::Unreachable, status.error_message(), {}};
    case grpc::StatusCode::UNAUTHENTICATED:
    case grpc::StatusCode::PERMISSION_DENIED:
        return Error{ErrorCode::NotPermitted, status.error_message(), {}};
    case grpc::StatusCode::FAILED_PRECONDITION:
        return Error{ErrorCode::VersionMismatch, status.error_message(), {}};
    // gRPC itself answers UNIMPLEMENTED for a method the daemon does not have: an older daemon, or not a gantryd at all.
    case grpc::StatusCode::UNIMPLEMENTED:
        return Error{ErrorCode::VersionMismatch, status.error_message(), {}};
    case grpc::StatusCode::RESOURCE_EXHAUSTED:
        return Error{ErrorCode::Busy, status.error_message(), {}};
    case grpc::StatusCode::DATA_LOSS:
        return Error{ErrorCode::Truncated, status.error_message(), {}};
    case grpc::StatusCode::ABORTED:
        return Error{ErrorCode::TargetGone, status.error_message(), {}};
    case grpc::StatusCode::CANCELLED:
        return Error{ErrorCode::Cancelled, status.error_message(), {}};
    default:
        return Error{ErrorCode::Internal, status.error_message(), {}};
    }
}

std::optional<ErrorCode> errorCodeFromName(std::string_view name)
{
    for (const ErrorCode code : kErrorCodes) {
        if (gantry::name(code) == name)
            return code;
    }
    return std::nullopt;
}

const char* name(TargetState state)
{
    switch (state) {
    case TargetState::Unknown:
        return "unknown";
    case TargetState::Starting:
        return "starting";
    case TargetState::Running:
        return "running";
    case TargetState::Exited:
        return "exited";
    case TargetState::Killed:
        return "killed";
    }
    return "unknown";
}

const char* name(CaptureState state)
{
    switch (state) {
    case CaptureState::Unknown:
        return "unknown";
    case CaptureState::Arming:
        return "arming";
    case CaptureState::Capturing:
        return "capturing";
    case CaptureState::Closing:
        return "closing";
    case CaptureState::Assembling:
        return "assembling";
    case CaptureState::Done:
        return "done";
    case CaptureState::Failed:
        return "failed";
    case CaptureState::Queued:
        return "queued";
    case CaptureState::Waiting:
        return "waiting";
    case CaptureState::Armed:
        return "armed";
    }
    return "unknown";
}

} // namespace gantry::proto
