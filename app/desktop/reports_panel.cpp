#include "app/desktop/reports_panel.h"

#include "app/desktop/notice_stack.h"
#include "app/desktop/report_policy_dialog.h"
#include "app/desktop/text.h"
#include "widgets/tables/table_style.h"
#include "widgets/theme/elided_label.h"

#include <QDateTime>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QMenu>
#include <QMessageBox>
#include <QPushButton>
#include <QSet>
#include <QStandardItemModel>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>
#include <memory>
#include <utility>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 5s; // the policy and other people change what is there
constexpr int kSortRole = Qt::UserRole, kNameRole = Qt::UserRole + 1;

enum Column
{
    kCreated,
    kAge,
    kServer,
    kLength,
    kSize,
    kKept,
    kName,
    kColumns
};

QStandardItem* cell(const QString& text, const QVariant& sortValue, const std::string& name, Qt::Alignment side = Qt::AlignLeft)
{
    auto* item = new QStandardItem(text);
    item->setEditable(false);
    item->setToolTip(text);
    item->setData(sortValue, kSortRole);
    item->setData(toQString(name), kNameRole);
    item->setTextAlignment(side | Qt::AlignVCenter);
    return item;
}

QString ageText(const QDateTime& created)
{
    const qint64 minutes = std::max<qint64>(0, created.secsTo(QDateTime::currentDateTime())) / 60;
    if (minutes < 60)
        return ReportsPanel::tr("%1 min").arg(minutes);
    return minutes < 48 * 60 ? ReportsPanel::tr("%1 h").arg(minutes / 60) : ReportsPanel::tr("%1 days").arg(minutes / 60 / 24);
}

QList<QStandardItem*> rowOf(const proto::ReportInfo& report)
{
    const QDateTime created = QDateTime::fromMSecsSinceEpoch(report.createdUtcNs / 1'000'000);
    const QString time = created.toString(QStringLiteral("yyyy-MM-dd HH:mm"));
    const QString server = report.label.empty() ? toQString(report.targetName)
                                                : ReportsPanel::tr("%1 · %2").arg(toQString(report.targetName), toQString(report.label));
    return {cell(time, static_cast<qlonglong>(report.createdUtcNs), report.name),
            cell(ageText(created), -static_cast<qlonglong>(report.createdUtcNs), report.name, Qt::AlignRight),
            cell(server, server, report.name),
            cell(formatDuration(report.durationNs), static_cast<qlonglong>(report.durationNs), report.name, Qt::AlignRight),
            cell(formatBytes(report.sizeBytes), static_cast<qulonglong>(report.sizeBytes), report.name, Qt::AlignRight),
            cell(report.isKept ? ReportsPanel::tr("kept") : QString(), report.isKept, report.name),
            cell(toQString(report.name), toQString(report.name), report.name)};
}

} // namespace

ReportsPanel::ReportsPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent)
    : PolledPanel(node, runner, kInterval, parent),
      m_model(new QStandardItemModel(0, kColumns, this)),
      m_table(new QTableView(this)),
      m_summary(new QLabel(this)),
      m_policy(new widgets::ElidedLabel(Qt::ElideRight, this)),
      m_open(new QPushButton(tr("&Fetch and open"), this)),
      m_keep(new QPushButton(tr("&Keep"), this)),
      m_delete(new QPushButton(tr("&Delete…"), this)),
      m_edit(new QPushButton(tr("&Change…"), this))
{
    setContent(*buildContent());
    connect(m_table, &QTableView::doubleClicked, this, &ReportsPanel::open);
    connect(m_table, &QTableView::customContextMenuRequested, this, &ReportsPanel::showMenu);
    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, &ReportsPanel::refreshButtons);
    connect(m_open, &QPushButton::clicked, this, [this] { open(m_table->selectionModel()->selectedRows().value(0)); });
    connect(m_keep, &QPushButton::clicked, this, [this] {
        const auto chosen = selected();
        keepSelected(std::any_of(chosen.begin(), chosen.end(), [](const proto::ReportInfo& report) { return !report.isKept; }));
    });
    connect(m_delete, &QPushButton::clicked, this, &ReportsPanel::askToDelete);
    connect(m_edit, &QPushButton::clicked, this, &ReportsPanel::askForPolicy);
    connect(&node, &NodeController::contentChanged, this, [this] {
        if (isVisible())
            ask();
    });
}

