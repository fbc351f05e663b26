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

QVBoxLayout* columnOf(QWidget& page)
{
    auto* column = new QVBoxLayout(&page);
    column->setContentsMargins(8, 6, 8, 6);
    column->setSpacing(6);
    return column;
}

void addRemedy(QVBoxLayout& column, const findings::Remedy& remedy, QWidget* page)
{
    column.addWidget(paragraph(toQString(remedy.advice), page));
    if (remedy.edit.empty())
        return;
    auto* frame = new QFrame(page);
    frame->setFrameShape(QFrame::StyledPanel);
    frame->setAutoFillBackground(true);
    frame->setBackgroundRole(QPalette::Base);
    auto* row = new QHBoxLayout(frame);
    row->setContentsMargins(6, 4, 4, 4);
    QLabel* edit = paragraph(toQString(remedy.edit), frame);
    edit->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    row->addWidget(edit, 1);
    auto* copy = new QPushButton(FindingCard::tr("Copy"), frame);
    copy->setObjectName(QStringLiteral("copyEdit"));
    copy->setToolTip(FindingCard::tr("Copies these lines"));
    QObject::connect(copy, &QPushButton::clicked, copy, [copy, text = toQString(remedy.edit)] {
        QGuiApplication::clipboard()->setText(text);
        copy->setText(FindingCard::tr("Copied"));
        QTimer::singleShot(kSaidMs, copy, [copy] { copy->setText(FindingCard::tr("Copy")); });
    });
    row->addWidget(copy, 0, Qt::AlignTop);
    column.addWidget(frame);
}

} // namespace

FindingCard::FindingCard(QWidget* parent) : QScrollArea(parent)
{
    setWidgetResizable(true);
    setFrameShape(QFrame::NoFrame);
}

void FindingCard::showPage(QWidget* page)
{
    setWidget(page); // the old one goes
    page->show();
    ensureVisible(0, 0);
}

void FindingCard::clear()
{
    showPage(new QWidget);
}

void FindingCard::showFinding(const trace::Trace& trace, const findings::Finding& finding)
{
    auto* page = new QWidget;
    QVBoxLayout* column = columnOf(*page);
    column->addWidget(heading(titleOf(finding), page));
    column->addWidget(paragraph(toQString(finding.sentence), page));
    addEvidence(*column, trace, finding.evidence);
    if (!finding.remedies.empty())
        column->addWidget(heading(tr("What to try"), page));
    for (const findings::Remedy& remedy : finding.remedies)
        addRemedy(*column, remedy, page);
    column->addStretch(1);
    showPage(page);
}

void FindingCard::addEvidence(QVBoxLayout& column, const trace::Trace& trace, const std::vector<findings::Evidence>& evidence)
{
    if (evidence.empty())
        return;
    QStringList links;
    for (std::size_t i = 0; i < evidence.size(); ++i)
        links << QStringLiteral("<a href=\"%1\">%2</a>")
                     .arg(i)
                     .arg(tr("%1, at %2")
                              .arg(toQString(evidence[i].what), formatTime(evidence[i].time.start - trace.time.start, 1000))
                              .toHtmlEscaped());
    auto* label = new QLabel(tr("Show: %1").arg(links.join(QStringLiteral(" · "))), column.parentWidget());
    label->setObjectName(QStringLiteral("evidence"));
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::LinksAccessibleByMouse | Qt::LinksAccessibleByKeyboard);
    connect(label, &QLabel::linkActivated, this, [this, evidence](const QString& link) {
        if (const auto index = link.toULongLong(); index < evidence.size())
            emit evidenceRequested(evidence[index]);
    });
    column.addWidget(label);
}

void FindingCard::showRules(const findings::Diagnosis& diagnosis)
{
    auto* page = new QWidget;
    QVBoxLayout* column = columnOf(*page);
    if (diagnosis.findings.empty())
        column->addWidget(heading(tr("Nothing was found"), page));
    if (!diagnosis.silent.empty()) {
        column->addWidget(heading(tr("Looked for, and not there"), page));
        QStringList titles;
        for (const findings::RuleName& rule : diagnosis.silent)
            titles << toQString(rule.title);
        column->addWidget(paragraph(titles.join(QStringLiteral("; ")) + QLatin1Char('.'), page));
    }
    if (!diagnosis.unjudged.empty())
        column->addWidget(heading(tr("Not judged, for the report does not say enough"), page));
    for (const findings::Unjudged& each : diagnosis.unjudged)
        column->addWidget(paragraph(tr("%1: %2.").arg(toQString(each.rule.title), toQString(each.why)), page));
    column->addStretch(1);
    showPage(page);
}

} // namespace gantry::widgets
