#pragma once

#include "stage.h"

#include <QSize>

#include <functional>
#include <string>
#include <vector>

namespace gantry::desktop_test {

/// A view or state of the window that pictures are taken of.
struct Scene
{
    std::string name; ///< of the file
    /// Brings the window there and returns once it is; throws std::runtime_error where that fails.
    std::function<void(Stage&)> play;
    QSize size{1600, 1000};
    desktop::TraceSource source;
};

/// All that pictures are taken of.
[[nodiscard]] std::vector<Scene> allScenes();

/// Of these, those of a node that is added and connected to.
void addConnections(std::vector<Scene>& scenes);
/// And those of many nodes.
void addFleet(std::vector<Scene>& scenes);
/// And those of the page of one node.
void addNodePages(std::vector<Scene>& scenes);

} // namespace gantry::desktop_test
