#pragma once

#include "app/jobs/job_slot.h"
#include "app/remote/node_client.h"
#include "trace_model/base/result.h"

#include <QObject>
#include <QString>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace gantry::desktop {

/// One capture from the press of the button to its reports on this machine: windows, assembly on the node, fetch with checksum.
/// Also saves what a flight recorder holds and fetches reports that are on the node already. One thing at a time. UI thread; the
/// work runs as jobs.
///
/// A connection that is lost ends neither the window, which is the node's, nor the fetch, which keeps what has come: both wait for
/// goOn() with the next connection.
class CaptureController : public QObject
{
    Q_OBJECT

public:
    enum class Stage
    {
        Idle,
        Starting,   ///< asked the node, no answer yet
        Waiting,    ///< for another client, for the time, or for the program that opens the window
        Capturing,  ///< the window is open
        Assembling, ///< the window is closed, the node writes the report
        Fetching,
    };

    explicit CaptureController(jobs::JobRunner& runner, QObject* parent = nullptr);

    [[nodiscard]] Stage stage() const { return m_stage; }
    [[nodiscard]] bool isBusy() const { return m_stage != Stage::Idle; }
    /// Busy, and waiting for a connection to the node.
    [[nodiscard]] bool isAway() const { return m_isAway; }
    /// Of the connection that it works over, or did last; null: none yet.
    [[nodiscard]] const std::shared_ptr<app::NodeClient>& client() const { return m_client; }
    /// Whether finishWindow() does something: a window is open, or there was one and the next is waited for.
    [[nodiscard]] bool canFinish() const;
    /// What was asked for last.
    [[nodiscard]] const proto::CaptureRequest& request() const { return m_request; }
    /// Newest status of the capture that runs, or of the last one.
    [[nodiscard]] const proto::CaptureStatus& status() const { return m_status; }
    [[nodiscard]] std::uint64_t fetchedBytes() const { return m_fetchedBytes; }
    [[nodiscard]] std::uint64_t totalBytes() const { return m_totalBytes; }
    /// Reports of the capture that are on this machine, and all of them.
    [[nodiscard]] std::size_t fetchedReports() const { return m_fetched.size(); }
    [[nodiscard]] std::size_t totalReports() const { return m_fetched.size() + m_toFetch.size(); }

    /// Opens what `request` asks for on its target and brings the reports of all windows into `folder`. Ignored while busy.
    void start(std::shared_ptr<app::NodeClient> client, proto::CaptureRequest request, const std::filesystem::path& folder);
    /// Brings a report of the last `lastNs` (0: of all) that a flight recorder holds into `folder`; it goes on recording. Ignored while
    /// busy.
    void save(std::shared_ptr<app::NodeClient> client, const std::string& recorderId, const std::filesystem::path& folder,
              DurationNs lastNs = 0);
    /// Brings a report of the node into `folder`, or announces the copy that is there already. Ignored while busy.
    void fetch(std::shared_ptr<app::NodeClient> client, const proto::ReportInfo& report, const std::filesystem::path& folder);

    /// Where it was when the connection was lost. Ignored unless it is away.
    void goOn(std::shared_ptr<app::NodeClient> client);
    /// Waits no longer for a connection.
    void giveUp(const Error& error);
    /// Ends the window now, and those to come; the reports follow.
    void finishWindow();
    /// Gives up. An open window is closed; its report stays on the node, where it can be fetched later.
    void cancel();

signals:
    /// Stage, status or fetch progress changed.
    void changed();
    /// In the order of their windows; at least one.
    void reportsReady(const std::vector<std::filesystem::path>& paths);
    /// The time after the last window has been measured; the file has the figures, too.
    void costMeasured(const std::filesystem::path& report, const gantry::report::WindowCost& cost);
    /// `doing` is the step that failed: "The capture", "Fetching the report".
    void failed(const QString& doing, const gantry::Error& error);
    void cancelled();
    /// isAway() from now on.
    void wentAway();

private:
    struct Wanted
    {
        std::string name;
        std::uint64_t sizeBytes = 0;
        std::string sha256;
    };

    void begin(std::shared_ptr<app::NodeClient> client, const std::filesystem::path& folder);
    void setStage(Stage stage);
    void setStatus(const proto::CaptureStatus& status);
    void onCaptured(const proto::CaptureStatus& last);
    void fail(const QString& doing, const Error& error);
    void watch();
    void onWatched(Result<proto::CaptureStatus> last);
    /// True: it was the connection, and the work goes on when that is there again.
    [[nodiscard]] bool goAway(const Error& error);
    void fetchAll(std::vector<Wanted> wanted);
    void fetchNext();
    void awaitCost();

    Stage m_stage = Stage::Idle;
    bool m_isAway = false;
    int m_cuts = 0; ///< since something came last
    proto::CaptureRequest m_request;
    proto::CaptureStatus m_status;
    std::uint64_t m_fetchedBytes = 0;
    std::uint64_t m_totalBytes = 0;
    std::vector<Wanted> m_toFetch; ///< the next one first
    std::vector<std::filesystem::path> m_fetched;
    std::shared_ptr<app::NodeClient> m_client;
    std::filesystem::path m_folder;
    jobs::JobSlot m_workSlot;
    jobs::JobSlot m_stopSlot;
    jobs::JobSlot m_costSlot;
};

} // namespace gantry::desktop
