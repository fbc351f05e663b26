#pragma once

#include "app/desktop/main_window.h"
#include "app/desktop/node_controller.h"
#include "app/desktop/report_page.h"
#include "app/jobs/job_runner.h"
#include "tests/app/desktop/local_node.h"
#include "tests/support/silent_host.h"
#include "tests/support/sshd_fixture.h"
#include "tests/support/temporary_folder.h"

#include <QImage>
#include <QPoint>
#include <QString>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::desktop {
class ModelsPage;
}

namespace gantry::desktop_test {

/// A source whose reading never ends by itself: nothing is shown until then, or a sample.
enum class Held
{
    BeforeSample,
    AfterSample,
};
[[nodiscard]] desktop::TraceSource heldSource(Held held);
/// Of a machine that has no nsys.
[[nodiscard]] desktop::TraceSource sourceWithoutNsys();

/// A real window on a stage of its own (settings, folder, jobs), and what a user does to it. What cannot be done throws
/// std::runtime_error with a sentence. UI thread.
class Stage
{
public:
    Stage(QSize size, widgets::ColorScheme scheme, desktop::TraceSource source = {});
    ~Stage();

    [[nodiscard]] desktop::MainWindow& window() { return *m_window; }
    [[nodiscard]] desktop::Settings& settings() { return *m_settings; }
    [[nodiscard]] jobs::JobRunner& runner() { return *m_runner; }
    [[nodiscard]] const test::TemporaryFolder& folder() const { return m_folder; }
    /// A shipped demo report: "bert-pageable" or "bert-pinned".
    [[nodiscard]] static std::filesystem::path demo(std::string_view name);

    /// Opens a file without the Nodes panel, and waits until it is read and its tables are filled.
    desktop::ReportPage& open(const std::filesystem::path& path);
    desktop::ReportPage& openTogether(const std::vector<std::filesystem::path>& paths);
    /// Opens the report that an event script describes, see tests/support/event_script.h.
    desktop::ReportPage& openScript(std::string_view script);
    /// Connects to a daemon of this machine that ends with the stage. Nothing: this build has none.
    [[nodiscard]] desktop::NodeController* connectToNode(const QStringList& options = {});
    /// Connects to a node on which a server runs that can be captured. Nothing: this build has none.
    [[nodiscard]] desktop::NodeController* connectToServer();

    /// A host over SSH, with a gantryd on it, that `config` (lines of ssh_config(5)) leads to; not opened yet. Empty: this build has no
    /// gantryd, or this machine no sshd.
    [[nodiscard]] std::string hostOverSsh(const std::vector<std::string>& config = {}, bool isKnown = true);
    [[nodiscard]] test::SshdFixture& sshd() { return *m_sshd; }
    /// A host that never answers.
    [[nodiscard]] std::string silentHost();

    /// The page of the models of a server on a node, with add_sub chosen. Null: this build has none.
    [[nodiscard]] desktop::ModelsPage* openModels();

    /// Handles events until it is so. `what`: of the sentence when it never is.
    void waitUntil(const char* what, const std::function<bool()>& condition);
    /// The table in front is about what the page in front shows.
    void settle();

    /// The widget with an object name, or of a class.
    template <typename Widget>
    Widget& find(const char* name = "")
    {
        auto* found = *name ? m_window->findChild<Widget*>(QLatin1String(name)) : m_window->findChild<Widget*>();
        return *static_cast<Widget*>(checked(found, *name ? name : Widget::staticMetaObject.className()));
    }
    /// A row's name in the header of the timeline in front, as a point of its viewport.
    [[nodiscard]] QPoint headerPoint(trace::TrackId track);
    void openMenuAt(QPoint viewportPoint);
    void showToolTipAt(QPoint viewportPoint);

    void hideDocks();

    /// The window with its dialogs, menus and tips, as a screen shows them.
    [[nodiscard]] QImage picture();

private:
    [[nodiscard]] static QObject* checked(QObject* object, const char* name);
    desktop::ReportPage& waitUntilLoaded(desktop::ReportPage& page);
    [[nodiscard]] QWidget& viewport();

    test::TemporaryFolder m_folder;
    std::unique_ptr<LocalNode> m_node;
    std::unique_ptr<test::SshdFixture> m_sshd;
    std::unique_ptr<test::SilentHost> m_silent;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<desktop::Settings> m_settings;
    std::unique_ptr<desktop::MainWindow> m_window;
};

} // namespace gantry::desktop_test
