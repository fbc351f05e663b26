#include "widgets/sweep/sweep_view.h"

#include "trace_model/analysis/sweep/sweep_choice.h"
#include "widgets/sweep/sweep_model.h"
#include "widgets/sweep/sweep_plot.h"
#include "widgets/tables/table_copy.h"
#include "widgets/tables/table_style.h"
#include "widgets/theme/format.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QLabel>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <optional>
#include <utility>

namespace gantry::widgets {

SweepView::SweepView(QWidget* parent)
    : QWidget(parent),
      m_model(new SweepModel(this)),
      m_order(new SweepOrder(this)),
      m_plot(new SweepPlot(this)),
      m_table(new QTableView(this)),
      m_color(new QComboBox(this)),
      m_key(new QLabel(this)),
      m_sentence(new QLabel(this)),
      m_open(new QPushButton(tr("Open &report"), this)),
      m_compare(new QPushButton(tr("Co&mpare two"), this))
{
    m_order->setSourceModel(m_model);
    m_table->setModel(m_order);
    m_table->setObjectName(QStringLiteral("sweepTable"));
    m_table->setAccessibleName(tr("Points of the sweep"));
    applyTableStyle(*m_table);
    m_table->setSortingEnabled(true);
    m_table->setSelectionMode(QAbstractItemView::ExtendedSelection);
    addCopyActions(*m_table, SweepModel::kNumberRole);
    m_color->setObjectName(QStringLiteral("sweepColor"));
    m_color->setAccessibleName(tr("Colour points by"));
    m_color->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_key->setObjectName(QStringLiteral("sweepKey"));
    m_key->setTextFormat(Qt::RichText);
    m_key->setSizePolicy(QSizePolicy::Ignored, QSizePolicy::Preferred); // many values must not widen the window
    m_sentence->setObjectName(QStringLiteral("sweepSentence"));
    m_sentence->setTextFormat(Qt::PlainText);
    m_sentence->setWordWrap(true);
    m_sentence->setTextInteractionFlags(Qt::TextSelectableByMouse);

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 2, 8, 2);
    bar->setSpacing(8);
    auto* label = new QLabel(tr("Co&lour by"), this);
    label->setBuddy(m_color);
    bar->addWidget(label);
    bar->addWidget(m_color);
    bar->addWidget(m_key, 1);
    bar->addWidget(m_open);
    bar->addWidget(m_compare);
    auto* splitter = new QSplitter(Qt::Vertical, this);
    splitter->setChildrenCollapsible(false);
    splitter->addWidget(m_plot);
    splitter->addWidget(m_table);
    splitter->setSizes({550, 450}); // shares of what there is
    m_table->setMinimumHeight(90);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(2);
    m_sentence->setContentsMargins(8, 0, 8, 0);
    layout->addWidget(m_sentence);
    layout->addLayout(bar);
    layout->addWidget(splitter, 1);

    connect(m_plot, &SweepPlot::colorsChanged, this, &SweepView::showKey);
    connect(m_color, &QComboBox::currentIndexChanged, this,
            [this] { m_plot->setColoredBy(m_color->currentData().toString().toStdString()); });
    connect(m_table->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        m_plot->setSelected(selected());
        refreshButtons();
    });
    // Enter too: a view activates with it, and with a double click.
    connect(m_table, &QTableView::activated, this,
            [this](const QModelIndex& index) { open(static_cast<std::size_t>(m_order->mapToSource(index).row())); });
    connect(m_plot, &SweepPlot::pointClicked, this, &SweepView::select);
    connect(m_plot, &SweepPlot::pointActivated, this, &SweepView::open);
    connect(m_open, &QPushButton::clicked, this, [this] {
        if (const auto points = selected(); points.size() == 1)
            open(points.front());
    });
    connect(m_compare, &QPushButton::clicked, this, [this] {
        if (const auto reports = selectedReports(); reports.size() == 2)
            emit comparisonRequested(reports[0], reports[1]);
    });
    refreshButtons();
}

