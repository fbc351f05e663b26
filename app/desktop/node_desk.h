#pragma once

#include "app/desktop/message_bar.h"
#include "app/desktop/node_controller.h"

#include <QObject>
#include <QPointer>

class QDialog;
class QWidget;

namespace gantry::desktop {

class NodeList;
class Settings;

/// What stands between a person and the connections to nodes: adds nodes, asks what a connection asks, one question at a time, and tells
/// once what became of a connection that was lost. UI thread.
class NodeDesk : public QObject
{
    Q_OBJECT

public:
    /// All outlive this; dialogs belong to the window.
    NodeDesk(NodeList& nodes, Settings& settings, jobs::JobRunner& runner, QWidget& window);

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
    void tellOfReturn(const NodeController& node, const Outage& outage);

    NodeList& m_nodes;
    Settings& m_settings;
    jobs::JobRunner& m_runner;
    QWidget& m_window;
    QPointer<QDialog> m_dialog;                 ///< with a question
    std::shared_ptr<PersonQuestion> m_question; ///< that it asks
};

} // namespace gantry::desktop
