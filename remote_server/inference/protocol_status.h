#pragma once

#include "trace_model/base/result.h"

#include <grpcpp/support/status.h>
#include <string>

namespace gantry::inference_server {

/// Triton's statuses, and the codes of Gantry that stand for them: INVALID_ARGUMENT BadInput, NOT_FOUND NotFound, UNAVAILABLE Unreachable,
/// UNIMPLEMENTED Unsupported, ALREADY_EXISTS Busy, CANCELLED Cancelled, INTERNAL all others.
[[nodiscard]] grpc::Status grpcStatusOf(const Error& error);

/// The HTTP status that Triton answers with: 400, 404, 503, 501, 400, 499, 500, in the order of above.
[[nodiscard]] int httpStatusOf(const Error& error);

/// {"error": "..."}
[[nodiscard]] std::string errorJson(const std::string& sentence);

} // namespace gantry::inference_server
