#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include "gantry/v1/node.pb.h"

#include <grpcpp/client_context.h>
#include <grpcpp/server_context.h>
#include <grpcpp/support/status.h>

#include <optional>
#include <string_view>

/// The one place where protobuf messages and gRPC statuses become plain structs and Errors, and back. Pure functions, any thread.
/// A value that the wire can say and the struct cannot (an enumerator from a newer peer) becomes the "unknown" of its kind.
namespace gantry::proto {

/// Metadata of every call: the client's kProtocolVersion as a decimal number.
inline constexpr const char* kProtocolKey = "gantry-protocol";
/// Metadata of every call over TCP: "Bearer TOKEN".
inline constexpr const char* kAuthorizationKey = "authorization";
/// Trailing metadata of a failed call: name(ErrorCode).
inline constexpr const char* kErrorKey = "gantry-error";

[[nodiscard]] v1::HelloReply toWire(const HelloInfo& hello);
[[nodiscard]] v1::NodeInfo toWire(const NodeInfo& info);
[[nodiscard]] v1::Target toWire(const Target& target);
[[nodiscard]] v1::ModelInfo toWire(const ModelInfo& model);
[[nodiscard]] v1::ModelConfigText toWire(const ModelConfigText& config);
[[nodiscard]] v1::ConfigProblem toWire(const ConfigProblem& problem);
[[nodiscard]] v1::TargetProfile toWire(const TargetProfileInfo& profile);
[[nodiscard]] v1::LaunchTargetRequest toWire(const LaunchRequest& request);
[[nodiscard]] v1::StartCaptureRequest toWire(const CaptureRequest& request);
[[nodiscard]] v1::CaptureStatus toWire(const CaptureStatus& status);
[[nodiscard]] v1::ReportInfo toWire(const ReportInfo& report);
[[nodiscard]] v1::NsysExportBegin toWire(const NsysExport& report);
[[nodiscard]] v1::SeriesDefinition toWire(const metrics::SeriesDefinition& definition);
[[nodiscard]] v1::Sample toWire(const metrics::Sample& sample);
[[nodiscard]] v1::MetricsBatch toWire(const MetricsBatch& batch);
[[nodiscard]] v1::LogLine toWire(const LogLine& line);

[[nodiscard]] HelloInfo fromWire(const v1::HelloReply& wire);
[[nodiscard]] NodeInfo fromWire(const v1::NodeInfo& wire);
[[nodiscard]] Target fromWire(const v1::Target& wire);
[[nodiscard]] ModelInfo fromWire(const v1::ModelInfo& wire);
[[nodiscard]] ModelConfigText fromWire(const v1::ModelConfigText& wire);
[[nodiscard]] ConfigProblem fromWire(const v1::ConfigProblem& wire);
[[nodiscard]] TargetProfileInfo fromWire(const v1::TargetProfile& wire);
[[nodiscard]] LaunchRequest fromWire(const v1::LaunchTargetRequest& wire);
/// Absent content means everything.
[[nodiscard]] CaptureRequest fromWire(const v1::StartCaptureRequest& wire);
[[nodiscard]] CaptureStatus fromWire(const v1::CaptureStatus& wire);
[[nodiscard]] ReportInfo fromWire(const v1::ReportInfo& wire);
[[nodiscard]] NsysExport fromWire(const v1::NsysExportBegin& wire);
[[nodiscard]] metrics::SeriesDefinition fromWire(const v1::SeriesDefinition& wire);
[[nodiscard]] metrics::Sample fromWire(const v1::Sample& wire);
[[nodiscard]] MetricsBatch fromWire(const v1::MetricsBatch& wire);
[[nodiscard]] LogLine fromWire(const v1::LogLine& wire);

/// The gRPC code that stands for an ErrorCode.
[[nodiscard]] grpc::StatusCode statusCode(ErrorCode code);

/// Status with the error's text, and the name of its code in the call's trailing metadata. Server side, before the call returns.
[[nodiscard]] grpc::Status toStatus(const Error& error, grpc::ServerContextBase& context);

/// Error of a failed call: the code named by the trailing metadata, else the closest to the gRPC code (a call that gRPC itself
/// failed has no such metadata). Client side, after the call has finished.
[[nodiscard]] Error toError(const grpc::Status& status, const grpc::ClientContext& context);

/// Protobuf strings must be UTF-8 or the receiver refuses the whole message, and a target may print any bytes: what is not valid becomes
/// U+FFFD.
[[nodiscard]] std::string validUtf8(const std::string& text);

/// Inverse of name(ErrorCode); nothing for a name this build does not know.
[[nodiscard]] std::optional<ErrorCode> errorCodeFromName(std::string_view name);

} // namespace gantry::proto
