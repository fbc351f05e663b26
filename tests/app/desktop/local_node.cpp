#include "local_node.h"

#include <QFile>
#include <QFileInfo>
#include <QTest>

namespace gantry::desktop_test {

// Short: a socket path holds 107 bytes (unix(7)).
LocalNode::LocalNode() :
    m_folder(QStringLiteral("/tmp/gantry-XXXXXX"))
{}

LocalNode::~LocalNode()
{
    if (m_daemon.state() == QProcess::NotRunning)
        return;
    m_daemon.terminate(); // stops the servers it launched, too
    if (!m_daemon.waitForFinished(15'000))
        kill();
}

QString LocalNode::daemonProgram()
{
    const QString program = QStringLiteral(GANTRY_BINARY_DIR "/bin/gantryd");
    return QFileInfo(program).isExecutable() ? program : QString();
}

QStringList LocalNode::rehearsalOptions()
{
    return {QStringLiteral("--rehearse"), QStringLiteral(GANTRY_REPOSITORY "/resources/rehearsal/session")};
}

bool LocalNode::start(const QStringList& options)
{
    const QString ready = m_folder.filePath(QStringLiteral("ready"));
    QFile::remove(ready);
    m_daemon.setStandardErrorFile(m_folder.filePath(QStringLiteral("gantryd.log")), QIODevice::Append);
    m_daemon.setStandardOutputFile(QProcess::nullDevice());
    m_daemon.start(daemonProgram(),
                   QStringList{QStringLiteral("--socket"), m_folder.filePath(QStringLiteral("d.sock")), QStringLiteral("--report-folder"),
                               m_folder.filePath(QStringLiteral("reports")), QStringLiteral("--ready-file"), ready} +
                       options);
    return QTest::qWaitFor([&] { return QFileInfo(ready).size() > 0 || m_daemon.state() == QProcess::NotRunning; }, 15'000) &&
           m_daemon.state() == QProcess::Running;
}

void LocalNode::kill()
{
    m_daemon.kill();
    m_daemon.waitForFinished(5'000);
}

std::string LocalNode::address() const
{
    return "unix:" + m_folder.filePath(QStringLiteral("d.sock")).toStdString();
}

} // namespace gantry::desktop_test
