#pragma once

#include <QString>
#include <QWidget>

class QProgressBar;

namespace gantry::widgets {
class ElidedLabel;
}

namespace gantry::desktop {

/// What a page shows while there is nothing else to look at: what is being read, how far that is, and the way out. UI thread.
class LoadingPanel : public QWidget
{
    Q_OBJECT

public:
    explicit LoadingPanel(QWidget* parent = nullptr);

    /// `fraction` of all that is to be done, 0..1.
    void showProgress(const QString& sentence, double fraction);
    [[nodiscard]] QString sentence() const;

signals:
    void cancelRequested();

private:
    widgets::ElidedLabel* m_sentence;
    QProgressBar* m_progress;
};

} // namespace gantry::desktop
