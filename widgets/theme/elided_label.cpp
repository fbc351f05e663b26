#include "widgets/theme/elided_label.h"

#include <QHelpEvent>
#include <QStylePainter>
#include <QToolTip>

namespace gantry::widgets {

ElidedLabel::ElidedLabel(Qt::TextElideMode mode, QWidget* parent) : QLabel(parent), m_mode(mode)
{
    setTextFormat(Qt::PlainText);
}

QSize ElidedLabel::minimumSizeHint() const
{
    constexpr int kFewLetters = 6; // tell that there is more
    return {kFewLetters * fontMetrics().averageCharWidth(), QLabel::minimumSizeHint().height()};
}

QString ElidedLabel::elidedText() const
{
    return fontMetrics().elidedText(text(), m_mode, contentsRect().width());
}

void ElidedLabel::paintEvent(QPaintEvent*)
{
    QStylePainter painter(this);
    painter.drawItemText(contentsRect(), static_cast<int>(alignment()) | Qt::TextSingleLine, palette(), isEnabled(), elidedText(),
                         foregroundRole());
}

bool ElidedLabel::event(QEvent* event)
{
    if (event->type() != QEvent::ToolTip || elidedText() == text())
        return QLabel::event(event);
    QToolTip::showText(static_cast<const QHelpEvent*>(event)->globalPos(), text(), this);
    return true;
}

} // namespace gantry::widgets
