#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gantry::cli {

/// What is to be different in a model's configuration; absent: as it is.
struct ModelConfigChanges
{
    std::optional<std::uint64_t> instances; ///< count of each instance_group
    std::optional<std::uint64_t> maxBatchSize; ///< sizes that were preferred up to the one before are so no more
    std::optional<bool> dynamicBatching;  ///< a block that is there stays as it is
    std::optional<DurationNs> queueDelay; ///< max_queue_delay_microseconds: switches dynamic batching on

    [[nodiscard]] bool isEmpty() const { return !instances && !maxBatchSize && !dynamicBatching && !queueDelay; }
    bool operator==(const ModelConfigChanges&) const = default;
};

/// A config.pbtxt with the changes; the rest stays as it is written. Errors: BadInput, for a text whose braces do not match.
[[nodiscard]] Result<std::string> changedConfig(std::string_view text, const ModelConfigChanges& changes);

} // namespace gantry::cli