void SweepView::setSweep(std::shared_ptr<const sweep::Sweep> sweep)
{
    m_sweep = std::move(sweep);
    m_model->setSweep(m_sweep);
    m_plot->setSweep(m_sweep);
    fillColors();
    m_table->sortByColumn(-1, Qt::AscendingOrder); // the sweep's own order: by throughput
    fitColumns(*m_table);
    const bool hasRemarks = !m_model->columns().empty() && m_model->columns().back().of == sweep::Column::Of::Remarks;
    m_table->horizontalHeader()->setStretchLastSection(hasRemarks); // numbers stay beside each other
    showWhatIsSaid();
    refreshButtons();
}

void SweepView::fillColors()
{
    const QSignalBlocker blocker(m_color);
    const std::optional<QVariant> before = m_color->count() > 0 ? std::optional(m_color->currentData()) : std::nullopt;
    m_color->clear();
    for (const std::string& name : m_sweep->parameters)
        m_color->addItem(toQString(name), toQString(name));
    m_color->addItem(tr("nothing"), QString());
    m_color->setCurrentIndex(before ? std::max(0, m_color->findData(*before)) : 0);
    m_plot->setColoredBy(m_color->currentData().toString().toStdString());
}

void SweepView::showKey()
{
    QStringList values;
    for (const auto& [value, color] : m_plot->colors())
        if (!value.isEmpty())
            values << QStringLiteral("<span style='color:%1'>●</span>&nbsp;%2").arg(color.name(), value.toHtmlEscaped());
    m_key->setText(values.join(QStringLiteral(" &nbsp; ")));
    m_key->setToolTip(m_key->text());
}

void SweepView::showWhatIsSaid()
{
    QStringList sentences{tr("Highest throughput: %1.").arg(toQString(sweep::choose(*m_sweep, {}).sentence))};
    for (const std::string& limit : m_sweep->limits)
        sentences << toQString(limit);
    m_sentence->setText(sentences.join(QLatin1Char(' ')));
}

std::vector<std::size_t> SweepView::selected() const
{
    std::vector<std::size_t> points;
    for (const QModelIndex& index : m_table->selectionModel()->selectedRows())
        points.push_back(static_cast<std::size_t>(m_order->mapToSource(index).row()));
    std::sort(points.begin(), points.end());
    return points;
}

void SweepView::select(std::size_t point, bool isAdded)
{
    const QModelIndex index = m_order->mapFromSource(m_model->index(static_cast<int>(point), 0));
    m_table->selectionModel()->setCurrentIndex(index, (isAdded ? QItemSelectionModel::Toggle : QItemSelectionModel::ClearAndSelect) |
                                                          QItemSelectionModel::Rows);
    m_table->scrollTo(index);
}

std::vector<std::filesystem::path> SweepView::selectedReports() const
{
    std::vector<std::filesystem::path> reports;
    for (const std::size_t point : selected())
        if (!m_sweep->points[point].trace.empty())
            reports.push_back(m_sweep->points[point].trace);
    return reports;
}

void SweepView::refreshButtons()
{
    const auto points = m_sweep ? selected() : std::vector<std::size_t>();
    const auto reports = m_sweep ? selectedReports() : std::vector<std::filesystem::path>();
    m_open->setEnabled(points.size() == 1 && reports.size() == 1);
    m_compare->setEnabled(points.size() == 2 && reports.size() == 2);
    m_open->setToolTip(m_open->isEnabled()                     ? tr("Open the report of the selected point")
                       : points.size() == 1 && reports.empty() ? tr("The selected point has no report: a table has figures alone")
                                                               : tr("Select a point first"));
    m_compare->setToolTip(m_compare->isEnabled() ? tr("The reports of both selected points beside each other")
                                                 : tr("Select two points that have reports, the second one with Ctrl"));
}

void SweepView::open(std::size_t point)
{
    if (m_sweep && point < m_sweep->points.size() && !m_sweep->points[point].trace.empty())
        emit reportRequested(m_sweep->points[point].trace);
}

} // namespace gantry::widgets
