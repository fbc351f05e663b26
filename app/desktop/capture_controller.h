#pragma once

#include "app/jobs/job_slot.h"
#include "app/remote/node_client.h"
#include "trace_model/base/result.h"

#include <QObject>
#include <QString>

#include <filesystem>
#include <memory>
#include <string>

namespace gantry::desktop {

/// One capture from the press of the button to the report on this machine: window, assembly on the node, fetch with checksum.
/// Also fetches reports that are on the node already. One thing at a time. UI thread; the work runs as jobs.
class CaptureController : public QObject
{
    Q_OBJECT

public:
    enum class Stage
    {
        Idle,
        Starting,   ///< asked the node, no answer yet
        Capturing,  ///< the window is open
        Assembling, ///< the window is closed, the node writes the report
        Fetching,
    };

    explicit CaptureController(jobs::JobRunner& runner, QObject* parent = nullptr);

    [[nodiscard]] Stage stage() const { return m_stage; }
    [[nodiscard]] bool isBusy() const { return m_stage != Stage::Idle; }
    /// Newest status of the capture that runs, or of the last one.
    [[nodiscard]] const proto::CaptureStatus& status() const { return m_status; }
    [[nodiscard]] std::uint64_t fetchedBytes() const { return m_fetchedBytes; }
    [[nodiscard]] std::uint64_t totalBytes() const { return m_totalBytes; }

    /// Opens a window on a target and brings the report into `folder`. duration 0: until finishWindow(). Ignored while busy.
    void start(std::shared_ptr<app::NodeClient> client, const std::string& targetId, DurationNs duration, const std::filesystem::path& folder);
    /// Brings a report of the node into `folder`, or announces the copy that is there already. Ignored while busy.
    void fetch(std::shared_ptr<app::NodeClient> client, const proto::ReportInfo& report, const std::filesystem::path& folder);

    /// Ends the window now; the report follows.
    void finishWindow();
    /// Gives up. An open window is closed; its report stays on the node, where it can be fetched later.
    void cancel();

signals:
    /// Stage, status or fetch progress changed.
    void changed();
    void reportReady(const std::filesystem::path& path);
    /// `doing` is the step that failed: "The capture", "Fetching the report".
    void failed(const QString& doing, const gantry::Error& error);
    void cancelled();

private:
    void setStage(Stage stage);
    void setStatus(const proto::CaptureStatus& status);
    void fail(const QString& doing, const Error& error);
    void fetchNamed(const std::string& name, std::uint64_t sizeBytes, const std::string& sha256);

    Stage m_stage = Stage::Idle;
    proto::CaptureStatus m_status;
    std::uint64_t m_fetchedBytes = 0;
    std::uint64_t m_totalBytes = 0;
    std::shared_ptr<app::NodeClient> m_client;
    std::filesystem::path m_folder;
    jobs::JobSlot m_workSlot;
    jobs::JobSlot m_stopSlot;
};

} // namespace gantry::desktop
