#pragma once

class QCustomPlot;
class QFont;

namespace gantry::widgets {

struct Theme;

/// How axes and grids look in every plot. UI thread; paints nothing.
void stylePlot(QCustomPlot& plot, const Theme& theme, const QFont& font);

} // namespace gantry::widgets
