#pragma once

#include "trace_model/analysis/event_filter.h"
#include "trace_model/analysis/kernel_stats.h"
#include "widgets/tables/statistics_model.h"

#include <QString>
#include <QWidget>

#include <memory>
#include <vector>

class QComboBox;
class QLabel;
class QTableView;

namespace gantry::widgets {

class FilterEdit;
class StatisticsRows;

/// What events statistics are about.
enum class StatisticsScope
{
    Selection, ///< the measured range, else the visible one
    Visible,
    Whole,
};

/// Time by kernel, memcpy, API call, NVTX range, stream or phase, with the choice of which, of what time and of which events. The owner
/// computes the rows.
class StatisticsTable : public QWidget
{
    Q_OBJECT

public:
    explicit StatisticsTable(QWidget* parent = nullptr);

    [[nodiscard]] analysis::GroupBy groupBy() const;
    void setGroupBy(analysis::GroupBy by);
    [[nodiscard]] StatisticsScope scope() const;
    [[nodiscard]] analysis::KernelNames names() const;
    /// Which events count; without terms all of them. Filters of names alone choose among the rows instead, and are not here.
    [[nodiscard]] const analysis::EventFilter& filter() const { return m_filter; }
    /// Disables the groups that a report has nothing of; when it has none of the one chosen, the first it has is chosen, without
    /// groupByChanged().
    void offerGroupsOf(const trace::Trace& trace);
    /// The report that the filter is completed with.
    void setTrace(const std::shared_ptr<const trace::Trace>& trace);
    /// `scope` says what the rows are about: "the whole report", "1.2 ms of 2.0 s"; `gaps` why their counts and totals are low, or nothing.
    void setRows(std::vector<analysis::ActivityRow> rows, const QString& scope, const QString& gaps = {});
    /// `why` there is nothing; empty: no report is open.
    void clear(const QString& why = {});
    [[nodiscard]] QTableView& view() { return *m_view; }

signals:
    void groupByChanged();
    /// Rows of another scope, other names or other events are wanted.
    void questionChanged();
    /// The user wants to see the events of this row.
    void rowActivated(const gantry::analysis::ActivityRow& row);

private:
    void applyFilter();
    void showScope();
    void refreshNames();
    /// Leaves room for the sign of numbers that are low.
    void setLow(bool isLow);

    StatisticsModel* m_model;
    StatisticsRows* m_sorted;
    QTableView* m_view;
    QComboBox* m_groupBox;
    QComboBox* m_scopeBox;
    QComboBox* m_namesBox;
    FilterEdit* m_filterBox;
    QLabel* m_scope;
    QString m_scopeText;
    QString m_note; ///< of the filter
    QString m_problem; ///< of the filter; empty: none
    analysis::EventFilter m_filter;
    bool m_isLow = false;
};

} // namespace gantry::widgets
