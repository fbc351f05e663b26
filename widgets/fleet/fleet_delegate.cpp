#include "widgets/fleet/fleet_delegate.h"

#include "widgets/fleet/fleet_model.h"
#include "widgets/theme/theme.h"

#include <QFontMetrics>
#include <QListView>
#include <QPainter>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

constexpr int kMargin = 5, kPadding = 10, kStripe = 4; // px
constexpr int kCorner = 5;                             // px
constexpr int kRowGap = 4;                             // px between the lines of a tile
constexpr int kRows = 8;                               // name, hardware, four values, activity, note
constexpr int kLeastLetters = 40;                      // that a tile has room for
constexpr int kSlack = 3;                              // px: letters reach beyond their advance, and what is as wide as its room is not cut
constexpr int kBarHeight = 9;                          // px
constexpr int kLeastBar = 3;                           // px of one of several
constexpr int kDot = 9;                                // px of what says the state by its shape
constexpr double kFull = 0.95;                         // of a memory: little is left
constexpr std::size_t kHistoryPoints = 60;

QColor stateColour(NodeTile::State state, const Theme& theme)
{
    switch (state) {
    case NodeTile::State::NeedsPerson:
    case NodeTile::State::Lost:
        return theme.bad;
    case NodeTile::State::Connecting:
        return theme.warning;
    case NodeTile::State::Connected:
        return theme.good;
    case NodeTile::State::Disconnected:
        break;
    }
    return theme.weakText;
}

/// Paints one tile from the top down.
class TilePainter
{
public:
    TilePainter(QPainter& painter, const QStyleOptionViewItem& option, const NodeTile& tile)
        : m_painter(painter),
          m_theme(Theme::forPalette(option.palette)),
          m_tile(tile),
          m_font(option.font),
          m_metrics(option.font),
          m_frame(option.rect.adjusted(kMargin, kMargin, -kMargin, -kMargin)),
          m_line(m_frame.adjusted(kStripe + kPadding, kPadding, -kPadding, 0)),
          m_isLive(tile.state == NodeTile::State::Connected)
    {
        m_line.setHeight(m_metrics.height());
        for (const char* label : {"Utilisation", "Memory", "Power", "Requests"})
            m_labelWidth = std::max(m_labelWidth, m_metrics.horizontalAdvance(FleetDelegate::tr(label)));
        m_labelWidth += kSlack;
        m_valueWidth = m_metrics.horizontalAdvance(QStringLiteral("88.8 of 88.8 GiB")) + kSlack;
    }

    void paint(bool isSelected, bool hasFocus, bool isHovered)
    {
        paintFrame(isSelected, hasFocus, isHovered);
        paintTitle();
        paintHardware();
        if (m_tile.gpus.empty()) {
            paintBars(FleetDelegate::tr("Host CPU"), {m_tile.cpuRatio}, ratioText(m_tile.cpuRatio), false);
            paintBars(FleetDelegate::tr("Memory"), {ratioOf(m_tile.hostMemoryUsedBytes, m_tile.hostMemoryTotalBytes)},
                      memoryText(m_tile.hostMemoryUsedBytes, m_tile.hostMemoryTotalBytes), true);
        } else {
            std::vector<std::optional<double>> utilisation, memory;
            for (const GpuTile& gpu : m_tile.gpus) {
                utilisation.push_back(gpu.utilisationRatio);
                memory.push_back(ratioOf(gpu.memoryUsedBytes, gpu.memoryTotalBytes));
            }
            paintBars(FleetDelegate::tr("Utilisation"), utilisation, ratioText(meanUtilisation(m_tile)), false);
            paintBars(FleetDelegate::tr("Memory"), memory, memoryText(usedMemory(m_tile), totalMemory(m_tile)), true);
        }
        paintCurve(FleetDelegate::tr("Power"), m_tile.powerHistory, powerText(totalPower(m_tile)));
        paintCurve(FleetDelegate::tr("Requests"), m_tile.requestHistory, requestText(m_tile.requestsPerSecond));
        paintText(m_line, activityText(m_tile), m_isLive ? m_theme.text : m_theme.weakText);
        nextLine();
        paintNotes();
    }

private:
    static std::optional<double> ratioOf(std::optional<double> part, std::optional<double> whole)
    {
        return part && whole && *whole > 0 ? std::optional(*part / *whole) : std::nullopt;
    }

    void nextLine() { m_line.translate(0, m_metrics.height() + kRowGap); }

