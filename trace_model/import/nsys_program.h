#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"

#include <chrono>
#include <filesystem>
#include <string>
#include <vector>

namespace gantry::importing {

/// Where to look for the program `nsys`.
struct NsysPlaces
{
    std::filesystem::path program;                    ///< taken, whatever its version; empty: looked for
    std::vector<std::filesystem::path> folders;       ///< searched first, in order
    std::vector<std::filesystem::path> installations; ///< each with a folder for each version in it
    std::vector<std::filesystem::path> lastFolders;   ///< searched where there is none in the others

    /// The folders of PATH, /opt/nvidia/nsight-systems*, and those of CUDA Toolkits.
    [[nodiscard]] static NsysPlaces ofThisMachine();
};

/// The nsys to export a report with that `version` wrote: the first that is new enough, else the newest; empty: none is there.
[[nodiscard]] std::filesystem::path findNsys(const NsysPlaces& places, const std::string& version);

/// The version that the program says it has: "2025.1.1.110". Empty: it said none within `patience`. Blocks that long at most.
[[nodiscard]] std::string nsysVersion(const std::filesystem::path& nsys, std::chrono::milliseconds patience = std::chrono::seconds(5));

/// Writes an SQLite export of `report`, which Nsight Systems `version` wrote (empty: it does not say), to `target`. Progress: nsys's own
/// percentages where it prints them, else it stays at 0. Errors: BadInput with nsys's last lines when it fails; Unsupported when it does
/// not start, Cancelled.
[[nodiscard]] Result<void> runNsysExport(const std::filesystem::path& nsys, const std::filesystem::path& report, const std::string& version,
                                         const std::filesystem::path& target, const ReadControl& control);

/// The QdstrmImporter of an installation, which makes reports of recordings; empty: it is not installed.
[[nodiscard]] std::filesystem::path findNsysImporter(const std::filesystem::path& nsys);

[[nodiscard]] std::vector<std::string> nsysImportCommand(const std::filesystem::path& importer, const std::filesystem::path& stream,
                                                         const std::filesystem::path& target);

/// Makes a report (.nsys-rep) at `target` of a recording (.qdstrm) with the importer of this nsys. Progress as runNsysExport(). Errors:
/// Unsupported without importer, BadInput with its last lines, Cancelled.
[[nodiscard]] Result<void> runNsysImport(const std::filesystem::path& nsys, const std::filesystem::path& stream,
                                         const std::filesystem::path& target, const ReadControl& control);

/// The command that makes the same where nsys is, for a person to type.
[[nodiscard]] std::string nsysExportCommand(const std::filesystem::path& report, const std::filesystem::path& target);

} // namespace gantry::importing
