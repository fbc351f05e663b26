#include "app/desktop/node_log_panel.h"

#include "app/desktop/log_panel.h"
#include "app/desktop/notice_stack.h"
#include "app/desktop/text.h"

#include <QComboBox>
#include <QSignalBlocker>

#include <algorithm>
#include <functional>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr std::uint32_t kLastLines = 2000;

} // namespace

NodeLogPanel::NodeLogPanel(NodeController& node, QWidget* parent)
    : NodePanel(node, parent), m_log(new LogPanel(this)), m_source(new QComboBox(this))
{
    m_source->setObjectName(QStringLiteral("logSource"));
    m_source->setAccessibleName(tr("Whose log"));
    m_source->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    m_source->setMinimumWidth(90);
    m_source->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    m_log->addToBar(*m_source);
    m_log->setPlaceholder(tr("No line yet."));
    setContent(*m_log);
    connect(m_source, &QComboBox::currentIndexChanged, this, [this] { setSource(m_source->currentData().toString().toStdString()); });
    connect(&node, &NodeController::contentChanged, this, &NodeLogPanel::refreshSources);
    refreshSources();
}

NodeLogPanel::~NodeLogPanel() = default;

void NodeLogPanel::refreshSources()
{
    if (!node())
        return;
    const QSignalBlocker quiet(m_source);
    m_source->clear();
    m_source->addItem(tr("gantryd"), QString());
    for (const proto::Target& target : node()->targets()) {
        const bool isRunning = target.state == proto::TargetState::Running || target.state == proto::TargetState::Starting;
        m_source->addItem(isRunning ? toQString(target.name)
                                    : tr("%1 (%2)").arg(toQString(target.name), toQString(proto::name(target.state))),
                          toQString(target.id));
    }
    const int index = m_source->findData(toQString(m_targetId));
    m_source->setCurrentIndex(std::max(0, index));
    if (index < 0)
        setSource({}); // the server is forgotten
}

void NodeLogPanel::setSource(const std::string& targetId)
{
    if (std::exchange(m_targetId, targetId) == targetId)
        return;
    const QSignalBlocker quiet(m_source);
    m_source->setCurrentIndex(std::max(0, m_source->findData(toQString(targetId))));
    m_feed.reset();
    m_log->clear();
    if (isVisible())
        ask();
}

void NodeLogPanel::ask()
{
    const auto client = this->client();
    if (!client || m_feed)
        return;
    m_log->clear(); // the last lines come again
    m_feed = std::make_unique<StreamFeed<proto::LogLine>>(
        [client, id = m_targetId](const std::function<void(const proto::LogLine&)>& emitItem, std::stop_token stop) {
            return client->tailLog(id, kLastLines, emitItem, std::move(stop));
        },
        [this](const std::vector<proto::LogLine>& lines, std::size_t dropped) { m_log->append(lines, dropped); },
        [this](const Result<void>& how) { onEnd(how); });
    stack().showContent();
}

void NodeLogPanel::onEnd(const Result<void>& how)
{
    m_feed.reset();
    if (!how && client())
        showFailure(how.error());
}

void NodeLogPanel::stopAsking()
{
    m_feed.reset();
}

void NodeLogPanel::hideEvent(QHideEvent* event)
{
    stopAsking();
    NodePanel::hideEvent(event);
}

} // namespace gantry::desktop
