#include "app/desktop/alert_desk.h"

#include "app/desktop/alert_panel.h"
#include "app/desktop/icons.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/node_controller.h"
#include "app/desktop/node_page.h"
#include "app/desktop/page_area.h"
#include "app/desktop/text.h"

#include <QSystemTrayIcon>

namespace gantry::desktop {

namespace {

const char kTopic[] = "alert";

} // namespace

AlertDesk::AlertDesk(NodeList& nodes, PageArea& pages, MessageBar& messages, Settings& settings, QObject* parent)
    : QObject(parent), m_messages(messages), m_commands(settings), m_watch(nodes)
{
    connect(&pages, &PageArea::nodeOpened, this, [this](NodePage* page) { page->alerts().setCommands(m_commands); });
    connect(&m_watch, &AlertWatch::fired, this, [this](NodeController* node, const proto::AlertState& state) { onFired(*node, state); });
    connect(&m_commands, &AlertCommands::failed, this, [this](const QString& sentence) {
        m_messages.showAside({MessageBar::Kind::Warning, sentence, tr("What it said stands in the tab Alerts of the node."), {}, {}, {}});
    });
}

void AlertDesk::onFired(NodeController& node, const proto::AlertState& state)
{
    if (state.rule.notifies) {
        QString text = toQString(state.rule.condition);
        if (!state.value.empty())
            text = tr("%1: now %2").arg(text, toQString(state.value));
        notify(tr("%1: \"%2\" fires").arg(node.title(), toQString(state.rule.name)), text);
    }
    m_commands.run(QString::fromStdString(node.address()), node.title(), state);
}

/// Where there is no tray, the desktop has no place for it, and the window says it.
void AlertDesk::notify(const QString& title, const QString& text)
{
    if (!QSystemTrayIcon::isSystemTrayAvailable() || !QSystemTrayIcon::supportsMessages())
        return m_messages.showAside({MessageBar::Kind::Warning, tr("%1 (%2).").arg(title, text), {}, {}, {}, QString::fromLatin1(kTopic)});
    if (!m_tray) {
        m_tray = new QSystemTrayIcon(icons::application(), this);
        m_tray->setToolTip(tr("Gantry"));
        m_tray->show();
    }
    // Some desktops read marks of HTML in it, and a node's words are none.
    QString plain = text;
    m_tray->showMessage(title, plain.replace(QLatin1Char('<'), QChar(0x2039)), QSystemTrayIcon::Warning);
}

} // namespace gantry::desktop
