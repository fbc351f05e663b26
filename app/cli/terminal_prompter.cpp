#include "app/cli/terminal_prompter.h"

#include "app/cli/output.h"
#include "app/cli/printable.h"
#include "trace_model/base/unique_fd.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <termios.h>
#include <unistd.h>

namespace gantry::cli {
namespace {

using app::Secret;

constexpr char kControlC = 3, kControlD = 4, kControlU = 21, kBackspace = 8, kDelete = 127;

/// The terminal while a question is asked: keys come one by one and are not shown, and Ctrl-C is a key, so that nothing ends this process
/// before the terminal is as it was.
class Terminal
{
public:
    Terminal() : m_file(::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY))
    {
        m_isOpen = m_file && ::tcgetattr(m_file.get(), &m_before) == 0;
        if (!m_isOpen)
            return;
        termios now = m_before;
        now.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | ISIG);
        now.c_cc[VMIN] = 1;
        now.c_cc[VTIME] = 0;
        (void)::tcsetattr(m_file.get(), TCSAFLUSH, &now); // what was typed before the question is no answer to it
    }
    Terminal(const Terminal&) = delete;
    Terminal& operator=(const Terminal&) = delete;
    ~Terminal()
    {
        if (m_isOpen)
            (void)::tcsetattr(m_file.get(), TCSAFLUSH, &m_before);
    }

    [[nodiscard]] bool isOpen() const { return m_isOpen; }
    void write(std::string_view text) const { (void)!::write(m_file.get(), text.data(), text.size()); }

    Result<Secret> readLine(bool isShown, const std::stop_token& stop) const
    {
        const UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
        const std::stop_callback wakeUp(stop, [&wake] { (void)::eventfd_write(wake.get(), 1); });
        Secret line;
        for (;;) {
            pollfd waiting[] = {{m_file.get(), POLLIN, 0}, {wake.get(), POLLIN, 0}};
            if (::poll(waiting, 2, -1) < 0 && errno == EINTR)
                continue;
            char key = 0;
            const bool isGone = waiting[1].revents != 0 || ::read(m_file.get(), &key, 1) != 1;
            if (isGone || key == kControlC || (key == kControlD && line.isEmpty())) {
                write("\n");
                return Error{ErrorCode::Cancelled, "the question was not answered", {}};
            }
            if (key == '\n' || key == '\r') {
                write("\n");
                return line;
            }
            edit(line, key, isShown);
        }
    }

private:
    void edit(Secret& line, char key, bool isShown) const
    {
        if (key == kBackspace || key == kDelete) {
            if (isShown && !line.isEmpty())
                write("\b \b");
            line.removeLast();
        } else if (key == kControlU) {
            for (std::size_t i = 0; isShown && i < line.size(); ++i)
                write("\b \b");
            line.clear();
        } else if (static_cast<unsigned char>(key) >= ' ') {
            line.append(key);
            if (isShown)
                write(std::string_view(&key, 1));
        }
    }

    UniqueFd m_file;
    termios m_before{};
    bool m_isOpen = false;
};

std::string promptOf(const app::SecretQuestion& question)
{
    const std::string again = question.attempt > 1 ? "That was not right. " : "";
    switch (question.kind) {
    case app::SecretQuestion::Kind::Passphrase:
        return fmt::format("{}Passphrase of {}: ", again, question.file);
    case app::SecretQuestion::Kind::Password:
        return fmt::format("{}Password of {} at {}: ", again, question.user, question.host);
    case app::SecretQuestion::Kind::Interactive:
        break;
    }
    // The host's own words, with its name before them: it could ask for the password of another.
    return fmt::format("{}{}({} asks) {}", again, question.instruction.empty() ? "" : question.instruction + "\n", question.host,
                       question.prompt.empty() ? "Answer: " : question.prompt);
}

} // namespace

Result<bool> TerminalPrompter::acceptHostKey(const app::HostKeyQuestion& question, std::stop_token stop)
{
    const Terminal terminal;
    if (!terminal.isOpen())
        return m_nobody.acceptHostKey(question, std::move(stop));
    terminal.write(printable(fmt::format("The key of {} is not known yet: {} {}", question.host, question.keyType, question.fingerprint)) +
                   "\n");
    if (question.hasAuthority)
        terminal.write("An authority is known for this host, but Gantry cannot check certificates of hosts.\n");
    terminal.write(printable(fmt::format("Compare it with what the host's owner says. If it is right it is kept in {}.",
                                         question.knownHostsFile.string())) +
                   "\n");
    for (;;) {
        terminal.write("Is it right? Type yes, no, or the fingerprint: ");
        GANTRY_TRY(const Secret answer, terminal.readLine(true, stop));
        if (answer.text() == "yes" || answer.text() == question.fingerprint)
            return true;
        if (answer.text() == "no" || answer.isEmpty())
            return false;
    }
}

Result<Secret> TerminalPrompter::secret(const app::SecretQuestion& question, std::stop_token stop)
{
    const Terminal terminal;
    if (!terminal.isOpen())
        return m_nobody.secret(question, std::move(stop));
    terminal.write(printable(promptOf(question)));
    return terminal.readLine(question.kind == app::SecretQuestion::Kind::Interactive && question.isShown, stop);
}

void TerminalPrompter::note(const std::string& sentence)
{
    const std::lock_guard lock(m_mutex);
    if (m_noted.insert(sentence).second)
        sayTo(stderr, "gantryctl: {}\n", sentence);
}

} // namespace gantry::cli
