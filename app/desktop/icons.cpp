#include "app/desktop/icons.h"

#include <QPainter>
#include <QPixmap>

namespace gantry::desktop::icons {

namespace {

const QColor kGood(0x2E, 0x9E, 0x6B);
const QColor kBusy(0xD9, 0x8E, 0x04);
const QColor kBad(0xD0, 0x45, 0x3A);
const QColor kOff(0x8A, 0x90, 0x99);

/// Drawn at three sizes on a field of 16 units, so that it is sharp on a high-resolution screen too.
template <typename Draw>
QIcon drawn(Draw draw)
{
    QIcon icon;
    for (const int size : {16, 32, 64}) {
        QPixmap pixmap(size, size);
        pixmap.fill(Qt::transparent);
        QPainter painter(&pixmap);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.scale(size / 16.0, size / 16.0);
        draw(painter);
        icon.addPixmap(pixmap);
    }
    return icon;
}

} // namespace

QIcon nodeState(NodeController::State state)
{
    return drawn([state](QPainter& painter) {
        const QRectF dot(4, 4, 8, 8);
        switch (state) {
        case NodeController::State::Connected:
            painter.setPen(Qt::NoPen);
            painter.setBrush(kGood);
            painter.drawEllipse(dot);
            break;
        case NodeController::State::Connecting:
            painter.setPen(QPen(kBusy, 1.5));
            painter.drawEllipse(dot);
            painter.setBrush(kBusy);
            painter.drawPie(dot, 90 * 16, 180 * 16);
            break;
        case NodeController::State::Disconnected:
            painter.setPen(QPen(kOff, 1.5));
            painter.drawEllipse(dot);
            break;
        case NodeController::State::Lost:
            painter.setPen(QPen(kBad, 2.2, Qt::SolidLine, Qt::RoundCap));
            painter.drawLine(QPointF(5, 5), QPointF(11, 11));
            painter.drawLine(QPointF(11, 5), QPointF(5, 11));
            break;
        }
    });
}

QIcon record()
{
    return drawn([](QPainter& painter) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(kBad);
        painter.drawEllipse(QRectF(3, 3, 10, 10));
    });
}

QIcon recorder()
{
    return drawn([](QPainter& painter) {
        painter.setPen(QPen(kBad, 1.6, Qt::SolidLine, Qt::RoundCap));
        painter.drawArc(QRectF(2, 2, 12, 12), 30 * 16, 300 * 16);
        painter.setPen(Qt::NoPen);
        painter.setBrush(kBad);
        painter.drawEllipse(QRectF(5.2, 5.2, 5.6, 5.6));
    });
}

QIcon stop(const QPalette& palette)
{
    return drawn([&](QPainter& painter) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(palette.color(QPalette::ButtonText));
        painter.drawRoundedRect(QRectF(4, 4, 8, 8), 1, 1);
    });
}

QIcon close(const QPalette& palette)
{
    return drawn([&](QPainter& painter) {
        painter.setPen(QPen(palette.color(QPalette::ButtonText), 1.6, Qt::SolidLine, Qt::RoundCap));
        painter.drawLine(QPointF(4, 4), QPointF(12, 12));
        painter.drawLine(QPointF(12, 4), QPointF(4, 12));
    });
}

QIcon compare(const QPalette& palette)
{
    return drawn([&](QPainter& painter) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(palette.color(QPalette::ButtonText));
        painter.drawRoundedRect(QRectF(2, 3, 12, 4), 1, 1);
        painter.setOpacity(0.6);
        painter.drawRoundedRect(QRectF(2, 9, 8, 4), 1, 1);
    });
}

QIcon application()
{
    return drawn([](QPainter& painter) {
        painter.setPen(Qt::NoPen);
        painter.setBrush(QColor(0x23, 0x2B, 0x36));
        painter.drawRoundedRect(QRectF(0.5, 0.5, 15, 15), 3, 3);
        painter.setBrush(QColor(0x5B, 0x8D, 0xEF));
        painter.drawRoundedRect(QRectF(3, 3.5, 6, 2.4), 0.6, 0.6);
        painter.setBrush(QColor(0xE0, 0xA0, 0x30));
        painter.drawRoundedRect(QRectF(5, 6.8, 8, 2.4), 0.6, 0.6);
        painter.setBrush(QColor(0x43, 0xB5, 0x81));
        painter.drawRoundedRect(QRectF(8.5, 10.1, 4, 2.4), 0.6, 0.6);
    });
}

} // namespace gantry::desktop::icons
