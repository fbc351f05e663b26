#include "app/desktop/secret_edit.h"

#include <QApplication>
#include <QClipboard>
#include <QContextMenuEvent>
#include <QInputMethodEvent>
#include <QKeyEvent>
#include <QMenu>
#include <QStyle>

#include <utility>

namespace gantry::desktop {

namespace {

/// Of UTF-8: the second and later bytes of a letter.
bool isContinuation(char byte)
{
    return (static_cast<unsigned char>(byte) & 0xc0u) == 0x80u;
}

} // namespace

SecretEdit::SecretEdit(QWidget* parent) : QLineEdit(parent)
{
    setAcceptDrops(false);
    setDragEnabled(false);
    setInputMethodHints(Qt::ImhHiddenText | Qt::ImhSensitiveData | Qt::ImhNoPredictiveText | Qt::ImhNoAutoUppercase);
}

app::Secret SecretEdit::take()
{
    app::Secret taken = std::exchange(m_secret, app::Secret());
    m_letters = 0;
    showDots();
    return taken;
}

void SecretEdit::append(const QString& text)
{
    QByteArray bytes = text.toUtf8();
    for (const char byte : std::as_const(bytes)) {
        const bool isControl = static_cast<unsigned char>(byte) < ' ' || byte == 0x7f;
        if (isControl || m_secret.size() == app::Secret::kMostBytes)
            continue;
        m_secret.append(byte);
        m_letters += isContinuation(byte) ? 0 : 1;
    }
    bytes.fill('\0');
    showDots();
}

void SecretEdit::removeLast()
{
    if (m_secret.isEmpty())
        return;
    while (m_secret.size() > 1 && isContinuation(m_secret.text().back()))
        m_secret.removeLast();
    m_secret.removeLast();
    --m_letters;
    showDots();
}

void SecretEdit::paste()
{
    QString text = QApplication::clipboard()->text();
    append(text);
    text.fill(QLatin1Char(' '));
}

void SecretEdit::showDots()
{
    const auto dot = static_cast<char16_t>(style()->styleHint(QStyle::SH_LineEdit_PasswordCharacter, nullptr, this));
    setText(QString(m_letters, QChar(dot)));
    end(false);
}

void SecretEdit::keyPressEvent(QKeyEvent* event)
{
    const bool isCommand = (event->modifiers() & (Qt::ControlModifier | Qt::AltModifier | Qt::MetaModifier)) != 0;
    if (event->matches(QKeySequence::Paste))
        paste();
    else if (event->key() == Qt::Key_U && event->modifiers() == Qt::ControlModifier)
        (void)take();
    else if (event->key() == Qt::Key_Backspace)
        removeLast();
    else if (event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter || event->key() == Qt::Key_Escape ||
             event->key() == Qt::Key_Tab)
        return QLineEdit::keyPressEvent(event); // the dialog's
    else if (!event->text().isEmpty() && event->text().front().isPrint() &&
             (!isCommand || event->modifiers() == (Qt::ControlModifier | Qt::AltModifier)))
        append(event->text()); // Ctrl+Alt is AltGr on some systems
    else
        return event->ignore();
    event->accept();
}

void SecretEdit::inputMethodEvent(QInputMethodEvent* event)
{
    append(event->commitString());
    event->accept();
}

void SecretEdit::contextMenuEvent(QContextMenuEvent* event)
{
    auto* menu = new QMenu(this);
    menu->setAttribute(Qt::WA_DeleteOnClose);
    menu->addAction(tr("Paste"), this, &SecretEdit::paste);
    menu->popup(event->globalPos());
}

// The cursor stays at the end, and dots are not worth selecting.
void SecretEdit::mousePressEvent(QMouseEvent*)
{
    setFocus(Qt::MouseFocusReason);
}
void SecretEdit::mouseReleaseEvent(QMouseEvent*) {}
void SecretEdit::mouseMoveEvent(QMouseEvent*) {}
void SecretEdit::mouseDoubleClickEvent(QMouseEvent*) {}

} // namespace gantry::desktop
