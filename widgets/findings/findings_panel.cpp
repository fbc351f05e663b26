#include "widgets/findings/findings_panel.h"

#include "trace_model/base/counted.h"
#include "widgets/findings/finding_card.h"
#include "widgets/findings/findings_model.h"
#include "widgets/tables/table_style.h"
#include "widgets/theme/elided_label.h"
#include "widgets/theme/format.h"

#include <QHBoxLayout>
#include <QHeaderView>
#include <QItemSelectionModel>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSplitter>
#include <QTableView>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::widgets {
namespace {

constexpr int kSideBySide = 640; // px: narrower, the card has no room beside the list
constexpr int kNarrowestSentence = 120;
constexpr int kLowestList = 48, kLowestCard = 32;

} // namespace

FindingsPanel::FindingsPanel(QWidget* parent)
    : QWidget(parent),
      m_model(new FindingsModel(this)),
      m_view(new QTableView(this)),
      m_card(new FindingCard(this)),
      m_split(new QSplitter(Qt::Horizontal, this)),
      m_scope(new ElidedLabel(Qt::ElideRight, this)),
      m_rules(new QPushButton(tr("What was looked for"), this))
{
    m_view->setObjectName(QStringLiteral("findings"));
    m_view->setModel(m_model);
    applyTableStyle(*m_view, FindingsModel::Sentence, kNarrowestSentence);
    m_view->setSelectionMode(QAbstractItemView::SingleSelection);
    m_split->addWidget(m_view);
    m_split->addWidget(m_card);
    m_split->setChildrenCollapsible(false);
    // Both scroll: they are no reason to keep the window from being small.
    m_view->setMinimumHeight(kLowestList);
    m_card->setMinimumHeight(kLowestCard);
    m_split->setStretchFactor(0, 1);
    m_split->setStretchFactor(1, 1);
    auto* top = new QHBoxLayout;
    top->setContentsMargins(8, 0, 4, 0);
    top->addWidget(m_scope, 1);
    top->addWidget(m_rules);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(top);
    column->addWidget(m_split, 1);
    m_rules->setToolTip(tr("The rules that found nothing, and those that the report has no data for"));
    connect(m_rules, &QPushButton::clicked, this, [this] {
        const QSignalBlocker quiet(m_view->selectionModel());
        m_view->clearSelection();
        m_view->viewport()->update();
        showRules();
    });
    connect(m_view->selectionModel(), &QItemSelectionModel::selectionChanged, this, [this] {
        const QModelIndexList rows = m_view->selectionModel()->selectedRows();
        if (rows.isEmpty())
            return;
        showRow(rows.front().row());
        reveal(rows.front().row());
    });
    connect(m_view, &QTableView::clicked, this, [this](const QModelIndex& index) { // also the one that is selected already
        if (index.row() != m_revealed)
            reveal(index.row());
    });
    connect(m_card, &FindingCard::evidenceRequested, this, &FindingsPanel::evidenceRequested);
    clear();
}

void FindingsPanel::reveal(int row)
{
    m_revealed = row;
    const findings::Finding& chosen = m_model->finding(row);
    if (!chosen.evidence.empty())
        emit evidenceRequested(chosen.evidence.front());
}

void FindingsPanel::setDiagnosis(std::shared_ptr<const trace::Trace> trace, std::shared_ptr<const findings::Diagnosis> diagnosis)
{
    m_trace = std::move(trace);
    m_diagnosis = std::move(diagnosis);
    m_revealed = -1;
    m_model->setDiagnosis(m_diagnosis);
    fitColumns(*m_view);
    m_rules->setEnabled(true);
    m_view->setVisible(m_model->rowCount() > 0);
    showTableScope(*m_scope, scopeText(), {});
    if (m_model->rowCount() == 0)
        return showRules();
    // Shown at once, but the timeline stays where the user has it.
    const QSignalBlocker quiet(m_view->selectionModel());
    m_view->selectRow(0);
    showRow(0);
}

void FindingsPanel::clear(const QString& why)
{
    m_trace.reset();
    m_diagnosis.reset();
    m_model->setDiagnosis(nullptr);
    m_card->clear();
    m_view->setVisible(false);
    m_rules->setEnabled(false);
    showTableScope(*m_scope, why.isEmpty() ? tr("No report is open.") : why, {});
}

QString FindingsPanel::scopeText() const
{
    if (!m_diagnosis)
        return {};
    const auto count = [this](findings::Severity severity) {
        return std::count_if(m_diagnosis->findings.begin(), m_diagnosis->findings.end(),
                             [severity](const findings::Finding& finding) { return finding.severity == severity; });
    };
    const auto problems = count(findings::Severity::Problem), advice = count(findings::Severity::Advice),
               notes = count(findings::Severity::Note);
    QStringList parts;
    if (problems > 0)
        parts << (problems == 1 ? tr("1 problem") : tr("%1 problems").arg(problems));
    if (advice > 0)
        parts << tr("%1 × advice").arg(advice);
    if (notes > 0)
        parts << (notes == 1 ? tr("1 note") : tr("%1 notes").arg(notes));
    if (parts.isEmpty())
        parts << tr("nothing found");
    const QString found = parts.join(QStringLiteral(", "));
    return tr("%1%2; %3 found nothing, %4 could not be judged")
        .arg(found.left(1).toUpper(), found.mid(1), toQString(counted(m_diagnosis->silent.size(), "rule")))
        .arg(m_diagnosis->unjudged.size());
}

void FindingsPanel::showRow(int row)
{
    m_card->showFinding(*m_trace, m_model->finding(row));
}

void FindingsPanel::showRules()
{
    if (m_diagnosis)
        m_card->showRules(*m_diagnosis);
}

void FindingsPanel::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    m_split->setOrientation(width() >= kSideBySide ? Qt::Horizontal : Qt::Vertical);
}

} // namespace gantry::widgets
