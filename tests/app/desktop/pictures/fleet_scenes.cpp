#include "scenes.h"

#include "app/desktop/fleet_capture.h"
#include "app/desktop/fleet_desk.h"
#include "app/desktop/fleet_feed.h"
#include "app/desktop/fleet_page.h"
#include "app/desktop/fleet_work.h"
#include "app/desktop/page_area.h"
#include "app/desktop/window_actions.h"
#include "widgets/fleet/fleet_view.h"

#include <QAction>
#include <QComboBox>
#include <QLineEdit>
#include <QPushButton>
#include <QTest>

#include <cmath>

namespace gantry::desktop_test {

namespace {

using widgets::GpuTile;
using widgets::NodeTile;
using widgets::TileNote;

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
constexpr int kHistory = 60;

/// A fleet that nobody has at hand: nodes with GPUs, in every state.
class PaintedFleet : public desktop::FleetFeed
{
public:
    PaintedFleet(desktop::NodeList& nodes, const desktop::Settings& settings, QObject* parent, std::vector<NodeTile> tiles)
        : FleetFeed(nodes, settings, parent), m_tiles(std::move(tiles))
    {
    }
    [[nodiscard]] std::vector<NodeTile> tiles() const override { return m_tiles; }

private:
    std::vector<NodeTile> m_tiles;
};

/// A node at work; its values follow from its number.
NodeTile busyNode(int number, int gpus)
{
    NodeTile tile;
    tile.name = QStringLiteral("gpu-%1").arg(number, 2, 10, QLatin1Char('0'));
    tile.key = tile.address = QStringLiteral("ssh://") + tile.name;
    tile.group = number % 3 == 0 ? QStringLiteral("Research") : QStringLiteral("Production");
    tile.tags = {number % 2 == 0 ? QStringLiteral("h100") : QStringLiteral("staging")};
    tile.state = NodeTile::State::Connected;
    tile.stateText = QStringLiteral("connected");
    for (int i = 0; i < gpus; ++i) {
        const double load = 0.5 + 0.5 * std::sin(number * 1.7 + i);
        tile.gpus.push_back({QStringLiteral("NVIDIA H100 80GB HBM3"), load, (20 + 58 * load) * kGiB, 80 * kGiB, 90 + 600 * load});
    }
    for (int i = 0; i < kHistory; ++i) {
        const double wave = 1 + 0.3 * std::sin(i * 0.4 + number) + 0.1 * std::sin(i * 1.9);
        tile.powerHistory.emplace_back(wave * 300 * gpus);
        tile.requestHistory.emplace_back(wave * 20 * (number % 7));
    }
    tile.requestsPerSecond = tile.requestHistory.back();
    tile.modelsReady = tile.modelsTotal = 1 + number % 4;
    tile.captures = 0;
    return tile;
}

NodeTile absentNode(const char* name, NodeTile::State state, const char* stateText, std::vector<TileNote> notes)
{
    NodeTile tile;
    tile.name = QLatin1String(name);
    tile.key = tile.address = QStringLiteral("ssh://ada@%1.example.org").arg(tile.name);
    tile.state = state;
    tile.stateText = QString::fromUtf8(stateText);
    tile.notes = std::move(notes);
    return tile;
}

std::vector<NodeTile> everyState()
{
    using Kind = TileNote::Kind;
    NodeTile recording = busyNode(2, 1);
    recording.isRecording = true;
    recording.captures = 1;
    NodeTile full = busyNode(3, 4);
    full.gpus[1].memoryUsedBytes = 79.2 * kGiB;
    full.gpus[2] = {QStringLiteral("NVIDIA H100 80GB HBM3"), {}, {}, {}, {}};
    full.modelsReady = 2;
    full.modelsTotal = 4;
    full.notes = {{Kind::Warning, QStringLiteral("disk nearly full: 1.8 GiB free for reports")},
                  {Kind::Warning, QStringLiteral("bert_large: out of memory")}};
    for (std::size_t i = 20; i < 35; ++i)
        full.powerHistory[i] = full.requestHistory[i] = std::nullopt; // it was away
    NodeTile host = busyNode(5, 0);
    host.name = QStringLiteral("laptop");
    host.cpuRatio = 0.37;
    host.hostMemoryUsedBytes = 11.2 * kGiB;
    host.hostMemoryTotalBytes = 31.1 * kGiB;
    host.powerHistory.clear();
    host.requestHistory.clear();
    host.requestsPerSecond.reset();
    host.notes = {{Kind::Information, QStringLiteral("the NVIDIA driver's libnvidia-ml.so.1 is not installed here")}};
    NodeTile lost = busyNode(6, 2);
    lost.state = NodeTile::State::Lost;
    lost.stateText = QStringLiteral("not reachable");
    for (GpuTile& gpu : lost.gpus)
        gpu = {gpu.name, {}, {}, gpu.memoryTotalBytes, {}};
    lost.requestsPerSecond.reset();
    lost.powerHistory.clear();
    lost.requestHistory.clear();
    lost.modelsReady = lost.modelsTotal = std::nullopt;
    lost.captures.reset();
    lost.notes = {{Kind::Error, QStringLiteral("since 09:41:07: cannot connect to gpu-06 at 10.0.0.6 port 22: No route to host.")}};
    return {busyNode(1, 8),
            recording,
            full,
            host,
            lost,
            absentNode("trainer-02.of-a-very-long-name", NodeTile::State::NeedsPerson, "needs you",
                       {{Kind::Error, QStringLiteral("since 09:40:12: the key of trainer-02 has changed.")}}),
            absentNode("gpu-08", NodeTile::State::Connecting, "authenticate…", {}),
            absentNode("bastion", NodeTile::State::Disconnected, "not connected", {})};
}

std::vector<NodeTile> hundred()
{
    std::vector<NodeTile> tiles;
    for (int i = 0; i < 100; ++i)
        tiles.push_back(busyNode(i, i % 5 == 0 ? 1 : 8));
    return tiles;
}

/// The page with these tiles, of which some are selected.
desktop::FleetPage& showFleet(Stage& stage, std::vector<NodeTile> tiles, const QStringList& selected = {})
{
    desktop::MainWindow& window = stage.window();
    stage.hideDocks(); // they know nothing of these nodes
    auto* feed = new PaintedFleet(window.nodes(), stage.settings(), &window, std::move(tiles));
    auto* capture = new desktop::FleetCapture(stage.runner(), stage.settings(), &window);
    auto* work = new desktop::FleetWork(&window);
    auto* page = new desktop::FleetPage(window.nodes(), *feed, {*capture, *work}, stage.settings(), &window.pages());
    window.pages().showBesideLive(*page, QStringLiteral("Fleet"));
    page->view().select(selected);
    return *page;
}

/// A window that is open on a node which plays a recording.
void showCapture(Stage& stage)
{
    desktop::NodeController* first = stage.connectToNode(LocalNode::rehearsalOptions());
    if (!first)
        return;
    stage.settings().setCaptureDuration(600'000'000'000);
    stage.window().fleet().show();
    desktop::FleetPage& page = *stage.window().fleet().page();
    page.refresh();
    page.view().select({QString::fromStdString(first->address())});
    stage.find<QPushButton>("fleetCapture").click();
    stage.waitUntil("the window is open", [&stage] {
        const auto steps = stage.window().fleet().capture().steps();
        return !steps.empty() && steps.front().text.contains(QStringLiteral("recording"));
    });
}

} // namespace

void addFleet(std::vector<Scene>& scenes)
{
    const QStringList two{QStringLiteral("ssh://gpu-01"), QStringLiteral("ssh://gpu-03")};
    scenes.push_back({"fleet", [two](Stage& stage) { showFleet(stage, everyState(), two); }, {1280, 800}});
    scenes.push_back({"tiny-fleet", [two](Stage& stage) { showFleet(stage, everyState(), two); }, {640, 420}});
    scenes.push_back({"fleet-hundred",
                      [](Stage& stage) {
                          auto& sort = *showFleet(stage, hundred()).findChild<QComboBox*>(QStringLiteral("fleetSort"));
                          sort.setCurrentIndex(2);
                      },
                      {1600, 1000}});
    scenes.push_back({"fleet-empty", [](Stage& stage) { stage.window().actions().showFleet->trigger(); }, {1280, 800}});
    scenes.push_back({"tiny-fleet-empty", [](Stage& stage) { stage.window().actions().showFleet->trigger(); }, {640, 420}});
    scenes.push_back({"fleet-no-match",
                      [](Stage& stage) {
                          QTest::keyClicks(showFleet(stage, everyState()).findChild<QLineEdit*>(QStringLiteral("fleetFilter")),
                                           QStringLiteral("h200"));
                      },
                      {1280, 800}});
    for (const auto& [name, size] : {std::pair("fleet-capture", QSize(1280, 800)), std::pair("tiny-fleet-capture", QSize(640, 420))})
        scenes.push_back({name, showCapture, size});
    scenes.push_back({"fleet-live",
                      [](Stage& stage) {
                          if (!stage.connectToServer())
                              return;
                          stage.window().actions().showFleet->trigger();
                          stage.waitUntil("its values are there", [&stage] {
                              stage.window().fleet().page()->refresh();
                              const auto tiles = stage.window().fleet().feed().tiles();
                              return tiles.front().cpuRatio && tiles.front().requestHistory.size() > 3;
                          });
                      },
                      {1280, 800}});
}

} // namespace gantry::desktop_test
