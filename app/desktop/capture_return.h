#pragma once

#include <QObject>
#include <QPointer>
#include <QTimer>

namespace gantry::desktop {

class CaptureController;
class NodeController;
class NodeList;

/// Lets a capture or fetch that was cut off go on once its node is there again, over the connection that the node has then; ends it when
/// the person disconnects the node. UI thread.
class CaptureReturn : public QObject
{
    Q_OBJECT

public:
    /// Both outlive this.
    CaptureReturn(CaptureController& capture, NodeList& nodes, QObject* parent = nullptr);

private:
    void watchNodes();
    void look();
    void tryAgain();
    /// Remembers whose connection it is, while it is one.
    void followNode();

    CaptureController& m_capture;
    NodeList& m_nodes;
    QPointer<NodeController> m_node; ///< of the capture; null: the person has removed it
    QTimer m_again;                  ///< until the same connection is tried once more
    int m_attempts = 0;
};

} // namespace gantry::desktop
