#pragma once

#include <string_view>

namespace gantry::cli {

/// A recipe with every key, what each means, its unit and its default; those that one may leave out are comments.
[[nodiscard]] std::string_view recipeExample();

} // namespace gantry::cli
