#include "app/desktop/process_panel.h"

#include "app/desktop/notice_stack.h"
#include "app/desktop/process_model.h"
#include "app/desktop/text.h"
#include "widgets/tables/table_style.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QMenu>
#include <QSortFilterProxyModel>
#include <QTableView>
#include <QVBoxLayout>

#include <chrono>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 1s;

} // namespace

ProcessPanel::ProcessPanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent)
    : PolledPanel(node, runner, kInterval, parent),
      m_model(new ProcessModel(
          [this](const std::string& id) {
              const proto::Target* target = this->node() ? this->node()->target(id) : nullptr;
              return toQString(target ? target->name : id);
          },
          this)),
      m_order(new QSortFilterProxyModel(this)),
      m_table(new QTableView(this)),
      m_filter(new QLineEdit(this)),
      m_summary(new QLabel(this)),
      m_problem(new QLabel(this))
{
    m_order->setSourceModel(m_model);
    m_order->setSortRole(ProcessModel::kSortRole);
    m_order->setFilterKeyColumn(-1);
    m_order->setFilterCaseSensitivity(Qt::CaseInsensitive);
    m_table->setObjectName(QStringLiteral("processTable"));
    m_table->setAccessibleName(tr("Processes"));
    m_table->setModel(m_order);
    widgets::applyTableStyle(*m_table);
    m_table->horizontalHeader()->setStretchLastSection(true);
    m_table->setSortingEnabled(true);
    m_table->sortByColumn(ProcessModel::GpuMemory, Qt::DescendingOrder);
    m_table->setContextMenuPolicy(Qt::CustomContextMenu);
    m_filter->setObjectName(QStringLiteral("processFilter"));
    m_filter->setPlaceholderText(tr("Filter: PID, user, command…"));
    m_filter->setAccessibleName(tr("Filter processes"));
    m_filter->setClearButtonEnabled(true);
    m_filter->setMaximumWidth(320);
    m_summary->setForegroundRole(QPalette::PlaceholderText);
    m_problem->setObjectName(QStringLiteral("processProblem"));
    m_problem->setTextFormat(Qt::PlainText);
    m_problem->setWordWrap(true);
    m_problem->setContentsMargins(10, 0, 10, 6);
    m_problem->hide();

    auto* content = new QWidget(this);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(10, 6, 10, 6);
    bar->addWidget(m_filter, 1);
    bar->addWidget(m_summary, 1, Qt::AlignRight);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(bar);
    column->addWidget(m_problem);
    column->addWidget(m_table, 1);
    setContent(*content);

    connect(m_filter, &QLineEdit::textChanged, this, [this](const QString& text) {
        m_order->setFilterFixedString(text.trimmed());
        refreshSummary();
    });
    connect(m_table, &QWidget::customContextMenuRequested, this, &ProcessPanel::showMenu);
}

ProcessPanel::~ProcessPanel() = default;

void ProcessPanel::ask()
{
    poll(
        tr("Asking %1 for its processes…").arg(node()->title()),
        [](app::NodeClient& client, const std::stop_token& stop) { return client.processes(stop); },
        [this](proto::ProcessList list) { show(std::move(list)); });
}

void ProcessPanel::show(proto::ProcessList list)
{
    QStringList problems;
    if (!list.noGpuUseReason.empty())
        problems << tr("What uses GPUs is not known: %1").arg(toQString(list.noGpuUseReason));
    if (!list.incompleteReason.empty())
        problems << tr("Processes are missing: %1").arg(toQString(list.incompleteReason));
    m_problem->setText(problems.join(QLatin1Char('\n')));
    m_problem->setVisible(!problems.isEmpty());
    if (list.processes.empty() && problems.isEmpty()) {
        m_model->setProcesses({});
        return stack().showNotice(tr("No process uses a GPU, and no server of Gantry runs."));
    }
    m_model->setProcesses(std::move(list.processes));
    fitOnce(*m_table);
    refreshSummary();
    stack().showContent();
}

void ProcessPanel::refreshSummary()
{
    const int all = m_model->rowCount(), shown = m_order->rowCount();
    m_summary->setText(shown == all ? (all == 1 ? tr("1 process") : tr("%1 processes").arg(all))
                                    : tr("%1 of %2 processes").arg(shown).arg(all));
}

void ProcessPanel::showMenu(const QPoint& position)
{
    const QModelIndex index = m_order->mapToSource(m_table->indexAt(position));
    if (!index.isValid())
        return;
    const proto::NodeProcess process = m_model->at(index.row()); // the model moves on while the menu is open
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Copy command"), this, [process] { QApplication::clipboard()->setText(commandText(process)); });
    menu->addAction(tr("Copy PID"), this, [process] { QApplication::clipboard()->setText(QString::number(process.pid)); });
    menu->popup(m_table->viewport()->mapToGlobal(position));
}

} // namespace gantry::desktop
