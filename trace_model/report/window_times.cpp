#include "trace_model/report/window_times.h"

#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"

namespace gantry::report {

Result<WindowTimes> readWindowTimes(const std::filesystem::path& path)
{
    GANTRY_TRY(const auto database, Database::open(path));
    WindowTimes times;
    if (auto session = database.rows("TARGET_INFO_SESSION_START_TIME", {"utcEpochNs"}); session && session->next())
        times.beginUtcNs = session->integer(0);
    if (auto window = database.rows("ANALYSIS_DETAILS", {"startTime", "duration"}); window && window->next()) {
        times.durationNs = window->integer(1);
        if (times.beginUtcNs != 0)
            times.beginUtcNs += window->integer(0);
    }
    if (auto notes = database.rows("META_DATA_CAPTURE", {"name", "value"}))
        while (notes->next()) {
            if (notes->text(0) == meta::kTargetName)
                times.targetName = notes->text(1);
            else if (notes->text(0) == meta::kLabel)
                times.label = notes->text(1);
            else if (notes->text(0) == meta::kNodeSession)
                times.session = notes->text(1);
        }
    return times;
}

} // namespace gantry::report
