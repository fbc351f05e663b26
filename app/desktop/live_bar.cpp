#include "app/desktop/live_bar.h"

#include "app/desktop/text.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QToolButton>

#include <algorithm>
#include <utility>

namespace gantry::desktop {
namespace {

constexpr DurationNs kTenth = 100'000'000;
constexpr DurationNs kMinute = 60'000'000'000;
constexpr DurationNs kUsualSpans = 60 * kMinute; // as long as samples of a node are kept here

} // namespace

LiveBar::LiveBar(QWidget* parent)
    : QWidget(parent),
      m_dashboard(new QComboBox(this)),
      m_span(new QComboBox(this)),
      m_earlier(new QComboBox(this)),
      m_more(new QToolButton(this)),
      m_menu(new QMenu(m_more)),
      m_pause(new QToolButton(this)),
      m_scroll(new QScrollBar(Qt::Horizontal, this))
{
    m_dashboard->setObjectName(QStringLiteral("dashboard"));
    m_dashboard->setToolTip(tr("Which plots are shown. Files of %1 are offered, too.").arg(Dashboards::userFolder()));
    m_dashboard->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_dashboard->addItem(tr("Overview"));
    m_more->setObjectName(QStringLiteral("dashboardMenu"));
    m_more->setText(QStringLiteral("…"));
    m_more->setAccessibleName(tr("Change dashboards"));
    m_more->setToolTip(tr("Edit, copy or make a dashboard"));
    m_more->setPopupMode(QToolButton::InstantPopup);
    m_more->setStyleSheet(QStringLiteral("QToolButton::menu-indicator { image: none; }")); // the dots say it
    m_more->setMenu(m_menu);
    connect(m_menu, &QMenu::aboutToShow, this, &LiveBar::fillMenu);
    m_span->setObjectName(QStringLiteral("span"));
    m_span->setToolTip(tr("How much time the plots show at most"));
    offerSpans(kUsualSpans);
    m_earlier->setObjectName(QStringLiteral("earlier"));
    m_earlier->setToolTip(tr("Draws the same an earlier time before, as dashes"));
    m_earlier->addItem(tr("Not compared"), QVariant::fromValue<qlonglong>(0));
    for (const int minutes : {1, 5, 10, 30})
        m_earlier->addItem(tr("with %1 min before").arg(minutes), QVariant::fromValue<qlonglong>(minutes * kMinute));
    m_pause->setObjectName(QStringLiteral("pause"));
    m_pause->setCheckable(true);
    m_pause->setText(tr("Pause"));
    m_pause->setToolTip(tr("Let the plots stand still; what is measured meanwhile is kept"));
    m_scroll->setObjectName(QStringLiteral("scrollBack"));
    m_scroll->setToolTip(tr("Scroll back; at the right end the plots follow the node"));
    m_scroll->setMinimumWidth(50);
    // A narrow window cuts what boxes say, and none of them away.
    m_dashboard->setMinimumWidth(90);
    m_span->setMinimumWidth(56);
    m_earlier->setMinimumWidth(72);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(10, 4, 10, 0);
    row->addWidget(m_dashboard);
    row->addWidget(m_more);
    row->addWidget(m_span);
    row->addWidget(m_earlier);
    row->addWidget(m_pause);
    row->addWidget(m_scroll, 1);
    connect(m_dashboard, &QComboBox::currentIndexChanged, this, &LiveBar::changed);
    connect(m_earlier, &QComboBox::currentIndexChanged, this, &LiveBar::changed);
    connect(m_span, &QComboBox::currentIndexChanged, this, [this] {
        setReach(m_reach);
        emit changed();
    });
    connect(m_pause, &QToolButton::toggled, this, [this](bool isPaused) {
        setBehind(isPaused ? kTenth : 0);
        emit changed();
    });
    connect(m_scroll, &QScrollBar::valueChanged, this, [this](int value) {
        setBehind((m_scroll->maximum() - value) * kTenth);
        emit changed();
    });
}

void LiveBar::setBehind(DurationNs behind)
{
    m_behind = behind;
    const QSignalBlocker blockPause(m_pause), blockScroll(m_scroll);
    m_pause->setChecked(behind > 0);
    m_scroll->setValue(m_scroll->maximum() - static_cast<int>(behind / kTenth));
}

void LiveBar::scrollTo(DurationNs behind)
{
    setBehind(std::clamp<DurationNs>(behind, 0, std::max<DurationNs>(0, m_reach - span())));
    emit changed();
}

void LiveBar::follow()
{
    m_reach = 0;
    setBehind(0);
}

void LiveBar::offer(const std::vector<const KnownDashboard*>& dashboards)
{
    if (dashboards == m_offered)
        return;
    const KnownDashboard* before = chosen();
    const QSignalBlocker block(m_dashboard);
    m_offered = dashboards;
    while (m_dashboard->count() > 1)
        m_dashboard->removeItem(1);
    for (const KnownDashboard* dashboard : m_offered) {
        m_dashboard->addItem(toQString(dashboard->dashboard.title));
        m_dashboard->setItemData(m_dashboard->count() - 1, toQString(dashboard->dashboard.about), Qt::ToolTipRole);
    }
    const auto again = std::find(m_offered.begin(), m_offered.end(), before);
    m_dashboard->setCurrentIndex(before && again != m_offered.end() ? static_cast<int>(again - m_offered.begin()) + 1 : 0);
}

void LiveBar::offerSpans(DurationNs longest)
{
    if (std::exchange(m_longestSpan, longest) == longest)
        return;
    const DurationNs before = span();
    const QSignalBlocker block(m_span);
    m_span->clear();
    for (const auto& [text, minutes] :
         {std::pair(tr("1 min"), 1), std::pair(tr("10 min"), 10), std::pair(tr("1 h"), 60), std::pair(tr("6 h"), 6 * 60),
          std::pair(tr("1 day"), 24 * 60), std::pair(tr("7 days"), 7 * 24 * 60)})
        if (minutes * kMinute <= longest)
            m_span->addItem(text, QVariant::fromValue<qlonglong>(minutes * kMinute));
    const int again = m_span->findData(QVariant::fromValue<qlonglong>(before));
    m_span->setCurrentIndex(again >= 0 ? again : before == 0 ? 0 : m_span->count() - 1);
}

void LiveBar::choose(const QString& key)
{
    const auto found = std::find_if(m_offered.begin(), m_offered.end(), [&](const KnownDashboard* one) { return one->key == key; });
    m_dashboard->setCurrentIndex(found == m_offered.end() ? 0 : static_cast<int>(found - m_offered.begin()) + 1);
}

void LiveBar::fillMenu()
{
    m_menu->clear();
    const KnownDashboard* dashboard = chosen();
    QAction* edit = m_menu->addAction(dashboard ? tr("&Edit…") : tr("&Edit… (the overview is made by Gantry: choose or make another)"),
                                      this, &LiveBar::editRequested);
    edit->setObjectName(QStringLiteral("editDashboard"));
    edit->setEnabled(dashboard);
    m_menu->addAction(tr("&Copy…"), this, &LiveBar::copyRequested)->setEnabled(dashboard);
    m_menu->addAction(tr("&New…"), this, &LiveBar::newRequested)->setObjectName(QStringLiteral("newDashboard"));
    QAction* remove = m_menu->addAction(tr("&Remove what I changed"), this, &LiveBar::removeRequested);
    remove->setObjectName(QStringLiteral("removeDashboard"));
    remove->setEnabled(dashboard && dashboard->isOwn);
}

const KnownDashboard* LiveBar::chosen() const
{
    const int index = m_dashboard->currentIndex() - 1;
    return index >= 0 && index < static_cast<int>(m_offered.size()) ? m_offered[static_cast<std::size_t>(index)] : nullptr;
}

DurationNs LiveBar::span() const
{
    return m_span->currentData().toLongLong();
}

DurationNs LiveBar::earlier() const
{
    return m_earlier->currentData().toLongLong();
}

void LiveBar::setReach(DurationNs reach)
{
    const DurationNs grown = m_reach > 0 ? std::max<DurationNs>(0, reach - m_reach) : 0;
    m_reach = reach;
    const DurationNs behind = m_behind > 0 ? m_behind + grown : 0;
    {
        const QSignalBlocker block(m_scroll);
        m_scroll->setMaximum(static_cast<int>(std::max(behind, reach - span()) / kTenth));
        m_scroll->setPageStep(static_cast<int>(span() / kTenth));
        m_scroll->setSingleStep(10);
    }
    setBehind(behind);
}

} // namespace gantry::desktop
