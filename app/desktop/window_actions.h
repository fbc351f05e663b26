#pragma once

#include <QMainWindow>

class QAction;
class QMenu;
class QMenuBar;

namespace gantry::desktop {

/// Every action of the window, with its text and shortcut; the menus; and the help page made from them. Nothing here knows
/// what an action does: the window connects them.
struct WindowActions
{
    explicit WindowActions(QMainWindow& window);

    /// Puts the actions into the menu bar. `capture` and `recorder` are those of the toolbar.
    void buildMenus(QMenuBar& bar, const QList<QAction*>& capture, const QList<QAction*>& recorder);
    /// The name and key of every action, by menu, as a table in rich text.
    [[nodiscard]] QString shortcutTable(const QMenuBar& bar) const;

    // File
    QAction* open;
    QAction* openTogether;
    QAction* clockOffsets;
    QAction* exportTrace;
    QAction* saveView;
    QAction* closeTab;
    QAction* exportScreenshot;
    QAction* clearRecent;
    QAction* quit;
    // Node
    QAction* connectNode;
    QAction* disconnectNode;
    QAction* refreshNode;
    QAction* showNode;
    QAction* launch;
    // Capture
    QAction* cancelCapture;
    // Compare
    QAction* compare;
    QAction* openBeside;
    QAction* sweep;
    // View
    QAction* zoomIn;
    QAction* zoomOut;
    QAction* zoomToSelection;
    QAction* fit;
    QAction* back;
    QAction* forward;
    QAction* copyLink;
    QAction* hideRow;
    QAction* showHiddenRows;
    QAction* pinRow;
    QAction* moveRowUp;
    QAction* moveRowDown;
    QAction* packRequests;
    QAction* requestsByInstance;
    QAction* slowestFirst;
    QAction* requestsByModel;
    QAction* requestsTogether;
    QAction* chooseRow;
    QAction* filterRows;
    QAction* darkTheme;
    QAction* showLive;
    QAction* showInLive;
    QAction* showFleet;
    QAction* nextTab;
    QAction* previousTab;
    // Marks
    QAction* addMark;
    QAction* nextMark;
    QAction* previousMark;
    QAction* removeMark;
    // Search
    QAction* filterEvents;
    QAction* showFindings;
    QAction* find;
    QAction* nextMatch;
    QAction* previousMatch;
    QAction* jumpToTime;
    QAction* nextGap;
    QAction* gapLongerThan;
    QAction* slowestRequest;
    QAction* slowerRequest;
    QAction* commands;
    // Help
    QAction* shortcuts;
    QAction* about;

    QMenu* recentMenu = nullptr; ///< filled by the window when it opens
    QMenu* marksMenu = nullptr;  ///< the marks of the report in front come after its actions
    QMenu* docksMenu = nullptr;  ///< the docks' toggle actions go here
};

} // namespace gantry::desktop
