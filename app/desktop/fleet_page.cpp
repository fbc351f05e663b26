#include "app/desktop/fleet_page.h"

#include "app/desktop/fleet_capture.h"
#include "app/desktop/fleet_feed.h"
#include "app/desktop/fleet_task_panel.h"
#include "app/desktop/fleet_work.h"
#include "app/desktop/settings.h"
#include "app/desktop/text.h"
#include "widgets/fleet/fleet_model.h"
#include "widgets/fleet/fleet_view.h"

#include <QApplication>
#include <QClipboard>
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QMessageBox>
#include <QPointer>
#include <QPushButton>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>
#include <set>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;
using widgets::FleetSort;
using widgets::NodeTile;

constexpr auto kTurn = 500ms;      // a hundred tiles that change with each sample of each node would be restless
constexpr int kTurnsToArrange = 6; // 3 s: by values that change, tiles change their places so often at most
constexpr int kNarrow = 620;       // px of a page whose buttons are below the filter
constexpr int kTiles = 0, kNoMatch = 1, kEmpty = 2;

enum class GroupKind
{
    All,
    Group,
    Tag
};
constexpr int kGroupRole = Qt::UserRole, kKindRole = Qt::UserRole + 1;

} // namespace

FleetPage::FleetPage(NodeList& nodes, FleetFeed& feed, FleetTasks tasks, Settings& settings, QWidget* parent)
    : QWidget(parent),
      m_nodes(nodes),
      m_feed(feed),
      m_capture(tasks.capture),
      m_work(tasks.work),
      m_settings(settings),
      m_model(new widgets::FleetModel(this)),
      m_order(new widgets::FleetOrder(this)),
      m_stack(new QStackedWidget(this)),
      m_bar(new QWidget(this)),
      m_buttons(new QWidget(m_bar)),
      m_filter(new QLineEdit(m_bar)),
      m_groups(new QComboBox(m_bar)),
      m_sort(new QComboBox(m_bar)),
      m_connect(new QPushButton(tr("Connect"))),
      m_disconnect(new QPushButton(tr("Disconnect"))),
      m_captureButton(new QPushButton(tr("Capture"))),
      m_more(new QToolButton),
      m_taskPanel(new FleetTaskPanel({&m_capture, &m_work}, this)),
      m_summary(new QLabel(this)),
      m_noMatch(new QLabel(tr("No node matches the filter."), this))
{
    m_order->setSourceModel(m_model);
    m_view = new widgets::FleetView(*m_order, this);
    m_noMatch->setAlignment(Qt::AlignCenter);
    m_noMatch->setForegroundRole(QPalette::PlaceholderText);
    m_stack->addWidget(m_view);
    m_stack->addWidget(m_noMatch);
    buildEmpty();
    buildBar();
    m_summary->setContentsMargins(10, 2, 10, 4);
    m_summary->setForegroundRole(QPalette::PlaceholderText);
    m_summary->setObjectName(QStringLiteral("fleetSummary"));

    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_bar);
    column->addWidget(m_stack, 1);
    column->addWidget(m_taskPanel);
    column->addWidget(m_summary);

    connect(m_view, &widgets::FleetView::selectionEdited, this, &FleetPage::refreshActions);
    connect(m_view, &widgets::FleetView::nodeActivated, this, &FleetPage::openNode);
    connect(m_view, &widgets::FleetView::menuRequested, this, &FleetPage::showMenu);
    connect(&m_feed, &FleetFeed::changed, this, [this] { m_isStale = true; });
    connect(&m_capture, &FleetTask::changed, this, &FleetPage::refreshActions);
    connect(&m_work, &FleetTask::changed, this, &FleetPage::refreshActions);
    m_turn.setInterval(kTurn);
    connect(&m_turn, &QTimer::timeout, this, &FleetPage::turn);
    refresh();
}

