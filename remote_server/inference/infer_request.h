#pragma once

#include "remote_server/inference/model.h"
#include "remote_server/inference/shared_memory.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gantry::inference_server {

/// A value of a request's `parameters`. A number of JSON is a uint64 when it is not negative.
using Parameter = std::variant<bool, std::int64_t, std::uint64_t, double, std::string>;
using Parameters = std::map<std::string, Parameter, std::less<>>;

/// The number that a parameter holds, unless it is negative or none.
[[nodiscard]] std::optional<std::uint64_t> unsignedOf(const Parameter& parameter);

/// A tensor as a request carries or names it.
struct GivenInput
{
    std::string name;
    std::string datatype; ///< as the client wrote it
    std::vector<std::int64_t> shape;
    std::string data;                  ///< little-endian; BYTES elements with their length in front, 4 bytes little-endian
    std::optional<SharedPlace> shared; ///< instead of data
};

/// An output that a request asks for.
struct WantedOutput
{
    std::string name;
    std::optional<SharedPlace> shared; ///< where it shall be written to
    std::uint64_t classes = 0;         ///< the classification extension: the so many highest elements; 0: the tensor itself
    std::optional<bool> binary;        ///< HTTP: raw bytes after the JSON; absent: as the request says for all
};

/// An inference request as the codecs of gRPC and HTTP both give it, not checked against any model.
struct InferRequest
{
    std::string model, version, id;
    Parameters parameters;
    std::vector<GivenInput> inputs;
    std::vector<WantedOutput> outputs; ///< empty: all
    bool binaryOutputs = false;        ///< HTTP: binary_data_output

    /// What the request asks of one output; null: nothing in particular.
    [[nodiscard]] const WantedOutput* wanted(std::string_view output) const;
    /// Whether a stream shall say with an empty response that no other follows (triton_enable_empty_final_response).
    [[nodiscard]] bool wantsEmptyFinal() const;
};

/// A tensor of an answer.
struct AnsweredOutput
{
    std::string name, datatype;
    std::vector<std::int64_t> shape;
    std::string data;      ///< as GivenInput's; empty when shared
    bool isShared = false; ///< written where the request wanted it
};

/// What is answered to a request, once or, by a decoupled model, several times.
struct InferAnswer
{
    std::string model, version, id;
    std::vector<AnsweredOutput> outputs;
};

} // namespace gantry::inference_server
