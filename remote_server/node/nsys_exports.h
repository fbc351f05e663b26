#pragma once

#include "remote_server/node/work_folder.h"
#include "remote_server/proto/node_types.h"
#include "trace_model/base/new_file.h"
#include "trace_model/base/result.h"
#include "trace_model/import/event_sink.h"
#include "trace_model/import/nsys_program.h"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace gantry::node {

/// Exports reports of Nsight Systems for clients with the nsys of this node, one at a time for each client. Any thread.
class NsysExports
{
public:
    struct Options
    {
        std::filesystem::path folder; ///< for reports and exports on their way: large files
        importing::NsysPlaces places;
    };

    /// Removes what a killed daemon left in the folder.
    explicit NsysExports(Options options);

    struct Program
    {
        std::string path;    ///< empty: there is none
        std::string version; ///< "2025.1.1.110"; empty: it does not say
    };
    /// The nsys of this node, looked for anew each time, asked for its version until it says it. Blocks some seconds at most.
    [[nodiscard]] Program nsys();

    class Export;
    /// Errors: Unsupported without nsys; Busy while the same client's export goes on, or too many of others' do; CannotWrite when the disk
    /// has no room for the report.
    [[nodiscard]] Result<std::unique_ptr<Export>> begin(proto::NsysExport report);

private:
    [[nodiscard]] Result<void> claim(const proto::NsysExport& report);
    void release(const std::string& clientName);

    Options m_options;
    std::mutex m_mutex;
    std::condition_variable m_released;
    std::map<std::string, std::string> m_running; ///< m_mutex: client to file

    std::mutex m_versionMutex;
    Program m_program;                                  ///< m_versionMutex
    std::filesystem::file_time_type m_programChanged{}; ///< m_versionMutex
    std::chrono::steady_clock::time_point m_askAgain;   ///< m_versionMutex: where the version is empty
};

/// One report on its way. What lies on the disk for it goes with this object. One thread.
class NsysExports::Export
{
public:
    Export(const Export&) = delete;
    Export& operator=(const Export&) = delete;
    ~Export();

    /// Errors: BadInput for more bytes than were announced, CannotWrite.
    [[nodiscard]] Result<void> append(std::string_view data);
    /// Runs nsys when all has arrived. Value: the SQLite export. Errors: those of importing::inspectNsysReport() and runNsysExport();
    /// CannotWrite when the disk is full.
    [[nodiscard]] Result<std::filesystem::path> run(const importing::ReadControl& control);

    /// As announced, its names fit to be shown.
    [[nodiscard]] const proto::NsysExport& report() const { return m_report; }

private:
    friend class NsysExports;
    Export(NsysExports& owner, proto::NsysExport report, WorkFolder folder, NewFile file);

    NsysExports& m_owner;
    proto::NsysExport m_report;
    WorkFolder m_folder;
    NewFile m_file;
    std::uint64_t m_bytes = 0; ///< that arrived
};

} // namespace gantry::node
