#pragma once

#include <QProcess>
#include <QString>
#include <QStringList>
#include <QTemporaryDir>

#include <string>

namespace gantry::desktop_test {

/// A real gantryd on a socket in a temporary folder, ended with the object. Tests skip where the build has none.
class LocalNode
{
public:
    LocalNode();
    ~LocalNode();

    /// The daemon of this build, or an empty text.
    [[nodiscard]] static QString daemonProgram();

    /// Starts the daemon and waits until it listens; false when it did not within 15 s. Also after kill().
    [[nodiscard]] bool start(const QStringList& options = {});
    void kill();
    /// Options of start() for a node that plays the shipped recording of another.
    [[nodiscard]] static QStringList rehearsalOptions();

    /// "unix:…", as NodeClient::connect takes it.
    [[nodiscard]] std::string address() const;
    [[nodiscard]] QString folder() const { return m_folder.path(); }

private:
    QTemporaryDir m_folder;
    QProcess m_daemon;
};

} // namespace gantry::desktop_test
