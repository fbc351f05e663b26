#include "trace_model/import/nsys_export.h"

#include "trace_model/import/child_program.h"
#include "trace_model/import/file_contents.h"
#include "trace_model/report/database.h"
#include "trace_model/report/utf8.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <string_view>
#include <system_error>
#include <unistd.h>
#include <utility>

namespace gantry::importing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHeader = "NVIDIA Tegra Profiler Report ";
constexpr std::string_view kTrailer = "U3w[END]"; // behind the place of the table of contents, the last 16 bytes of a report
constexpr std::size_t kUuidLength = 36;
constexpr std::size_t kMostSiblings = 64;

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

/// In single quotes where a shell would read more than a word into it.
std::string quoted(const std::string& word)
{
    constexpr std::string_view kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./-+=:@%,";
    if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos)
        return word;
    std::string result = "'";
    for (const char c : word)
        result += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return result + "'";
}

std::vector<std::string> exportCommand(const std::string& nsys, const fs::path& report, const fs::path& target)
{
    return {nsys, "export", "--type", "sqlite", "--output", target.string(), "--force-overwrite", "true", report.string()};
}

/// The session that an export was made of; empty: it does not say.
std::string sessionOf(const fs::path& exported)
{
    const auto database = report::Database::open(exported);
    if (!database || !database->damage().empty())
        return {};
    auto rows = database->rows("META_DATA_CAPTURE", {"name", "value"});
    while (rows && rows->next())
        if (rows->text(0) == "PROFILING_SESSION_UUID" && rows->text(1).size() == kUuidLength)
            return std::string(rows->text(1));
    return {};
}

/// The SQLite exports beside a report, the one with its name first, each with its session.
std::vector<std::pair<fs::path, std::string>> siblingsOf(const fs::path& report)
{
    std::vector<fs::path> files;
    std::error_code error;
    const fs::path folder = report.has_parent_path() ? report.parent_path() : fs::path(".");
    for (fs::directory_iterator entry(folder, error), end; !error && entry != end && files.size() < kMostSiblings; entry.increment(error))
        if (entry->path().extension() == ".sqlite")
            files.push_back(entry->path());
    std::sort(files.begin(), files.end());
    std::stable_partition(files.begin(), files.end(), [&](const fs::path& file) { return file.stem() == report.stem(); });
    std::vector<std::pair<fs::path, std::string>> siblings;
    for (const fs::path& file : files)
        if (std::string session = sessionOf(file); !session.empty())
            siblings.emplace_back(file, std::move(session));
    return siblings;
}

/// The sibling whose session occurs in the report, which holds it in clear.
Result<std::optional<fs::path>> findSibling(const fs::path& report, const ReadControl& control)
{
    const auto siblings = siblingsOf(report);
    if (siblings.empty())
        return std::optional<fs::path>();
    constexpr std::size_t kBlock = 1 << 20;
    std::optional<std::size_t> best;
    std::ifstream file(report, std::ios::binary);
    std::string text; // the end of the block before, and a block
    std::vector<char> block(kBlock);
    while (best != std::size_t{0} && (file.read(block.data(), kBlock), file.gcount() > 0)) {
        if (control.stop.stop_requested())
            return Error{ErrorCode::Cancelled, "opening " + report.string() + " was cancelled", {}};
        text.erase(0, text.size() - std::min(text.size(), kUuidLength - 1));
        text.append(block.data(), static_cast<std::size_t>(file.gcount()));
        for (std::size_t i = 0; i < best.value_or(siblings.size()); ++i)
            if (text.find(siblings[i].second) != std::string::npos)
                best = i;
    }
    return best ? std::optional(siblings[*best].first) : std::nullopt;
}

/// Finds percentages in what a program prints, however it is cut into blocks.
class PercentReader
{
public:
    template <typename Call>
    void read(std::string_view text, Call call)
    {
        for (const char c : text) {
            if (c >= '0' && c <= '9') {
                m_value = std::min(m_value * 10 + (c - '0'), 1000);
                m_hasDigits = true;
                continue;
            }
            if (c == '%' && m_hasDigits && m_value <= 100)
                call(m_value);
            m_value = 0;
            m_hasDigits = false;
        }
    }

private:
    int m_value = 0;
    bool m_hasDigits = false;
};

/// The last lines of a program's output, on one line.
std::string lastLines(const std::string& text)
{
    constexpr int kLines = 5;
    std::vector<std::string> lines;
    std::string scratch;
    std::string_view rest = report::validUtf8(text, scratch);
    while (!rest.empty() && lines.size() < kLines) {
        const std::size_t end = rest.find_last_of("\r\n");
        std::string line(end == std::string_view::npos ? rest : rest.substr(end + 1));
        if (line.find_first_not_of(" \t") != std::string::npos)
            lines.insert(lines.begin(), std::move(line));
        rest = end == std::string_view::npos ? std::string_view() : rest.substr(0, end);
    }
    std::string result;
    for (const std::string& line : lines)
        result += (result.empty() ? "" : " / ") + line;
    return result.empty() ? "it said nothing" : result;
}

bool isSqlite(const fs::path& path)
{
    std::array<char, 15> head{};
    std::ifstream(path, std::ios::binary).read(head.data(), head.size());
    return std::string_view(head.data(), head.size()) == "SQLite format 3";
}

} // namespace

