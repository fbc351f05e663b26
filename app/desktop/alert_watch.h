#pragma once

#include "app/desktop/stream_feed.h"
#include "remote_server/proto/live_types.h"

#include <QElapsedTimer>
#include <QObject>

#include <cstdint>
#include <map>
#include <memory>
#include <string>

namespace gantry::desktop {

class NodeController;
class NodeList;

/// Hears of the rules of all connected nodes. UI thread.
class AlertWatch : public QObject
{
    Q_OBJECT

public:
    explicit AlertWatch(NodeList& nodes, QObject* parent = nullptr);
    ~AlertWatch() override;

    enum class Heard
    {
        AtFirst, ///< of what there was before anybody listened
        Later
    };
    /// What a node says of a rule now.
    void take(NodeController& node, const proto::AlertState& state, Heard heard);

signals:
    /// A rule has begun to fire, or fires and had not when the node was heard last. Not told of what fired before its
    /// node was connected for the first time, nor of what quiet hours or the rule's pause hold back.
    void fired(gantry::desktop::NodeController* node, const gantry::proto::AlertState& state);

private:
    void watchNodes();
    void follow(NodeController& node);

    NodeList& m_nodes;
    struct Feed
    {
        std::unique_ptr<StreamFeed<proto::AlertState>> stream; ///< null: not connected
        QElapsedTimer since;
    };
    std::map<NodeController*, Feed> m_feeds;
    std::map<std::string, std::map<std::string, std::int64_t>>
        m_fired; ///< by address and rule: when it began last, ns since 1970; 0: never
};

} // namespace gantry::desktop