ReportsPanel::~ReportsPanel() = default;

QWidget* ReportsPanel::buildContent()
{
    m_model->setHorizontalHeaderLabels({tr("Created"), tr("Age"), tr("Server"), tr("Window"), tr("Size"), tr("Kept"), tr("Name")});
    m_model->setSortRole(kSortRole);
    m_table->setObjectName(QStringLiteral("reportTable"));
    m_table->setAccessibleName(tr("Reports on the node"));
    m_table->setModel(m_model);
    widgets::applyTableStyle(*m_table);
    m_table->horizontalHeader()->setStretchLastSection(true);
    m_table->setSortingEnabled(true);
    m_table->sortByColumn(kCreated, Qt::DescendingOrder);
    m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
    m_table->setContextMenuPolicy(Qt::CustomContextMenu);
    m_summary->setObjectName(QStringLiteral("reportSummary"));
    m_policy->setObjectName(QStringLiteral("reportPolicy"));
    m_policy->setForegroundRole(QPalette::PlaceholderText);
    for (const auto& [button, name] : {std::pair(m_open, "reportOpen"), std::pair(m_keep, "reportKeep"),
                                       std::pair(m_delete, "reportDelete"), std::pair(m_edit, "reportPolicyEdit")})
        button->setObjectName(QLatin1String(name));
    m_keep->setToolTip(tr("Kept reports stay on the node, whatever its policy says"));
    m_edit->setToolTip(tr("Which reports the node keeps"));

    auto* content = new QWidget(this);
    auto* policy = new QHBoxLayout;
    policy->setContentsMargins(10, 6, 10, 0);
    policy->addWidget(m_policy, 1);
    policy->addWidget(m_edit);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(10, 6, 10, 6);
    bar->addWidget(m_open);
    bar->addWidget(m_keep);
    bar->addWidget(m_delete);
    bar->addStretch(1);
    bar->addWidget(m_summary);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(policy);
    column->addLayout(bar);
    column->addWidget(m_table, 1);
    return content;
}

void ReportsPanel::ask()
{
    poll(
        tr("Asking %1 for its reports…").arg(node()->title()),
        [](app::NodeClient& client, const std::stop_token& stop) { return client.reportShelf(stop); },
        [this](proto::ReportShelf shelf) { show(std::move(shelf)); });
}

void ReportsPanel::show(proto::ReportShelf shelf)
{
    const bool differs = shelf.reports != m_shelf.reports;
    m_shelf = std::move(shelf);
    if (differs)
        fillTable();
    fitOnce(*m_table);
    refreshSummary();
    refreshButtons();
    stack().showContent();
}

void ReportsPanel::fillTable()
{
    QSet<QString> chosen;
    for (const proto::ReportInfo& report : selected())
        chosen.insert(toQString(report.name));
    m_model->removeRows(0, m_model->rowCount());
    for (const proto::ReportInfo& report : m_shelf.reports)
        m_model->appendRow(rowOf(report));
    m_model->sort(m_table->horizontalHeader()->sortIndicatorSection(), m_table->horizontalHeader()->sortIndicatorOrder());
    for (int row = 0; row < m_model->rowCount(); ++row)
        if (chosen.contains(m_model->item(row)->data(kNameRole).toString()))
            m_table->selectionModel()->select(m_model->index(row, 0), QItemSelectionModel::Select | QItemSelectionModel::Rows);
}

void ReportsPanel::refreshSummary()
{
    const QString count = m_shelf.reports.empty() ? tr("No report yet")
                          : m_shelf.reports.size() == 1
                              ? tr("1 report of %1").arg(formatBytes(m_shelf.totalBytes))
                              : tr("%1 reports of %2").arg(m_shelf.reports.size()).arg(formatBytes(m_shelf.totalBytes));
    m_summary->setText(m_shelf.diskFreeBytes ? tr("%1 · %2 of the disk free").arg(count, formatBytes(*m_shelf.diskFreeBytes))
                                             : tr("%1 · free disk: not known").arg(count));
    m_policy->setText(tr("This node keeps: %1").arg(policyText(m_shelf.policy)));
}

