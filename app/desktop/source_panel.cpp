#include "app/desktop/source_panel.h"

#include "app/desktop/notice_stack.h"
#include "app/desktop/text.h"
#include "widgets/tables/table_rows.h"
#include "widgets/tables/table_style.h"
#include "widgets/theme/theme.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QLineEdit>
#include <QPushButton>
#include <QTableWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>

namespace gantry::desktop {
namespace {

using namespace std::chrono_literals;

constexpr auto kInterval = 1s;

enum Column
{
    kName,
    kPeriod,
    kLag,
    kTakes,
    kSeries,
    kDropped,
    kState,
    kColumns
};

QString timeText(const std::optional<DurationNs>& time)
{
    return time ? formatDuration(*time) : QStringLiteral("–");
}

} // namespace

SourcePanel::SourcePanel(NodeController& node, jobs::JobRunner& runner, QWidget* parent)
    : PolledPanel(node, runner, kInterval, parent),
      m_table(new QTableWidget(0, kColumns, this)),
      m_url(new QLineEdit(this)),
      m_add(new QPushButton(tr("&Add"), this)),
      m_remove(new QPushButton(tr("&Remove"), this))
{
    setContent(*buildContent());
    connect(m_table, &QTableWidget::itemSelectionChanged, this, &SourcePanel::refreshButtons);
    connect(m_url, &QLineEdit::textChanged, this, &SourcePanel::refreshButtons);
    connect(m_url, &QLineEdit::returnPressed, this, &SourcePanel::add);
    connect(m_add, &QPushButton::clicked, this, &SourcePanel::add);
    connect(m_remove, &QPushButton::clicked, this, &SourcePanel::removeSelected);
    refreshButtons();
}

SourcePanel::~SourcePanel() = default;

QWidget* SourcePanel::buildContent()
{
    m_table->setObjectName(QStringLiteral("sourceTable"));
    m_table->setAccessibleName(tr("Where the node's metrics come from"));
    m_table->setHorizontalHeaderLabels({tr("Source"), tr("Period"), tr("Lag"), tr("Takes"), tr("Series"), tr("Dropped"), tr("State")});
    m_table->setEditTriggers(QAbstractItemView::NoEditTriggers);
    m_table->setSelectionMode(QAbstractItemView::SingleSelection);
    widgets::applyTableStyle(*m_table, kState);
    m_table->horizontalHeaderItem(kLag)->setToolTip(tr("From the newest measurement to now"));
    m_table->horizontalHeaderItem(kTakes)->setToolTip(tr("How long the last reading took"));
    m_table->horizontalHeaderItem(kDropped)->setToolTip(tr("Samples beyond the most series that a source may have"));
    m_url->setObjectName(QStringLiteral("sourceUrl"));
    m_url->setPlaceholderText(QStringLiteral("http://127.0.0.1:9400/metrics"));
    m_url->setAccessibleName(tr("Address of an endpoint, as the node reaches it"));
    m_add->setObjectName(QStringLiteral("sourceAdd"));
    m_add->setToolTip(tr("Have the node scrape this endpoint of Prometheus' text format, also after it is started again"));
    m_remove->setObjectName(QStringLiteral("sourceRemove"));
    m_remove->setToolTip(tr("Only endpoints that were added can be removed"));
    auto* content = new QWidget(this);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(10, 6, 10, 6);
    bar->addWidget(m_url, 1);
    bar->addWidget(m_add);
    bar->addWidget(m_remove);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(bar);
    column->addWidget(m_table, 1);
    return content;
}

void SourcePanel::ask()
{
    poll(
        tr("Asking %1 where its metrics come from…").arg(node()->title()),
        [](app::NodeClient& client, const std::stop_token& stop) { return client.metricSources(stop); },
        [this](std::vector<proto::MetricSource> sources) { show(std::move(sources)); });
}

void SourcePanel::show(std::vector<proto::MetricSource> sources)
{
    const proto::MetricSource* before = selected();
    const std::string selectedId = before ? before->id : std::string();
    m_sources = std::move(sources);
    const widgets::Theme& theme = widgets::Theme::forPalette(palette());
    m_table->setRowCount(static_cast<int>(m_sources.size()));
    for (int row = 0; row < m_table->rowCount(); ++row) {
        const proto::MetricSource& source = m_sources[static_cast<std::size_t>(row)];
        const proto::Target* target = source.targetId.empty() ? nullptr : node()->target(source.targetId);
        const QString name = target ? tr("%1 (%2)").arg(toQString(target->name), toQString(source.url)) : toQString(source.name);
        const QStringList texts{name,
                                formatDuration(source.periodNs),
                                timeText(source.lagNs),
                                timeText(source.durationNs),
                                formatCount(source.series),
                                formatCount(source.droppedSamples),
                                source.problem.empty() ? tr("measured") : toQString(source.problem)};
        widgets::setRowTexts(*m_table, row, texts);
        for (int column = kPeriod; column <= kDropped; ++column)
            m_table->item(row, column)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        m_table->item(row, kState)->setForeground(source.problem.empty() ? QBrush() : QBrush(theme.bad));
        m_table->item(row, kDropped)->setForeground(source.droppedSamples == 0 ? QBrush() : QBrush(theme.warning));
    }
    // Rows move as sources come and go: the selection is of a source.
    const auto again = std::find_if(m_sources.begin(), m_sources.end(), [&](const auto& source) { return source.id == selectedId; });
    widgets::selectOnly(*m_table, again == m_sources.end() ? -1 : static_cast<int>(again - m_sources.begin()));
    fitOnce(*m_table);
    refreshButtons();
    stack().showContent();
}

const proto::MetricSource* SourcePanel::selected() const
{
    const int row = widgets::selectedRow(*m_table);
    return row >= 0 && row < static_cast<int>(m_sources.size()) ? &m_sources[static_cast<std::size_t>(row)] : nullptr;
}

void SourcePanel::refreshButtons()
{
    const proto::MetricSource* source = selected();
    m_add->setEnabled(!m_url->text().trimmed().isEmpty());
    m_remove->setEnabled(source && source->isAdded);
}

void SourcePanel::add()
{
    const std::string url = m_url->text().trimmed().toStdString();
    if (url.empty())
        return;
    perform(
        [url](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
            GANTRY_CHECK(client.addMetricSource(url, 0, stop));
            return {};
        },
        tr("The endpoint was not added."), [this] { m_url->clear(); });
}

void SourcePanel::removeSelected()
{
    if (const proto::MetricSource* source = selected())
        perform([id = source->id](app::NodeClient& client, const std::stop_token& stop) { return client.removeMetricSource(id, stop); },
                tr("The endpoint was not removed."));
}

} // namespace gantry::desktop
