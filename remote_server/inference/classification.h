#pragma once

#include "remote_server/inference/model.h"
#include "trace_model/base/result.h"

#include <cstdint>

namespace gantry::inference_server {

/// Triton's classification extension: the `classes` highest elements of an output, of each row when `hasRows`, as BYTES "value:index",
/// highest first and of equal ones the first. Errors: Unsupported for datatypes that have no order here (BYTES, FP16, BF16, BOOL).
[[nodiscard]] Result<Tensor> classified(const Tensor& tensor, std::uint64_t classes, bool hasRows);

} // namespace gantry::inference_server
