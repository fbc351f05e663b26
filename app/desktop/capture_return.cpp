#include "app/desktop/capture_return.h"

#include "app/desktop/capture_controller.h"
#include "app/desktop/node_list.h"

#include <algorithm>
#include <chrono>

namespace gantry::desktop {

namespace {

constexpr int kLongestWait = 4; ///< as a power of two of seconds

} // namespace

CaptureReturn::CaptureReturn(CaptureController& capture, NodeList& nodes, QObject* parent)
    : QObject(parent), m_capture(capture), m_nodes(nodes)
{
    m_again.setSingleShot(true);
    connect(&m_again, &QTimer::timeout, this, &CaptureReturn::tryAgain);
    connect(&m_nodes, &NodeList::nodesChanged, this, &CaptureReturn::watchNodes);
    connect(&m_capture, &CaptureController::changed, this, &CaptureReturn::followNode);
    connect(&m_capture, &CaptureController::wentAway, this, &CaptureReturn::look);
    watchNodes();
}

void CaptureReturn::watchNodes()
{
    for (const auto& node : m_nodes.nodes())
        connect(node.get(), &NodeController::stateChanged, this, &CaptureReturn::look, Qt::UniqueConnection);
    look();
}

void CaptureReturn::followNode()
{
    if (!m_capture.isBusy() || m_capture.isAway())
        return;
    for (const auto& node : m_nodes.nodes())
        if (node->client() && node->client() == m_capture.client())
            m_node = node.get();
}

void CaptureReturn::look()
{
    if (!m_capture.isAway())
        return;
    const bool isKnown =
        std::any_of(m_nodes.nodes().begin(), m_nodes.nodes().end(), [this](const auto& node) { return node.get() == m_node; });
    const NodeController* node = isKnown ? m_node.data() : nullptr;
    if (!node || node->state() == NodeController::State::Disconnected)
        return m_capture.giveUp(
            Error{ErrorCode::Unreachable, "the connection to its node was lost, and the node was disconnected then", {}});
    if (node->state() != NodeController::State::Connected)
        return;
    if (node->client() != m_capture.client()) {
        m_attempts = 0;
        return m_capture.goOn(node->client());
    }
    // Either the node has not yet been found to be gone, or it is not, and the way that reports take is.
    if (!m_again.isActive())
        m_again.start(std::chrono::seconds(1 << std::min(m_attempts++, kLongestWait)));
}

void CaptureReturn::tryAgain()
{
    if (m_node && m_node->state() == NodeController::State::Connected)
        m_capture.goOn(m_node->client());
}

} // namespace gantry::desktop
