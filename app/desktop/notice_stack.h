#pragma once

#include <QStackedWidget>

class QLabel;
class QPushButton;

namespace gantry::desktop {

/// A widget, or in its place a sentence that says why there is nothing in it yet, with a button for the next step. UI thread.
class NoticeStack : public QStackedWidget
{
    Q_OBJECT

public:
    /// `content` becomes this widget's.
    explicit NoticeStack(QWidget& content, QWidget* parent = nullptr);

    void showContent() { setCurrentIndex(1); }
    /// `action` empty: nothing is to be done but to wait.
    void showNotice(const QString& sentence, const QString& action = {});
    [[nodiscard]] bool isContentShown() const { return currentIndex() == 1; }
    /// Empty while the content is shown.
    [[nodiscard]] QString notice() const;

signals:
    void actionRequested();

private:
    QLabel* m_notice;
    QPushButton* m_action;
};

} // namespace gantry::desktop
