#include "app/desktop/live_bar.h"

#include "app/desktop/text.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QToolButton>

#include <algorithm>

namespace gantry::desktop {
namespace {

constexpr DurationNs kTenth = 100'000'000;
constexpr DurationNs kMinute = 60'000'000'000;

} // namespace

LiveBar::LiveBar(QWidget* parent)
    : QWidget(parent),
      m_dashboard(new QComboBox(this)),
      m_span(new QComboBox(this)),
      m_pause(new QToolButton(this)),
      m_scroll(new QScrollBar(Qt::Horizontal, this))
{
    m_dashboard->setObjectName(QStringLiteral("dashboard"));
    m_dashboard->setToolTip(tr("Which plots are shown. Files of %1 are offered, too.").arg(Dashboards::userFolder()));
    m_dashboard->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_dashboard->addItem(tr("Overview"));
    m_span->setObjectName(QStringLiteral("span"));
    m_span->setToolTip(tr("How much time the plots show at most"));
    for (const auto& [text, minutes] : {std::pair(tr("1 min"), 1), std::pair(tr("10 min"), 10), std::pair(tr("1 h"), 60)})
        m_span->addItem(text, QVariant::fromValue<qlonglong>(minutes * kMinute));
    m_pause->setObjectName(QStringLiteral("pause"));
    m_pause->setCheckable(true);
    m_pause->setText(tr("Pause"));
    m_pause->setToolTip(tr("Let the plots stand still; what is measured meanwhile is kept"));
    m_scroll->setObjectName(QStringLiteral("scrollBack"));
    m_scroll->setToolTip(tr("Scroll back; at the right end the plots follow the node"));
    m_scroll->setMinimumWidth(80);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(10, 4, 10, 0);
    row->addWidget(m_dashboard);
    row->addWidget(m_span);
    row->addWidget(m_pause);
    row->addWidget(m_scroll, 1);
    connect(m_dashboard, &QComboBox::currentIndexChanged, this, &LiveBar::changed);
    connect(m_span, &QComboBox::currentIndexChanged, this, [this] {
        setReach(m_reach);
        emit changed();
    });
    connect(m_pause, &QToolButton::toggled, this, [this](bool isPaused) {
        setFollowing(!isPaused);
        emit changed();
    });
    connect(m_scroll, &QScrollBar::valueChanged, this, [this](int value) {
        const QSignalBlocker block(m_pause);
        m_pause->setChecked(value < m_scroll->maximum());
        emit changed();
    });
}

void LiveBar::setFollowing(bool isFollowing)
{
    const QSignalBlocker block(m_scroll);
    m_scroll->setValue(isFollowing ? m_scroll->maximum() : std::max(0, m_scroll->maximum() - 1));
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

const KnownDashboard* LiveBar::chosen() const
{
    const int index = m_dashboard->currentIndex() - 1;
    return index >= 0 && index < static_cast<int>(m_offered.size()) ? m_offered[static_cast<std::size_t>(index)] : nullptr;
}

DurationNs LiveBar::span() const
{
    return m_span->currentData().toLongLong();
}

DurationNs LiveBar::behind() const
{
    return (m_scroll->maximum() - m_scroll->value()) * kTenth;
}

/// What is shown stays where it is in time: its distance from now grows with the reach.
void LiveBar::setReach(DurationNs reach)
{
    const bool isFollowing = behind() == 0;
    m_reach = reach;
    const QSignalBlocker block(m_scroll);
    m_scroll->setMaximum(static_cast<int>(std::max<DurationNs>(0, reach - span()) / kTenth) + 1);
    m_scroll->setPageStep(static_cast<int>(span() / kTenth));
    m_scroll->setSingleStep(10);
    if (isFollowing)
        m_scroll->setValue(m_scroll->maximum());
}

} // namespace gantry::desktop
