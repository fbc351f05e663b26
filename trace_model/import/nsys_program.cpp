#include "trace_model/import/nsys_program.h"

#include "trace_model/base/silence_watch.h"
#include "trace_model/import/child_program.h"
#include "trace_model/import/nsys_output.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <stop_token>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace gantry::importing {
namespace {

namespace fs = std::filesystem;

using Version = std::array<int, 4>;

/// The first "2025.1.1[.110]" in a text; all 0: none.
Version versionIn(std::string_view text)
{
    for (std::size_t at = text.find("20"); at != std::string_view::npos; at = text.find("20", at + 1)) {
        Version version{};
        std::size_t parts = 0;
        const char* begin = text.data() + at;
        const char* const end = text.data() + text.size();
        while (parts < version.size()) {
            const auto [behind, error] = std::from_chars(begin, end, version[parts]);
            if (error != std::errc() || version[parts] < 0)
                break;
            ++parts;
            if (behind == end || *behind != '.')
                break;
            begin = behind + 1;
        }
        if (parts >= 3 && version[0] < 2100)
            return version;
    }
    return {};
}

bool isExecutable(const fs::path& path)
{
    std::error_code error;
    return fs::is_regular_file(path, error) && access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> exportCommand(const std::string& nsys, const fs::path& report, const fs::path& target)
{
    return {nsys, "export", "--type", "sqlite", "--output", target.string(), "--force-overwrite", "true", report.string()};
}

bool isSqlite(const fs::path& path)
{
    std::array<char, 15> head{};
    std::ifstream(path, std::ios::binary).read(head.data(), head.size());
    return std::string_view(head.data(), head.size()) == "SQLite format 3";
}

/// A program with the version that its path tells; all 0: none.
using Candidate = std::pair<fs::path, Version>;

std::vector<Candidate> programsIn(const std::vector<fs::path>& folders)
{
    std::vector<Candidate> found;
    std::error_code error;
    for (const fs::path& folder : folders)
        if (const fs::path nsys = folder / "nsys"; isExecutable(nsys))
            found.emplace_back(nsys, versionIn(fs::canonical(nsys, error).string())); // often a link into the installation
    return found;
}

/// The folders in `parent` whose names begin like this, by name.
std::vector<fs::path> foldersBeginning(const fs::path& parent, std::string_view name)
{
    std::vector<fs::path> folders;
    std::error_code error;
    for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error))
        if (entry->path().filename().string().starts_with(name))
            folders.push_back(entry->path());
    std::sort(folders.begin(), folders.end());
    return folders;
}

} // namespace

NsysPlaces NsysPlaces::ofThisMachine()
{
    NsysPlaces places;
    const char* variable = std::getenv("PATH");
    std::string_view rest = variable ? variable : "";
    while (!rest.empty()) {
        const std::size_t colon = std::min(rest.find(':'), rest.size());
        if (colon > 0 && rest.front() == '/') // not whatever folder happens to be the current one
            places.folders.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    places.installations = foldersBeginning("/opt/nvidia", "nsight-systems"); // also nsight-systems-cli
    for (const fs::path& toolkit : foldersBeginning("/usr/local", "cuda"))
        places.lastFolders.push_back(toolkit / "bin");
    return places;
}

fs::path findNsys(const NsysPlaces& places, const std::string& version)
{
    if (!places.program.empty())
        return isExecutable(places.program) ? places.program : fs::path();
    std::vector<Candidate> found = programsIn(places.folders);
    std::vector<Candidate> installed;
    std::error_code error;
    for (const fs::path& installation : places.installations)
        for (fs::directory_iterator entry(installation, error), end; !error && entry != end; entry.increment(error))
            for (const char* place : {"bin/nsys", "target-linux-x64/nsys"})
                if (const fs::path nsys = entry->path() / place; isExecutable(nsys)) {
                    installed.emplace_back(nsys, versionIn(entry->path().filename().string()));
                    break;
                }
    std::sort(installed.begin(), installed.end(),
              [](const auto& a, const auto& b) { return std::pair(b.second, a.first) < std::pair(a.second, b.first); });
    found.insert(found.end(), installed.begin(), installed.end());
    const std::vector<Candidate> last = programsIn(places.lastFolders);
    found.insert(found.end(), last.begin(), last.end());
    if (found.empty())
        return {};
    // A build's number is in the report, not in the name of a folder.
    const auto release = [](Version full) { return std::array{full[0], full[1], full[2]}; };
    const auto enough = std::find_if(found.begin(), found.end(), [&](const auto& candidate) {
        return candidate.second == Version{} || release(candidate.second) >= release(versionIn(version));
    });
    if (enough != found.end())
        return enough->first;
    return std::max_element(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.second < b.second; })->first;
}

