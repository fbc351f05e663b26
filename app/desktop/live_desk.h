#pragma once

#include "app/desktop/capture_bands.h"

#include <QObject>
#include <QPoint>
#include <QString>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gantry::desktop {

class CaptureBar;
class CaptureController;
class LivePage;
class NodeController;
class PageArea;
class RecorderControl;
class ReportPage;

/// The way from the live plots to the trace and back: windows on the plots lead to their reports at the instant that was clicked, what the
/// mouse points at on one side is marked on the other, and outside of windows a capture can be begun. UI thread.
class LiveDesk : public QObject
{
    Q_OBJECT

public:
    static constexpr DurationNs kSaved = 10'000'000'000; ///< "what just happened", of a flight recorder

    /// All outlive this.
    struct Parts
    {
        NodeList& nodes;
        LivePage& live;
        PageArea& pages;
        CaptureController& capture;
        CaptureBar& bar;
        RecorderControl& recorder;
        const Settings& settings;
        jobs::JobRunner& runner;
    };

    explicit LiveDesk(const Parts& parts);

    [[nodiscard]] const CaptureBands& bands() const { return m_bands; }
    /// Looks for reports on this machine again.
    void refresh() { m_bands.refresh(); }
    /// Opens a report at an instant of its node's wall clock; fetches it first where it is not here.
    void openAt(const std::string& report, std::int64_t utcNs);
    /// Shows the middle of what a report shows in the live plots of its node.
    void showLive(const ReportPage& page);

signals:
    void fetchRequested(gantry::desktop::NodeController* node, const gantry::proto::ReportInfo& report);
    /// Why something that was asked for cannot be, a sentence.
    void refused(const QString& sentence);

private:
    /// A report that is on its way.
    struct Wanted
    {
        std::filesystem::path file;
        std::int64_t utcNs = 0;
    };

    void showMenu(const QPoint& point, std::int64_t utcNs, const std::string& report);
    [[nodiscard]] QString whyNoSave() const;
    void onFetched(const std::vector<std::filesystem::path>& files);
    void watchPage(ReportPage* page);
    /// The node whose reports lie in the folder of this one; null: none that is known.
    [[nodiscard]] NodeController* nodeOf(const ReportPage& page) const;

    Parts m_parts;
    CaptureBands m_bands;
    std::optional<Wanted> m_wanted;
};

} // namespace gantry::desktop
