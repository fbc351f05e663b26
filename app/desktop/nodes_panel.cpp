#include "app/desktop/nodes_panel.h"

#include "app/desktop/fleet_tile.h"
#include "app/desktop/node_list.h"
#include "app/desktop/readiness_text.h"
#include "app/desktop/text.h"
#include "widgets/theme/theme.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QDateTime>
#include <QEvent>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QSet>
#include <QStackedWidget>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <optional>
#include <utility>

namespace gantry::desktop {

namespace {

enum class ItemKind
{
    Group,
    Node,
    Gpu,
    Target,
    Model,
    ReportFolder,
    Report
};

constexpr char kWatchedProperty[] = "watchedByPanel";

constexpr int kLeastName = 70; ///< px: what is beside a name does not take all of its room
constexpr int kKindRole = Qt::UserRole;
constexpr int kKeyRole = Qt::UserRole + 1;     ///< what identifies the item among its siblings; survives a rebuild
constexpr int kNodeRole = Qt::UserRole + 2;    ///< address, node items only

QTreeWidgetItem* addItem(QTreeWidgetItem* parent, ItemKind kind, const QString& key, const QString& text, const QString& detail = {})
{
    auto* item = new QTreeWidgetItem(parent, {text, detail});
    item->setData(0, kKindRole, static_cast<int>(kind));
    item->setData(0, kKeyRole, key);
    item->setTextAlignment(1, Qt::AlignRight | Qt::AlignVCenter);
    item->setForeground(1, widgets::Theme::forPalette(QApplication::palette()).weakText);
    item->setToolTip(0, text);
    item->setToolTip(1, detail);
    return item;
}

/// How it stands with a node; of one that is connected, also what of Gantry does not work there.
void showState(QTreeWidgetItem& item, const NodeController& node)
{
    const widgets::Theme& theme = widgets::Theme::forPalette(QApplication::palette());
    const std::optional<proto::ReadinessReport>& report = node.readiness().report();
    const bool isMarked = node.state() == NodeController::State::Connected && report && isImpaired(*report);
    item.setText(1, isMarked ? levelText(report->worst()) : stateText(node));
    item.setForeground(1, isMarked ? levelColour(report->worst(), theme) : theme.weakText);
    item.setToolTip(1, isMarked ? NodesPanel::tr("%1\nA double click shows how it is mended.").arg(worstText(*report)) : item.text(1));
}

ItemKind kindOf(const QTreeWidgetItem* item)
{
    return static_cast<ItemKind>(item->data(0, kKindRole).toInt());
}

QString processText(const proto::Target& target)
{
    const bool attached = std::any_of(target.processes.begin(), target.processes.end(), [](const auto& process) { return process.captureAttached; });
    if (target.state == proto::TargetState::Running && !attached)
        return NodesPanel::tr("no capture");
    return toQString(proto::name(target.state));
}

/// Those that run, and the last few that ended: a day's work leaves hundreds.
std::vector<proto::Target> shownTargets(const std::vector<proto::Target>& targets)
{
    constexpr std::ptrdiff_t kEndedShown = 3;
    std::vector<proto::Target> shown = targets;
    const auto ended = std::stable_partition(shown.begin(), shown.end(), [](const proto::Target& t) { return t.state == proto::TargetState::Running || t.state == proto::TargetState::Starting; });
    std::stable_sort(ended, shown.end(), [](const proto::Target& a, const proto::Target& b) { return a.startedUtcNs > b.startedUtcNs; });
    if (shown.end() - ended > kEndedShown)
        shown.erase(ended + kEndedShown, shown.end());
    return shown;
}

QString pathOf(const QTreeWidgetItem* item)
{
    QString path;
    for (; item; item = item->parent())
        path.prepend(QLatin1Char('/') + item->data(0, kKeyRole).toString());
    return path;
}

/// The inference server that an item is of, and the model; empty: it is of none that could be asked.
std::pair<QString, QString> serverOf(const QTreeWidgetItem* item, const NodeController& node)
{
    const bool isModel = kindOf(item) == ItemKind::Model;
    if (!isModel && kindOf(item) != ItemKind::Target)
        return {};
    const QString id = (isModel ? item->parent() : item)->data(0, kKeyRole).toString();
    const proto::Target* target = node.target(id.toStdString());
    if (!target || target->grpcAddress.empty() || target->state != proto::TargetState::Running)
        return {};
    return {id, isModel ? item->data(0, kKeyRole).toString().section(QLatin1Char(':'), 0, -2) : QString()};
}

template <typename Visit>
void visitItems(QTreeWidgetItem* item, const Visit& visit)
{
    for (int i = 0; i < item->childCount(); ++i) {
        visit(item->child(i));
        visitItems(item->child(i), visit);
    }
}

/// What the user folded and selected under an item, by path, while what is there is built anew.
class TreeMemory
{
public:
    TreeMemory(QTreeWidget& tree, QTreeWidgetItem* root) : m_tree(tree)
    {
        visitItems(root, [&](QTreeWidgetItem* item) {
            if (item->childCount() > 0 && !item->isExpanded())
                m_folded.insert(pathOf(item));
            if (item == tree.currentItem())
                m_selected = pathOf(item);
        });
        m_isRootFolded = root != tree.invisibleRootItem() && root->childCount() > 0 && !root->isExpanded();
    }

