#include "app/remote/ssh_prompter.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>

namespace gantry::app {

namespace {

std::string keyOf(const SecretQuestion& question)
{
    return fmt::format("{}\n{}\n{}\n{}\n{}", static_cast<int>(question.kind), question.host, question.user, question.file, question.prompt);
}

} // namespace

bool isWorthRemembering(const SecretQuestion& question)
{
    if (question.kind != SecretQuestion::Kind::Interactive)
        return true;
    std::string prompt = question.prompt;
    std::transform(prompt.begin(), prompt.end(), prompt.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    // "One-time password (OATH) for `me':" is asked by a PAM module of that name.
    return !question.isShown && prompt.find("password") != std::string::npos && prompt.find("one-time") == std::string::npos &&
           prompt.find("otp") == std::string::npos;
}

Result<bool> NobodyToAsk::acceptHostKey(const HostKeyQuestion& question, std::stop_token)
{
    return Error{
        ErrorCode::NotPermitted,
        fmt::format("the key of {} is not known ({} {}), and nobody is there to ask whether it is right: compare it with `ssh-keygen -lf` "
                    "of a key in /etc/ssh on the host, then connect once with `ssh` or on a terminal",
                    question.host, question.keyType, question.fingerprint),
        {}};
}

Result<Secret> NobodyToAsk::secret(const SecretQuestion& question, std::stop_token)
{
    if (question.kind == SecretQuestion::Kind::Passphrase)
        return Error{ErrorCode::NotPermitted,
                     fmt::format("{} wants the key {}, which has a passphrase, and nobody is there to ask for it: add it to the agent with "
                                 "`ssh-add {}`, or connect on a terminal",
                                 question.host, question.file, question.file),
                     {}};
    return Error{ErrorCode::NotPermitted,
                 fmt::format("{} asks {} for a password, and nobody is there to ask for it: connect on a terminal, or give the host a key "
                             "with `ssh-copy-id`",
                             question.host, question.user),
                 {}};
}

Result<bool> RememberingPrompter::acceptHostKey(const HostKeyQuestion& question, std::stop_token stop)
{
    return m_person.acceptHostKey(question, std::move(stop));
}

Result<Secret> RememberingPrompter::secret(const SecretQuestion& question, std::stop_token stop)
{
    const std::string key = keyOf(question);
    if (question.attempt > 1)
        m_memory->forget(key);
    else if (std::optional<Secret> known = m_memory->find(key))
        return std::move(*known);
    GANTRY_TRY(Secret answer, m_person.secret(question, std::move(stop)));
    if (isWorthRemembering(question))
        m_memory->remember(key, answer);
    return answer;
}

std::optional<Secret> SecretMemory::find(const std::string& key) const
{
    const std::lock_guard lock(m_mutex);
    const auto known = m_secrets.find(key);
    return known == m_secrets.end() ? std::nullopt : std::optional<Secret>(known->second.copy());
}

void SecretMemory::remember(const std::string& key, const Secret& secret)
{
    const std::lock_guard lock(m_mutex);
    m_secrets.insert_or_assign(key, secret.copy());
}

void SecretMemory::forget(const std::string& key)
{
    const std::lock_guard lock(m_mutex);
    m_secrets.erase(key);
}

void SecretMemory::forgetAll()
{
    const std::lock_guard lock(m_mutex);
    m_secrets.clear();
}

} // namespace gantry::app
