#include "app/desktop/wake_watch.h"

#include <chrono>
#include <ctime>
#include <utility>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;

constexpr auto kTurn = 1s;
constexpr DurationNs kShortestSleep = 1'000'000'000; // less is a difference between two readings of two clocks

DurationNs nanoseconds(clockid_t clock)
{
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<DurationNs>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

/// CLOCK_BOOTTIME goes on while the machine sleeps, CLOCK_MONOTONIC does not (clock_gettime(2)).
DurationNs sleptSinceBoot()
{
    return nanoseconds(CLOCK_BOOTTIME) - nanoseconds(CLOCK_MONOTONIC);
}

} // namespace

WakeWatch::WakeWatch(QObject* parent) : WakeWatch(sleptSinceBoot, parent) {}

WakeWatch::WakeWatch(Slept slept, QObject* parent) : QObject(parent), m_slept(std::move(slept)), m_known(m_slept())
{
    m_timer.setInterval(kTurn);
    m_timer.setTimerType(Qt::VeryCoarseTimer);
    connect(&m_timer, &QTimer::timeout, this, &WakeWatch::look);
    m_timer.start();
}

void WakeWatch::look()
{
    const DurationNs slept = m_slept(), asleep = slept - m_known;
    m_known = slept;
    if (asleep >= kShortestSleep)
        emit woke(asleep);
}

} // namespace gantry::desktop
