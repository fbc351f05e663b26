#include "app/desktop/unattended_run.h"

#include "app/desktop/main_window.h"
#include "app/desktop/text.h"

#include <QApplication>
#include <QFileInfo>
#include <QLayout>
#include <QPixmap>

namespace gantry::desktop {

UnattendedRun::UnattendedRun(MainWindow& window, std::chrono::seconds longest) : m_window(window)
{
    m_window.setUnattended();
    m_watchdog.setSingleShot(true);
    m_watchdog.setInterval(longest);
    connect(&m_watchdog, &QTimer::timeout, this, [this, longest] {
        fail(m_step, Error{ErrorCode::Internal, "gave up after " + std::to_string(longest.count()) + " s", {}});
    });
    m_watchdog.start();
}

bool UnattendedRun::savePicture(const QString& path)
{
    const auto failed = [&](const char* nextStep) {
        fail(tr("Saving the picture"), Error{ErrorCode::CannotWrite, "cannot write " + path.toStdString() + ": " + nextStep, {}});
        return false;
    };
    if (!QFileInfo(QFileInfo(path).absolutePath()).isDir())
        return failed("there is no such folder; make it or name another");
    // grab() lays out and paints synchronously: what is in the models now is in the picture.
    m_window.layout()->activate();
    const QPixmap picture = m_window.grab();
    return picture.save(path, "PNG") || failed("choose another folder or free some space");
}

void UnattendedRun::fail(const QString& doing, const Error& error)
{
    if (m_isFinished)
        return;
    m_isFinished = true;
    m_watchdog.stop();
    const UserMessage message = describe(error);
    printNote(QStringLiteral("%1: %2").arg(doing, message.sentence));
    emit finished(exitStatus(error.code));
}

void UnattendedRun::finish()
{
    if (m_isFinished)
        return;
    m_isFinished = true;
    m_watchdog.stop();
    emit finished(0);
}

} // namespace gantry::desktop
