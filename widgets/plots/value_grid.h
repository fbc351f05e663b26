#pragma once

#include "widgets/plots/panel_view.h"

namespace gantry::widgets {

/// Panels that show values and no time axis, painted in one piece: tiles (a large number, a gauge where the values have an end, and a small
/// curve of the time that is shown) or bars beside each other. UI thread.
class ValueGrid : public PanelView
{
    Q_OBJECT

public:
    explicit ValueGrid(QWidget* parent = nullptr);
    ~ValueGrid() override;

    void applyTheme(const Theme& theme, const QFont& font) override;

protected:
    void draw(const Theme& theme) override;

private:
    class Canvas;
    Canvas* m_canvas;
};

} // namespace gantry::widgets
