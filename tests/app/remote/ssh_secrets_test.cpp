#include "app/remote/secret.h"
#include "app/remote/ssh_agent_filter.h"
#include "app/remote/ssh_session.h"
#include "tests/app/remote/asking_server.h"
#include "tests/app/remote/scripted_prompter.h"
#include "tests/support/temporary_folder.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::app {
namespace {

using test::AskingServer;
using test::ScriptedPrompter;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using Kind = SecretQuestion::Kind;

class SshSecrets : public testing::Test
{
protected:
    [[nodiscard]] Result<std::shared_ptr<SshSession>> connect(const AskingServer& server, SshPrompter& prompter,
                                                              const std::string& lines = {})
    {
        const std::string known = (m_folder / "known_hosts").string();
        std::ofstream(known) << "[127.0.0.1]:" << server.port() << ' ' << server.hostKey() << '\n';
        std::ofstream(m_folder / "config") << "Host node\n HostName 127.0.0.1\n Port " << server.port()
                                           << "\n User me\n IdentityFile none\n"
                                           << " IdentityAgent none\n UserKnownHostsFile " << known << "\n"
                                           << lines;
        return connectSsh(SshConfigPlaces::ofThisUser((m_folder / "config").string()), {"node", {}, 0}, prompter,
                          [this](ConnectStep step, const std::string& detail) { m_said += std::string(name(step)) + " " + detail + "\n"; },
                          {});
    }

    test::TemporaryFolder m_folder;
    ScriptedPrompter m_person;
    std::string m_said;
};

TEST_F(SshSecrets, APasswordIsAskedForUntilItIsRight)
{
    const AskingServer server({"correct horse", {}, {}, false});
    m_person.secrets = {"wrong", "correct horse"};
    const auto session = connect(server, m_person);
    ASSERT_TRUE(session) << session.error().text();
    ASSERT_EQ(m_person.questions.size(), 2u);
    EXPECT_EQ(m_person.questions[0].kind, Kind::Password);
    EXPECT_EQ(m_person.questions[0].user, "me");
    EXPECT_EQ(m_person.questions[1].attempt, 2);
    EXPECT_THAT(m_said, Not(HasSubstr("horse"))) << "a secret is in no step";
}

TEST_F(SshSecrets, APasswordThatIsNeverRightEndsInASentenceWithoutIt)
{
    const AskingServer server({"right", {}, {}, false});
    m_person.secrets = {"first-try", "second-try", "third-try", "right"};
    const auto session = connect(server, m_person);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::NotPermitted);
    EXPECT_EQ(m_person.questions.size(), 3u);
    EXPECT_THAT(session.error().text(), AllOf(HasSubstr("does not let me in"), HasSubstr("a password"), Not(HasSubstr("-try"))));
}

// Tried again by itself as a host that cannot be reached, the same wrong answer would lock the account.
TEST_F(SshSecrets, AHostThatHangsUpAfterAWrongAnswerDoesNotPermitIt)
{
    const AskingServer password({"right", {}, {}, false, 1});
    m_person.secrets = {"wrong"};
    const auto byPassword = connect(password, m_person);
    ASSERT_FALSE(byPassword);
    EXPECT_EQ(byPassword.error().code, ErrorCode::NotPermitted) << byPassword.error().text();
    EXPECT_THAT(byPassword.error().text(), HasSubstr("ended the connection after the answer of me"));

    const AskingServer prompts({{}, {}, {{"Password: ", false, "right"}}, false, 2});
    m_person.secrets = {"wrong", "wrong again"};
    const auto byPrompt = connect(prompts, m_person);
    ASSERT_FALSE(byPrompt);
    EXPECT_EQ(byPrompt.error().code, ErrorCode::NotPermitted) << byPrompt.error().text();
    EXPECT_EQ(m_person.questions.size(), 3u);
}

TEST_F(SshSecrets, APersonWhoGivesUpEndsItAsCancelled)
{
    const AskingServer server({"right", {}, {}, false});
    const auto session = connect(server, m_person);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::Cancelled);
}

TEST_F(SshSecrets, WhatTheHostAsksIsPassedOnWithWhetherItMayBeSeen)
{
    const AskingServer server({{}, "Two factors", {{"Password: ", false, "pass"}, {"Code: ", true, "123456"}}, false});
    m_person.secrets = {"pass", "123456"};
    const auto session = connect(server, m_person);
    ASSERT_TRUE(session) << session.error().text();
    ASSERT_EQ(m_person.questions.size(), 2u);
    EXPECT_EQ(m_person.questions[0].kind, Kind::Interactive);
    EXPECT_EQ(m_person.questions[0].instruction, "Two factors");
    EXPECT_EQ(m_person.questions[0].prompt, "Password: ");
    EXPECT_FALSE(m_person.questions[0].isShown);
    EXPECT_EQ(m_person.questions[1].prompt, "Code: ");
    EXPECT_TRUE(m_person.questions[1].isShown);
}

TEST_F(SshSecrets, AHostMayWantOneMethodAndThenAnother)
{
    const AskingServer server({"pass", {}, {{"Code: ", false, "42"}}, true});
    m_person.secrets = {"pass", "42"};
    const auto session = connect(server, m_person, " KbdInteractiveAuthentication yes\n");
    ASSERT_TRUE(session) << session.error().text();
}

