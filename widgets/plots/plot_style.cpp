#include "widgets/plots/plot_style.h"

#include "widgets/theme/theme.h"

#include <qcustomplot.h>

namespace gantry::widgets {

void stylePlot(QCustomPlot& plot, const Theme& theme, const QFont& font)
{
    plot.setBackground(QBrush(theme.base));
    QFont small = font;
    small.setPointSizeF(font.pointSizeF() * 0.85);
    for (QCPAxis* axis : {plot.xAxis, plot.yAxis}) {
        axis->setBasePen(QPen(theme.border));
        axis->setTickPen(QPen(theme.border));
        axis->setSubTickPen(Qt::NoPen);
        axis->setTickLabelColor(theme.weakText);
        axis->setTickLabelFont(small);
        axis->setLabelColor(theme.weakText);
        axis->setLabelFont(small);
        axis->grid()->setPen(QPen(theme.gridLine));
        axis->grid()->setZeroLinePen(QPen(theme.gridLine));
        axis->setTickLengthIn(0);
        axis->setTickLengthOut(3);
    }
}

} // namespace gantry::widgets
