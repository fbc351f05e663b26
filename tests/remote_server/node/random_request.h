#pragma once

#include <google/protobuf/message.h>

#include <memory>
#include <random>
#include <string>
#include <vector>

namespace gantry::test {

/// A request of this type, `base` (bytes of a good one, or none) with some of its fields changed at random to values at which handlers may
/// stumble: the ends of their ranges, enumerators that there are none of, paths that lead elsewhere, long texts, names that exist.
[[nodiscard]] std::unique_ptr<google::protobuf::Message> randomRequest(const google::protobuf::Descriptor& type, std::mt19937& random,
                                                                       const std::vector<std::string>& names, const std::string& base = {});
/// A request of this type with every text of this value and no other field.
[[nodiscard]] std::unique_ptr<google::protobuf::Message> requestOfText(const google::protobuf::Descriptor& type, const std::string& text);

} // namespace gantry::test
