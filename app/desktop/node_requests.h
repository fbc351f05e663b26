#pragma once

#include <QString>

class QWidget;

namespace gantry::desktop {

class NodeController;

// Questions before something on a node is ended for good. Each opens a box over `window` and returns at once. UI thread.

void askToDeleteReport(NodeController& node, const QString& reportName, QWidget& window);
void askToStopTarget(NodeController& node, const QString& targetId, QWidget& window);
void askToRestartTarget(NodeController& node, const QString& targetId, QWidget& window);

} // namespace gantry::desktop
