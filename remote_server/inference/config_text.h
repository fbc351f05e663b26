#pragma once

#include <string>
#include <string_view>

namespace gantry::inference_server {

/// The field that a place of a protobuf text belongs to, with the fields around it: "input.data_type". Empty: none. Line and column
/// count from 0, tabs as the protobuf tokenizer counts them (to the next multiple of 8).
[[nodiscard]] std::string fieldAt(std::string_view text, int line, int column);

struct Nesting
{
    int line = 0, column = 0; ///< where it is reached first
    int depth = 0;            ///< of { and <
};

[[nodiscard]] Nesting deepestNesting(std::string_view text);

} // namespace gantry::inference_server
