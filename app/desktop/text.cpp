#include "app/desktop/text.h"

#include "app/cli/printable.h"

#include <QSysInfo>

#include <cstdio>

namespace gantry::desktop {

std::vector<std::filesystem::path> toPaths(const QStringList& paths)
{
    std::vector<std::filesystem::path> result;
    for (const QString& path : paths)
        result.push_back(toPath(path));
    return result;
}

UserMessage describe(const Error& error)
{
    UserMessage message;
    message.sentence = toQString(error.message);
    if (message.sentence.isEmpty())
        message.sentence = QStringLiteral("It did not work, and the cause is not known (%1).").arg(toQString(name(error.code)));
    message.sentence[0] = message.sentence.at(0).toUpper();
    if (!message.sentence.endsWith(QLatin1Char('.')) && !message.sentence.endsWith(QLatin1Char('?')))
        message.sentence += QLatin1Char('.');
    QStringList lines{QStringLiteral("error: %1").arg(toQString(name(error.code)))};
    for (auto frame = error.context.rbegin(); frame != error.context.rend(); ++frame)
        lines << toQString(*frame);
    message.details = lines.join(QLatin1Char('\n'));
    return message;
}

void printNote(const QString& sentence)
{
    std::fprintf(stderr, "gantry: %s\n", cli::printable(sentence.toStdString()).c_str());
}

std::string clientName()
{
    return QStringLiteral("%1@%2: gantry")
        .arg(qEnvironmentVariable("USER", QStringLiteral("someone")), QSysInfo::machineHostName())
        .toStdString();
}

} // namespace gantry::desktop
