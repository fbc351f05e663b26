#include "app/desktop/alert_commands.h"

#include "app/desktop/settings.h"
#include "app/desktop/text.h"
#include "app/remote/command_words.h"

#include <QJsonArray>
#include <QJsonObject>
#include <QProcess>
#include <QTimer>

#include <algorithm>
#include <csignal>
#include <unistd.h>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr qsizetype kMostOutput = 16'384; // bytes of what it said last
constexpr qsizetype kMostLines = 3;
constexpr qsizetype kMostFact = 1000; // characters of what a node says
constexpr int kPatienceMs = 2000;     // from asking it to end to ending it

/// A node's words, as one line.
QString fact(const std::string& text)
{
    QString line = toQString(text).left(kMostFact);
    for (QChar& c : line)
        if (c.category() == QChar::Other_Control)
            c = QLatin1Char(' ');
    return line;
}

QProcessEnvironment environmentOf(const QString& title, const proto::AlertState& state)
{
    QProcessEnvironment environment = QProcessEnvironment::systemEnvironment();
    const QDateTime since = QDateTime::fromMSecsSinceEpoch(state.sinceUtcNs / 1'000'000, Qt::UTC);
    environment.insert(QStringLiteral("GANTRY_ALERT_NODE"), fact(title.toStdString()));
    environment.insert(QStringLiteral("GANTRY_ALERT_RULE"), fact(state.rule.name));
    environment.insert(QStringLiteral("GANTRY_ALERT_CONDITION"), fact(state.rule.condition));
    environment.insert(QStringLiteral("GANTRY_ALERT_VALUE"), fact(state.value));
    environment.insert(QStringLiteral("GANTRY_ALERT_SINCE"), since.toString(Qt::ISODateWithMs));
    environment.insert(QStringLiteral("GANTRY_ALERT_DONE"), state.events.empty() ? QString() : fact(state.events.back().done));
    return environment;
}

bool isOf(const QJsonObject& saved, const QString& node, const QString& rule)
{
    return saved[QLatin1String("node")].toString() == node && saved[QLatin1String("rule")].toString() == rule;
}

} // namespace

/// The last run of a rule's command.
struct AlertCommands::Run
{
    QProcess process;
    QTimer limit;
    QByteArray output; ///< the end of it
    QString status;
    pid_t group = 0; ///< it and what it has started
    bool isLate = false;

    ~Run()
    {
        process.disconnect();
        if (!isRunning())
            return;
        signal(SIGKILL);
        process.waitForFinished(kPatienceMs); // of one that was killed: at once
    }
    [[nodiscard]] bool isRunning() const { return process.state() != QProcess::NotRunning; }
    void signal(int number) const
    {
        if (group > 0)
            ::kill(-group, number);
    }
    [[nodiscard]] QString lastLines() const
    {
        const QStringList lines = QString::fromUtf8(output).split(QLatin1Char('\n'), Qt::SkipEmptyParts);
        return lines.mid(std::max<qsizetype>(0, lines.size() - kMostLines)).join(QLatin1Char('\n'));
    }
};

AlertCommands::AlertCommands(Settings& settings, QObject* parent) : QObject(parent), m_settings(settings) {}

AlertCommands::~AlertCommands() = default;

AlertCommand AlertCommands::command(const QString& node, const QString& rule) const
{
    for (const QJsonValue& value : m_settings.alertCommands())
        if (const QJsonObject saved = value.toObject(); isOf(saved, node, rule))
            return {saved[QLatin1String("command")].toString(),
                    std::clamp(saved[QLatin1String("limit_s")].toInt(), 1, AlertCommand::kLongestSeconds),
                    saved[QLatin1String("on")].toBool()};
    return {};
}

void AlertCommands::setCommand(const QString& node, const QString& rule, const AlertCommand& command)
{
    QJsonArray kept;
    for (const QJsonValue& value : m_settings.alertCommands())
        if (!isOf(value.toObject(), node, rule))
            kept.append(value);
    if (!command.words.trimmed().isEmpty())
        kept.append(QJsonObject{{QStringLiteral("node"), node},
                                {QStringLiteral("rule"), rule},
                                {QStringLiteral("command"), command.words},
                                {QStringLiteral("limit_s"), command.limitSeconds},
                                {QStringLiteral("on"), command.isOn}});
    m_settings.setAlertCommands(kept);
    emit changed();
}

void AlertCommands::run(const QString& node, const QString& title, const proto::AlertState& state)
{
    const QString rule = toQString(state.rule.name);
    const AlertCommand wanted = command(node, rule);
    const auto words = app::splitCommandWords(wanted.words.toStdString());
    std::unique_ptr<Run>& run = m_runs[{node, rule}];
    if (!wanted.isOn || !words || (run && run->isRunning()))
        return; // one that still runs has been told of this rule
    const Key key{node, rule};
    run = std::make_unique<Run>();
    QStringList arguments;
    for (std::size_t i = 1; i < words->size(); ++i)
        arguments << toQString((*words)[i]);
    QProcess& process = run->process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    process.setProcessEnvironment(environmentOf(title, state));
    process.setStandardInputFile(QProcess::nullDevice());
    process.setChildProcessModifier([] { ::setpgid(0, 0); });
    connect(&process, &QProcess::readyRead, this,
            [run = run.get()] { run->output = (run->output + run->process.readAll()).right(kMostOutput); });
    connect(&process, &QProcess::finished, this, [this, key, run = run.get()](int status, QProcess::ExitStatus how) {
        const bool isWell = how == QProcess::NormalExit && status == 0;
        finish(key,
               run->isLate                   ? tr("was ended: it ran longer than it may")
               : how == QProcess::NormalExit ? tr("ended with status %1").arg(status)
                                             : tr("was ended by a signal"),
               isWell);
    });
    connect(&process, &QProcess::errorOccurred, this, [this, key, run = run.get()](QProcess::ProcessError error) {
        if (error == QProcess::FailedToStart)
            finish(key, tr("cannot be started: %1").arg(run->process.errorString()), false);
    });
    run->limit.setSingleShot(true);
    connect(&run->limit, &QTimer::timeout, this, [run = run.get()] {
        run->signal(run->isLate ? SIGKILL : SIGTERM);
        if (!std::exchange(run->isLate, true))
            run->limit.start(kPatienceMs);
    });
    run->limit.start(wanted.limitSeconds * 1000);
    run->status = tr("The command runs since %1.").arg(QDateTime::currentDateTime().toString(QStringLiteral("HH:mm:ss")));
    process.start(toQString(words->front()), arguments);
    run->group = static_cast<pid_t>(process.processId());
    emit changed();
}

void AlertCommands::finish(const Key& key, const QString& how, bool isWell)
{
    Run& run = *m_runs[key];
    run.limit.stop();
    run.signal(SIGKILL); // what it has left behind
    run.group = 0;
    const QString lines = run.lastLines();
    run.status = tr("%1: the command %2.").arg(QDateTime::currentDateTime().toString(QStringLiteral("HH:mm:ss")), how);
    if (!lines.isEmpty())
        run.status += QLatin1Char('\n') + lines;
    if (!isWell)
        emit failed(tr("The command of the rule \"%1\" %2.").arg(key.second, how));
    emit changed();
}

QString AlertCommands::status(const QString& node, const QString& rule) const
{
    const auto found = m_runs.find({node, rule});
    return found == m_runs.end() || !found->second ? QString() : found->second->status;
}

} // namespace gantry::desktop
