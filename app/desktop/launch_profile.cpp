#include "app/desktop/launch_profile.h"

#include "app/desktop/text.h"
#include "app/remote/command_words.h"

#include <QJsonArray>

#include <filesystem>
#include <string>
#include <utility>

namespace gantry::desktop {

namespace {

using Variable = LaunchProfile::Variable;

QString inPlace(QString text, const LaunchPlace& place)
{
    return text.replace(QLatin1String("{rank}"), QString::number(place.rank))
        .replace(QLatin1String("{ranks}"), QString::number(place.ranks))
        .replace(QLatin1String("{node}"), place.node)
        .replace(QLatin1String("{first}"), place.first);
}

/// After they were told apart: a host name must not become several words.
Result<void> addWords(std::vector<std::string>& argv, const QString& text, const LaunchPlace& place, const char* what)
{
    if (text.trimmed().isEmpty())
        return {};
    auto words = app::splitCommandWords(text.toStdString());
    if (!words)
        return std::move(words).context(what).error();
    for (const std::string& word : *words)
        argv.push_back(inPlace(toQString(word), place).toStdString());
    return {};
}

/// That of the program: wrappers are called alike everywhere.
std::string usualName(const std::string& command)
{
    return std::filesystem::path(command).filename().string();
}

} // namespace

Result<proto::LaunchRequest> launchRequest(const LaunchProfile& profile, const LaunchPlace& place)
{
    proto::LaunchRequest request;
    std::vector<std::string> command;
    GANTRY_CHECK(addWords(command, profile.command, place, "in the command"));
    if (command.empty())
        return Error{ErrorCode::BadInput, "there is no command yet; write the program and its arguments", {}};
    GANTRY_CHECK(addWords(request.argv, profile.wrapper, place, "in the rank wrapper"));
    GANTRY_CHECK(addWords(request.argv, profile.container, place, "in the container prefix"));
    request.name = profile.name.isEmpty() ? usualName(command.front()) : profile.name.toStdString();
    request.argv.insert(request.argv.end(), command.begin(), command.end());
    for (const Variable& variable : profile.environment) {
        if (variable.name.isEmpty() || variable.name.contains(QLatin1Char('=')))
            return Error{ErrorCode::BadInput,
                         variable.name.isEmpty() ? "a variable of the environment has no name; write one or remove its line"
                                                 : "the name of a variable must not hold '=': " + variable.name.toStdString(),
                         {}};
        request.environment[variable.name.toStdString()] = inPlace(variable.value, place).toStdString();
    }
    request.workingDirectory = inPlace(profile.folder, place).trimmed().toStdString();
    request.grpcAddress = inPlace(profile.grpcAddress, place).trimmed().toStdString();
    request.metricsUrl = inPlace(profile.metricsUrl, place).trimmed().toStdString();
    request.inject = profile.isInjected;
    return request;
}

QJsonObject toJson(const LaunchProfile& profile)
{
    QJsonArray environment;
    for (const Variable& variable : profile.environment) {
        QJsonObject one{{QStringLiteral("name"), variable.name}};
        if (variable.isSecret)
            one[QStringLiteral("secret")] = true;
        else
            one[QStringLiteral("value")] = variable.value;
        environment.append(one);
    }
    return {{QStringLiteral("name"), profile.name},
            {QStringLiteral("command"), profile.command},
            {QStringLiteral("container"), profile.container},
            {QStringLiteral("wrapper"), profile.wrapper},
            {QStringLiteral("folder"), profile.folder},
            {QStringLiteral("grpc_address"), profile.grpcAddress},
            {QStringLiteral("metrics_url"), profile.metricsUrl},
            {QStringLiteral("environment"), environment},
            {QStringLiteral("inject"), profile.isInjected}};
}

LaunchProfile launchProfile(const QJsonObject& saved)
{
    const auto text = [&saved](const char* key) { return saved[QLatin1String(key)].toString(); };
    LaunchProfile profile{text("name"),
                          text("command"),
                          text("container"),
                          text("wrapper"),
                          text("folder"),
                          text("grpc_address"),
                          text("metrics_url"),
                          {},
                          saved[QLatin1String("inject")].toBool(true)};
    for (const QJsonValue& value : saved[QLatin1String("environment")].toArray()) {
        const QJsonObject one = value.toObject();
        profile.environment.push_back(
            {one[QLatin1String("name")].toString(), one[QLatin1String("value")].toString(), one[QLatin1String("secret")].toBool()});
    }
    return profile;
}

} // namespace gantry::desktop
