#pragma once

#include "remote_server/proto/live_types.h"

#include <QDateTime>
#include <QObject>
#include <QString>

#include <map>
#include <memory>
#include <utility>

class QProcess;

namespace gantry::desktop {

class Settings;

/// What the user wants this machine to run when a rule fires. No node knows of it or can change it.
struct AlertCommand
{
    static constexpr int kLongestSeconds = 3600;

    QString words;         ///< a program and its arguments, split at blanks and quotes; no shell reads them
    int limitSeconds = 60; ///< it is ended then
    bool isOn = false;

    friend bool operator==(const AlertCommand&, const AlertCommand&) = default;
};

/// Keeps those commands by node and rule, and runs them: of a rule one at a time, with what is known of the alert in GANTRY_ALERT_… of
/// their environment. UI thread, which waits for none of them; those that run when it is destroyed are ended.
class AlertCommands : public QObject
{
    Q_OBJECT

public:
    /// `settings` outlives it.
    explicit AlertCommands(Settings& settings, QObject* parent = nullptr);
    ~AlertCommands() override;

    /// `node`: its address; `rule`: its name. Off and empty where there is none.
    [[nodiscard]] AlertCommand command(const QString& node, const QString& rule) const;
    /// One without words is removed.
    void setCommand(const QString& node, const QString& rule, const AlertCommand& command);

    /// Runs the command of the rule, if it is on. `title`: what the node is called.
    void run(const QString& node, const QString& title, const proto::AlertState& state);
    /// How its last run ended, with its last lines, or that it runs; empty: it has not been run.
    [[nodiscard]] QString status(const QString& node, const QString& rule) const;

signals:
    /// What status() says of a rule is another sentence.
    void changed();
    /// A command did not end well, a sentence.
    void failed(const QString& sentence);

private:
    using Key = std::pair<QString, QString>; ///< node and rule
    struct Run;

    void finish(const Key& key, const QString& how, bool isWell);

    Settings& m_settings;
    std::map<Key, std::unique_ptr<Run>> m_runs;
};

} // namespace gantry::desktop
