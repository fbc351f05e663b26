#include "app/desktop/message_bar.h"

#include "app/desktop/icons.h"

#include <QEvent>
#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <QStyle>
#include <QToolButton>

namespace gantry::desktop {

MessageBar::MessageBar(QWidget* parent)
    : QFrame(parent),
      m_icon(new QLabel(this)),
      m_label(new QLabel(this)),
      m_details(new QLabel(this)),
      m_detailsButton(new QToolButton(this)),
      m_actionButton(new QPushButton(this)),
      m_close(new QToolButton(this))
{
    setObjectName(QStringLiteral("messageBar"));
    setFrameShape(QFrame::NoFrame);
    setAutoFillBackground(true);
    m_label->setWordWrap(true);
    m_label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_details->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_details->setTextFormat(Qt::PlainText);
    m_details->setWordWrap(true);
    // What a node or a file says is text, whatever it looks like.
    m_label->setTextFormat(Qt::PlainText);
    m_details->setTextFormat(Qt::PlainText);
    m_detailsButton->setText(tr("Details"));
    m_detailsButton->setCheckable(true);
    m_detailsButton->setAutoRaise(true);
    m_close->setIcon(icons::close(palette()));
    m_close->setAutoRaise(true);
    m_close->setToolTip(tr("Close this message"));
    m_close->setAccessibleName(tr("Close this message"));

    auto* grid = new QGridLayout(this);
    grid->setContentsMargins(10, 6, 6, 6);
    grid->setHorizontalSpacing(8);
    grid->addWidget(m_icon, 0, 0, Qt::AlignTop);
    grid->addWidget(m_label, 0, 1);
    grid->addWidget(m_detailsButton, 0, 2, Qt::AlignTop);
    grid->addWidget(m_actionButton, 0, 3, Qt::AlignTop);
    grid->addWidget(m_close, 0, 4, Qt::AlignTop);
    grid->addWidget(m_details, 1, 1, 1, 4);
    grid->setColumnStretch(1, 1);

    connect(m_detailsButton, &QToolButton::toggled, m_details, &QWidget::setVisible);
    connect(m_close, &QToolButton::clicked, this, &QWidget::hide);
    connect(m_actionButton, &QPushButton::clicked, this, [this] {
        const auto action = m_message.action; // the action may show the next message
        hide();
        if (action)
            action();
    });
    hide();
}

void MessageBar::showAside(Message message)
{
    if (isHidden() || m_message.kind != Kind::Error || message.kind != Kind::Information)
        showMessage(std::move(message));
}

void MessageBar::showMessage(Message message)
{
    m_message = std::move(message);
    const int size = style()->pixelMetric(QStyle::PM_SmallIconSize);
    const QStyle::StandardPixmap icon = m_message.kind == Kind::Information ? QStyle::SP_MessageBoxInformation
                                        : m_message.kind == Kind::Warning   ? QStyle::SP_MessageBoxWarning
                                                                            : QStyle::SP_MessageBoxCritical;
    m_icon->setPixmap(style()->standardIcon(icon).pixmap(size, size));
    m_label->setText(m_message.sentence);
    m_label->setToolTip(m_message.sentence); // a small window may have no room for all of it
    m_details->setText(m_message.details);
    m_detailsButton->setVisible(!m_message.details.isEmpty());
    m_detailsButton->setChecked(false);
    m_details->hide();
    m_actionButton->setText(m_message.actionText);
    m_actionButton->setVisible(!m_message.actionText.isEmpty());
    show();
}

void MessageBar::updateTopic(const QString& topic, const QString& sentence)
{
    if (m_message.topic != topic)
        return;
    m_message.sentence = sentence;
    m_label->setText(sentence);
    m_label->setToolTip(sentence);
}

void MessageBar::clearTopic(const QString& topic)
{
    if (m_message.topic == topic)
        hide();
}

void MessageBar::changeEvent(QEvent* event)
{
    QFrame::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_close)
        m_close->setIcon(icons::close(palette()));
}

QString MessageBar::sentence() const
{
    return isVisibleTo(parentWidget()) ? m_message.sentence : QString();
}

} // namespace gantry::desktop
