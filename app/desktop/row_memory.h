#pragma once

#include "trace_model/import/trace_meta.h"

#include <QString>

namespace gantry::desktop {

class ReportPage;
class Settings;

/// What reports are alike in their rows: the format and the program that wrote them, without its version. A key of the settings.
[[nodiscard]] QString rowsKind(const importing::TraceMeta& meta);

/// Arranges the rows of a page as those of the last report of its kind were, and remembers what the user changes. `settings` outlive the
/// page. UI thread.
void rememberRows(ReportPage& page, Settings& settings);

} // namespace gantry::desktop