void FleetPage::buildBar()
{
    m_filter->setObjectName(QStringLiteral("fleetFilter"));
    m_filter->setPlaceholderText(tr("Filter: name, GPU, model, state…"));
    m_filter->setAccessibleName(tr("Filter nodes"));
    m_filter->setClearButtonEnabled(true);
    m_groups->setObjectName(QStringLiteral("fleetGroups"));
    m_groups->setAccessibleName(tr("Group or tag"));
    m_groups->setToolTip(tr("Show the nodes of a group or with a tag"));
    m_sort->setObjectName(QStringLiteral("fleetSort"));
    m_sort->setAccessibleName(tr("Order"));
    m_sort->setToolTip(tr("What comes first"));
    for (const auto& [text, sort] :
         {std::pair(tr("By name"), FleetSort::Name), std::pair(tr("By state"), FleetSort::State),
          std::pair(tr("By GPU utilisation"), FleetSort::GpuUtilisation), std::pair(tr("By req/s"), FleetSort::RequestRate)})
        m_sort->addItem(text, static_cast<int>(sort));
    for (QComboBox* box : {m_groups, m_sort}) {
        box->setSizeAdjustPolicy(QComboBox::AdjustToContents);
        box->setMinimumContentsLength(6);
        box->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
        box->setMinimumWidth(70);
    }
    m_filter->setMinimumWidth(90);
    m_connect->setObjectName(QStringLiteral("fleetConnect"));
    m_disconnect->setObjectName(QStringLiteral("fleetDisconnect"));
    m_captureButton->setObjectName(QStringLiteral("fleetCapture"));
    auto* row = new QHBoxLayout(m_buttons);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(6);
    for (QPushButton* button : {m_connect, m_disconnect, m_captureButton})
        row->addWidget(button);
    m_more->setObjectName(QStringLiteral("fleetMore"));
    m_more->setText(tr("More"));
    m_more->setToolTip(tr("What else can be done with the selected nodes at once"));
    m_more->setPopupMode(QToolButton::InstantPopup);
    m_more->setMenu(new QMenu(m_more));
    connect(m_more->menu(), &QMenu::aboutToShow, this, &FleetPage::fillMoreMenu);
    row->addWidget(m_more);
    m_barLayout = new QGridLayout(m_bar);
    m_barLayout->setContentsMargins(8, 6, 8, 4);
    m_barLayout->setSpacing(6);
    m_barLayout->addWidget(m_filter, 0, 0);
    m_barLayout->addWidget(m_groups, 0, 1);
    m_barLayout->addWidget(m_sort, 0, 2);
    m_barLayout->setColumnStretch(0, 1);
    fitBar();
    connect(m_filter, &QLineEdit::textChanged, this, &FleetPage::applyFilter);
    connect(m_groups, &QComboBox::currentIndexChanged, this, &FleetPage::applyFilter);
    connect(m_sort, &QComboBox::currentIndexChanged, this, [this] {
        m_order->setOrder(static_cast<FleetSort>(m_sort->currentData().toInt()));
        m_view->scrollToTop();
    });
    connect(m_connect, &QPushButton::clicked, this, &FleetPage::connectSelected);
    connect(m_disconnect, &QPushButton::clicked, this, &FleetPage::disconnectSelected);
    connect(m_captureButton, &QPushButton::clicked, this, &FleetPage::captureSelected);
}

void FleetPage::fitBar()
{
    const bool isNarrow = width() < kNarrow;
    m_barLayout->removeWidget(m_buttons);
    isNarrow ? m_barLayout->addWidget(m_buttons, 1, 0, 1, 3, Qt::AlignLeft) : m_barLayout->addWidget(m_buttons, 0, 3, Qt::AlignRight);
    m_barLayout->setColumnStretch(3, isNarrow ? 0 : 1); // a filter has no use for half a screen
}

void FleetPage::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    fitBar();
}