std::string nsysVersion(const fs::path& nsys, std::chrono::milliseconds patience)
{
    std::stop_source giveUp;
    const SilenceWatch watch(patience, [&] { giveUp.request_stop(); });
    const auto end = runProgram(
        {nsys.string(), "--version"}, [](std::string_view) {}, giveUp.get_token());
    std::string text;
    if (!end || end->exitStatus != 0)
        return text;
    for (const int part : versionIn(end->lastText))
        text += (text.empty() ? "" : ".") + std::to_string(part);
    return text == "0.0.0.0" ? std::string() : text;
}

Result<void> runNsysExport(const fs::path& nsys, const fs::path& report, const std::string& version, const fs::path& target,
                           const ReadControl& control)
{
    PercentReader percents;
    int furthest = 0; // each of nsys's steps begins at 0 again
    const auto output = [&](std::string_view text) {
        percents.read(text, [&](int percent) {
            if (control.progress && percent > furthest)
                control.progress((furthest = percent) / 100.0, "nsys export");
        });
    };
    if (control.progress)
        control.progress(0, "nsys export");
    GANTRY_TRY(const ProgramEnd end, runProgram(exportCommand(nsys.string(), report, target), output, control.stop));
    if (end.exitStatus != 0)
        return Error{ErrorCode::BadInput,
                     nsys.string() + " could not export the report" +
                         (version.empty() ? "" : ", which Nsight Systems " + version + " wrote; an older nsys cannot read it") +
                         ". It ended with status " + std::to_string(end.exitStatus) + ": " + lastLines(end.lastText),
                     {}};
    if (!isSqlite(target))
        return Error{ErrorCode::BadInput, nsys.string() + " wrote no SQLite export: " + lastLines(end.lastText), {}};
    return {};
}

fs::path findNsysImporter(const fs::path& nsys)
{
    // Of an installation: host-linux-x64 beside target-linux-x64, where nsys is; distributions put the two apart.
    std::error_code error;
    const fs::path target = fs::canonical(nsys, error).parent_path();
    const fs::path installation = target.parent_path();
    for (const fs::path& place : {installation, fs::path("/usr/lib/nsight-systems"), fs::path("/usr/lib/x86_64-linux-gnu/nsight-systems")})
        if (const fs::path importer = place / "host-linux-x64/QdstrmImporter"; isExecutable(importer))
            return importer;
    return {};
}

std::vector<std::string> nsysImportCommand(const fs::path& importer, const fs::path& stream, const fs::path& target)
{
    return {importer.string(), "--input-file", stream.string(), "--output-file", target.string(), "--force-overwrite"};
}

Result<void> runNsysImport(const fs::path& nsys, const fs::path& stream, const fs::path& target, const ReadControl& control)
{
    const fs::path importer = findNsysImporter(nsys);
    if (importer.empty())
        return Error{ErrorCode::Unsupported,
                     "this is a recording of Nsight Systems that was not made into a report yet (.qdstrm), and the QdstrmImporter of " + nsys.string() +
                         " is not installed: install the host part of the same version, or run its QdstrmImporter where it is",
                     {}};
    PercentReader percents;
    int furthest = 0;
    const auto output = [&](std::string_view text) {
        percents.read(text, [&](int percent) {
            if (control.progress && percent > furthest)
                control.progress((furthest = percent) / 100.0, "nsys import");
        });
    };
    if (control.progress)
        control.progress(0, "nsys import");
    GANTRY_TRY(const ProgramEnd end, runProgram(nsysImportCommand(importer, stream, target), output, control.stop));
    std::error_code error;
    if (end.exitStatus != 0 || !fs::exists(target, error))
        return Error{ErrorCode::BadInput,
                     importer.string() + " could not import the recording; it needs one of its own version. It ended with status " +
                         std::to_string(end.exitStatus) + ": " + lastLines(end.lastText),
                     {}};
    return {};
}

std::string nsysExportCommand(const fs::path& report, const fs::path& target)
{
    return commandText(exportCommand("nsys", report, target));
}

} // namespace gantry::importing