    void restore(QTreeWidgetItem* root) const
    {
        if (root != m_tree.invisibleRootItem())
            root->setExpanded(!m_isRootFolded);
        visitItems(root, [&](QTreeWidgetItem* item) {
            const QString path = pathOf(item);
            item->setExpanded(!m_folded.contains(path));
            if (!m_selected.isEmpty() && path == m_selected)
                m_tree.setCurrentItem(item);
        });
    }

private:
    QTreeWidget& m_tree;
    QSet<QString> m_folded;
    QString m_selected;
    bool m_isRootFolded = false;
};

} // namespace

NodesPanel::NodesPanel(NodeList& nodes, QWidget* parent) :
    QWidget(parent),
    m_nodes(nodes),
    m_stack(new QStackedWidget(this)),
    m_tree(new QTreeWidget(this))
{
    m_tree->setObjectName(QStringLiteral("nodesTree"));
    m_tree->setColumnCount(2);
    m_tree->setHeaderHidden(true);
    m_tree->setFrameShape(QFrame::NoFrame);
    m_tree->setUniformRowHeights(true);
    m_tree->setTextElideMode(Qt::ElideRight);
    m_tree->setIndentation(14);
    m_tree->header()->setStretchLastSection(false);
    m_tree->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_tree->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    m_tree->header()->setMinimumSectionSize(kLeastName);
    m_tree->setContextMenuPolicy(Qt::CustomContextMenu);
    connect(m_tree, &QTreeWidget::customContextMenuRequested, this, &NodesPanel::showMenu);
    connect(m_tree, &QTreeWidget::itemActivated, this, [this](QTreeWidgetItem* item) { activate(item); });

    auto* empty = new QWidget(this);
    auto* column = new QVBoxLayout(empty);
    auto* text = new QLabel(tr("No node yet.\n\nConnect to a machine to see its GPUs, its servers and its reports."), empty);
    text->setWordWrap(true);
    text->setAlignment(Qt::AlignHCenter);
    text->setForegroundRole(QPalette::PlaceholderText);
    auto* connectButton = new QPushButton(tr("Connect…"), empty);
    connect(connectButton, &QPushButton::clicked, this, &NodesPanel::connectRequested);
    column->addStretch(1);
    column->addWidget(text);
    column->addSpacing(6);
    column->addWidget(connectButton, 0, Qt::AlignHCenter);
    column->addStretch(2);

    m_stack->addWidget(empty);
    m_stack->addWidget(m_tree);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);

