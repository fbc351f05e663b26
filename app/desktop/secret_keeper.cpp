#include "app/desktop/secret_keeper.h"

#include "app/desktop/text.h"

#include <QPointer>
#include <QTimer>

#include <chrono>
#include <utility>

namespace gantry::desktop {

namespace {

/// A keyring that is locked asks for its own password first.
constexpr std::chrono::seconds kPatience{30};

/// Null: it is no secret, or one that is good once.
const app::SecretQuestion* lastingSecret(const PersonQuestion& question)
{
    const auto* asked = std::get_if<app::SecretQuestion>(&question.what());
    return asked && app::isWorthRemembering(*asked) ? asked : nullptr;
}

QString keyOf(const app::SecretQuestion& asked)
{
    // Shown by programs that manage keyrings, so in words.
    const QString host = toQString(asked.host), user = toQString(asked.user);
    switch (asked.kind) {
    case app::SecretQuestion::Kind::Passphrase:
        return QStringLiteral("passphrase of %1").arg(toQString(asked.file));
    case app::SecretQuestion::Kind::Password:
        return QStringLiteral("password of %1 at %2").arg(user, host);
    case app::SecretQuestion::Kind::Interactive:
        break;
    }
    return QStringLiteral("answer of %1 at %2 to: %3").arg(user, host, toQString(asked.prompt));
}

} // namespace

SecretKeeper::SecretKeeper(std::unique_ptr<Keyring> keyring, QObject* parent) : QObject(parent), m_keyring(std::move(keyring)) {}

SecretKeeper::~SecretKeeper() = default;

void SecretKeeper::answer(const QObject* connection, std::shared_ptr<PersonQuestion> question, std::function<void()> onUnknown)
{
    const app::SecretQuestion* asked = lastingSecret(*question);
    if (!m_keyring || !asked)
        return onUnknown();
    const QString key = keyOf(*asked);
    if (asked->attempt > 1) {
        if (std::erase(m_unsettled[connection], key) > 0)
            m_keyring->forget(key);
        return onUnknown();
    }
    // Whoever comes first: the keyring, or the end of the patience with it.
    const auto isOver = std::make_shared<bool>(false);
    QTimer::singleShot(kPatience, this, [isOver, onUnknown] {
        if (!std::exchange(*isOver, true))
            onUnknown();
    });
    m_keyring->find(
        key, [this, connection = QPointer(connection), isOver, onUnknown, key, question = std::move(question)](Keyring::Found found) {
            m_isThere = found.isThere;
            if (std::exchange(*isOver, true) || !connection)
                return;
            if (!found.secret || found.secret->isEmpty())
                return onUnknown();
            addUnsettled(connection, key);
            question->answer(std::move(*found.secret));
        });
}

bool SecretKeeper::canKeep(const PersonQuestion& question) const
{
    return m_isThere && lastingSecret(question);
}

void SecretKeeper::keep(const QObject* connection, const PersonQuestion& question, const app::Secret& secret)
{
    const app::SecretQuestion* asked = lastingSecret(question);
    if (!m_keyring || !asked || secret.isEmpty())
        return;
    const QString key = keyOf(*asked);
    addUnsettled(connection, key);
    m_keyring->keep(key, secret,
                    [this](const QString& reason) { emit failed(tr("The secret was not kept in the keyring: %1.").arg(reason)); });
}

void SecretKeeper::settle(const QObject* connection, bool wereRight)
{
    const auto answers = m_unsettled.extract(connection);
    if (answers.empty() || wereRight || !m_keyring)
        return;
    if (!answers.mapped().empty())
        m_keyring->forget(answers.mapped().back());
}

void SecretKeeper::addUnsettled(const QObject* connection, const QString& key)
{
    std::vector<QString>& keys = m_unsettled[connection];
    std::erase(keys, key);
    keys.push_back(key);
}

} // namespace gantry::desktop
