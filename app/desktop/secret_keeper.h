#pragma once

#include "app/desktop/connect_talk.h"
#include "app/desktop/keyring.h"

#include <QObject>
#include <QString>

#include <functional>
#include <map>
#include <memory>
#include <vector>

namespace gantry::desktop {

/// Answers what a connection asks from the desktop's keyring, and keeps there what the person wants to be kept. What was wrong is
/// forgotten. UI thread.
class SecretKeeper : public QObject
{
    Q_OBJECT

public:
    /// `keyring` null: every question is the person's.
    explicit SecretKeeper(std::unique_ptr<Keyring> keyring, QObject* parent = nullptr);
    ~SecretKeeper() override;

    /// Answers the question with what is kept. `onUnknown`, when nothing is, or no keyring answers in time; at once for a question of
    /// another kind. Not called after this is destroyed. `connection`: whose question it is.
    void answer(const QObject* connection, std::shared_ptr<PersonQuestion> question, std::function<void()> onUnknown);
    /// Whether an answer to this question could be kept: a keyring has answered, and it is no code that is good once.
    [[nodiscard]] bool canKeep(const PersonQuestion& question) const;
    void keep(const QObject* connection, const PersonQuestion& question, const app::Secret& secret);

    /// What became of the answers of a connection since the last call. Wrong: the last of them is forgotten, for it is the one after which
    /// the host refused. Called with true for a connection that is destroyed.
    void settle(const QObject* connection, bool wereRight);

signals:
    /// A sentence: it could not be kept.
    void failed(const QString& sentence);

private:
    /// The newest is the last.
    void addUnsettled(const QObject* connection, const QString& key);

    std::unique_ptr<Keyring> m_keyring;
    bool m_isThere = false;
    std::map<const QObject*, std::vector<QString>> m_unsettled; ///< by connection: keys of answers that were used or kept and may be wrong
};

} // namespace gantry::desktop
