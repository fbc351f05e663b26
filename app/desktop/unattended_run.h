#pragma once

#include "trace_model/base/result.h"

#include <QObject>
#include <QString>
#include <QTimer>

#include <chrono>

namespace gantry::desktop {

class MainWindow;

/// Base of what plays without a user and then ends the program: one picture, or the tour. Steps are driven by signals; a
/// watchdog ends a run that hangs. UI thread.
class UnattendedRun : public QObject
{
    Q_OBJECT

public:
    UnattendedRun(MainWindow& window, std::chrono::seconds longest);

    virtual void start() = 0;

signals:
    /// Once. 0, or the exit status of the error that was printed.
    void finished(int exitStatus);

protected:
    /// Saves what the window shows now, once it is painted. False: failed, finished() was emitted.
    bool savePicture(const QString& path);
    /// Prints the sentence to stderr and finishes.
    void fail(const QString& doing, const Error& error);
    void finish();
    /// What the watchdog says it waited for.
    void setStep(const QString& step) { m_step = step; }
    [[nodiscard]] MainWindow& window() { return m_window; }

private:
    MainWindow& m_window;
    QTimer m_watchdog;
    QString m_step;
    bool m_isFinished = false;
};

} // namespace gantry::desktop
