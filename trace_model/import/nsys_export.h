#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gantry::importing {

/// What the container of an Nsight Systems report says without being read: its format is not public.
struct NsysReportInfo
{
    std::string version; ///< of the Nsight Systems that wrote it: "2025.1.1.110"; empty before 2023.3
};

/// Errors: those of opening a file, NotAReport, Truncated when the file ends before its own table of contents.
[[nodiscard]] Result<NsysReportInfo> inspectNsysReport(const std::filesystem::path& path);

/// An SQLite export of a report. Removes what was made for it, with its folder, when it goes.
class ExportedReport
{
public:
    /// `folder`: removed with this; empty: nothing is.
    ExportedReport(std::filesystem::path path, std::filesystem::path folder, std::string origin);
    ExportedReport(ExportedReport&& other) noexcept;
    ExportedReport& operator=(ExportedReport&&) = delete;
    ~ExportedReport();

    [[nodiscard]] const std::filesystem::path& path() const { return m_path; }
    /// Where it comes from, for people: "report1.sqlite beside it", "exported with /usr/bin/nsys".
    [[nodiscard]] const std::string& origin() const { return m_origin; }

private:
    std::filesystem::path m_path, m_folder;
    std::string m_origin;
};

/// Where to look for the program `nsys`.
struct NsysPlaces
{
    std::vector<std::filesystem::path> folders;                          ///< searched first, in order
    std::filesystem::path installations = "/opt/nvidia/nsight-systems"; ///< a folder for each version in it

    /// The folders of PATH and the usual installations.
    [[nodiscard]] static NsysPlaces ofThisMachine();
};

/// The nsys to export a report with that `version` wrote: the first that is new enough, else the newest; empty: none is here.
[[nodiscard]] std::filesystem::path findNsys(const NsysPlaces& places, const std::string& version);

/// The export of the same session that lies beside a report, which is read instead of it; nothing: there is none.
[[nodiscard]] std::optional<std::filesystem::path> exportBeside(const std::filesystem::path& report);

/// An SQLite export of a .nsys-rep or .qdrep file: one of the same session that lies beside it, else one made with `nsys export`
/// into a private temporary folder. Progress: nsys's own percentages where it prints them, else it stays at 0.
/// Errors: those of inspectNsysReport(); Unsupported without nsys, with the command to run elsewhere; BadInput with nsys's last
/// lines when it fails; CannotWrite, Cancelled.
[[nodiscard]] Result<ExportedReport> exportNsysReport(const std::filesystem::path& path, const ReadControl& control, const NsysPlaces& places = NsysPlaces::ofThisMachine());

} // namespace gantry::importing
