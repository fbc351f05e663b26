#pragma once

#include "trace_model/base/time.h"

#include <optional>
#include <vector>

namespace gantry::widgets {

/// The ranges a view has shown, for Back and Forward. A value.
class ViewHistory
{
public:
    /// The view is about to leave `range` for another one; what was ahead is forgotten.
    void leave(TimeRange range);
    /// The range before; `current` is what Forward returns to. Nothing when there is none.
    [[nodiscard]] std::optional<TimeRange> back(TimeRange current);
    [[nodiscard]] std::optional<TimeRange> forward(TimeRange current);
    void clear();

    [[nodiscard]] bool canGoBack() const { return !m_past.empty(); }
    [[nodiscard]] bool canGoForward() const { return !m_future.empty(); }

private:
    std::vector<TimeRange> m_past, m_future; ///< newest last, at most kLongest each
};

} // namespace gantry::widgets
