#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gantry::inference_server {

/// The field that a place of a protobuf text belongs to, with the fields around it: "input.data_type". Empty: none. Line and column
/// count from 0, tabs as the protobuf tokenizer counts them (to the next multiple of 8).
[[nodiscard]] std::string fieldAt(std::string_view text, int line, int column);

/// A place in a text, from 0, tabs as above.
struct TextPlace
{
    int line = 0, column = 0;
};

/// Where the last name `field` before a place begins, that is no value. Nothing: there is none.
[[nodiscard]] std::optional<TextPlace> nameBefore(std::string_view text, TextPlace before, std::string_view field);

/// The first string in quotes from a place on, as it is written. Empty: there is none.
[[nodiscard]] std::string_view quotedFrom(std::string_view text, TextPlace from);

struct Nesting
{
    int line = 0, column = 0; ///< where it is reached first
    int depth = 0;            ///< of { and <
};

[[nodiscard]] Nesting deepestNesting(std::string_view text);

} // namespace gantry::inference_server
