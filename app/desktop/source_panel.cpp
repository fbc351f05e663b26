#include "app/desktop/source_panel.h"

#include "app/desktop/message_bar.h"
#include "app/desktop/notice_stack.h"
#include "app/desktop/text.h"
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
const char kTopic[] = "source";

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
    : NodePanel(node, parent),
      m_table(new QTableWidget(0, kColumns, this)),
      m_messages(new MessageBar(this)),
      m_url(new QLineEdit(this)),
      m_add(new QPushButton(tr("&Add"), this)),
      m_remove(new QPushButton(tr("&Remove"), this)),
      m_slot(runner)
{
    m_messages->hide();
    setContent(*buildContent());
    connect(m_table, &QTableWidget::itemSelectionChanged, this, &SourcePanel::refreshButtons);
    connect(m_url, &QLineEdit::textChanged, this, &SourcePanel::refreshButtons);
    connect(m_url, &QLineEdit::returnPressed, this, &SourcePanel::add);
    connect(m_add, &QPushButton::clicked, this, &SourcePanel::add);
    connect(m_remove, &QPushButton::clicked, this, &SourcePanel::removeSelected);
    m_timer.setInterval(kInterval);
    connect(&m_timer, &QTimer::timeout, this, &SourcePanel::ask);
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
    column->addWidget(m_messages);
    column->addLayout(bar);
    column->addWidget(m_table, 1);
    return content;
}

void SourcePanel::ask()
{
    const auto client = this->client();
    if (!client)
        return;
    m_timer.start();
    if (m_slot.isRunning()) // a slow node is not asked again before it has answered
        return;
    if (!stack().isContentShown())
        stack().showNotice(tr("Asking %1 where its metrics come from…").arg(node()->title()));
    m_slot.run([client](const jobs::JobContext& context) { return client->metricSources(context.stop()); },
               [this](Result<std::vector<proto::MetricSource>> sources) { show(std::move(sources)); });
}

void SourcePanel::stopAsking()
{
    m_timer.stop();
    m_slot.cancel();
}

void SourcePanel::hideEvent(QHideEvent* event)
{
    stopAsking();
    NodePanel::hideEvent(event);
}

void SourcePanel::show(Result<std::vector<proto::MetricSource>> sources)
{
    if (!sources) {
        stopAsking(); // until the person tries again
        return showFailure(sources.error());
    }
    const proto::MetricSource* before = selected();
    const std::string selectedId = before ? before->id : std::string();
    m_sources = std::move(*sources);
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
        for (int column = 0; column < kColumns; ++column) {
            if (!m_table->item(row, column))
                m_table->setItem(row, column, new QTableWidgetItem);
            m_table->item(row, column)->setText(texts.at(column));
            m_table->item(row, column)->setToolTip(texts.at(column));
            if (column >= kPeriod && column <= kDropped)
                m_table->item(row, column)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        }
        m_table->item(row, kState)->setForeground(source.problem.empty() ? QBrush() : QBrush(theme.bad));
        m_table->item(row, kDropped)->setForeground(source.droppedSamples == 0 ? QBrush() : QBrush(theme.warning));
    }
    // Rows move as sources come and go: the selection is of a source.
    const auto again = std::find_if(m_sources.begin(), m_sources.end(), [&](const auto& source) { return source.id == selectedId; });
    if (again != m_sources.end())
        m_table->selectRow(static_cast<int>(again - m_sources.begin()));
    else
        m_table->clearSelection();
    if (!m_isFitted && !m_sources.empty()) {
        widgets::fitColumns(*m_table);
        m_isFitted = true;
    }
    refreshButtons();
    stack().showContent();
}

const proto::MetricSource* SourcePanel::selected() const
{
    const auto rows = m_table->selectionModel()->selectedRows();
    const int row = rows.isEmpty() ? -1 : rows.first().row();
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
    if (url.empty() || !node())
        return;
    node()->perform(
        [url](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
            const auto source = client.addMetricSource(url, 0, stop);
            return source ? Result<void>() : Result<void>(source.error());
        },
        [self = QPointer(this)](const Result<void>& result) {
            if (!self)
                return;
            if (result)
                self->m_url->clear();
            self->onDone(tr("The endpoint was not added."), result);
        });
}

void SourcePanel::removeSelected()
{
    const proto::MetricSource* source = selected();
    if (!source || !node())
        return;
    node()->perform([id = source->id](app::NodeClient& client, const std::stop_token& stop) { return client.removeMetricSource(id, stop); },
                    [self = QPointer(this)](const Result<void>& result) {
                        if (self)
                            self->onDone(tr("The endpoint was not removed."), result);
                    });
}

void SourcePanel::onDone(const QString& doing, const Result<void>& result)
{
    const QString topic = QString::fromLatin1(kTopic);
    m_messages->clearTopic(topic);
    if (!result)
        m_messages->showMessage({MessageBar::Kind::Error,
                                 doing + QLatin1Char(' ') + describe(result.error()).sentence,
                                 describe(result.error()).details,
                                 {},
                                 {},
                                 topic});
    ask();
}

} // namespace gantry::desktop
