#include "trace_model/import/nsys_export.h"

#include "trace_model/import/file_contents.h"
#include "trace_model/report/database.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <optional>
#include <stdlib.h> // mkdtemp(3)
#include <string_view>
#include <system_error>
#include <utility>

namespace gantry::importing {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kHeader = "NVIDIA Tegra Profiler Report ";
constexpr std::string_view kStreamHeader = "U3w[END]NVIDIA Nsight Systems Stream "; // and its version, "2022.4.2.1-df9881f"
constexpr std::string_view kTrailer = "U3w[END]"; // behind the place of the table of contents, the last 16 bytes of a report
constexpr std::size_t kUuidLength = 36;
constexpr std::size_t kMostSiblings = 64;

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

} // namespace

Result<NsysReportInfo> inspectNsysReport(const fs::path& path)
{
    GANTRY_TRY(const FileContents head, readHead(path, 256));
    const std::string_view text = head.text;
    if (text.starts_with(kStreamHeader)) {
        const std::string_view version = text.substr(kStreamHeader.size());
        return NsysReportInfo{std::string(version.substr(0, version.find_first_not_of("0123456789."))), true};
    }
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

std::optional<fs::path> exportBeside(const fs::path& report)
{
    const auto sibling = findSibling(report, {});
    return sibling ? *sibling : std::nullopt;
}

Result<void> exportWith(const fs::path& nsys, const fs::path& report, const NsysReportInfo& info, const fs::path& target,
                        const ReadControl& control)
{
    if (!info.isStream)
        return runNsysExport(nsys, report, info.version, target, control);
    const fs::path imported = fs::path(target).replace_extension(".nsys-rep");
    GANTRY_CHECK(runNsysImport(nsys, report, imported, control));
    return runNsysExport(nsys, imported, info.version, target, control);
}

NsysExporter nsysOf(NsysPlaces places)
{
    return [places = std::move(places)](const fs::path& report, const NsysReportInfo& info, const fs::path& target,
                                        const ReadControl& control) -> Result<std::string> {
        const fs::path nsys = findNsys(places, info.version);
        if (nsys.empty()) {
            const fs::path file = report.filename();
            const fs::path exported = fs::path(file).replace_extension(".sqlite");
            return Error{
                ErrorCode::Unsupported,
                "this is an Nsight Systems report, whose format is not public, and nsys is not installed here: install Nsight Systems" +
                    (info.version.empty() ? std::string() : " (version " + info.version + " or newer)") +
                    ", open the report with a node that has it, or run `" + nsysExportCommand(file, exported) + "` where it is and open " +
                    exported.string(),
                {}};
        }
        GANTRY_CHECK(exportWith(nsys, report, info, target, control));
        return nsys.string();
    };
}

Result<ExportedReport> exportNsysReport(const fs::path& path, const ReadControl& control, const NsysExporter& exporter)
{
    GANTRY_TRY(const NsysReportInfo info, inspectNsysReport(path));
    GANTRY_TRY(const auto sibling, findSibling(path, control));
    if (sibling)
        return ExportedReport(*sibling, {}, sibling->filename().string() + " beside it");

    std::error_code error;
    std::string folder = (fs::temp_directory_path(error) / "gantry-nsys-XXXXXX").string();
    if (!mkdtemp(folder.data()))
        return Error{ErrorCode::CannotWrite, errnoError(errno, "cannot make a folder for the export, " + folder).message, {}};
    ExportedReport exported(fs::path(folder) / "report.sqlite", folder, {}); // removes the folder, also when nothing comes of it
    const fs::path report = fs::absolute(path, error);
    GANTRY_TRY(const std::string maker, exporter ? exporter(report, info, exported.path(), control)
                                                 : nsysOf(NsysPlaces::ofThisMachine())(report, info, exported.path(), control));
    exported.setOrigin("an export made with " + maker);
    return exported;
}

} // namespace gantry::importing
