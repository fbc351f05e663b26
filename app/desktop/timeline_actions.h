#pragma once

namespace gantry::desktop {

class PageArea;
struct WindowActions;

/// Connects the View menu's timeline actions (zoom, fit, back, forward) to whichever page with a timeline is in front.
void connectTimelineActions(const WindowActions& actions, PageArea& pages);

/// Lists the marks of the timeline in front in the menu, as commands that go there.
void fillMarksMenu(const WindowActions& actions, PageArea& pages);

} // namespace gantry::desktop