Result<NsysReportInfo> inspectNsysReport(const fs::path& path)
{
    GANTRY_TRY(const FileContents head, readHead(path, 256));
    const std::string_view text = head.text;
    if (!text.starts_with(kHeader))
        return Error{ErrorCode::NotAReport, "this is no Nsight Systems report: choose a file that Nsight Systems wrote (.nsys-rep, .qdrep)", {path.string()}};
    NsysReportInfo info;
    // "2025@1@1@110-251135451612v0." or "1." (through 2023.3.1).
    const std::string_view number = text.substr(kHeader.size(), text.find_first_of("-.\n", kHeader.size()) - kHeader.size());
    if (number.find('@') != std::string_view::npos && number.find_first_not_of("0123456789@") == std::string_view::npos) {
        info.version = number;
        std::replace(info.version.begin(), info.version.end(), '@', '.');
    }
    std::array<char, 16> tail{};
    std::ifstream file(path, std::ios::binary);
    file.seekg(-static_cast<std::streamoff>(tail.size()), std::ios::end);
    file.read(tail.data(), tail.size());
    std::uint64_t table = 0;
    for (std::size_t i = 8; i > 0; --i)
        table = table << 8 | static_cast<unsigned char>(tail[i - 1]);
    if (!file || std::string_view(tail.data() + 8, 8) != kTrailer || table >= head.fileBytes)
        return Error{ErrorCode::Truncated, "this Nsight Systems report is truncated (" + std::to_string(head.fileBytes) + " bytes, without its end): copy or fetch it again", {path.string()}};
    return info;
}

ExportedReport::ExportedReport(fs::path path, fs::path folder, std::string origin) : m_path(std::move(path)), m_folder(std::move(folder)), m_origin(std::move(origin)) {}

ExportedReport::ExportedReport(ExportedReport&& other) noexcept
    : m_path(std::move(other.m_path)), m_folder(std::exchange(other.m_folder, {})), m_origin(std::move(other.m_origin))
{
}

ExportedReport::~ExportedReport()
{
    std::error_code ignored;
    if (!m_folder.empty())
        fs::remove_all(m_folder, ignored);
}

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
    return places;
}

std::optional<fs::path> exportBeside(const fs::path& report)
{
    const auto sibling = findSibling(report, {});
    return sibling ? *sibling : std::nullopt;
}

fs::path findNsys(const NsysPlaces& places, const std::string& version)
{
    std::vector<std::pair<fs::path, Version>> found;
    std::error_code error;
    for (const fs::path& folder : places.folders)
        if (const fs::path nsys = folder / "nsys"; isExecutable(nsys))
            found.emplace_back(nsys, versionIn(fs::canonical(nsys, error).string())); // often a link into the installation
    std::vector<std::pair<fs::path, Version>> installed;
    for (fs::directory_iterator entry(places.installations, error), end; !error && entry != end; entry.increment(error))
        for (const char* place : {"bin/nsys", "target-linux-x64/nsys"})
            if (const fs::path nsys = entry->path() / place; isExecutable(nsys)) {
                installed.emplace_back(nsys, versionIn(entry->path().filename().string()));
                break;
            }
    std::sort(installed.begin(), installed.end(), [](const auto& a, const auto& b) { return std::pair(b.second, a.first) < std::pair(a.second, b.first); });
    found.insert(found.end(), installed.begin(), installed.end());
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

Result<ExportedReport> exportNsysReport(const fs::path& path, const ReadControl& control, const NsysPlaces& places)
{
    GANTRY_TRY(const NsysReportInfo info, inspectNsysReport(path));
    GANTRY_TRY(const auto sibling, findSibling(path, control));
    if (sibling)
        return ExportedReport(*sibling, {}, sibling->filename().string() + " beside it");

    std::error_code error;
    const fs::path report = fs::absolute(path, error);
    const std::string newEnough = info.version.empty() ? "" : " (version " + info.version + " or newer)";
    const fs::path nsys = findNsys(places, info.version);
    if (nsys.empty()) {
        std::string command;
        fs::path target = path.filename();
        target.replace_extension(".sqlite");
        for (const std::string& word : exportCommand("nsys", path.filename(), target))
            command += (command.empty() ? "" : " ") + quoted(word);
        return Error{ErrorCode::Unsupported,
                     "this is an Nsight Systems report, whose format is not public, and nsys is not installed here: where it is" + newEnough + ", run `" + command + "` and open "
                         + target.string(),
                     {path.string()}};
    }

    std::string folder = (fs::temp_directory_path(error) / "gantry-nsys-XXXXXX").string();
    if (!mkdtemp(folder.data()))
        return Error{ErrorCode::CannotWrite, errnoError(errno, "cannot make a folder for the export, " + folder).message, {}};
    ExportedReport exported(fs::path(folder) / "report.sqlite", folder, "exported with " + nsys.string());
    if (control.progress)
        control.progress(0, "nsys export");
    PercentReader percents;
    int furthest = 0; // each of nsys's steps begins at 0 again
    const auto output = [&](std::string_view text) {
        percents.read(text, [&](int percent) {
            if (control.progress && percent > furthest)
                control.progress((furthest = percent) / 100.0, "nsys export");
        });
    };
    GANTRY_TRY(const ProgramEnd end, runProgram(exportCommand(nsys.string(), report, exported.path()), output, control.stop));
    if (end.exitStatus != 0)
        return Error{ErrorCode::BadInput,
                     nsys.string() + " could not export the report" + (info.version.empty() ? "" : ", which Nsight Systems " + info.version + " wrote; an older nsys cannot read it")
                         + ". It ended with status " + std::to_string(end.exitStatus) + ": " + lastLines(end.lastText),
                     {path.string()}};
    if (!isSqlite(exported.path()))
        return Error{ErrorCode::BadInput, nsys.string() + " wrote no SQLite export: " + lastLines(end.lastText), {path.string()}};
    return exported;
}

} // namespace gantry::importing