void FleetPage::buildEmpty()
{
    auto* empty = new QWidget(this);
    auto* column = new QVBoxLayout(empty);
    auto* text =
        new QLabel(tr("No node is known yet.\n\nAdd the machines that you look after: each has a tile here, with its GPUs, its models "
                      "and what is to be known of it."),
                   empty);
    text->setObjectName(QStringLiteral("fleetEmpty"));
    text->setWordWrap(true);
    text->setAlignment(Qt::AlignHCenter);
    text->setForegroundRole(QPalette::PlaceholderText);
    auto* add = new QPushButton(tr("Add a node…"), empty);
    connect(add, &QPushButton::clicked, this, &FleetPage::addRequested);
    column->addStretch(1);
    column->addWidget(text);
    column->addSpacing(6);
    column->addWidget(add, 0, Qt::AlignHCenter);
    column->addStretch(2);
    m_stack->addWidget(empty);
}

void FleetPage::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    refresh();
    arrange();
    m_turn.start();
}

void FleetPage::hideEvent(QHideEvent* event)
{
    m_turn.stop();
    QWidget::hideEvent(event);
}

void FleetPage::turn()
{
    // Also when nothing is heard: values grow old by that.
    const bool isTurnToArrange = ++m_turnsToArrange >= kTurnsToArrange;
    if (m_isStale || isTurnToArrange)
        refresh();
    // Not under the hand that is about to click.
    if (isTurnToArrange && !m_view->viewport()->underMouse())
        arrange();
}

void FleetPage::arrange()
{
    m_turnsToArrange = 0;
    m_order->arrange();
    const bool isEmpty = m_model->rowCount() == 0;
    m_bar->setVisible(!isEmpty);
    m_summary->setVisible(!isEmpty);
    m_stack->setCurrentIndex(isEmpty ? kEmpty : m_order->rowCount() == 0 ? kNoMatch : kTiles);
    refreshActions();
}

void FleetPage::refresh()
{
    m_isStale = false;
    std::vector<NodeTile> tiles = m_feed.tiles();
    refreshGroups(tiles);
    if (m_model->setTiles(std::move(tiles)))
        arrange();
    refreshActions();
}

void FleetPage::refreshGroups(const std::vector<NodeTile>& tiles)
{
    std::set<QString> groups, tags;
    for (const NodeTile& tile : tiles) {
        if (!tile.group.isEmpty())
            groups.insert(tile.group);
        tags.insert(tile.tags.begin(), tile.tags.end());
    }
    const auto isShown = [&] {
        if (m_groups->count() != static_cast<int>(1 + groups.size() + tags.size()))
            return false;
        int index = 1;
        const auto isNext = [&](const QString& name) { return m_groups->itemData(index++, kGroupRole).toString() == name; };
        return std::all_of(groups.begin(), groups.end(), isNext) && std::all_of(tags.begin(), tags.end(), isNext);
    };
    m_groups->setVisible(!groups.empty() || !tags.empty());
    if (isShown())
        return;
    const QString before = m_groups->currentText();
    {
        const QSignalBlocker blocker(m_groups);
        m_groups->clear();
        const auto add = [this](const QString& text, const QString& name, GroupKind kind) {
            m_groups->addItem(text);
            m_groups->setItemData(m_groups->count() - 1, name, kGroupRole);
            m_groups->setItemData(m_groups->count() - 1, static_cast<int>(kind), kKindRole);
        };
        add(tr("All groups"), {}, GroupKind::All);
        for (const QString& group : groups)
            add(group, group, GroupKind::Group);
        for (const QString& tag : tags)
            add(tr("Tag %1").arg(tag), tag, GroupKind::Tag);
        m_groups->setCurrentIndex(std::max(0, m_groups->findText(before)));
    }
    applyFilter();
}

void FleetPage::applyFilter()
{
    widgets::FleetFilter filter;
    filter.text = m_filter->text();
    const QString name = m_groups->currentData(kGroupRole).toString();
    const auto kind = static_cast<GroupKind>(m_groups->currentData(kKindRole).toInt());
    (kind == GroupKind::Tag ? filter.tag : filter.group) = name;
    m_order->setFilter(filter);
    arrange();
}

