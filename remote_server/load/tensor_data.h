#pragma once

#include "remote_server/load/load_options.h"
#include "trace_model/base/result.h"

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <random>
#include <string>
#include <string_view>

/// Values of tensors in the raw form of the KServe v2 protocol: little endian, row by row; a BYTES element is its length in four bytes and
/// then itself.
namespace gantry::load {

/// Bytes of an element; 0: BYTES. Errors: BadInput for a type that the protocol does not have.
[[nodiscard]] Result<std::size_t> elementSize(std::string_view datatype);

/// How values are made up.
struct MadeUp
{
    bool isZero = false;
    std::size_t stringLength = 16;
    std::optional<IntegerRange> range = std::nullopt; ///< of whole numbers, also where `isZero`
};

/// Whole numbers of the range, or below 1,000 as far as the type goes, which is within the vocabulary of most language models; fractions
/// below 1; letters. Errors: those of elementSize(), BadInput for a range that the type cannot hold.
[[nodiscard]] Result<std::string> makeUpTensor(std::string_view datatype, std::size_t elements, const MadeUp& how, std::mt19937_64& random);

/// The numbers, booleans or texts of a JSON array, nested or not. Errors: BadInput for a value that the type cannot hold, which is named.
[[nodiscard]] Result<std::string> tensorOfJson(std::string_view datatype, const nlohmann::json& values);

/// Elements in the raw form of a type. Errors: BadInput where they do not come out even.
[[nodiscard]] Result<std::size_t> elementCount(std::string_view datatype, std::string_view raw);

/// RFC 4648, with or without padding. Errors: BadInput.
[[nodiscard]] Result<std::string> decodeBase64(std::string_view text);

} // namespace gantry::load
