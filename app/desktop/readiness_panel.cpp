#include "app/desktop/readiness_panel.h"

#include "app/desktop/notice_stack.h"
#include "app/desktop/readiness_check.h"
#include "app/desktop/readiness_text.h"
#include "app/desktop/text.h"
#include "widgets/theme/theme.h"

#include <QApplication>
#include <QClipboard>
#include <QDateTime>
#include <QEvent>
#include <QFontDatabase>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>

namespace gantry::desktop {

namespace {

using proto::ReadinessLevel;

constexpr int kLevelWidth = 78; // px

/// What must be mended comes first, then what nobody could look at.
int rank(ReadinessLevel level)
{
    switch (level) {
    case ReadinessLevel::Blocked:
        return 0;
    case ReadinessLevel::Limited:
        return 1;
    case ReadinessLevel::Unknown:
        return 2;
    case ReadinessLevel::Note:
        return 3;
    case ReadinessLevel::Ok:
        break;
    }
    return 4;
}

QLabel* makeText(const QString& text, QWidget* parent)
{
    auto* label = new QLabel(text, parent);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    return label;
}

} // namespace

ReadinessPanel::ReadinessPanel(NodeController& node, QWidget* parent)
    : NodePanel(node, parent),
      m_summary(new QLabel(this)),
      m_again(new QPushButton(tr("&Check again"), this)),
      m_copy(new QPushButton(tr("Copy &all"), this)),
      m_area(new QScrollArea(this))
{
    m_summary->setObjectName(QStringLiteral("readinessSummary"));
    m_summary->setTextFormat(Qt::PlainText);
    m_summary->setWordWrap(true);
    m_again->setObjectName(QStringLiteral("readinessAgain"));
    m_copy->setToolTip(tr("As text, for whoever administers the node"));
    m_area->setFrameShape(QFrame::NoFrame);
    m_area->setWidgetResizable(true);
    m_area->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    auto* content = new QWidget(this);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(10, 6, 10, 6);
    bar->addWidget(m_summary, 1);
    bar->addWidget(m_copy);
    bar->addWidget(m_again);
    auto* column = new QVBoxLayout(content);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(bar);
    column->addWidget(m_area, 1);
    setContent(*content);

    connect(m_again, &QPushButton::clicked, &node, &NodeController::checkReadiness);
    connect(m_copy, &QPushButton::clicked, this, [this] {
        if (this->node() && this->node()->readiness().report())
            QApplication::clipboard()->setText(reportText(*this->node()->readiness().report()));
    });
    connect(&node.readiness(), &ReadinessCheck::changed, this, &ReadinessPanel::refresh);
}

void ReadinessPanel::ask()
{
    const ReadinessCheck& check = node()->readiness();
    if (!check.isRunning() && (!check.report() || check.error()))
        node()->checkReadiness();
    refresh();
}

void ReadinessPanel::stopAsking() {}

void ReadinessPanel::refresh()
{
    if (!client())
        return;
    const ReadinessCheck& check = node()->readiness();
    m_again->setEnabled(!check.isRunning());
    if (check.isRunning() && !check.report())
        return stack().showNotice(tr("Asking %1 what works on it…").arg(node()->title()));
    if (check.error() && !check.isRunning())
        return showFailure(*check.error());
    if (!check.report())
        return;
    if (check.isRunning())
        m_summary->setText(tr("Checking again…"));
    else
        fill(*check.report());
    stack().showContent();
}

void ReadinessPanel::fill(const proto::ReadinessReport& report)
{
    const QString time = QDateTime::fromMSecsSinceEpoch(report.checkedUtcNs / 1'000'000).toString(QStringLiteral("yyyy-MM-dd HH:mm:ss"));
    const auto count = std::count_if(report.items.begin(), report.items.end(), [](const proto::ReadinessItem& item) {
        return item.level == ReadinessLevel::Limited || item.level == ReadinessLevel::Blocked;
    });
    m_summary->setText((count == 0   ? tr("Nothing keeps Gantry from working here.")
                        : count == 1 ? tr("One thing keeps a part of Gantry from working here.")
                                     : tr("%1 things keep parts of Gantry from working here.").arg(count)) +
                       tr(" Checked at %1.").arg(time));

    std::vector<proto::ReadinessItem> items = report.items;
    std::stable_sort(items.begin(), items.end(), [](const auto& a, const auto& b) { return rank(a.level) < rank(b.level); });
    auto* list = new QWidget(m_area);
    auto* column = new QVBoxLayout(list);
    column->setContentsMargins(10, 0, 10, 10);
    column->setSpacing(0);
    for (const proto::ReadinessItem& item : items)
        column->addWidget(itemWidget(item));
    column->addStretch(1);
    m_area->setWidget(list); // deletes the one before
}

QWidget* ReadinessPanel::itemWidget(const proto::ReadinessItem& item)
{
    auto* widget = new QFrame(m_area);
    widget->setObjectName(QStringLiteral("readinessItem"));
    auto* grid = new QGridLayout(widget);
    grid->setContentsMargins(0, 7, 0, 7);
    grid->setHorizontalSpacing(10);
    grid->setVerticalSpacing(3);
    grid->setColumnMinimumWidth(0, kLevelWidth);
    grid->setColumnStretch(1, 1);

    auto* level = new QLabel(levelText(item.level), widget);
    QPalette colours = level->palette();
    colours.setColor(QPalette::WindowText, levelColour(item.level, widgets::Theme::forPalette(palette())));
    level->setPalette(colours);
    QFont bold = font();
    bold.setBold(true);
    level->setFont(bold);
    grid->addWidget(level, 0, 0, Qt::AlignTop);
    auto* topic = new QLabel(toQString(item.topic), widget);
    topic->setTextFormat(Qt::PlainText);
    topic->setFont(bold);
    grid->addWidget(topic, 0, 1, 1, 2);
    grid->addWidget(makeText(toQString(item.finding), widget), 1, 1, 1, 2);
    if (!item.effect.empty()) {
        auto* effect = makeText(tr("Effect: %1").arg(toQString(item.effect)), widget);
        effect->setForegroundRole(QPalette::PlaceholderText);
        grid->addWidget(effect, 2, 1, 1, 2);
    }
    if (!item.fix.empty()) {
        auto* fix = makeText(tr("Fix: %1").arg(toQString(item.fix)), widget);
        grid->addWidget(fix, 3, 1);
        auto* copy = new QToolButton(widget);
        copy->setText(tr("Copy"));
        copy->setToolTip(tr("Copy the fix"));
        copy->setAccessibleName(tr("Copy the fix of %1").arg(toQString(item.topic)));
        connect(copy, &QToolButton::clicked, widget, [text = toQString(item.fix)] { QApplication::clipboard()->setText(text); });
        grid->addWidget(copy, 3, 2, Qt::AlignTop);
    }
    return widget;
}

void ReadinessPanel::changeEvent(QEvent* event)
{
    NodePanel::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && client() && node()->readiness().report())
        refresh(); // levels keep the colours they were made with
}

} // namespace gantry::desktop
