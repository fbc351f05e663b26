#include "trace_model/base/counted.h"

#include <fmt/format.h>

namespace gantry {

std::string counted(std::uint64_t count, std::string_view noun)
{
    if (count == 1)
        return fmt::format("1 {}", noun);
    if (noun.ends_with("ry"))
        return fmt::format("{} {}ies", count, noun.substr(0, noun.size() - 1));
    const bool isHissing = noun.ends_with("ch") || noun.ends_with('s');
    return fmt::format("{} {}{}", count, noun, isHissing ? "es" : "s");
}

} // namespace gantry
