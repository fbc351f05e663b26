#include "app/desktop/metric_picker.h"

#include "app/desktop/text.h"
#include "trace_model/metrics/histogram.h"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

namespace gantry::desktop {

namespace {

enum Column
{
    kName,
    kUnit,
    kKind,
    kSeries,
    kColumns
};

QString kindText(KnownMetric::Kind kind)
{
    switch (kind) {
    case KnownMetric::Kind::Gauge:
        return MetricPicker::tr("gauge");
    case KnownMetric::Kind::Counter:
        return MetricPicker::tr("counter");
    case KnownMetric::Kind::Histogram:
        return MetricPicker::tr("histogram");
    }
    return {};
}

} // namespace

QString KnownMetric::query() const
{
    switch (kind) {
    case Kind::Gauge:
        return name;
    case Kind::Counter:
        return QStringLiteral("rate(%1)").arg(name);
    case Kind::Histogram:
        return QStringLiteral("p99(%1)").arg(name);
    }
    return name;
}

bool KnownMetric::matches(const QString& search) const
{
    const QStringList words = search.split(QLatin1Char(' '), Qt::SkipEmptyParts);
    return std::all_of(words.begin(), words.end(), [this](const QString& word) {
        return name.contains(word, Qt::CaseInsensitive) || help.contains(word, Qt::CaseInsensitive);
    });
}

std::vector<KnownMetric> metricsOf(const std::vector<const metrics::SeriesDefinition*>& definitions)
{
    std::map<std::string, KnownMetric> byName;
    std::map<std::string, std::set<std::string>> labels;
    for (const metrics::SeriesDefinition* definition : definitions) {
        const metrics::SeriesDefinition& series = *definition;
        const std::string_view histogram = metrics::histogramOfBucket(series.name);
        const std::string name(histogram.empty() ? std::string_view(series.name) : histogram);
        KnownMetric& metric = byName[name];
        metric.name = toQString(name);
        metric.unit = toQString(series.unit);
        if (!series.help.empty())
            metric.help = toQString(series.help);
        metric.kind = !histogram.empty()                            ? KnownMetric::Kind::Histogram
                      : series.kind == metrics::SeriesKind::Counter ? KnownMetric::Kind::Counter
                                                                    : KnownMetric::Kind::Gauge;
        ++metric.series;
        for (const auto& [label, value] : series.labels)
            if (label != "le")
                labels[name].insert(label);
    }
    std::vector<KnownMetric> all;
    for (auto& [name, metric] : byName) {
        for (const std::string& label : labels[name])
            metric.labels << toQString(label);
        all.push_back(std::move(metric));
    }
    return all;
}

MetricPicker::MetricPicker(std::vector<KnownMetric> metrics, QWidget* parent)
    : QDialog(parent),
      m_metrics(std::move(metrics)),
      m_search(new QLineEdit(this)),
      m_list(new QTreeWidget(this)),
      m_help(new QLabel(this)),
      m_buttons(new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this))
{
    setWindowTitle(tr("Choose a metric"));
    m_search->setObjectName(QStringLiteral("metricSearch"));
    m_search->setPlaceholderText(tr("Words of its name or of what it is"));
    m_search->setClearButtonEnabled(true);
    m_list->setObjectName(QStringLiteral("metricList"));
    m_list->setRootIsDecorated(false);
    m_list->setUniformRowHeights(true);
    m_list->setHeaderLabels({tr("Metric"), tr("Unit"), tr("Kind"), tr("Series")});
    m_list->header()->setStretchLastSection(false);
    m_list->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_list->header()->setSectionResizeMode(kName, QHeaderView::Stretch);
    m_help->setObjectName(QStringLiteral("metricHelp"));
    m_help->setWordWrap(true);
    m_help->setTextFormat(Qt::PlainText); // a scrape's text is somebody else's
    m_help->setMinimumHeight(fontMetrics().height() * 3);
    m_help->setAlignment(Qt::AlignLeft | Qt::AlignTop);
    for (std::size_t i = 0; i < m_metrics.size(); ++i) {
        const KnownMetric& metric = m_metrics[i];
        auto* item = new QTreeWidgetItem(m_list, {metric.name, metric.unit, kindText(metric.kind), QString::number(metric.series)});
        item->setData(kName, Qt::UserRole, static_cast<qulonglong>(i));
        item->setTextAlignment(kSeries, Qt::AlignRight | Qt::AlignVCenter);
        item->setToolTip(kName, metric.help);
    }
    auto* column = new QVBoxLayout(this);
    column->addWidget(m_search);
    column->addWidget(m_list, 1);
    column->addWidget(m_help);
    column->addWidget(m_buttons);
    resize(620, 460);
    connect(m_search, &QLineEdit::textChanged, this, &MetricPicker::filter);
    connect(m_list, &QTreeWidget::currentItemChanged, this, &MetricPicker::refresh);
    connect(m_list, &QTreeWidget::itemActivated, this, &QDialog::accept);
    connect(m_buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(m_buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    m_search->setFocus();
    filter();
}

const KnownMetric* MetricPicker::chosen() const
{
    const QTreeWidgetItem* item = m_list->currentItem();
    return item && !item->isHidden() ? &m_metrics[item->data(kName, Qt::UserRole).toULongLong()] : nullptr;
}

/// The first that is left is chosen: a search and Enter suffice.
void MetricPicker::filter()
{
    QTreeWidgetItem* first = nullptr;
    for (int row = 0; row < m_list->topLevelItemCount(); ++row) {
        QTreeWidgetItem* item = m_list->topLevelItem(row);
        item->setHidden(!m_metrics[item->data(kName, Qt::UserRole).toULongLong()].matches(m_search->text()));
        if (!item->isHidden() && !first)
            first = item;
    }
    if (!chosen())
        m_list->setCurrentItem(first);
    refresh();
}

void MetricPicker::refresh()
{
    const KnownMetric* metric = chosen();
    m_buttons->button(QDialogButtonBox::Ok)->setEnabled(metric != nullptr);
    if (!metric)
        return m_help->setText(m_metrics.empty() ? tr("Nothing is measured on this node yet.")
                                                 : tr("No metric has these words in its name or its help."));
    const QString labels = metric->labels.isEmpty() ? QString() : tr("\nLabels: %1").arg(metric->labels.join(QStringLiteral(", ")));
    m_help->setText((metric->help.isEmpty() ? tr("Its source says nothing of it.") : metric->help) + labels);
}

} // namespace gantry::desktop
