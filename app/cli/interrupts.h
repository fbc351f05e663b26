#pragma once

#include <functional>
#include <mutex>
#include <thread>

namespace gantry::cli {

/// Ctrl-C (SIGINT) and SIGTERM as calls of a handler, so that a window can be ended and its report still be fetched.
/// Create it before any other thread: it blocks both signals for the whole process. With no handler set the signal ends the
/// program as it always does.
class Interrupts
{
public:
    Interrupts();
    Interrupts(const Interrupts&) = delete;
    Interrupts& operator=(const Interrupts&) = delete;
    ~Interrupts();

    /// Called on the watching thread with 1 for the first signal, 2 for the second, … An empty function restores the default.
    void setHandler(std::function<void(int count)> handler);

private:
    void watch(std::stop_token stop);

    int m_signals = -1; ///< signalfd
    int m_wake = -1;    ///< eventfd that ends the thread
    std::mutex m_mutex;
    std::function<void(int)> m_handler; ///< m_mutex
    int m_count = 0;                    ///< m_mutex
    std::jthread m_thread;
};

/// Sets a handler for the length of a scope.
class InterruptScope
{
public:
    /// `interrupts` may be null: then nothing is handled.
    InterruptScope(Interrupts* interrupts, std::function<void(int count)> handler) : m_interrupts(interrupts)
    {
        if (m_interrupts)
            m_interrupts->setHandler(std::move(handler));
    }
    InterruptScope(const InterruptScope&) = delete;
    InterruptScope& operator=(const InterruptScope&) = delete;
    ~InterruptScope()
    {
        if (m_interrupts)
            m_interrupts->setHandler({});
    }

private:
    Interrupts* m_interrupts;
};

} // namespace gantry::cli
