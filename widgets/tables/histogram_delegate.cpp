#include "widgets/tables/histogram_delegate.h"

#include "widgets/tables/statistics_model.h"
#include "widgets/theme/theme.h"

#include <QPainter>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr int kMarginX = 6, kMarginY = 3; // px around the bars

} // namespace

void HistogramDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    QStyledItemDelegate::paint(painter, option, index); // the background
    const auto histogram = index.data(StatisticsModel::kHistogramRole).value<analysis::DurationHistogram>();
    const std::uint32_t highest = *std::max_element(histogram.begin(), histogram.end());
    const QRect room = option.rect.adjusted(kMarginX, kMarginY, -kMarginX, -kMarginY);
    if (highest == 0 || room.width() < static_cast<int>(histogram.size()))
        return;
    const Theme& theme = Theme::forPalette(option.palette);
    painter->fillRect(QRect(room.left(), room.bottom(), room.width(), 1), theme.border);
    const QColor color = option.state.testFlag(QStyle::State_Selected) ? option.palette.color(QPalette::HighlightedText) : theme.accent;
    for (std::size_t step = 0; step < histogram.size(); ++step) {
        if (histogram[step] == 0)
            continue;
        const int left = room.left() + static_cast<int>(step) * room.width() / static_cast<int>(histogram.size());
        const int right = room.left() + static_cast<int>(step + 1) * room.width() / static_cast<int>(histogram.size());
        // The square root: a tail of few is still seen beside a peak of many.
        const int height =
            std::max(1, static_cast<int>(std::lround(room.height() * std::sqrt(static_cast<double>(histogram[step]) / highest))));
        painter->fillRect(QRect(left, room.bottom() - height + 1, std::max(1, right - left - 1), height), color);
    }
}

} // namespace gantry::widgets
