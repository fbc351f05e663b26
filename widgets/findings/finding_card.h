#pragma once

#include "trace_model/analysis/findings/findings.h"
#include "trace_model/trace/trace.h"

#include <QScrollArea>

#include <vector>

class QVBoxLayout;

namespace gantry::widgets {

/// One finding in full: its sentence, the places in the trace that show it, and each edit with a button that copies it. Or what was looked
/// for at all. UI thread.
class FindingCard : public QScrollArea
{
    Q_OBJECT

public:
    explicit FindingCard(QWidget* parent = nullptr);

    void showFinding(const trace::Trace& trace, const findings::Finding& finding);
    /// What found nothing, and what could not be judged and why.
    void showRules(const findings::Diagnosis& diagnosis);
    void clear();

signals:
    void evidenceRequested(const gantry::findings::Evidence& evidence);

private:
    /// Takes the place of what is shown. Filled before, for a page that grows while it is shown is laid out too small.
    void showPage(QWidget* page);
    void addEvidence(QVBoxLayout& column, const trace::Trace& trace, const std::vector<findings::Evidence>& evidence);
};

} // namespace gantry::widgets