    void paintText(const QRect& place, const QString& text, const QColor& colour, Qt::Alignment alignment = Qt::AlignLeft)
    {
        m_painter.setPen(colour);
        m_painter.drawText(place, static_cast<int>(alignment | Qt::AlignVCenter),
                           QFontMetrics(m_painter.font()).elidedText(text, Qt::ElideRight, place.width()));
    }

    void paintFrame(bool isSelected, bool hasFocus, bool isHovered)
    {
        QColor ground = m_theme.base;
        if (isSelected) {
            const auto mixed = [&](int base, int accent) { return base + (accent - base) * 30 / 255; };
            ground = QColor(mixed(ground.red(), m_theme.accent.red()), mixed(ground.green(), m_theme.accent.green()),
                            mixed(ground.blue(), m_theme.accent.blue()));
        }
        const QColor border = isSelected || isHovered ? m_theme.accent : m_theme.border;
        m_painter.setBrush(ground);
        m_painter.setPen(QPen(border, isSelected ? 2 : 1, hasFocus && !isSelected ? Qt::DashLine : Qt::SolidLine));
        m_painter.drawRoundedRect(QRectF(m_frame).adjusted(0.5, 0.5, -0.5, -0.5), kCorner, kCorner);
        m_painter.fillRect(QRect(m_frame.left() + 2, m_frame.top() + kCorner, kStripe, m_frame.height() - 2 * kCorner),
                           stateColour(m_tile.state, m_theme));
    }

    /// The shape tells the state as the colour does.
    void paintDot(const QRectF& place)
    {
        const QColor colour = stateColour(m_tile.state, m_theme);
        m_painter.setPen(QPen(colour, 1.8));
        m_painter.setBrush(Qt::NoBrush);
        switch (m_tile.state) {
        case NodeTile::State::NeedsPerson:
        case NodeTile::State::Lost:
            m_painter.drawLine(place.topLeft(), place.bottomRight());
            m_painter.drawLine(place.topRight(), place.bottomLeft());
            break;
        case NodeTile::State::Connecting:
            m_painter.drawArc(place, 30 * 16, 270 * 16);
            break;
        case NodeTile::State::Connected:
            m_painter.setBrush(colour);
            m_painter.drawEllipse(place);
            break;
        case NodeTile::State::Disconnected:
            m_painter.drawEllipse(place);
            break;
        }
    }

    void paintTitle()
    {
        const int stateWidth = std::min(m_metrics.horizontalAdvance(m_tile.stateText) + kSlack, m_line.width() / 2);
        const QRect stateLine(m_line.right() - stateWidth + 1, m_line.top(), stateWidth, m_line.height());
        paintText(stateLine, m_tile.stateText, m_theme.weakText, Qt::AlignRight);
        const QRectF dot(stateLine.left() - kDot - 6, m_line.center().y() - kDot / 2.0 + 1, kDot, kDot);
        paintDot(dot);
        QFont bold = m_font;
        bold.setBold(true);
        m_painter.setFont(bold);
        paintText(QRect(m_line.left(), m_line.top(), static_cast<int>(dot.left()) - m_line.left() - 6, m_line.height()), m_tile.name,
                  m_theme.text);
        m_painter.setFont(m_font);
        nextLine();
    }

    void paintHardware()
    {
        QStringList parts;
        for (const QString& part : QStringList{gpuText(m_tile), m_tile.group} + m_tile.tags)
            if (!part.isEmpty())
                parts << part;
        paintText(m_line, parts.isEmpty() ? m_tile.address : parts.join(QStringLiteral(" · ")), m_theme.weakText);
        nextLine();
    }

    /// The label and the value of a line; what is left between them.
    QRect paintLabels(const QString& label, const QString& value)
    {
        const bool isAbsent = value == QStringLiteral("–");
        paintText(QRect(m_line.left(), m_line.top(), m_labelWidth, m_line.height()), label, m_theme.weakText);
        const QRect place(m_line.right() - m_valueWidth + 1, m_line.top(), m_valueWidth, m_line.height());
        paintText(place, value, isAbsent ? m_theme.weakText : m_theme.text, Qt::AlignRight);
        return QRect(m_line.left() + m_labelWidth + 8, m_line.top(), m_line.width() - m_labelWidth - m_valueWidth - 16, m_line.height());
    }

