#include "app/cli/load_files.h"

#include "app/cli/capture_steps.h"
#include "remote_server/load/perf_analyzer_files.h"
#include "trace_model/base/new_file.h"

#include <string_view>

namespace gantry::cli {
namespace {

Result<void> write(const std::filesystem::path& path, std::string_view text)
{
    GANTRY_TRY(NewFile file, NewFile::create(path, FileAccess::ByUmask));
    GANTRY_CHECK(file.write(text));
    return file.publish();
}

} // namespace

Result<void> checkWritable(const LoadFiles& files)
{
    for (const std::filesystem::path& path : {files.csv, files.profile})
        if (!path.empty())
            GANTRY_CHECK(makeWritable(path, "the results of the load"));
    return {};
}

Result<void> writeLoadFiles(const LoadFiles& files, const std::vector<load::LoadResult>& levels, const load::LoadOptions& options)
{
    if (!files.csv.empty())
        GANTRY_CHECK(write(files.csv, load::csvText(levels)));
    if (!files.profile.empty())
        GANTRY_CHECK(write(files.profile, load::profileText(levels, options.models, options.address, "gantryctl " GANTRY_VERSION)));
    return {};
}

} // namespace gantry::cli
