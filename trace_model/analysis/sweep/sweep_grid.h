#pragma once

#include "trace_model/analysis/sweep/sweep.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace gantry::sweep {

/// A column of a sweep's table.
struct Column
{
    enum class Of : std::uint8_t
    {
        Front, ///< whether it is on the front
        Name,
        Parameter,
        Figure,
        Other, ///< of a table that was read, as it was there
        Remarks
    };
    Of of = Of::Name;
    std::string title;
    Figure figure = Figure::Throughput; ///< of Of::Figure
};

/// Those that a sweep needs, in the order of reading. A figure that no point has is no column; nor are names where each is made of the
/// parameters beside it.
[[nodiscard]] std::vector<Column> columnsOf(const Sweep& sweep);

struct Cell
{
    std::string text;             ///< empty: there is nothing
    std::optional<double> number; ///< to sort by, in the figure's unit; absent: by the text
};

[[nodiscard]] Cell cellOf(const Sweep& sweep, std::size_t point, const Column& column);

} // namespace gantry::sweep