NodeController* FleetPage::nodeOf(const QString& address) const
{
    const std::string wanted = address.toStdString();
    const auto found =
        std::find_if(m_nodes.nodes().begin(), m_nodes.nodes().end(), [&](const auto& node) { return node->address() == wanted; });
    return found == m_nodes.nodes().end() ? nullptr : found->get();
}

std::vector<NodeController*> FleetPage::selectedNodes() const
{
    std::vector<NodeController*> nodes;
    for (const QString& address : m_view->selectedKeys())
        if (NodeController* node = nodeOf(address))
            nodes.push_back(node);
    return nodes;
}

void FleetPage::refreshActions()
{
    int selected = 0, connectable = 0, disconnectable = 0, capturable = 0;
    for (const QString& address : m_view->selectedKeys()) {
        ++selected;
        const NodeController* node = nodeOf(address);
        const bool isConnected = node && node->state() == NodeController::State::Connected;
        connectable += isConnected ? 0 : 1;
        disconnectable += node && node->state() != NodeController::State::Disconnected ? 1 : 0;
        capturable += isConnected ? 1 : 0;
    }
    m_connect->setEnabled(connectable > 0);
    m_disconnect->setEnabled(disconnectable > 0);
    m_captureButton->setEnabled(capturable > 0 && !m_capture.isBusy());
    m_more->setEnabled(capturable > 0 && !m_work.isBusy());
    const QString none = tr("Select nodes first: click, with Ctrl or Shift for several, Ctrl+A for all");
    m_connect->setToolTip(selected == 0 ? none : tr("Connect to %1 of the selected nodes").arg(connectable));
    m_disconnect->setToolTip(selected == 0 ? none : tr("Disconnect %1 of the selected nodes").arg(disconnectable));
    m_captureButton->setToolTip(selected == 0 ? none
                                : m_capture.isBusy()
                                    ? tr("Windows are open, or reports are fetched")
                                    : tr("Open a window on the server of each of the %1 selected nodes that are connected; "
                                         "its length is that of the toolbar")
                                          .arg(capturable));
    int connected = 0;
    for (int row = 0; row < m_model->rowCount(); ++row) {
        const auto* tile = m_model->index(row).data(widgets::FleetModel::kTileRole).value<const NodeTile*>();
        connected += tile->state == NodeTile::State::Connected ? 1 : 0;
    }
    QStringList parts{m_model->rowCount() == 1 ? tr("1 node") : tr("%1 nodes").arg(m_model->rowCount()), tr("%1 connected").arg(connected)};
    if (m_order->rowCount() != m_model->rowCount())
        parts << tr("%1 shown").arg(m_order->rowCount());
    if (selected > 0)
        parts << tr("%1 selected").arg(selected);
    m_summary->setText(parts.join(QStringLiteral(" · ")));
}

void FleetPage::openNode(const QString& address)
{
    NodeController* node = nodeOf(address);
    if (!node)
        node = &m_nodes.openBeside(address.toStdString());
    emit liveRequested(node);
}

void FleetPage::connectSelected()
{
    for (const QString& address : m_view->selectedKeys())
        m_nodes.openBeside(address.toStdString());
}

void FleetPage::disconnectSelected()
{
    for (NodeController* node : selectedNodes())
        node->close();
}

std::vector<NodeController*> FleetPage::connectedNodes() const
{
    std::vector<NodeController*> nodes = selectedNodes();
    std::erase_if(nodes, [](const NodeController* node) { return node->state() != NodeController::State::Connected; });
    return nodes;
}

void FleetPage::captureSelected()
{
    m_capture.start(connectedNodes());
}

void FleetPage::checkSelected()
{
    m_work.start(tr("Readiness"), connectedNodes(), readinessRequest());
}

void FleetPage::launchOnSelected()
{
    emit launchRequested(connectedNodes());
}