TEST_F(SshSecrets, AMethodThatTheConfigurationForbidsIsNotUsed)
{
    const AskingServer server({"pass", {}, {}, false});
    m_person.secrets = {"pass"};
    const auto session = connect(server, m_person, " PasswordAuthentication no\n");
    ASSERT_FALSE(session);
    EXPECT_THAT(m_person.questions, IsEmpty());
}

TEST_F(SshSecrets, NobodyToAskIsSaidWithWhatToDoInstead)
{
    const AskingServer server({"pass", {}, {}, false});
    NobodyToAsk nobody;
    const auto session = connect(server, nobody);
    ASSERT_FALSE(session);
    EXPECT_EQ(session.error().code, ErrorCode::NotPermitted);
    EXPECT_THAT(session.error().message, AllOf(HasSubstr("asks me for a password"), HasSubstr("ssh-copy-id")));
}

TEST_F(SshSecrets, AHostsEndlessPromptIsCut)
{
    const AskingServer server({{}, std::string(20'000, 'i'), {{std::string(20'000, 'p'), false, "x"}}, false});
    m_person.secrets = {"x"};
    ASSERT_TRUE(connect(server, m_person));
    EXPECT_LE(m_person.questions[0].prompt.size(), 400u);
    EXPECT_LE(m_person.questions[0].instruction.size(), 400u);
}

TEST_F(SshSecrets, APasswordIsRememberedForTheNextSessionAndForgottenWhenItIsWrong)
{
    const AskingServer server({"pass", {}, {}, false});
    RememberingPrompter remembering(m_person);
    m_person.secrets = {"pass"};
    ASSERT_TRUE(connect(server, remembering));
    ASSERT_TRUE(connect(server, remembering));
    EXPECT_EQ(m_person.questions.size(), 1u);
    SecretQuestion wrong = m_person.questions[0];
    wrong.attempt = 2;
    m_person.secrets = {"new"};
    EXPECT_EQ(remembering.secret(wrong, {})->text(), "new");
}

TEST_F(SshSecrets, ACodeIsAskedForEachTimeAndAPasswordPromptOnce)
{
    RememberingPrompter remembering(m_person);
    SecretQuestion question;
    question.kind = Kind::Interactive;
    question.prompt = "Verification code: ";
    m_person.secrets = {"1", "2", "pass"};
    EXPECT_EQ(remembering.secret(question, {})->text(), "1");
    EXPECT_EQ(remembering.secret(question, {})->text(), "2");
    question.prompt = "Password: ";
    EXPECT_EQ(remembering.secret(question, {})->text(), "pass");
    EXPECT_EQ(remembering.secret(question, {})->text(), "pass");
    question.prompt = "One-time password: ";
    m_person.secrets = {"3", "4"};
    EXPECT_EQ(remembering.secret(question, {})->text(), "3");
    EXPECT_EQ(remembering.secret(question, {})->text(), "4");
}

std::string withLength(const std::string& text)
{
    return std::string(3, '\0') + static_cast<char>(text.size()) + text;
}

TEST(SshAgentAnswer, HasTheWantedKeysFirstOrAlone)
{
    const std::string a = withLength("key-a") + withLength("a"), b = withLength("key-b") + withLength("b"),
                      c = withLength("key-c") + withLength("");
    const auto list = [](char count, const std::string& keys) { return std::string("\x0c\0\0\0", 4) + count + keys; };
    EXPECT_EQ(orderedIdentities(list(3, a + b + c), {"key-c", "key-b"}, false), list(3, b + c + a));
    EXPECT_EQ(orderedIdentities(list(3, a + b + c), {"key-c"}, true), list(1, c));
    EXPECT_EQ(orderedIdentities(list(3, a + b + c), {"other"}, true), list(0, ""));
}

TEST(SshAgentAnswer, ThatCannotBeReadIsLeftAsItIs)
{
    const std::string a = withLength("key-a") + withLength("a");
    const std::string whole = std::string("\x0c\0\0\0\x01", 5) + a;
    for (std::size_t length = 0; length < whole.size(); ++length)
        EXPECT_EQ(orderedIdentities(whole.substr(0, length), {"key-a"}, true), whole.substr(0, length)) << length;
    const std::string many = std::string("\x0c\xff\xff\xff\xff", 5) + a, other = "\x05";
    EXPECT_EQ(orderedIdentities(many, {}, true), many);
    EXPECT_EQ(orderedIdentities(other, {}, true), other);
}

TEST(SecretText, IsEditedMovedAndWiped)
{
    Secret secret("abc");
    secret.append('d');
    secret.removeLast();
    secret.removeLast();
    EXPECT_EQ(secret.text(), "ab");
    const char* const page = secret.cString();
    Secret moved = std::move(secret);
    EXPECT_EQ(moved.cString(), page);
    EXPECT_TRUE(secret.isEmpty()); // NOLINT(bugprone-use-after-move): what is left is empty
    moved.clear();
    EXPECT_EQ(page[0], '\0');
    EXPECT_EQ(page[1], '\0');
    EXPECT_EQ(Secret(std::string(5000, 'x')).size(), Secret::kMostBytes);
}

} // namespace
} // namespace gantry::app
