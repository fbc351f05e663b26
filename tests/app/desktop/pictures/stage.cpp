#include "stage.h"

#include "app/desktop/inspector.h"
#include "app/desktop/model_config_editor.h"
#include "app/desktop/models_page.h"
#include "app/desktop/page_area.h"
#include "tests/app/desktop/model_server.h"
#include "tests/support/event_script.h"
#include "widgets/timeline/timeline_widget.h"

#include <QApplication>
#include <QContextMenuEvent>
#include <QDialog>
#include <QDockWidget>
#include <QHelpEvent>
#include <QLayout>
#include <QMenu>
#include <QPainter>
#include <QSignalSpy>
#include <QTest>
#include <QToolTip>

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <string>
#include <utility>

namespace gantry::desktop_test {

using desktop::NodeController;
using desktop::ReportPage;
using desktop::TraceSource;

namespace {

constexpr int kPatienceMs = 60'000;
constexpr int kJobThreads = 4;

void waitForStop(std::stop_token stop)
{
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait(lock, stop, [] { return false; });
}

} // namespace

TraceSource heldSource(Held held)
{
    TraceSource source;
    source.load = [held](std::span<const trace::LoadFile> files, const trace::LoadOptions& options) -> Result<TraceSource::Loaded> {
        if (held == Held::AfterSample) {
            GANTRY_TRY(const TraceSource::Loaded whole, trace::loadTrace(files, {}));
            auto sample = std::make_shared<trace::Trace>(*whole);
            sample->meta.isPreview = true;
            options.preview(std::move(sample));
        }
        options.progress(0.43, "kernels");
        waitForStop(options.stop);
        return Error{ErrorCode::Cancelled, "cancelled", {}};
    };
    return source;
}

TraceSource sourceWithoutNsys()
{
    TraceSource source;
    source.load = [](std::span<const trace::LoadFile> files, trace::LoadOptions options) {
        options.nsys = importing::nsysOf({});
        return trace::loadTrace(files, options);
    };
    return source;
}

Stage::Stage(QSize size, widgets::ColorScheme scheme, TraceSource source)
    : m_runner(std::make_unique<jobs::JobRunner>(kJobThreads)),
      m_settings(std::make_unique<desktop::Settings>(QString::fromStdString((m_folder / "data").string()))),
      m_window(std::make_unique<desktop::MainWindow>(*m_runner, *m_settings, std::move(source)))
{
    m_window->setUnattended();
    m_window->setColorScheme(scheme);
    m_window->resize(size);
    m_window->show();
    m_window->activateWindow();
    waitUntil("the window is shown", [this] { return m_window->isActiveWindow(); });
}

Stage::~Stage()
{
    QToolTip::hideText();
    m_window.reset();
    m_runner.reset();
    m_settings.reset(); // writes into the folder
}

std::filesystem::path Stage::demo(std::string_view name)
{
    return std::filesystem::path(GANTRY_SOURCE_DIR "/resources/demo") / (std::string(name) + ".gantry.zst");
}

ReportPage& Stage::open(const std::filesystem::path& path)
{
    m_window->hideNodes();
    return waitUntilLoaded(m_window->openReport(path));
}

ReportPage& Stage::openTogether(const std::vector<std::filesystem::path>& paths)
{
    m_window->hideNodes();
    return waitUntilLoaded(m_window->openTogether(paths));
}

ReportPage& Stage::openScript(std::string_view script)
{
    const auto path = m_folder / "server.gantry";
    if (const auto written = test::writeEventScript(script, path); !written)
        throw std::runtime_error(written.error().text());
    return open(path);
}

ReportPage& Stage::waitUntilLoaded(ReportPage& page)
{
    waitUntil("the report is read",
              [&page] { return page.state() == ReportPage::State::Loaded || page.state() == ReportPage::State::Failed; });
    if (page.error())
        throw std::runtime_error(page.error()->text());
    settle();
    return page;
}

NodeController* Stage::connectToNode(const QStringList& options)
{
    if (LocalNode::daemonProgram().isEmpty())
        return nullptr;
    m_node = std::make_unique<LocalNode>();
    if (!m_node->start(options))
        throw std::runtime_error("gantryd did not start");
    NodeController& node = m_window->nodes().open(m_node->address());
    waitUntil("the node is connected", [&node] { return node.state() == NodeController::State::Connected; });
    return &node;
}

std::string Stage::hostOverSsh(const std::vector<std::string>& config, bool isKnown)
{
    if (LocalNode::daemonProgram().isEmpty() || test::whyNoSshd())
        return {};
    m_node = std::make_unique<LocalNode>();
    if (!m_node->start())
        throw std::runtime_error("gantryd did not start");
    m_sshd = std::make_unique<test::SshdFixture>();
    return "ssh://node?config=" + m_sshd->writeConfig(config, isKnown).string() +
           "&socket=" + m_node->address().substr(std::string_view("unix:").size());
}

std::string Stage::silentHost()
{
    m_silent = std::make_unique<test::SilentHost>();
    return "ssh://127.0.0.1:" + std::to_string(m_silent->port()) + "?config=none";
}

NodeController* Stage::connectToServer()
{
    const std::filesystem::path server = GANTRY_BINARY_DIR "/bin/gantry-serve";
    NodeController* node = std::filesystem::exists(server) ? connectToNode() : nullptr;
    if (!node)
        return nullptr;
    const std::filesystem::path models = m_folder / "models";
    std::filesystem::create_directory(models);
    std::filesystem::copy(GANTRY_SOURCE_DIR "/resources/models/add_sub", models / "add_sub", std::filesystem::copy_options::recursive);
    proto::LaunchRequest request;
    request.argv = {server.string(),  "--cpu-only", "--model-repository", models.string(), "--grpc-port", "0", "--http-port", "0",
                    "--metrics-port", "0"};
    const auto launched = node->client()->launch(request);
    if (!launched)
        throw std::runtime_error(launched.error().text());
    node->refresh();
    waitUntil("the server can be captured", [node, id = launched->id] {
        const proto::Target* target = node->target(id);
        return target && !target->processes.empty();
    });
    return node;
}

desktop::ModelsPage* Stage::openModels()
{
    NodeController* node = modelServerProgram().empty() ? nullptr : connectToNode();
    if (!node)
        return nullptr;
    const std::string id = launchModelServer(*node->client(), m_folder.path()).id;
    waitUntil("the server runs", [node, &id] {
        node->refresh();
        const proto::Target* target = node->target(id);
        return target && target->state == proto::TargetState::Running;
    });
    desktop::ModelsPage& page = m_window->pages().openModels(*node, QString::fromStdString(id), QStringLiteral("add_sub"));
    waitUntil("the configuration is there", [&page] { return page.editor()->text().contains(QStringLiteral("max_batch_size")); });
    return &page;
}

void Stage::waitUntil(const char* what, const std::function<bool()>& condition)
{
    if (!QTest::qWaitFor(condition, kPatienceMs))
        throw std::runtime_error(std::string("waited in vain until ") + what);
}

void Stage::settle()
{
    QSignalSpy settled(&m_window->inspector(), &desktop::Inspector::settled);
    m_window->inspector().refreshTables();
    waitUntil("the tables are filled", [&settled] { return !settled.isEmpty(); });
}

QObject* Stage::checked(QObject* object, const char* name)
{
    if (!object)
        throw std::runtime_error(std::string("there is no ") + name);
    return object;
}

QWidget& Stage::viewport()
{
    const ReportPage* page = m_window->pages().currentReport();
    if (!page || !page->timeline())
        throw std::runtime_error("no timeline is in front");
    return *page->timeline()->viewport();
}

QPoint Stage::headerPoint(trace::TrackId track)
{
    const QWidget& area = viewport();
    const widgets::TimelineState& state = m_window->pages().currentReport()->timeline()->state();
    const widgets::TimelineRow* row = state.layout.rowOf(track);
    if (!row)
        throw std::runtime_error("a row is not shown");
    const int y = row->y + row->height / 2 - state.scrollY + widgets::TimelineGeometry::rowsTop();
    return {60, std::clamp(y, widgets::TimelineGeometry::rowsTop(), area.height() - 1)};
}

void Stage::openMenuAt(QPoint viewportPoint)
{
    QWidget& area = viewport();
    QContextMenuEvent event(QContextMenuEvent::Mouse, viewportPoint, area.mapToGlobal(viewportPoint));
    QCoreApplication::sendEvent(&area, &event);
    waitUntil("the menu is open", [] { return qobject_cast<QMenu*>(QApplication::activePopupWidget()) != nullptr; });
}

void Stage::showToolTipAt(QPoint viewportPoint)
{
    QWidget& area = viewport();
    QHelpEvent event(QEvent::ToolTip, viewportPoint, area.mapToGlobal(viewportPoint));
    QCoreApplication::sendEvent(&area, &event);
    waitUntil("the tip is shown", [] { return QToolTip::isVisible(); });
}

void Stage::hideDocks()
{
    for (QDockWidget* dock : m_window->findChildren<QDockWidget*>(Qt::FindDirectChildrenOnly))
        dock->hide();
}

QImage Stage::picture()
{
    QWidgetList inFront;
    for (QWidget* widget : QApplication::topLevelWidgets()) {
        if (widget->isVisible() && widget != m_window.get())
            inFront << widget;
    }
    // A dialog that another one opened is above it.
    const auto depth = [](const QWidget* widget) {
        int above = 0;
        for (const QWidget* parent = widget->parentWidget(); parent; parent = parent->parentWidget())
            ++above;
        return above;
    };
    std::stable_sort(inFront.begin(), inFront.end(), [&](const QWidget* a, const QWidget* b) { return depth(a) < depth(b); });
    // Menus and tips are above dialogs.
    std::stable_partition(inFront.begin(), inFront.end(),
                          [](const QWidget* widget) { return qobject_cast<const QDialog*>(widget) != nullptr; });
    m_window->layout()->activate();
    QCoreApplication::sendPostedEvents();
    QImage image = m_window->grab().toImage();
    QPainter painter(&image);
    for (QWidget* widget : std::as_const(inFront)) {
        const QPoint place = widget->pos() - m_window->pos();
        painter.drawPixmap(place, widget->grab());
        painter.setPen(m_window->palette().color(QPalette::Mid)); // where a window manager draws a frame
        painter.drawRect(QRect(place, widget->size()).adjusted(-1, -1, 0, 0));
    }
    return image;
}

} // namespace gantry::desktop_test
