#pragma once

#include "app/remote/connect_step.h"
#include "app/remote/ssh_prompter.h"

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace gantry::desktop {

/// What a connection over SSH asks the person, and the answer. The thread of the connection waits for it; the UI thread gives it. Only the
/// first answer counts.
class PersonQuestion
{
public:
    using What = std::variant<app::HostKeyQuestion, app::SecretQuestion>;

    explicit PersonQuestion(What what) : m_what(std::move(what)) {}

    [[nodiscard]] const What& what() const { return m_what; }
    void acceptKey(bool isRight);
    void answer(app::Secret secret);
    /// The person gives no answer: connecting ends as cancelled.
    void giveUp();

    /// Until there is an answer. Errors: Cancelled, also when `stop` is asked for.
    [[nodiscard]] Result<bool> waitForKey(std::stop_token stop);
    [[nodiscard]] Result<app::Secret> waitForSecret(std::stop_token stop);

private:
    struct GivenUp
    {
    };
    using Answer = std::variant<GivenUp, bool, app::Secret>;

    void give(Answer answer);
    [[nodiscard]] bool wait(std::unique_lock<std::mutex>& lock, const std::stop_token& stop);

    const What m_what;
    std::mutex m_mutex;
    std::condition_variable_any m_answered;
    std::optional<Answer> m_answer; ///< m_mutex
};

/// What one connection to a node tells and asks, on its way from its threads to whoever listens. Nobody listens once it is made, nor is
/// there a person while it is made again by itself: what only a person could answer is refused then, and it is known that one was needed.
/// Any thread.
class ConnectTalk
{
public:
    /// Called on threads of the connection.
    struct Listener
    {
        std::function<void(app::ConnectStep step, const std::string& detail)> onStep;
        std::function<void(const std::string& sentence)> onNote;
        std::function<void(std::shared_ptr<PersonQuestion> question)> onQuestion; ///< empty: no person is there
        std::function<void()> onAnswered;                                         ///< the question is over
    };

    /// `memory`: of secrets, which are not asked for again.
    explicit ConnectTalk(std::shared_ptr<app::SecretMemory> memory) : m_person(*this), m_prompter(m_person, std::move(memory)) {}

    void listen(Listener listener);

    /// Asks the memory first, then the person.
    [[nodiscard]] app::SshPrompter& prompter() { return m_prompter; }
    /// Nobody is called any more once this returns.
    void silence();

    [[nodiscard]] bool wasPersonNeeded() const;
    void step(app::ConnectStep step, const std::string& detail);

private:
    class Person : public app::SshPrompter
    {
    public:
        explicit Person(ConnectTalk& talk) : m_talk(talk) {}
        void note(const std::string& sentence) override;
        [[nodiscard]] Result<bool> acceptHostKey(const app::HostKeyQuestion& question, std::stop_token stop) override;
        [[nodiscard]] Result<app::Secret> secret(const app::SecretQuestion& question, std::stop_token stop) override;

    private:
        ConnectTalk& m_talk;
    };

    /// Null: nobody is there.
    [[nodiscard]] std::shared_ptr<PersonQuestion> ask(PersonQuestion::What what);
    void answered();

    mutable std::mutex m_mutex;
    Listener m_listener;            ///< m_mutex
    bool m_wasPersonNeeded = false; ///< m_mutex
    Person m_person;
    app::RememberingPrompter m_prompter;
};

} // namespace gantry::desktop
