#pragma once

#include <string>
#include <string_view>

namespace gantry::importing {

/// What a value of an iteration log is, for people.
struct IterationCounter
{
    std::string name; ///< "KV cache blocks used"
    std::string unit; ///< "%", "bytes", "ms"; empty: a plain number
    double factor = 1; ///< from the log's value to the unit
};

/// The meaning of a key, as TensorRT-LLM, vLLM and SGLang write it; a member of a block has its name in front
/// ("kvCacheStats.usedNumBlocks"). The same quantity has the same name whoever wrote it. An unknown key is named after itself.
[[nodiscard]] IterationCounter iterationCounter(std::string_view key);

} // namespace gantry::importing
