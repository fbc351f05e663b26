#pragma once

#include "app/desktop/capture_controller.h"
#include "app/desktop/node_list.h"
#include "app/desktop/settings.h"
#include "app/desktop/trace_source.h"
#include "app/desktop/view_link.h"

#include <QMainWindow>
#include <QTimer>

#include <filesystem>
#include <memory>
#include <vector>

class QLabel;

namespace gantry::jobs {
class JobRunner;
}

namespace gantry::desktop {

class CaptureBar;
class FleetDesk;
class Inspector;
class LaunchDesk;
class LiveDesk;
class LivePage;
class MessageBar;
class NodeDesk;
class NodesPanel;
class PageArea;
class RecorderControl;
class SearchBox;
class ReportPage;
struct WindowActions;

/// The window: puts panels, pages and controllers together and passes the user's intents from one to the other. What a page
/// does is the page's own business. UI thread.
class MainWindow : public QMainWindow
{
    Q_OBJECT

public:
    /// `runner` and `settings` outlive the window.
    MainWindow(jobs::JobRunner& runner, Settings& settings, TraceSource source = {}, QWidget* parent = nullptr);
    ~MainWindow() override;

    [[nodiscard]] NodeList& nodes() { return *m_nodes; }
    [[nodiscard]] NodeDesk& desk() { return *m_desk; }
    [[nodiscard]] FleetDesk& fleet() { return *m_fleet; }
    [[nodiscard]] LaunchDesk& launching() { return *m_launch; }
    [[nodiscard]] CaptureController& capture() { return *m_capture; }
    [[nodiscard]] CaptureBar& captureBar() { return *m_captureBar; }
    [[nodiscard]] RecorderControl& recorder() { return *m_recorder; }
    [[nodiscard]] PageArea& pages() { return *m_pages; }
    [[nodiscard]] LivePage& live() { return *m_live; }
    [[nodiscard]] LiveDesk& liveDesk() { return *m_liveDesk; }
    [[nodiscard]] Inspector& inspector() { return *m_inspector; }
    [[nodiscard]] MessageBar& messages() { return *m_messages; }
    [[nodiscard]] const WindowActions& actions() const { return *m_actions; }

    ReportPage& openReport(const std::filesystem::path& path);
    /// Opens files as one report on one clock.
    ReportPage& openTogether(const std::vector<std::filesystem::path>& paths, const std::vector<std::optional<DurationNs>>& offsets = {});
    /// Opens a report at a request: see ReportPage::showRequestNamed().
    void openReportAt(const std::filesystem::path& path, const QString& request);
    /// Goes to a place of a page as soon as that is read.
    void showPlace(ReportPage& page, const ViewPlace& place);
    void setColorScheme(ColorScheme scheme);
    /// For pictures: docks appear at once.
    void setUnattended();
    /// Hides the Nodes panel, which a picture of a file does not need.
    void hideNodes();

protected:
    void resizeEvent(QResizeEvent* event) override;
    void closeEvent(QCloseEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void buildToolbar();
    void buildCentre();
    void connectFileActions();
    void connectViewActions();
    void connectNodeActions();
    void connectNodesPanel();
    void connectNodes();
    void connectFleet();
    void connectLaunching();
    void connectCapture();
    void connectLive();
    void openCaptured(const std::vector<std::filesystem::path>& paths);
    void restore();

    void chooseReports();
    void chooseTogether();
    void askForOffsets();
    void askForExport();
    void chooseBeside(int side);
    void fetchReport(NodeController* node, const proto::ReportInfo& report);
    void exportScreenshot();
    void copyLink();
    void fillRecentMenu();
    void showShortcuts();
    void showAbout();
    void refreshActions();
    void refreshIcons();
    void refreshSearch();
    /// Panels that were made wide in a wide window leave the page most of a narrow one.
    void fitPanels();
    void refreshTitle();
    void note(const QString& sentence);
    void appendToLog(const QString& line);
    void showError(const QString& doing, const Error& error, const QString& topic);

    jobs::JobRunner& m_runner;
    bool m_isUnattended = false;
    Settings& m_settings;
    TraceSource m_source;
    std::unique_ptr<NodeList> m_nodes;
    std::unique_ptr<NodeDesk> m_desk;
    std::unique_ptr<FleetDesk> m_fleet;
    std::unique_ptr<LaunchDesk> m_launch;
    std::unique_ptr<CaptureController> m_capture;
    std::unique_ptr<WindowActions> m_actions;
    std::unique_ptr<LiveDesk> m_liveDesk;
    CaptureBar* m_captureBar = nullptr;
    RecorderControl* m_recorder = nullptr;
    NodesPanel* m_nodesPanel = nullptr;
    LivePage* m_live = nullptr;
    PageArea* m_pages = nullptr;
    Inspector* m_inspector = nullptr;
    MessageBar* m_messages = nullptr;
    QTimer m_noteTimer; ///< runs while a note is shown
    SearchBox* m_searchBox = nullptr;
    QLabel* m_matchLabel = nullptr;
    QLabel* m_searchHint = nullptr; ///< why the text cannot be searched for, under the box
};

} // namespace gantry::desktop
