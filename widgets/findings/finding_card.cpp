#include "widgets/findings/finding_card.h"

#include "trace_model/analysis/findings/words.h"
#include "widgets/findings/findings_model.h"
#include "widgets/theme/format.h"

#include <QClipboard>
#include <QFontDatabase>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QTimer>
#include <QVBoxLayout>

namespace gantry::widgets {
namespace {

constexpr int kSaidMs = 1500; // how long a button says that it copied

QLabel* paragraph(const QString& text, QWidget* parent)
{
    auto* label = new QLabel(parent);
    label->setTextFormat(Qt::PlainText);
    label->setText(text);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse | Qt::TextSelectableByKeyboard);
    return label;
}

QLabel* heading(const QString& text, QWidget* parent)
{
    QLabel* label = paragraph(text, parent);
    QFont font = label->font();
    font.setBold(true);
    label->setFont(font);
    return label;
}

/// "Problem · 24 % of the window · launch-bound".
QString titleOf(const findings::Finding& finding)
{
    QStringList parts{severityText(finding.severity)};
    if (finding.share)
        parts << FindingCard::tr("%1 %2").arg(toQString(findings::percent(*finding.share)), toQString(findings::text(finding.shareOf)));
    parts << toQString(finding.rule);
    return parts.join(QStringLiteral(" · "));
}

} // namespace

FindingCard::FindingCard(QWidget* parent) : QScrollArea(parent)
{
    setWidgetResizable(true);
    setFrameShape(QFrame::NoFrame);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAsNeeded);
    clear();
}

QVBoxLayout* FindingCard::restart()
{
    auto* page = new QWidget;
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(8, 6, 8, 6);
    column->setSpacing(6);
    setWidget(page); // takes the place of the old one, which goes
    return column;
}

void FindingCard::clear()
{
    restart();
}

void FindingCard::showFinding(const trace::Trace& trace, const findings::Finding& finding)
{
    QVBoxLayout* column = restart();
    column->addWidget(heading(titleOf(finding), widget()));
    column->addWidget(paragraph(toQString(finding.sentence), widget()));
    for (const findings::Evidence& evidence : finding.evidence) {
        const QString where = formatTime(evidence.time.start - trace.time.start, 1000);
        auto* button = new QPushButton(tr("Show %1, at %2").arg(toQString(evidence.what), where), widget());
        button->setObjectName(QStringLiteral("evidence"));
        connect(button, &QPushButton::clicked, this, [this, evidence] { emit evidenceRequested(evidence); });
        auto* row = new QHBoxLayout;
        row->addWidget(button);
        row->addStretch(1);
        column->addLayout(row);
    }
    if (!finding.remedies.empty())
        column->addWidget(heading(tr("What to try"), widget()));
    for (const findings::Remedy& remedy : finding.remedies)
        addRemedy(*column, remedy);
    column->addStretch(1);
}

void FindingCard::addRemedy(QVBoxLayout& column, const findings::Remedy& remedy)
{
    column.addWidget(paragraph(toQString(remedy.advice), widget()));
    if (remedy.edit.empty())
        return;
    auto* frame = new QFrame(widget());
    frame->setFrameShape(QFrame::StyledPanel);
    frame->setAutoFillBackground(true);
    frame->setBackgroundRole(QPalette::Base);
    auto* row = new QHBoxLayout(frame);
    row->setContentsMargins(6, 4, 4, 4);
    QLabel* edit = paragraph(toQString(remedy.edit), frame);
    edit->setObjectName(QStringLiteral("edit"));
    edit->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    row->addWidget(edit, 1);
    auto* copy = new QPushButton(tr("Copy"), frame);
    copy->setObjectName(QStringLiteral("copyEdit"));
    copy->setToolTip(tr("Copies these lines"));
    connect(copy, &QPushButton::clicked, this, [copy, text = toQString(remedy.edit)] {
        QGuiApplication::clipboard()->setText(text);
        copy->setText(tr("Copied"));
        QTimer::singleShot(kSaidMs, copy, [copy] { copy->setText(tr("Copy")); });
    });
    row->addWidget(copy, 0, Qt::AlignTop);
    column.addWidget(frame);
}

void FindingCard::showRules(const findings::Diagnosis& diagnosis)
{
    QVBoxLayout* column = restart();
    if (diagnosis.findings.empty())
        column->addWidget(heading(tr("Nothing was found"), widget()));
    if (!diagnosis.silent.empty()) {
        column->addWidget(heading(tr("Looked for, and not there"), widget()));
        QStringList titles;
        for (const findings::RuleName& rule : diagnosis.silent)
            titles << toQString(rule.title);
        column->addWidget(paragraph(titles.join(QStringLiteral("; ")) + QLatin1Char('.'), widget()));
    }
    if (!diagnosis.unjudged.empty())
        column->addWidget(heading(tr("Not judged, for the report does not say enough"), widget()));
    for (const findings::Unjudged& each : diagnosis.unjudged)
        column->addWidget(paragraph(tr("%1: %2.").arg(toQString(each.rule.title), toQString(each.why)), widget()));
    column->addStretch(1);
}

} // namespace gantry::widgets