void ReportsPanel::refreshButtons()
{
    const auto chosen = selected();
    const bool areAllKept =
        !chosen.empty() && std::all_of(chosen.begin(), chosen.end(), [](const proto::ReportInfo& report) { return report.isKept; });
    m_open->setEnabled(chosen.size() == 1);
    m_keep->setEnabled(!chosen.empty());
    m_keep->setText(areAllKept ? tr("Do not &keep") : tr("&Keep"));
    m_delete->setEnabled(!chosen.empty());
}

std::vector<proto::ReportInfo> ReportsPanel::selected() const
{
    std::vector<proto::ReportInfo> chosen;
    for (const QModelIndex& index : m_table->selectionModel()->selectedRows()) {
        const std::string name = index.data(kNameRole).toString().toStdString();
        for (const proto::ReportInfo& report : m_shelf.reports)
            if (report.name == name)
                chosen.push_back(report);
    }
    return chosen;
}

void ReportsPanel::open(const QModelIndex& index)
{
    const std::string name = index.data(kNameRole).toString().toStdString();
    const auto found =
        std::find_if(m_shelf.reports.begin(), m_shelf.reports.end(), [&](const proto::ReportInfo& report) { return report.name == name; });
    if (found == m_shelf.reports.end() || !node())
        return;
    const proto::ReportInfo report = *found; // opening may refresh the list
    emit reportRequested(node(), report);
}

void ReportsPanel::showMenu(const QPoint& position)
{
    if (!m_table->indexAt(position).isValid())
        return;
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    for (QPushButton* button : {m_open, m_keep, m_delete})
        menu->addAction(button->text(), button, &QPushButton::click)->setEnabled(button->isEnabled());
    menu->popup(m_table->viewport()->mapToGlobal(position));
}

void ReportsPanel::askToDelete()
{
    Names names;
    std::uint64_t bytes = 0;
    int kept = 0;
    for (const proto::ReportInfo& report : selected()) {
        names.push_back(report.name);
        bytes += report.sizeBytes;
        kept += report.isKept ? 1 : 0;
    }
    if (names.empty() || !node())
        return;
    const QString what = names.size() == 1 ? toQString(names.front()) : tr("%1 reports of %2").arg(names.size()).arg(formatBytes(bytes));
    auto* box = new QMessageBox(QMessageBox::Question, tr("Delete reports"), tr("Delete %1 on %2?").arg(what, node()->title()),
                                QMessageBox::Cancel, this);
    box->setInformativeText(kept == 0 ? tr("Copies that were fetched to this machine stay.")
                            : names.size() == 1
                                ? tr("It was marked to be kept. Copies that were fetched to this machine stay.")
                                : tr("%1 of them were marked to be kept. Copies that were fetched to this machine stay.").arg(kept));
    box->setTextFormat(Qt::PlainText);
    box->setAttribute(Qt::WA_DeleteOnClose);
    QPushButton* confirm = box->addButton(tr("Delete"), QMessageBox::DestructiveRole);
    connect(confirm, &QAbstractButton::clicked, this, [this, names] { deleteReports(names); });
    box->open();
}

void ReportsPanel::deleteReports(const Names& names)
{
    perform(
        [names](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
            Result<void> all;
            for (const std::string& name : names) {
                auto deleted = client.deleteReport(name, stop).context("deleting " + name);
                if (!deleted && all && deleted.error().code != ErrorCode::NotFound) // the policy was faster
                    all = std::move(deleted);
            }
            return all;
        },
        tr("Not everything was deleted."));
}

void ReportsPanel::keepSelected(bool isKept)
{
    Names names;
    for (const proto::ReportInfo& report : selected())
        if (report.isKept != isKept)
            names.push_back(report.name);
    if (names.empty())
        return;
    perform(
        [names, isKept](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
            Result<void> all;
            for (const std::string& name : names) {
                const auto kept = client.keepReport(name, isKept, stop);
                if (!kept && all)
                    all = kept.error();
            }
            return all;
        },
        tr("Not everything is marked as wanted."));
}

void ReportsPanel::askForPolicy()
{
    if (!node())
        return;
    auto* dialog = new ReportPolicyDialog(node()->title(), m_shelf.policy, this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog] {
        perform(
            [policy = dialog->policy()](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
                GANTRY_CHECK(client.setReportPolicy(policy, stop));
                return {};
            },
            tr("What the node keeps was not changed."));
    });
    dialog->open();
}

} // namespace gantry::desktop
