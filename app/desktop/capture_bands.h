#pragma once

#include "app/desktop/node_controller.h"
#include "app/jobs/job_slot.h"

#include <QObject>
#include <QPointer>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace gantry::desktop {

class NodeList;
class Settings;

/// A capture window of a node, as its live plots show it.
struct CaptureBand
{
    std::string report; ///< its name on the node, and that of the file here
    QString label;      ///< what people called it, else its target
    std::int64_t beginUtcNs = 0, endUtcNs = 0;
    bool isExact = false;       ///< else it is known to a second or so, from when the node wrote the report
    bool isOpen = false;        ///< or its report is being written: there is none yet, and `report` is the capture; endUtcNs 0: no end yet
    std::filesystem::path file; ///< on this machine; empty: it was not fetched

    friend bool operator==(const CaptureBand&, const CaptureBand&) = default;
};

/// When a window was open whose report the node lists. Where the report does not say it, the list says when it was written: in its name, up
/// to a second.
[[nodiscard]] CaptureBand bandOf(const proto::ReportInfo& report);

/// The window that a capture has open, or whose report is being written; nothing: it has none. A flight recorder is no window.
[[nodiscard]] std::optional<CaptureBand> bandOf(const proto::CaptureStatus& capture);

/// Name, begin and length of a window, a line each, and what a click does.
[[nodiscard]] QString bandText(const CaptureBand& band);

/// The capture windows of the current node: the one that is open, those whose reports lie on the node, and those whose reports were brought
/// to this machine, even where the node has them no more. UI thread; files are read by jobs.
class CaptureBands : public QObject
{
    Q_OBJECT

public:
    /// All outlive this.
    CaptureBands(NodeList& nodes, const Settings& settings, jobs::JobRunner& runner, QObject* parent = nullptr);

    /// By their begin, oldest first.
    [[nodiscard]] const std::vector<CaptureBand>& bands() const { return m_bands; }
    [[nodiscard]] const CaptureBand* find(const std::string& report) const;
    /// Looks for files again, as after a fetch.
    void refresh();

signals:
    void changed();

private:
    /// What was found in the report folder, by file name.
    struct Fetched
    {
        std::map<std::string, CaptureBand> bands;
        std::map<std::string, std::filesystem::file_time_type> others; ///< which are no windows, as they were looked at
    };

    static void look(const std::filesystem::path& path, std::filesystem::file_time_type changed, const Fetched& known, Fetched& fetched);
    void watchNodes();
    void merge();

    NodeList& m_nodes;
    const Settings& m_settings;
    QPointer<NodeController> m_node; ///< that m_fetched is of
    Fetched m_fetched;
    std::vector<CaptureBand> m_bands;
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
