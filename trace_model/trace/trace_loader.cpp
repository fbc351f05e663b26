#include "trace_model/trace/trace_loader.h"

#include "trace_model/import/sqlite_report.h"
#include "trace_model/trace/trace_builder.h"

#include <new>

namespace gantry::trace {
namespace {

Result<std::shared_ptr<const Trace>> load(const std::filesystem::path& path, const importing::ReadControl& control)
{
    TraceBuilder builder;
    builder.meta().title = path.filename().string();
    builder.report().file = path.filename().string();
    std::error_code ignored;
    const std::uintmax_t bytes = std::filesystem::file_size(path, ignored);
    builder.report().fileBytes = ignored ? 0 : bytes;
    GANTRY_CHECK(importing::readSqliteReport(path, builder, control));
    builder.report().producer = builder.meta().producer;
    return builder.finish(control);
}

} // namespace

Result<std::shared_ptr<const Trace>> loadTrace(const std::filesystem::path& path, const LoadProgress& progress, std::stop_token stop)
{
    try {
        return load(path, {progress, std::move(stop)}).context("opening " + path.filename().string());
    } catch (const std::bad_alloc&) {
        return Error{ErrorCode::Internal, "not enough memory to open " + path.filename().string() + ": close other reports, or export a shorter time of it", {}};
    }
}

} // namespace gantry::trace
