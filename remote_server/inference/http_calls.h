#pragma once

#include "remote_server/inference/protocol_calls.h"

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace gantry::inference_server {

/// The calls of ProtocolCalls but inference, with JSON in and out as Triton's HTTP extensions have it. `body` may be empty where nothing
/// has to be said. Errors: BadInput for JSON that does not parse or lacks a field, and those of the call.

[[nodiscard]] Result<nlohmann::ordered_json> httpIndex(const ProtocolCalls& calls, const std::string& body);
[[nodiscard]] Result<void> httpLoad(ProtocolCalls& calls, const std::string& model, const std::string& body);
[[nodiscard]] Result<void> httpUnload(ProtocolCalls& calls, const std::string& model, const std::string& body);

[[nodiscard]] Result<nlohmann::ordered_json> httpSystemStatus(ProtocolCalls& calls, const std::string& region);
[[nodiscard]] Result<void> httpSystemRegister(ProtocolCalls& calls, const std::string& region, const std::string& body);
[[nodiscard]] Result<nlohmann::ordered_json> httpCudaStatus(ProtocolCalls& calls, const std::string& region);
[[nodiscard]] Result<void> httpCudaRegister(ProtocolCalls& calls, const std::string& region, const std::string& body);

/// An empty body reads.
[[nodiscard]] Result<nlohmann::ordered_json> httpTraceSetting(ProtocolCalls& calls, const std::string& model, const std::string& body);
[[nodiscard]] Result<nlohmann::ordered_json> httpLogSettings(ProtocolCalls& calls, const std::string& body);

} // namespace gantry::inference_server
