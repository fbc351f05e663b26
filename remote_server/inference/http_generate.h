#pragma once

#include "remote_server/inference/protocol_calls.h"

#include <string>

namespace httplib {
struct Response;
}

namespace gantry::inference_server {

/// Triton's generate extension, POST /v2/models/M/generate and …/generate_stream: a request is a flat JSON object. Each of its keys that is
/// the name of an input is that tensor, a value or an array of them, without the batch's dimension; `id` is the request's, and the keys of
/// `parameters` and all others that hold a text, a number or a boolean are its parameters. An answer has each output under its name, one
/// element as a value and several as an array, beside model_name, model_version and id.
///
/// Without a stream the responses of a decoupled model are put together: the elements of an output, in order. (Triton answers such a model
/// with an error when there is not exactly one response.) With it each response is an event `data: {…}` as it is made, and an error after
/// the first is one with `error`. A client that goes away, or does not read what it is sent, cancels its request.
///
/// Errors: those of prepareCall() and of the model, before anything is sent.
[[nodiscard]] Result<std::string> generate(ProtocolCalls& calls, const std::string& model, const std::string& version,
                                           const std::string& body);
[[nodiscard]] Result<void> generateStream(ProtocolCalls& calls, const std::string& model, const std::string& version,
                                          const std::string& body, httplib::Response& response);

} // namespace gantry::inference_server
