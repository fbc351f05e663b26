#pragma once

#include <QFrame>
#include <QString>

class QLabel;
class QProgressBar;
class QPushButton;

namespace gantry::desktop {

/// The line above a trace that is not what its files hold: a sample while all is read, or what was read with other clock offsets.
/// UI thread.
class LoadBanner : public QFrame
{
    Q_OBJECT

public:
    explicit LoadBanner(QWidget* parent = nullptr);

    /// Reading goes on; the button cancels it.
    void showProgress(const QString& sentence, double fraction);
    /// Reading was given up; the button takes it up again.
    void showStopped(const QString& sentence);
    [[nodiscard]] QString sentence() const;

signals:
    void cancelRequested();
    void resumeRequested();

private:
    QLabel* m_label;
    QProgressBar* m_progress;
    QPushButton* m_cancel;
    QPushButton* m_resume;
};

} // namespace gantry::desktop