    /// A bar for each GPU. What is not known has an outline and no fill.
    void paintBars(const QString& label, const std::vector<std::optional<double>>& ratios, const QString& value, bool isBadWhenFull)
    {
        const QRect room = paintLabels(label, value);
        const int count = static_cast<int>(ratios.size()), gap = count > 8 ? 1 : 2;
        const double width = std::max<double>(kLeastBar, (room.width() - gap * (count - 1)) / static_cast<double>(count));
        for (int i = 0; i < count; ++i) {
            const double left = std::round(room.left() + i * (width + gap)), right = std::round(room.left() + i * (width + gap) + width);
            const QRectF bar(left, room.center().y() - kBarHeight / 2, right - left, kBarHeight);
            if (bar.right() > room.right() + 1.5)
                break; // more than fit: the value is of all of them
            const std::optional<double>& ratio = ratios[static_cast<std::size_t>(i)];
            // Rectangles on whole pixels: a hundred tiles are painted twice a second.
            m_painter.fillRect(bar, m_theme.border);
            m_painter.fillRect(bar.adjusted(1, 1, -1, -1), ratio ? m_theme.alternateBase : m_theme.base);
            if (!ratio)
                continue;
            const double part = std::clamp(*ratio, 0.0, 1.0);
            const QRectF filled(bar.left() + 1, bar.top() + 1, (bar.width() - 2) * part, bar.height() - 2);
            m_painter.fillRect(filled, isBadWhenFull && part > kFull ? m_theme.warning : m_theme.counter());
        }
        nextLine();
    }

    /// The last minute, up to now at the right edge, from 0 up. A column for each point, and none where there is none.
    void paintCurve(const QString& label, const TileHistory& history, const QString& value)
    {
        const QRect room = paintLabels(label, value);
        const int height = room.height() - 3, bottom = room.bottom() - 1;
        m_painter.fillRect(QRect(room.left(), bottom, room.width(), 1), m_theme.gridLine);
        double most = 0;
        for (const std::optional<double>& point : history)
            most = std::max(most, point.value_or(0));
        const double step = room.width() / static_cast<double>(kHistoryPoints);
        const std::size_t count = std::min(history.size(), kHistoryPoints);
        for (std::size_t i = 0; i < count; ++i) {
            const std::optional<double>& point = history[history.size() - count + i];
            if (!point)
                continue;
            const int right = static_cast<int>(std::lround(room.right() + 1 - static_cast<double>(count - 1 - i) * step));
            const int left = static_cast<int>(std::lround(room.right() + 1 - static_cast<double>(count - i) * step));
            const int column = most > 0 ? static_cast<int>(std::lround(*point / most * height)) : 0;
            m_painter.fillRect(QRect(left, bottom - column, right - left, column + 1), m_theme.counter());
        }
        nextLine();
    }

    void paintNotes()
    {
        if (m_tile.notes.empty())
            return;
        const TileNote& first = m_tile.notes.front();
        const QString text =
            m_tile.notes.size() == 1 ? first.text : FleetDelegate::tr("%1 (+%2)").arg(first.text).arg(m_tile.notes.size() - 1);
        paintText(m_line, text,
                  first.kind == TileNote::Kind::Error     ? m_theme.bad
                  : first.kind == TileNote::Kind::Warning ? m_theme.warning
                                                          : m_theme.weakText);
    }

    QPainter& m_painter;
    const Theme& m_theme;
    const NodeTile& m_tile;
    QFont m_font;
    QFontMetrics m_metrics;
    QRect m_frame;
    QRect m_line; ///< the one to be painted next
    int m_labelWidth = 0, m_valueWidth = 0;
    bool m_isLive;
};

} // namespace

QSize FleetDelegate::leastSize(const QFont& font)
{
    const QFontMetrics metrics(font);
    return {metrics.averageCharWidth() * kLeastLetters + 2 * (kMargin + kPadding) + kStripe,
            kRows * metrics.height() + (kRows - 1) * kRowGap + 2 * (kMargin + kPadding)};
}

void FleetDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option, const QModelIndex& index) const
{
    const auto* tile = index.data(FleetModel::kTileRole).value<const NodeTile*>();
    if (!tile)
        return;
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->setFont(option.font);
    TilePainter(*painter, option, *tile)
        .paint((option.state & QStyle::State_Selected) != 0, (option.state & QStyle::State_HasFocus) != 0,
               (option.state & QStyle::State_MouseOver) != 0);
    painter->restore();
}

QSize FleetDelegate::sizeHint(const QStyleOptionViewItem& option, const QModelIndex&) const
{
    const auto* view = qobject_cast<const QListView*>(option.widget);
    return view && view->gridSize().isValid() ? view->gridSize() : leastSize(option.font);
}

} // namespace gantry::widgets
