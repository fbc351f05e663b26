#pragma once

#include "app/remote/secret.h"

#include <QLineEdit>

namespace gantry::desktop {

/// A line for a password: what is typed goes to a Secret, which is wiped, and the line itself holds nothing but dots. It is typed and
/// pasted at the end and removed from there; nothing can be copied out of it. UI thread.
class SecretEdit : public QLineEdit
{
    Q_OBJECT

public:
    explicit SecretEdit(QWidget* parent = nullptr);

    /// What was typed; this line is empty then.
    [[nodiscard]] app::Secret take();
    void append(const QString& text);

protected:
    void keyPressEvent(QKeyEvent* event) override;
    void inputMethodEvent(QInputMethodEvent* event) override;
    void contextMenuEvent(QContextMenuEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;

private:
    void removeLast();
    void paste();
    void showDots();

    app::Secret m_secret;
    int m_letters = 0;
};

} // namespace gantry::desktop
