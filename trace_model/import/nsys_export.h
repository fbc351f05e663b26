#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/import/nsys_program.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>

namespace gantry::importing {

/// What the container of an Nsight Systems report says without being read: its format is not public.
struct NsysReportInfo
{
    std::string version;   ///< of the Nsight Systems that wrote it: "2025.1.1.110"; empty before 2023.3
    bool isStream = false; ///< a recording that was not made into a report yet: .qdstrm
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
    /// Where it comes from, for people: "report1.sqlite beside it", "an export made with /usr/bin/nsys".
    [[nodiscard]] const std::string& origin() const { return m_origin; }
    void setOrigin(std::string origin) { m_origin = std::move(origin); }

private:
    std::filesystem::path m_path, m_folder;
    std::string m_origin;
};

/// The export of the same session that lies beside a report, which is read instead of it; nothing: there is none.
[[nodiscard]] std::optional<std::filesystem::path> exportBeside(const std::filesystem::path& report);

/// Makes an SQLite export of `report` at `target`, a file of a private folder. Value: what made it, for people ("/usr/bin/nsys").
using NsysExporter = std::function<Result<std::string>(const std::filesystem::path& report, const NsysReportInfo& info,
                                                       const std::filesystem::path& target, const ReadControl& control)>;

/// Writes an SQLite export of a report or a recording to `target` with this nsys; a report that is made of a recording on the way lies
/// beside the target. Errors: those of runNsysImport() and runNsysExport().
[[nodiscard]] Result<void> exportWith(const std::filesystem::path& nsys, const std::filesystem::path& report, const NsysReportInfo& info,
                                      const std::filesystem::path& target, const ReadControl& control);

/// An exporter that runs the nsys it finds in `places`. Errors: those of runNsysExport(); Unsupported without nsys, with what to do.
[[nodiscard]] NsysExporter nsysOf(NsysPlaces places);

/// An SQLite export of a .nsys-rep, .qdrep or .qdstrm file: one of the same session that lies beside it, else one that `exporter` makes in a
/// private temporary folder; without one, nsys of this machine. Errors: those of inspectNsysReport() and of the exporter; CannotWrite,
/// Cancelled.
[[nodiscard]] Result<ExportedReport> exportNsysReport(const std::filesystem::path& path, const ReadControl& control,
                                                      const NsysExporter& exporter = {});

} // namespace gantry::importing
