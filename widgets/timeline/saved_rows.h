#pragma once

#include "widgets/timeline/timeline_state.h"

#include <QJsonObject>

namespace gantry::widgets {

/// Rows as a file or the settings keep them: a member for each track that is not as it is at first, by its key (see trackKeys()), so that
/// they fit another report of the same program. `before`: what was kept before; what it says of tracks that this report lacks stays.
[[nodiscard]] QJsonObject savedRows(const trace::Trace& trace, const RowArrangement& rows, const std::vector<CounterStyle>& styles,
                                    const QJsonObject& before = {});

struct RestoredRows
{
    RowArrangement rows;
    std::vector<CounterStyle> styles; ///< by track
};

/// The opposite. What is not there or makes no sense is as at first.
[[nodiscard]] RestoredRows restoredRows(const trace::Trace& trace, const QJsonObject& saved);

} // namespace gantry::widgets