    connect(&m_nodes, &NodeList::nodesChanged, this, [this] {
        watchNodes();
        rebuild();
    });
    connect(&m_nodes, &NodeList::currentChanged, this, &NodesPanel::refreshFonts);
    rebuild();
}

void NodesPanel::watchNodes()
{
    for (const auto& owned : m_nodes.nodes()) {
        NodeController* node = owned.get();
        // Once per node: the list tells about all of them each time.
        if (node->property(kWatchedProperty).toBool())
            continue;
        node->setProperty(kWatchedProperty, true);
        // Only its own part of the tree: of a hundred that connect, each changes several times.
        for (const auto signal : {&NodeController::stateChanged, &NodeController::contentChanged, &NodeController::titleChanged})
            connect(node, signal, this, [this, node] { refreshNode(*node); });
        connect(node, &NodeController::progressed, this, [this, node] { refreshState(*node); });
        connect(&node->readiness(), &ReadinessCheck::changed, this, [this, node] { refreshState(*node); });
    }
}

void NodesPanel::rebuild()
{
    const TreeMemory memory(*m_tree, m_tree->invisibleRootItem());
    m_tree->clear();
    m_items.clear();
    for (const auto& node : m_nodes.nodes()) {
        auto* item = addItem(parentOf(*node), ItemKind::Node, toQString(node->address()), node->title());
        item->setData(0, kNodeRole, toQString(node->address()));
        showState(*item, *node);
        m_items.insert(node.get(), item);
        fillNode(item, *node);
    }
    memory.restore(m_tree->invisibleRootItem());
    refreshFonts();
    m_stack->setCurrentIndex(m_nodes.nodes().empty() ? 0 : 1);
}

void NodesPanel::refreshNode(NodeController& node)
{
    QTreeWidgetItem* item = m_items.value(&node);
    if (!item)
        return; // it was removed
    const QTreeWidgetItem* parent = item->parent();
    if (node.entry().group != (parent ? parent->data(0, kKeyRole).toString() : QString()))
        return rebuild(); // it moves
    const TreeMemory memory(*m_tree, item);
    qDeleteAll(item->takeChildren());
    item->setText(0, node.title());
    showState(*item, node);
    fillNode(item, node);
    memory.restore(item);
}

void NodesPanel::refreshFonts()
{
    for (auto item = m_items.begin(); item != m_items.end(); ++item) {
        QFont font = m_tree->font();
        font.setBold(item.key() == m_nodes.current());
        item.value()->setFont(0, font);
    }
}

QTreeWidgetItem* NodesPanel::parentOf(const NodeController& node) const
{
    QTreeWidgetItem* root = m_tree->invisibleRootItem();
    const QString& group = node.entry().group;
    if (group.isEmpty())
        return root;
    for (int i = 0; i < root->childCount(); ++i)
        if (kindOf(root->child(i)) == ItemKind::Group && root->child(i)->data(0, kKeyRole).toString() == group)
            return root->child(i);
    auto* item = addItem(root, ItemKind::Group, group, group);
    item->setForeground(0, widgets::Theme::forPalette(palette()).weakText);
    return item;
}

/// The steps of a connection follow each other too fast to fill the node for each.
void NodesPanel::refreshState(const NodeController& node)
{
    if (QTreeWidgetItem* item = m_items.value(&node))
        showState(*item, node);
}

