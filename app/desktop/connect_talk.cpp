#include "app/desktop/connect_talk.h"

#include <fmt/format.h>
#include <utility>

namespace gantry::desktop {

namespace {

Error nobodyAnswered()
{
    return {ErrorCode::Cancelled, "connecting was cancelled at a question", {}};
}

} // namespace

void PersonQuestion::acceptKey(bool isRight)
{
    give(isRight);
}

void PersonQuestion::answer(app::Secret secret)
{
    give(std::move(secret));
}

void PersonQuestion::giveUp()
{
    give(GivenUp{});
}

void PersonQuestion::give(Answer answer)
{
    const std::lock_guard lock(m_mutex);
    if (m_answer)
        return;
    m_answer = std::move(answer);
    m_answered.notify_all();
}

bool PersonQuestion::wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop)
{
    return m_answered.wait(lock, stop, [this] { return m_answer.has_value(); });
}

Result<bool> PersonQuestion::waitForKey(std::stop_token stop)
{
    std::unique_lock lock(m_mutex);
    if (!wait(lock, stop) || !std::holds_alternative<bool>(*m_answer))
        return nobodyAnswered();
    return std::get<bool>(*m_answer);
}

Result<app::Secret> PersonQuestion::waitForSecret(std::stop_token stop)
{
    std::unique_lock lock(m_mutex);
    if (!wait(lock, stop) || !std::holds_alternative<app::Secret>(*m_answer))
        return nobodyAnswered();
    return std::move(std::get<app::Secret>(*m_answer));
}

void ConnectTalk::listen(Listener listener)
{
    const std::lock_guard lock(m_mutex);
    m_listener = std::move(listener);
}

void ConnectTalk::silence()
{
    const std::lock_guard lock(m_mutex);
    m_listener = {};
}

bool ConnectTalk::wasPersonNeeded() const
{
    const std::lock_guard lock(m_mutex);
    return m_wasPersonNeeded;
}

void ConnectTalk::step(app::ConnectStep step, const std::string& detail)
{
    const std::lock_guard lock(m_mutex);
    if (m_listener.onStep)
        m_listener.onStep(step, detail);
}

void ConnectTalk::Person::note(const std::string& sentence)
{
    const std::lock_guard lock(m_talk.m_mutex);
    if (m_talk.m_listener.onNote)
        m_talk.m_listener.onNote(sentence);
}

std::shared_ptr<PersonQuestion> ConnectTalk::ask(PersonQuestion::What what)
{
    const std::lock_guard lock(m_mutex);
    if (!m_listener.onQuestion) {
        m_wasPersonNeeded = true;
        return nullptr;
    }
    auto question = std::make_shared<PersonQuestion>(std::move(what));
    m_listener.onQuestion(question);
    return question;
}

void ConnectTalk::answered()
{
    const std::lock_guard lock(m_mutex);
    if (m_listener.onAnswered)
        m_listener.onAnswered();
}

Result<bool> ConnectTalk::Person::acceptHostKey(const app::HostKeyQuestion& question, std::stop_token stop)
{
    const std::shared_ptr<PersonQuestion> asked = m_talk.ask(question);
    if (!asked)
        return Error{ErrorCode::NotPermitted,
                     fmt::format("{} shows a key that is not known ({} {}); connect to say whether it is right", question.host,
                                 question.keyType, question.fingerprint),
                     {}};
    Result<bool> isRight = asked->waitForKey(std::move(stop));
    m_talk.answered();
    return isRight;
}

Result<app::Secret> ConnectTalk::Person::secret(const app::SecretQuestion& question, std::stop_token stop)
{
    const std::shared_ptr<PersonQuestion> asked = m_talk.ask(question);
    if (!asked) {
        const std::string wanted = question.kind == app::SecretQuestion::Kind::Passphrase
                                       ? fmt::format("wants the passphrase of {}", question.file)
                                       : fmt::format("asks {} to log in again", question.user);
        return Error{ErrorCode::NotPermitted, fmt::format("{} {}; connect to answer it", question.host, wanted), {}};
    }
    Result<app::Secret> secret = asked->waitForSecret(std::move(stop));
    m_talk.answered();
    return secret;
}

} // namespace gantry::desktop
