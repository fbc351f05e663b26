#pragma once

#include "app/desktop/message_bar.h"
#include "app/desktop/node_controller.h"

#include <QObject>
#include <QPointer>

#include <memory>
#include <vector>

class QDialog;
class QWidget;

namespace gantry::desktop {

class Keyring;
class NodeList;
class SecretKeeper;
class Settings;

/// What stands between a person and the connections to nodes: adds nodes, asks what a connection asks, one question at a time, and tells
/// once what became of connections that were lost, in one message where they come back together. UI thread.
class NodeDesk : public QObject
{
    Q_OBJECT

public:
    /// All outlive this; dialogs belong to the window.
    NodeDesk(NodeList& nodes, Settings& settings, jobs::JobRunner& runner, QWidget& window);
    ~NodeDesk() override;

    /// Where secrets may be kept; none at first.
    void setKeyring(std::unique_ptr<Keyring> keyring);

    /// Asks for a node and opens it.
    void askForNode();
    /// Asks how a node is to be called.
    void askForLabel(NodeController& node);

signals:
    /// A node was opened on the person's behalf.
    void nodeOpened();
    void told(const gantry::desktop::MessageBar::Message& message);
    void clearRequested(const QString& topic);
    void logged(const QString& line);

private:
    void watchNodes();
    void showQuestion();
    void showDialog(const NodeController& node);
    void tellOfReturns();
    void forgetReturnOf(const NodeController& node);

    /// A node that was away and is back.
    struct Return
    {
        QPointer<NodeController> node;
        Outage outage;
    };

    NodeList& m_nodes;
    Settings& m_settings;
    jobs::JobRunner& m_runner;
    QWidget& m_window;
    QPointer<QDialog> m_dialog;                 ///< with a question
    std::shared_ptr<PersonQuestion> m_question; ///< that it asks, or that the keyring is asked for
    bool m_isLookingUp = false;                 ///< there
    std::unique_ptr<SecretKeeper> m_keeper;
    std::vector<Return> m_returns; ///< that the message on show is about
};

} // namespace gantry::desktop