void NodesPanel::fillNode(QTreeWidgetItem* item, NodeController& node)
{
    QStringList besides;
    if (!node.entry().tags.isEmpty())
        besides << tr("Tags: %1").arg(node.entry().tags.join(QStringLiteral(", ")));
    besides << node.notes();
    if (node.error())
        besides.prepend(describe(*node.error()).sentence);
    const auto withBesides = [&](const QString& text) { return (QStringList{text} + besides).join(QLatin1Char('\n')); };
    item->setToolTip(0, withBesides(node.address().empty() ? tr("this machine") : toQString(node.address())));
    if (!node.info())
        return;
    const proto::NodeInfo& info = *node.info();
    if (info.isRehearsal())
        besides.prepend(tr("Plays a recording (%1): nothing of it is measured now.").arg(toQString(info.recording)));
    item->setToolTip(
        0, withBesides(tr("%1 · %2 · %3 CPUs · gantryd %4\n%5")
                           .arg(toQString(info.hostName), toQString(info.os), QString::number(info.cpuCount), toQString(info.daemonVersion),
                                node.address().empty() ? tr("this machine") : toQString(node.address())) +
                       (info.nsysPath.empty() ? tr("\nno Nsight Systems") : tr("\nNsight Systems %1").arg(toQString(info.nsysVersion)))));
    if (info.gpus.empty()) {
        auto* none = addItem(item, ItemKind::Gpu, QStringLiteral("no-gpu"), tr("no GPU: CPU backend"));
        none->setToolTip(0, toQString(info.noGpuReason));
        none->setForeground(0, widgets::Theme::forPalette(palette()).weakText);
    }
    for (const proto::GpuInfo& gpu : info.gpus) {
        auto* row = addItem(item, ItemKind::Gpu, QStringLiteral("gpu%1").arg(gpu.index), tr("GPU %1 · %2").arg(gpu.index).arg(toQString(gpu.name)),
                            formatBytes(gpu.memoryTotalBytes));
        row->setToolTip(0, tr("%1\ncompute %2.%3 · %4 · driver %5")
                               .arg(toQString(gpu.name), QString::number(gpu.computeMajor), QString::number(gpu.computeMinor), toQString(gpu.pciBusId),
                                    toQString(info.driverVersion)));
    }
    for (const proto::Target& target : shownTargets(node.targets())) {
        auto* row = addItem(item, ItemKind::Target, toQString(target.id), toQString(target.name), processText(target));
        row->setToolTip(0, target.message.empty() ? tr("pid %1").arg(target.pid) : toQString(target.message));
        if (processText(target) == tr("no capture"))
            row->setToolTip(1, tr("Runs, but the capture library is not in it: it cannot be captured."));
        for (const proto::ModelInfo& model : target.models) {
            addItem(row, ItemKind::Model, toQString(model.name + ':' + model.version),
                    model.version.empty() ? toQString(model.name) : tr("%1 · version %2").arg(toQString(model.name), toQString(model.version)),
                    toQString(model.state).toLower());
        }
    }
    auto* reports = addItem(item, ItemKind::ReportFolder, QStringLiteral("reports"), tr("Reports"), QString::number(node.reports().size()));
    reports->setToolTip(0, toQString(info.reportFolder));
    for (const proto::ReportInfo& report : node.reports()) {
        const QDateTime created = QDateTime::fromMSecsSinceEpoch(report.createdUtcNs / 1'000'000);
        const bool isOfToday = created.date() == QDate::currentDate();
        auto* row = addItem(reports, ItemKind::Report, toQString(report.name),
                            QStringLiteral("%1 %2").arg(created.toString(isOfToday ? QStringLiteral("HH:mm:ss") : QStringLiteral("MM-dd HH:mm")), toQString(report.targetName)),
                            formatBytes(report.sizeBytes));
        row->setToolTip(0, tr("%1\n%2 · window %3 · %4")
                               .arg(toQString(report.name), toQString(report.targetName), formatDuration(report.durationNs),
                                    created.toString(Qt::ISODate)));
    }
}

void NodesPanel::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        rebuild(); // items keep the colours they were made with
}

NodeController* NodesPanel::nodeOf(const QTreeWidgetItem* item) const
{
    while (item && kindOf(item) != ItemKind::Node)
        item = item->parent();
    if (!item)
        return nullptr;
    const std::string address = item->data(0, kNodeRole).toString().toStdString();
    for (const auto& node : m_nodes.nodes()) {
        if (node->address() == address)
            return node.get();
    }
    return nullptr;
}

