#include "app/cli/interrupts.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

namespace gantry::cli {

Interrupts::Interrupts()
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    ::pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    m_signals = ::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    m_wake = ::eventfd(0, EFD_CLOEXEC);
    m_thread = std::jthread([this](std::stop_token stop) { watch(stop); });
}

Interrupts::~Interrupts()
{
    m_thread.request_stop();
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(m_wake, &one, sizeof one);
    m_thread.join();
    ::close(m_signals);
    ::close(m_wake);
}

void Interrupts::setHandler(std::function<void(int)> handler)
{
    const std::lock_guard lock(m_mutex);
    m_handler = std::move(handler);
    m_count = 0;
}

void Interrupts::watch(std::stop_token stop)
{
    while (!stop.stop_requested()) {
        pollfd descriptors[] = {{m_signals, POLLIN, 0}, {m_wake, POLLIN, 0}};
        if (::poll(descriptors, 2, -1) < 0 && errno != EINTR)
            return;
        signalfd_siginfo info{};
        if (::read(m_signals, &info, sizeof info) != sizeof info)
            continue;
        // Held during the call: setHandler({}) returns only when no handler runs any more.
        const std::lock_guard lock(m_mutex);
        if (m_handler) {
            m_handler(++m_count);
            continue;
        }
        const int signal = static_cast<int>(info.ssi_signo);
        sigset_t one;
        sigemptyset(&one);
        sigaddset(&one, signal);
        ::signal(signal, SIG_DFL);
        ::pthread_sigmask(SIG_UNBLOCK, &one, nullptr);
        ::raise(signal);
    }
}

} // namespace gantry::cli
