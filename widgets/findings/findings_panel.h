#pragma once

#include "trace_model/analysis/findings/findings.h"
#include "trace_model/trace/trace.h"

#include <QString>
#include <QWidget>

#include <memory>

class QLabel;
class QPushButton;
class QSplitter;
class QTableView;

namespace gantry::widgets {

class FindingCard;
class FindingsModel;

/// What the rules found in a report: a list, the finding that is chosen in full with its edits, and what was looked for. The owner has
/// the trace judged. UI thread.
class FindingsPanel : public QWidget
{
    Q_OBJECT

public:
    explicit FindingsPanel(QWidget* parent = nullptr);

    void setDiagnosis(std::shared_ptr<const trace::Trace> trace, std::shared_ptr<const findings::Diagnosis> diagnosis);
    /// `why` there is nothing; empty: no report is open.
    void clear(const QString& why = {});
    [[nodiscard]] QTableView& view() { return *m_view; }
    [[nodiscard]] FindingCard& card() { return *m_card; }
    /// "3 findings: 1 problem, 2 pieces of advice; 21 rules found nothing, 6 could not be judged".
    [[nodiscard]] QString scopeText() const;

signals:
    /// The user wants to see this in the timeline.
    void evidenceRequested(const gantry::findings::Evidence& evidence);

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void showRow(int row);
    void reveal(int row);
    void showRules();

    std::shared_ptr<const trace::Trace> m_trace;
    std::shared_ptr<const findings::Diagnosis> m_diagnosis;
    FindingsModel* m_model;
    QTableView* m_view;
    FindingCard* m_card;
    QSplitter* m_split;
    QLabel* m_scope;
    QPushButton* m_rules;
    int m_revealed = -1; ///< the row whose evidence was asked for last
};

} // namespace gantry::widgets