void NodesPanel::activate(QTreeWidgetItem* item)
{
    NodeController* node = nodeOf(item);
    if (!node)
        return;
    if (kindOf(item) == ItemKind::Report)
        return openReport(node, item->data(0, kKeyRole).toString());
    const bool isNode = kindOf(item) == ItemKind::Node;
    const auto [target, model] = serverOf(item, *node);
    m_nodes.setCurrent(node); // rebuilds: the item is gone
    if (!target.isEmpty())
        emit modelsRequested(node, target, model);
    if (isNode) {
        node->open();
        emit nodePageRequested(node);
    }
}

void NodesPanel::openReport(NodeController* node, const QString& name)
{
    for (const proto::ReportInfo& report : node->reports()) {
        if (toQString(report.name) == name) {
            const proto::ReportInfo copy = report; // opening may refresh the list
            emit reportRequested(node, copy);
            return;
        }
    }
}

void NodesPanel::showMenu(const QPoint& position)
{
    const QTreeWidgetItem* item = m_tree->itemAt(position);
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    NodeController* node = item ? nodeOf(item) : nullptr;
    if (node) {
        // Keys, not items: the tree may be rebuilt while the menu is open.
        const QString key = item->data(0, kKeyRole).toString();
        if (kindOf(item) == ItemKind::Report) {
            menu->addAction(tr("Fetch and open"), node, [this, node, key] { openReport(node, key); });
            menu->addAction(tr("Delete on the node…"), node, [this, node, key] { emit deleteReportRequested(node, key); });
            menu->addSeparator();
        } else if (kindOf(item) == ItemKind::Target) {
            const proto::Target* target = node->target(key.toStdString());
            QAction* stop = menu->addAction(tr("Stop the server…"), node, [this, node, key] { emit stopTargetRequested(node, key); });
            stop->setEnabled(target && target->state == proto::TargetState::Running);
            QAction* restart = menu->addAction(tr("Start it again…"), node, [this, node, key] { emit restartTargetRequested(node, key); });
            restart->setEnabled(target && !target->adopted);
            restart->setToolTip(tr("As it was launched; a server that runs is stopped first"));
            menu->addSeparator();
        }
        if (const auto [server, model] = serverOf(item, *node); !server.isEmpty()) {
            menu->addAction(tr("Models and their configurations"), node,
                            [this, node, server = server, model = model] { emit modelsRequested(node, server, model); });
            menu->addSeparator();
        }
        const bool isOpen = node->state() == NodeController::State::Connected || node->state() == NodeController::State::Connecting;
        menu->addAction(tr("Readiness, processes, reports, log"), node, [this, node] { emit nodePageRequested(node); });
        menu->addAction(tr("Launch a program…"), node, [this, node] { emit launchRequested(node); })
            ->setEnabled(node->state() == NodeController::State::Connected);
        QAction* use = menu->addAction(tr("Show live"), node, [this, node] { m_nodes.setCurrent(node); });
        use->setEnabled(node != m_nodes.current());
        menu->addAction(tr("Connect"), node, [node] { node->open(); })->setEnabled(!isOpen);
        menu->addAction(tr("Disconnect"), node, &NodeController::close)->setEnabled(node->state() != NodeController::State::Disconnected);
        menu->addAction(tr("Name, group and tags…"), node, [this, node] { emit labelRequested(node); });
        menu->addAction(tr("Copy address"), node, [node] { QApplication::clipboard()->setText(toQString(node->address())); });
        menu->addAction(tr("Remove from the list"), node, [this, node] { m_nodes.remove(node); });
        menu->addSeparator();
    }
    menu->addAction(tr("Add a node…"), this, &NodesPanel::connectRequested);
    menu->popup(m_tree->viewport()->mapToGlobal(position));
}

} // namespace gantry::desktop
