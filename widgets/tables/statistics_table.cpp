#include "widgets/tables/statistics_table.h"

#include "trace_model/trace/name_matcher.h"
#include "trace_model/trace/trace_words.h"
#include "widgets/tables/filter_edit.h"
#include "widgets/tables/histogram_delegate.h"
#include "widgets/tables/table_copy.h"
#include "widgets/tables/table_style.h"
#include "widgets/theme/format.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QSignalBlocker>
#include <QSortFilterProxyModel>
#include <QStandardItemModel>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

namespace {

using analysis::GroupBy;

constexpr std::pair<GroupBy, const char*> kGroups[] = {
    {GroupBy::Phase, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Request phases")},
    {GroupBy::Kernel, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Kernels")},
    {GroupBy::Memcpy, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Memcpys")},
    {GroupBy::Api, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "CUDA API calls")},
    {GroupBy::Nvtx, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "NVTX ranges")},
    {GroupBy::Stream, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Streams")},
    {GroupBy::Library, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Library calls")},
    {GroupBy::Os, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "OS calls")},
    {GroupBy::Synchronization, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Synchronizations")},
};

bool hasAny(const trace::Trace& trace, GroupBy by)
{
    switch (by) {
    case GroupBy::Phase:
        return trace.phases.size() > 0;
    case GroupBy::Kernel:
        return trace.kernels.size() > 0;
    case GroupBy::Memcpy:
        return trace.memcpys.size() > 0;
    case GroupBy::Api:
        return trace.apiCalls.size() > 0;
    case GroupBy::Nvtx:
        return trace.nvtxRanges.size() > 0;
    case GroupBy::Stream:
        return trace.kernels.size() + trace.memcpys.size() + trace.memsets.size() > 0;
    case GroupBy::Library:
        return trace.libraryCalls.size() > 0;
    case GroupBy::Os:
        return trace.osCalls.size() > 0;
    case GroupBy::Synchronization:
        return trace.synchronizations.size() > 0;
    }
    return false;
}

constexpr std::pair<StatisticsScope, const char*> kScopes[] = {
    {StatisticsScope::Selection, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Measured or visible")},
    {StatisticsScope::Visible, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Visible range")},
    {StatisticsScope::Whole, QT_TRANSLATE_NOOP("gantry::widgets::StatisticsTable", "Whole report")},
};

} // namespace

/// The rows whose names are wanted, sorted.
class StatisticsRows : public QSortFilterProxyModel
{
public:
    using QSortFilterProxyModel::QSortFilterProxyModel;

    void setNames(std::vector<trace::NameMatcher> names)
    {
        m_names = std::move(names);
        invalidateFilter();
    }

protected:
    [[nodiscard]] bool filterAcceptsRow(int row, const QModelIndex& parent) const override
    {
        if (m_names.empty())
            return true;
        const std::string name = sourceModel()->index(row, StatisticsModel::Name, parent).data().toString().toStdString();
        return std::all_of(m_names.begin(), m_names.end(), [&name](const trace::NameMatcher& matcher) { return matcher.matches(name); });
    }

private:
    std::vector<trace::NameMatcher> m_names;
};

StatisticsTable::StatisticsTable(QWidget* parent)
    : QWidget(parent),
      m_model(new StatisticsModel(this)),
      m_sorted(new StatisticsRows(this)),
      m_view(new QTableView(this)),
      m_groupBox(new QComboBox(this)),
      m_scopeBox(new QComboBox(this)),
      m_namesBox(new QComboBox(this)),
      m_filterBox(new FilterEdit(this)),
      m_scope(new QLabel(this))
{
    m_sorted->setSourceModel(m_model);
    m_sorted->setSortRole(StatisticsModel::kNumberRole);
    m_view->setModel(m_sorted);
    m_view->setObjectName(QStringLiteral("statistics"));
    m_view->setAccessibleName(tr("Statistics"));
    applyTableStyle(*m_view, StatisticsModel::Name);
    m_view->setSortingEnabled(true);
    m_view->sortByColumn(StatisticsModel::Total, Qt::DescendingOrder);
    m_view->horizontalHeader()->setDefaultSectionSize(84);
    m_view->setTextElideMode(Qt::ElideMiddle); // kernels differ at their ends
    m_view->setItemDelegateForColumn(StatisticsModel::Shape, new HistogramDelegate(m_view));
    m_view->setColumnWidth(StatisticsModel::Shape, 110);
    addCopyActions(*m_view, StatisticsModel::kNumberRole);
    for (const auto& [by, name] : kGroups)
        m_groupBox->addItem(tr(name), static_cast<int>(by));
    m_groupBox->setAccessibleName(tr("Group by"));
    for (const auto& [scope, name] : kScopes)
        m_scopeBox->addItem(tr(name), static_cast<int>(scope));
    m_scopeBox->setAccessibleName(tr("Range of time"));
    m_scopeBox->setToolTip(tr("What time the statistics are about"));
    m_namesBox->addItem(tr("Short names"), static_cast<int>(analysis::KernelNames::Short));
    m_namesBox->addItem(tr("Full names"), static_cast<int>(analysis::KernelNames::Full));
    m_namesBox->setAccessibleName(tr("Names of kernels"));
    m_namesBox->setToolTip(tr("One row for a function, or one for each set of its template arguments"));
    m_filterBox->setObjectName(QStringLiteral("statisticsFilter"));
    m_filterBox->setPlaceholderText(tr("Filter: name, dur>50us stream=7…"));
    m_filterBox->setAccessibleName(tr("Filter"));
    m_filterBox->setToolTip(tr("<p>Words choose among the rows; other terms choose the events that count.</p>") + filterHelp());
    m_filterBox->setMaximumWidth(280);
    m_scope->setObjectName(QStringLiteral("statisticsScope"));
    m_scope->setMinimumWidth(1); // in a narrow window it is cut, and the table is not

    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 4);
    bar->setSpacing(8);
    bar->addWidget(m_groupBox);
    bar->addWidget(m_namesBox);
    bar->addWidget(m_scopeBox);
    bar->addWidget(m_filterBox, 1);
    bar->addWidget(m_scope, 1);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_view, 1);
    refreshNames();
    clear();
    connect(m_groupBox, &QComboBox::currentIndexChanged, this, [this] {
        refreshNames();
        emit groupByChanged();
    });
    connect(m_scopeBox, &QComboBox::currentIndexChanged, this, &StatisticsTable::questionChanged);
    connect(m_namesBox, &QComboBox::currentIndexChanged, this, &StatisticsTable::questionChanged);
    connect(m_filterBox, &FilterEdit::textSettled, this, &StatisticsTable::applyFilter);
    connect(m_view, &QTableView::activated, this,
            [this](const QModelIndex& index) { emit rowActivated(m_model->row(m_sorted->mapToSource(index).row())); });
}

GroupBy StatisticsTable::groupBy() const
{
    return static_cast<GroupBy>(m_groupBox->currentData().toInt());
}

void StatisticsTable::setGroupBy(GroupBy by)
{
    m_groupBox->setCurrentIndex(std::max(0, m_groupBox->findData(static_cast<int>(by))));
}

StatisticsScope StatisticsTable::scope() const
{
    return static_cast<StatisticsScope>(m_scopeBox->currentData().toInt());
}

analysis::KernelNames StatisticsTable::names() const
{
    return static_cast<analysis::KernelNames>(m_namesBox->currentData().toInt());
}

void StatisticsTable::refreshNames()
{
    m_namesBox->setVisible(groupBy() == GroupBy::Kernel);
}

void StatisticsTable::applyFilter()
{
    auto read = analysis::readEventFilter(m_filterBox->text().toStdString());
    if (const auto* problem = std::get_if<analysis::FilterProblem>(&read)) {
        m_problem = toQString(problem->text(m_filterBox->text().toStdString()));
        return showScope();
    }
    m_problem.clear();
    auto& filter = std::get<analysis::EventFilter>(read);
    m_note = toQString(filter.note());
    const bool isOfRows = std::all_of(filter.terms.begin(), filter.terms.end(), [](const analysis::FilterTerm& term) {
        return term.key == analysis::FilterKey::Name && term.op == analysis::FilterOperator::Contains;
    });
    std::vector<trace::NameMatcher> names;
    if (isOfRows) {
        for (const analysis::FilterTerm& term : filter.terms)
            if (auto matcher = trace::NameMatcher::create(term.text))
                names.push_back(std::move(*matcher));
        filter.terms.clear();
    }
    m_sorted->setNames(std::move(names));
    const bool isOtherEvents = !filter.terms.empty() || !m_filter.terms.empty();
    m_filter = std::move(filter);
    showScope();
    if (isOtherEvents)
        emit questionChanged();
}

void StatisticsTable::showScope()
{
    showTableScope(*m_scope, m_note.isEmpty() ? m_scopeText : tr("%1 · %2").arg(m_note, m_scopeText), m_problem);
}

void StatisticsTable::offerGroupsOf(const trace::Trace& trace)
{
    const QSignalBlocker blocker(m_groupBox); // whoever calls is about to fill the table
    m_groupBox->setItemText(m_groupBox->findData(static_cast<int>(GroupBy::Nvtx)), toQString(trace::rangesName(trace)));
    m_groupBox->setItemText(m_groupBox->findData(static_cast<int>(GroupBy::Api)), tr("%1 calls").arg(toQString(trace::apiName(trace))));
    auto* items = qobject_cast<QStandardItemModel*>(m_groupBox->model());
    int firstOffered = -1;
    for (int i = 0; i < m_groupBox->count(); ++i) {
        const bool isOffered = hasAny(trace, static_cast<GroupBy>(m_groupBox->itemData(i).toInt()));
        items->item(i)->setEnabled(isOffered);
        if (isOffered && firstOffered < 0)
            firstOffered = i;
    }
    if (!items->item(m_groupBox->currentIndex())->isEnabled() && firstOffered >= 0)
        m_groupBox->setCurrentIndex(firstOffered);
    refreshNames();
}

void StatisticsTable::setTrace(const std::shared_ptr<const trace::Trace>& trace)
{
    m_filterBox->setTrace(trace);
}

void StatisticsTable::setRows(std::vector<analysis::ActivityRow> rows, const QString& scope, const QString& gaps)
{
    const bool isEmpty = rows.empty();
    const bool hasBytes = std::any_of(rows.begin(), rows.end(), [](const auto& row) { return row.bytes > 0; });
    m_model->setRows(std::move(rows), gaps);
    m_view->setColumnHidden(StatisticsModel::Bytes, !hasBytes);
    setLow(!gaps.isEmpty());
    m_scopeText = isEmpty ? tr("nothing of this kind in %1").arg(scope) : tr("in %1").arg(scope);
    if (!gaps.isEmpty())
        m_scopeText += tr(" · ≥: %1").arg(gaps);
    showScope();
}

void StatisticsTable::setLow(bool isLow)
{
    if (std::exchange(m_isLow, isLow) == isLow)
        return; // the user may have made them wider
    const int sign = m_view->fontMetrics().horizontalAdvance(QStringLiteral("≥ "));
    for (const int column : {StatisticsModel::Count, StatisticsModel::Total, StatisticsModel::Bytes})
        m_view->setColumnWidth(column, m_view->columnWidth(column) + (isLow ? sign : -sign));
}

void StatisticsTable::clear(const QString& why)
{
    m_model->setRows({});
    m_scopeText = why.isEmpty() ? tr("Open a report to see where its time went.") : why;
    showScope();
}

} // namespace gantry::widgets
