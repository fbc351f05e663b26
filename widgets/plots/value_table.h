#pragma once

#include "widgets/plots/panel_view.h"

class QTableWidget;

namespace gantry::widgets {

/// A row for each curve: its newest value, and the smallest, the largest and the mean of the time that is shown. UI thread.
class ValueTable : public PanelView
{
    Q_OBJECT

public:
    explicit ValueTable(QWidget* parent = nullptr);

protected:
    void draw(const Theme& theme) override;

private:
    void fillRow(int row, const PlotCurve& curve, const Theme& theme);

    QTableWidget* m_table;
};

} // namespace gantry::widgets
