#include "app/desktop/notice_stack.h"

#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace gantry::desktop {

NoticeStack::NoticeStack(QWidget& content, QWidget* parent) : QStackedWidget(parent)
{
    auto* page = new QWidget(this);
    m_notice = new QLabel(page);
    m_notice->setObjectName(QStringLiteral("notice"));
    m_notice->setTextFormat(Qt::PlainText);
    m_notice->setWordWrap(true);
    m_notice->setAlignment(Qt::AlignHCenter);
    m_notice->setForegroundRole(QPalette::PlaceholderText);
    m_action = new QPushButton(page);
    m_action->setObjectName(QStringLiteral("noticeAction"));
    m_action->setAutoDefault(true);
    connect(m_action, &QPushButton::clicked, this, &NoticeStack::actionRequested);
    auto* column = new QVBoxLayout(page);
    column->addStretch(1);
    column->addWidget(m_notice); // in full width, so that its height is right for its lines
    column->addSpacing(6);
    column->addWidget(m_action, 0, Qt::AlignHCenter);
    column->addStretch(2);
    addWidget(page);
    addWidget(&content);
    setMinimumHeight(40);
    showNotice({});
}

void NoticeStack::showNotice(const QString& sentence, const QString& action)
{
    m_notice->setText(sentence);
    m_action->setText(action);
    m_action->setVisible(!action.isEmpty());
    setCurrentIndex(0);
}

QString NoticeStack::notice() const
{
    return isContentShown() ? QString() : m_notice->text();
}

} // namespace gantry::desktop
