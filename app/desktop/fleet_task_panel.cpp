#include "app/desktop/fleet_task_panel.h"

#include "widgets/theme/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr int kMostLines = 8; // that are seen at once: the tiles are there, too

QColor colourOf(FleetStep::Kind kind, const widgets::Theme& theme)
{
    switch (kind) {
    case FleetStep::Kind::Done:
        return theme.good;
    case FleetStep::Kind::Failed:
        return theme.bad;
    case FleetStep::Kind::Waiting:
        return theme.weakText;
    case FleetStep::Kind::Running:
        break;
    }
    return theme.text;
}

QString markOf(FleetStep::Kind kind)
{
    switch (kind) {
    case FleetStep::Kind::Done:
        return QStringLiteral("✓");
    case FleetStep::Kind::Failed:
        return QStringLiteral("✗");
    case FleetStep::Kind::Running:
        return QStringLiteral("▸");
    case FleetStep::Kind::Waiting:
        break;
    }
    return QStringLiteral("·");
}

QString lineText(const FleetStep& step)
{
    const QString text =
        step.fraction ? FleetTaskPanel::tr("%1 (%2 %)").arg(step.text).arg(static_cast<int>(*step.fraction * 100)) : step.text;
    return markOf(step.kind) + QLatin1Char(' ') + text;
}

QString summaryOf(const std::vector<FleetStep>& steps)
{
    const auto count = [&](FleetStep::Kind kind) {
        return std::count_if(steps.begin(), steps.end(), [kind](const FleetStep& step) { return step.kind == kind; });
    };
    QStringList parts{FleetTaskPanel::tr("%1 of %2 done").arg(count(FleetStep::Kind::Done)).arg(steps.size())};
    if (const auto failed = count(FleetStep::Kind::Failed); failed > 0)
        parts << FleetTaskPanel::tr("%1 not").arg(failed);
    if (const auto left = count(FleetStep::Kind::Running) + count(FleetStep::Kind::Waiting); left > 0)
        parts << FleetTaskPanel::tr("%1 under way").arg(left);
    return parts.join(QStringLiteral(" · "));
}

} // namespace

FleetTaskPanel::FleetTaskPanel(std::vector<FleetTask*> tasks, QWidget* parent)
    : QWidget(parent),
      m_title(new QLabel(this)),
      m_summary(new QLabel(this)),
      m_stop(new QPushButton(tr("&Stop"), this)),
      m_cancel(new QPushButton(tr("C&ancel"), this)),
      m_close(new QToolButton(this)),
      m_lines(new QTreeWidget(this))
{
    setObjectName(QStringLiteral("fleetTask"));
    QFont bold = font();
    bold.setBold(true);
    m_title->setFont(bold);
    m_title->setTextFormat(Qt::PlainText);
    m_summary->setObjectName(QStringLiteral("fleetTaskSummary"));
    m_summary->setForegroundRole(QPalette::PlaceholderText);
    m_stop->setObjectName(QStringLiteral("fleetTaskStop"));
    m_stop->setToolTip(tr("Close the windows now; their reports are written and fetched"));
    m_cancel->setObjectName(QStringLiteral("fleetTaskCancel"));
    m_cancel->setToolTip(tr("Give up what has no result yet; what a node has finished stays there"));
    m_close->setText(QStringLiteral("✕"));
    m_close->setAutoRaise(true);
    m_close->setToolTip(tr("Close this list"));
    m_close->setAccessibleName(m_close->toolTip());
    m_lines->setObjectName(QStringLiteral("fleetTaskLines"));
    m_lines->setAccessibleName(tr("Progress by node"));
    m_lines->setColumnCount(2);
    m_lines->setHeaderHidden(true);
    m_lines->setRootIsDecorated(false);
    m_lines->setUniformRowHeights(true);
    m_lines->setFrameShape(QFrame::NoFrame);
    m_lines->header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    m_lines->header()->setStretchLastSection(true);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(10, 4, 6, 2);
    bar->addWidget(m_title);
    bar->addSpacing(6);
    bar->addWidget(m_summary, 1);
    for (QWidget* button : {static_cast<QWidget*>(m_stop), static_cast<QWidget*>(m_cancel), static_cast<QWidget*>(m_close)})
        bar->addWidget(button);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(bar);
    auto* lines = new QHBoxLayout;
    lines->setContentsMargins(6, 0, 6, 2);
    lines->addWidget(m_lines);
    column->addLayout(lines);
    hide();

    connect(m_stop, &QPushButton::clicked, this, [this] {
        if (m_task)
            m_task->stop();
    });
    connect(m_cancel, &QPushButton::clicked, this, [this] {
        if (m_task)
            m_task->cancel();
    });
    connect(m_close, &QToolButton::clicked, this, &QWidget::hide);
    for (FleetTask* task : tasks) {
        connect(task, &FleetTask::changed, this, [this, task] { showTask(*task); });
        if (task->isBusy())
            showTask(*task); // begun before this page was opened
    }
}

void FleetTaskPanel::showTask(FleetTask& task)
{
    const bool isNew = m_task != &task || (task.isBusy() && !m_wasBusy);
    m_task = &task;
    m_wasBusy = task.isBusy();
    refresh();
    if (isNew)
        show();
}

QString FleetTaskPanel::summary() const
{
    return m_summary->text();
}

void FleetTaskPanel::refresh()
{
    if (!m_task)
        return;
    const std::vector<FleetStep> steps = m_task->steps();
    const widgets::Theme& theme = widgets::Theme::forPalette(palette());
    m_title->setText(m_task->title());
    m_summary->setText(summaryOf(steps));
    m_stop->setVisible(m_task->canStop());
    m_cancel->setVisible(m_task->isBusy());
    m_close->setVisible(!m_task->isBusy());
    while (m_lines->topLevelItemCount() > static_cast<int>(steps.size()))
        delete m_lines->takeTopLevelItem(m_lines->topLevelItemCount() - 1);
    for (std::size_t i = 0; i < steps.size(); ++i) {
        QTreeWidgetItem* line = m_lines->topLevelItem(static_cast<int>(i));
        if (!line)
            line = new QTreeWidgetItem(m_lines);
        line->setText(0, steps[i].node);
        line->setText(1, lineText(steps[i]));
        line->setForeground(1, colourOf(steps[i].kind, theme));
        line->setToolTip(1, steps[i].text);
    }
    const int height = m_lines->sizeHintForRow(0) * std::min(kMostLines, std::max(1, static_cast<int>(steps.size()))) + 4;
    m_lines->setFixedHeight(height);
}

void FleetTaskPanel::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        refresh();
}

} // namespace gantry::desktop