void FleetPage::askToStopOnSelected()
{
    std::vector<QPointer<NodeController>> nodes;
    QStringList lines;
    std::size_t servers = 0;
    for (NodeController* node : connectedNodes()) {
        const std::vector<proto::Target> targets = stoppableTargets(*node);
        if (targets.empty())
            continue;
        nodes.emplace_back(node);
        servers += targets.size();
        QStringList names;
        for (const proto::Target& target : targets)
            names << toQString(target.name);
        lines << tr("%1: %2").arg(node->title(), names.join(QStringLiteral(", ")));
    }
    auto* box = new QMessageBox(QMessageBox::Question, tr("Stop servers"), {}, QMessageBox::Cancel, this);
    box->setAttribute(Qt::WA_DeleteOnClose);
    box->setTextFormat(Qt::PlainText);
    if (nodes.empty()) {
        box->setText(tr("None of the selected nodes runs a server that gantryd started."));
        box->setInformativeText(tr("Servers that were started by hand are stopped by hand."));
        return box->open();
    }
    box->setText(tr("Stop %1 servers on %2 nodes?").arg(servers).arg(nodes.size()));
    box->setInformativeText(tr("Their clients lose their connections."));
    box->setDetailedText(lines.join(QLatin1Char('\n')));
    QPushButton* confirm = box->addButton(tr("Stop"), QMessageBox::DestructiveRole);
    connect(confirm, &QAbstractButton::clicked, this, [this, nodes] {
        std::vector<NodeController*> left;
        for (const QPointer<NodeController>& node : nodes)
            if (node)
                left.push_back(node);
        m_work.start(tr("Stopping servers"), left, stopRequest());
    });
    box->open();
}

void FleetPage::fillMoreMenu()
{
    QMenu& menu = *m_more->menu();
    menu.clear();
    const bool canAct = !connectedNodes().empty() && !m_work.isBusy();
    menu.addAction(tr("Check readiness"), this, &FleetPage::checkSelected)->setEnabled(canAct);
    menu.addAction(tr("Launch a program…"), this, &FleetPage::launchOnSelected)->setEnabled(canAct);
    menu.addAction(tr("Stop servers…"), this, &FleetPage::askToStopOnSelected)->setEnabled(canAct);
}

void FleetPage::removeSelected()
{
    const QStringList addresses = m_view->selectedKeys();
    for (NodeController* node : selectedNodes())
        m_nodes.remove(node);
    for (const QString& address : addresses)
        m_settings.forgetNode(address);
    refresh();
}

void FleetPage::showMenu(const QPoint& globalPosition)
{
    const QStringList selected = m_view->selectedKeys();
    if (selected.isEmpty())
        return;
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    if (selected.size() == 1)
        menu->addAction(tr("Show live page"), this, [this, address = selected.front()] { openNode(address); });
    if (NodeController* node = selected.size() == 1 ? nodeOf(selected.front()) : nullptr)
        menu->addAction(tr("Readiness, processes, reports, log"), node, [this, node] { emit nodePageRequested(node); });
    menu->addAction(tr("Connect"), this, &FleetPage::connectSelected)->setEnabled(m_connect->isEnabled());
    menu->addAction(tr("Disconnect"), this, &FleetPage::disconnectSelected)->setEnabled(m_disconnect->isEnabled());
    menu->addAction(tr("Capture"), this, &FleetPage::captureSelected)->setEnabled(m_captureButton->isEnabled());
    menu->addSeparator();
    fillMoreMenu();
    menu->addActions(m_more->menu()->actions());
    menu->addSeparator();
    if (NodeController* node = selected.size() == 1 ? nodeOf(selected.front()) : nullptr)
        menu->addAction(tr("Name, group and tags…"), node, [this, node] { emit labelRequested(node); });
    menu->addAction(selected.size() == 1 ? tr("Copy address") : tr("Copy addresses"), this,
                    [selected] { QApplication::clipboard()->setText(selected.join(QLatin1Char('\n'))); });
    menu->addAction(tr("Forget"), this, &FleetPage::removeSelected);
    menu->popup(globalPosition);
}

} // namespace gantry::desktop
