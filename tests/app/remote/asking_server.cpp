#include "tests/app/remote/asking_server.h"

#include <arpa/inet.h>
#include <csignal>
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdexcept>
#include <sys/socket.h>
#include <unistd.h>

namespace gantry::test {

struct AskingServer::Impl
{
    Behaviour behaviour;
    ssh_bind bind = nullptr;
    int listener = -1, port = 0;
    std::string hostKey;
    bool isHalfIn = false;
    int wrongAnswers = 0;
    std::jthread thread;

    [[nodiscard]] int methods() const
    {
        const int all =
            (behaviour.password.empty() ? 0 : SSH_AUTH_METHOD_PASSWORD) | (behaviour.prompts.empty() ? 0 : SSH_AUTH_METHOD_INTERACTIVE);
        return isHalfIn ? all & ~SSH_AUTH_METHOD_PASSWORD : all;
    }

    void serve(const std::stop_token& stop)
    {
        while (!stop.stop_requested()) {
            pollfd waiting{listener, POLLIN, 0};
            if (::poll(&waiting, 1, 50) <= 0)
                continue;
            ssh_session session = ::ssh_new();
            if (::ssh_bind_accept(bind, session) == SSH_OK)
                talk(session);
            ::ssh_disconnect(session);
            ::ssh_free(session);
        }
    }

    void talk(ssh_session session)
    {
        isHalfIn = false;
        wrongAnswers = 0;
        ssh_server_callbacks_struct callbacks{};
        callbacks.userdata = this;
        callbacks.auth_password_function = [](ssh_session of, const char*, const char* password, void* self) {
            return static_cast<Impl*>(self)->takePassword(of, password);
        };
        ssh_callbacks_init(&callbacks);
        ::ssh_set_server_callbacks(session, &callbacks);
        // Passwords reach the callback alone; the rest comes here. A message is libssh's in both cases.
        ::ssh_set_message_callback(
            session, [](ssh_session of, ssh_message message, void* self) { return static_cast<Impl*>(self)->answer(of, message); }, this);
        ::ssh_set_auth_methods(session, methods());
        if (::ssh_handle_key_exchange(session) != SSH_OK)
            return;
        while (ssh_message message = ::ssh_message_get(session)) // until the client has gone
            ::ssh_message_free(message);
    }

    void countWrongAnswer(ssh_session session)
    {
        if (++wrongAnswers == behaviour.mostTries)
            ::shutdown(::ssh_get_fd(session), SHUT_RDWR);
    }

    int takePassword(ssh_session session, const std::string& password)
    {
        if (password != behaviour.password) {
            countWrongAnswer(session);
            return SSH_AUTH_DENIED;
        }
        isHalfIn = behaviour.wantsBoth;
        return isHalfIn ? SSH_AUTH_PARTIAL : SSH_AUTH_SUCCESS;
    }

    /// 1: libssh is to refuse it.
    int answer(ssh_session session, ssh_message message)
    {
        ::ssh_message_auth_set_methods(message, methods());
        const bool isInteractive =
            ::ssh_message_type(message) == SSH_REQUEST_AUTH && ::ssh_message_subtype(message) == SSH_AUTH_METHOD_INTERACTIVE;
        if (!isInteractive || behaviour.prompts.empty() || (behaviour.wantsBoth && !isHalfIn)) {
            return 1;
        } else if (::ssh_message_auth_kbdint_is_response(message) == 0) {
            std::vector<const char*> texts;
            std::vector<char> shown;
            for (const Prompt& prompt : behaviour.prompts) {
                texts.push_back(prompt.text.c_str());
                shown.push_back(prompt.isShown ? 1 : 0);
            }
            ::ssh_message_auth_interactive_request(message, "", behaviour.instruction.c_str(), static_cast<unsigned>(texts.size()),
                                                   texts.data(), shown.data());
        } else if (isRight(session)) {
            ::ssh_message_auth_reply_success(message, 0);
        } else {
            countWrongAnswer(session);
            return 1;
        }
        return 0;
    }

    [[nodiscard]] bool isRight(ssh_session session) const
    {
        bool right = ::ssh_userauth_kbdint_getnanswers(session) == static_cast<int>(behaviour.prompts.size());
        for (std::size_t i = 0; right && i < behaviour.prompts.size(); ++i) {
            const char* const given = ::ssh_userauth_kbdint_getanswer(session, static_cast<unsigned>(i));
            right = given && behaviour.prompts[i].expected == given;
        }
        return right;
    }
};

AskingServer::AskingServer(Behaviour behaviour) : m_impl(std::make_unique<Impl>())
{
    std::signal(SIGPIPE, SIG_IGN); // libssh writes to what has been hung up
    m_impl->behaviour = std::move(behaviour);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    m_impl->listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::bind(m_impl->listener, reinterpret_cast<const sockaddr*>(&address), size) != 0 || ::listen(m_impl->listener, 8) != 0 ||
        ::getsockname(m_impl->listener, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("cannot listen");
    m_impl->port = ntohs(address.sin_port);

    ssh_key key = nullptr;
    char* text = nullptr;
    if (::ssh_pki_generate(SSH_KEYTYPE_ED25519, 0, &key) != SSH_OK || ::ssh_pki_export_pubkey_base64(key, &text) != SSH_OK)
        throw std::runtime_error("cannot make a host key");
    m_impl->hostKey = std::string("ssh-ed25519 ") + text;
    ::ssh_string_free_char(text);
    m_impl->bind = ::ssh_bind_new();
    const bool no = false;
    ::ssh_bind_options_set(m_impl->bind, SSH_BIND_OPTIONS_PROCESS_CONFIG, &no);
    ::ssh_bind_options_set(m_impl->bind, SSH_BIND_OPTIONS_IMPORT_KEY, key); // which owns it from here on
    ::ssh_bind_set_fd(m_impl->bind, m_impl->listener);
    m_impl->thread = std::jthread([this](const std::stop_token& stop) { m_impl->serve(stop); });
}

AskingServer::~AskingServer()
{
    m_impl->thread.request_stop();
    m_impl->thread.join();
    ::ssh_bind_free(m_impl->bind); // with the listener
}

int AskingServer::port() const
{
    return m_impl->port;
}

std::string AskingServer::hostKey() const
{
    return m_impl->hostKey;
}

} // namespace gantry::test
