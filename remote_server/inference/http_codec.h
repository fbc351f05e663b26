#pragma once

#include "remote_server/inference/infer_request.h"

#include <optional>
#include <string>
#include <string_view>

namespace gantry::inference_server {

/// Takes a request off the wire of HTTP: JSON, with the binary tensor extension raw bytes after it. Model and version are in the URL and
/// left empty. `headerLength`: of the JSON, as the header Inference-Header-Content-Length says; absent: all of the body. `model` names the
/// model in sentences. Errors: BadInput with a sentence that names the field.
[[nodiscard]] Result<InferRequest> requestFromHttp(std::string_view body, std::optional<std::uint64_t> headerLength,
                                                   std::string_view model);

/// A body that is nothing but the bytes of a model's only input (Inference-Header-Content-Length: 0), of a shape that its size tells.
/// Errors: BadInput.
[[nodiscard]] Result<InferRequest> requestFromRawBody(std::string_view body, const ModelDescription& model);

/// The value of the header. Errors: BadInput when it is no number up to the body's size.
[[nodiscard]] Result<std::uint64_t> headerLengthOf(std::string_view value, std::size_t bodyBytes);

/// An answer's body; headerLength is that of its JSON where raw bytes follow.
struct HttpAnswer
{
    std::string body;
    std::optional<std::size_t> headerLength;
};

/// Each output as JSON or raw, as the request asks. Errors: BadInput when JSON cannot carry what was asked for as JSON.
[[nodiscard]] Result<HttpAnswer> answerToHttp(const InferAnswer& answer, const InferRequest& request);

} // namespace gantry::inference_server
