#include "trace_model/report/window_times.h"

#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"

namespace gantry::report {

Result<WindowTimes> readWindowTimes(const std::filesystem::path& path)
{
    GANTRY_TRY(const auto database, Database::open(path));
    WindowTimes times;
    GANTRY_TRY(auto session, database.rows("TARGET_INFO_SESSION_START_TIME", {"utcEpochNs"}));
    if (session.next())
        times.beginUtcNs = session.integer(0);
    GANTRY_TRY(auto window, database.rows("ANALYSIS_DETAILS", {"startTime", "duration"}));
    if (window.next()) {
        times.durationNs = window.integer(1);
        if (times.beginUtcNs != 0)
            times.beginUtcNs += window.integer(0);
    }
    if (times.beginUtcNs == 0 || times.durationNs <= 0)
        return Error{ErrorCode::NotFound, "it does not say when it was recorded", {path.string()}};
    GANTRY_TRY(auto notes, database.rows("META_DATA_CAPTURE", {"name", "value"}));
    while (notes.next()) {
        if (notes.text(0) == meta::kTargetName)
            times.targetName = notes.text(1);
        else if (notes.text(0) == meta::kLabel)
            times.label = notes.text(1);
    }
    return times;
}

} // namespace gantry::report
