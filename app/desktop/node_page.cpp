#include "app/desktop/node_page.h"

#include "app/desktop/fleet_tile.h"
#include "app/desktop/node_log_panel.h"
#include "app/desktop/process_panel.h"
#include "app/desktop/readiness_panel.h"
#include "app/desktop/readiness_text.h"
#include "app/desktop/reports_panel.h"
#include "app/desktop/text.h"
#include "widgets/theme/elided_label.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QTabWidget>
#include <QVBoxLayout>

namespace gantry::desktop {

NodePage::NodePage(NodeController& node, jobs::JobRunner& runner, QWidget* parent)
    : QWidget(parent),
      m_node(&node),
      m_heading(new QLabel(this)),
      m_about(new widgets::ElidedLabel(Qt::ElideRight, this)),
      m_live(new QPushButton(tr("Show &live"), this)),
      m_launch(new QPushButton(tr("La&unch…"), this)),
      m_readiness(new ReadinessPanel(node)),
      m_processes(new ProcessPanel(node, runner)),
      m_reports(new ReportsPanel(node, runner)),
      m_log(new NodeLogPanel(node)),
      m_tabs(new QTabWidget(this))
{
    m_heading->setTextFormat(Qt::PlainText);
    QFont bold = m_heading->font();
    bold.setBold(true);
    m_heading->setFont(bold);
    m_about->setObjectName(QStringLiteral("nodeAbout"));
    m_about->setForegroundRole(QPalette::PlaceholderText);
    m_launch->setObjectName(QStringLiteral("nodeLaunch"));
    m_launch->setToolTip(tr("Start a program on this node, ready to be captured"));
    m_tabs->setObjectName(QStringLiteral("nodeTabs"));
    m_tabs->setDocumentMode(true);
    m_tabs->addTab(m_readiness, tr("Readiness"));
    m_tabs->addTab(m_processes, tr("Processes"));
    m_tabs->addTab(m_reports, tr("Reports"));
    m_tabs->addTab(m_log, tr("Log"));
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(10, 6, 10, 4);
    bar->addWidget(m_heading);
    bar->addSpacing(6);
    bar->addWidget(m_about, 1);
    bar->addWidget(m_launch);
    bar->addWidget(m_live);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(bar);
    column->addWidget(m_tabs, 1);

    for (const auto signal : {&NodeController::stateChanged, &NodeController::contentChanged, &NodeController::titleChanged})
        connect(&node, signal, this, &NodePage::refreshHeading);
    connect(&node.readiness(), &ReadinessCheck::changed, this, &NodePage::refreshHeading);
    connect(m_reports, &ReportsPanel::reportRequested, this, &NodePage::reportRequested);
    connect(m_live, &QPushButton::clicked, this, [this] {
        if (m_node)
            emit liveRequested(m_node);
    });
    connect(m_launch, &QPushButton::clicked, this, [this] {
        if (m_node)
            emit launchRequested(m_node);
    });
    refreshHeading();
}

QString NodePage::title() const
{
    return m_title;
}

void NodePage::showTab(Tab tab)
{
    m_tabs->setCurrentIndex(static_cast<int>(tab));
}

void NodePage::refreshHeading()
{
    if (!m_node)
        return;
    m_title = m_node->title();
    m_heading->setText(m_title);
    QStringList about{stateText(*m_node)};
    if (const auto& info = m_node->info()) {
        about << tr("%1 CPUs").arg(info->cpuCount) << toQString(info->os);
        if (!info->driverVersion.empty())
            about << tr("driver %1").arg(toQString(info->driverVersion));
        about << tr("gantryd %1").arg(toQString(info->daemonVersion));
        if (!info->userName.empty())
            about << tr("as %1").arg(toQString(info->userName));
    }
    m_about->setText(about.join(QStringLiteral(" · ")));
    const bool isConnected = m_node->state() == NodeController::State::Connected;
    m_launch->setEnabled(isConnected);
    const auto& report = m_node->readiness().report();
    const bool isMarked = isConnected && report && isImpaired(*report);
    m_tabs->setTabText(static_cast<int>(Tab::Readiness), isMarked ? tr("Readiness: %1").arg(levelText(report->worst())) : tr("Readiness"));
    emit titleChanged();
}

} // namespace gantry::desktop
