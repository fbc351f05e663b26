#pragma once

#include <QFrame>
#include <QString>

#include <functional>

class QLabel;
class QPushButton;
class QToolButton;

namespace gantry::desktop {

/// A message that does not stand in the way: one sentence above the pages, with the next step as a button and the technical
/// details on demand. A new message replaces the old one; it stays until it is closed or its cause is gone.
class MessageBar : public QFrame
{
    Q_OBJECT

public:
    enum class Kind { Information, Warning, Error };

    struct Message
    {
        Kind kind = Kind::Error;
        QString sentence;
        QString details;                ///< empty: no details button
        QString actionText;             ///< empty: no action button
        std::function<void()> action;
        QString topic;                  ///< messages of a topic can be cleared when their cause is gone
    };

    explicit MessageBar(QWidget* parent = nullptr);

    void showMessage(Message message);
    /// The same for what nobody waits for, and the log says too: as information it does not take the place of an error that is shown.
    void showAside(Message message);
    /// The message, if it is of this topic, says something newer; what the user opened or closed of it stays so.
    void updateTopic(const QString& topic, const QString& sentence);
    /// Hides the message if it is of this topic.
    void clearTopic(const QString& topic);
    [[nodiscard]] QString sentence() const;

protected:
    void changeEvent(QEvent* event) override;

private:
    Message m_message;
    QLabel* m_icon;
    QLabel* m_label;
    QLabel* m_details;
    QToolButton* m_detailsButton;
    QPushButton* m_actionButton;
    QToolButton* m_close = nullptr; ///< the palette may change while the others are made
};

} // namespace gantry::desktop
