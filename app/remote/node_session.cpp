#include "app/remote/node_session.h"

#include "app/remote/error_code.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/report/report_amendment.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <exception>
#include <fmt/format.h>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

namespace gantry::app {
namespace {

constexpr int kBurst = 16;
constexpr std::chrono::milliseconds kWithinBurst{5};
constexpr std::chrono::seconds kBetweenBursts{2}; // while the window is open
constexpr int kShortBurst = 4;
constexpr std::chrono::milliseconds kLongestBurst{1000}; // beyond kShortBurst
// A node that has not told its clock by then takes no part: the others do not wait for it.
constexpr std::chrono::seconds kMostPatience{3};
// From when the instant is chosen until it comes: so that the command arrives, by a slow link too.
constexpr DurationNs kShortestLead = 300'000'000;
constexpr int kLeadInRoundTrips = 8;
constexpr std::chrono::seconds kReconnectTimeout{10};
// A window that is cut off is waited for so long beyond its length: the node finishes it by itself, and a lid is opened again.
constexpr std::chrono::minutes kMostAbsence{5};
constexpr std::chrono::milliseconds kBetweenTries{500};

std::int64_t monotonicNow()
{
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

std::string newSessionName()
{
    std::random_device random;
    return fmt::format("{:08x}{:08x}", random(), random());
}

/// Waits, but not longer than until one of the two stops is asked for. False: it was.
bool pause(std::chrono::nanoseconds time, const std::stop_token& stop)
{
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait_for(lock, stop, time, [] { return false; });
    return !stop.stop_requested();
}

/// The clock of one node, as it is measured again and again.
class NodeClock
{
public:
    explicit NodeClock(NodeClient& client) : m_client(client) {}

    Result<void> measure(int rounds, const std::stop_token& stop)
    {
        const auto begun = std::chrono::steady_clock::now();
        for (int round = 0; round < rounds; ++round) {
            if (round >= kShortBurst && std::chrono::steady_clock::now() - begun > kLongestBurst)
                break; // a slow link
            if (round > 0 && !pause(kWithinBurst, stop))
                return Error{ErrorCode::Cancelled, "the measurement of the node's clock was stopped", {}};
            GANTRY_TRY(const NodeClient::ClockReading reading, m_client.exchangeClocks(stop));
            const std::lock_guard lock(m_mutex);
            m_exchanges.push_back(reading.exchange);
            m_utcOfMonotonic = reading.nodeUtcNs - reading.exchange.answered;
        }
        return {};
    }

    [[nodiscard]] std::optional<ClockFit> fit(TimeRange ours) const
    {
        const std::lock_guard lock(m_mutex);
        return ClockFit::of(m_exchanges, ours);
    }

    [[nodiscard]] DurationNs shortestRoundTrip() const
    {
        const std::lock_guard lock(m_mutex);
        DurationNs shortest = std::chrono::nanoseconds(kMostPatience).count();
        for (const ClockExchange& e : m_exchanges)
            shortest = std::min(shortest, e.received - e.sent);
        return shortest;
    }

    /// An instant of our clock on the node's CLOCK_REALTIME.
    [[nodiscard]] std::optional<std::int64_t> utcAt(std::int64_t ours) const
    {
        const auto known = fit({ours, ours + 1});
        const std::lock_guard lock(m_mutex);
        return known ? std::optional(ours + known->offsetAt(ours) + m_utcOfMonotonic) : std::nullopt;
    }

private:
    NodeClient& m_client;
    mutable std::mutex m_mutex;
    std::vector<ClockExchange> m_exchanges;
    DurationNs m_utcOfMonotonic = 0;
};

/// Where the members meet before the window: each says how far its node is, and the instant is chosen when all have, or in time.
class StartLine
{
public:
    explicit StartLine(std::size_t members) : m_awaited(members) {}

    /// Of a member that is ready, or, without a round trip, of one that takes no part.
    void arrive(std::optional<DurationNs> roundTrip)
    {
        const std::lock_guard lock(m_mutex);
        if (roundTrip && !m_start) {
            m_slowest = std::max(m_slowest, *roundTrip);
            ++m_ready;
        }
        --m_awaited;
        if (m_awaited == 0)
            decide();
    }

    /// The instant, on our clock. Nothing: stopped, or the others have left already, or are about to while the command is still on its way.
    [[nodiscard]] std::optional<std::int64_t> start(DurationNs roundTrip, const std::stop_token& stop)
    {
        std::unique_lock lock(m_mutex);
        m_changed.wait_until(lock, stop, m_deadline, [&] { return m_start.has_value(); });
        if (!m_start && !stop.stop_requested())
            decide();
        return m_start && *m_start > monotonicNow() + roundTrip ? m_start : std::nullopt;
    }

    [[nodiscard]] std::uint32_t ready() const
    {
        const std::lock_guard lock(m_mutex);
        return m_ready;
    }

private:
    void decide()
    {
        if (!m_start)
            m_start = monotonicNow() + std::max(kShortestLead, kLeadInRoundTrips * m_slowest);
        m_changed.notify_all();
    }

    mutable std::mutex m_mutex;
    std::condition_variable_any m_changed;
    std::chrono::steady_clock::time_point m_deadline = std::chrono::steady_clock::now() + kMostPatience;
    std::size_t m_awaited;
    std::uint32_t m_ready = 0;
    DurationNs m_slowest = 0;
    std::optional<std::int64_t> m_start;
};

/// One member, on a thread of its own.
class MemberRun
{
public:
    MemberRun(const SessionMember& member, std::size_t index, const proto::CaptureRequest& request, const SessionWatch& watch,
              StartLine& line)
        : m_member(member), m_index(index), m_request(request), m_watch(watch), m_line(line), m_clock(*member.client)
    {
        m_request.targetId = member.targetId;
        m_request.engine = member.engine;
    }

    Result<SessionReport> run()
    {
        const Result<void> measured = m_clock.measure(kBurst, m_watch.giveUp);
        m_line.arrive(measured ? std::optional(m_clock.shortestRoundTrip()) : std::nullopt);
        GANTRY_CHECK(measured);
        const auto start = m_line.start(m_clock.shortestRoundTrip(), m_watch.giveUp);
        if (m_watch.giveUp.stop_requested())
            return Error{ErrorCode::Cancelled, "given up before the windows opened", {}};
        const auto utc = start ? m_clock.utcAt(*start) : std::nullopt;
        if (!utc)
            return Error{ErrorCode::Unreachable,
                         "it answered too late to take part: the windows of the others are not held up; try again, or capture it alone",
                         {}};
        m_request.startUtcNs = *utc;
        m_request.sessionNodes = m_line.ready();
        // Without a stop: a call that is cancelled leaves open whether the node opens the window, and nobody would close it.
        GANTRY_TRY(const proto::CaptureStatus started, m_member.client->startCapture(m_request));
        GANTRY_TRY(SessionReport report, finish(started.captureId));
        setClock(report, *start);
        keepClock(report);
        return report;
    }

private:
    /// From the command on: the window, its report, and the clock meanwhile.
    Result<SessionReport> finish(const std::string& captureId)
    {
        SessionReport report;
        {
            const std::jthread clock([this](const std::stop_token& stop) {
                while (pause(kBetweenBursts, stop))
                    (void)m_clock.measure(kShortBurst, stop); // a link that is cut is made again by who watches
            });
            GANTRY_TRY(report.status, watchToTheEnd(captureId));
        }
        (void)m_clock.measure(kBurst, m_watch.giveUp);
        if (report.status.state == proto::CaptureState::Failed)
            return Error{errorCodeFromName(report.status.error), report.status.message, {}};
        if (report.status.reportName.empty())
            return Error{ErrorCode::Cancelled, "the window was called off before it opened: there is no report", {}};
        GANTRY_TRY(const std::filesystem::path destination, destinationOf(report.status.reportName));
        GANTRY_TRY(report.fetched, fetchReport(
                                       *m_member.client, report.status.reportName, destination,
                                       [this](std::uint64_t bytes, std::uint64_t total) {
                                           if (m_watch.onFetch)
                                               m_watch.onFetch(m_index, bytes, total);
                                       },
                                       m_watch.giveUp));
        return report;
    }

    [[nodiscard]] Result<std::filesystem::path> destinationOf(const std::string& reportName) const
    {
        std::error_code none;
        if (!std::filesystem::is_directory(m_member.destination, none))
            return m_member.destination;
        GANTRY_TRY(const std::filesystem::path name, localFileName(reportName));
        return m_member.destination / name;
    }

    /// The daemon closes and keeps the window by itself, so that a connection which breaks is made again.
    Result<proto::CaptureStatus> watchToTheEnd(const std::string& captureId)
    {
        const std::stop_callback close(m_watch.close, [&] { m_closer = std::jthread([this, captureId] { closeWindow(captureId); }); });
        Result<proto::CaptureStatus> last = watchOnce(captureId);
        const auto patience = std::chrono::steady_clock::now() + std::chrono::nanoseconds(m_request.durationNs) + kMostAbsence;
        while (!last && last.error().code == ErrorCode::Unreachable && std::chrono::steady_clock::now() < patience) {
            if (!pause(kBetweenTries, m_watch.giveUp))
                break;
            if (!m_member.client->reconnect(kReconnectTimeout, m_watch.giveUp))
                continue;
            if (m_watch.close.stop_requested()) // which the cut may have swallowed
                closeWindow(captureId);
            last = watchOnce(captureId);
        }
        if (m_watch.giveUp.stop_requested())
            closeWindow(captureId);
        if (!last && last.error().code == ErrorCode::Unreachable)
            return std::move(last).context("the node keeps the report, `gantryctl report list` shows it when it is back");
        return last;
    }

    Result<proto::CaptureStatus> watchOnce(const std::string& captureId)
    {
        return m_member.client->watchCapture(
            captureId,
            [this](const proto::CaptureStatus& status) {
                if (m_watch.onStatus)
                    m_watch.onStatus(m_index, status);
            },
            m_watch.giveUp);
    }

    /// It ends by itself where that fails. Not for long: the program may be ending.
    void closeWindow(const std::string& captureId)
    {
        std::stop_source tooLong;
        const std::jthread timer([&](const std::stop_token& done) {
            if (pause(kMostPatience, done))
                tooLong.request_stop();
        });
        (void)m_member.client->stopCapture(captureId, tooLong.get_token());
    }

    void setClock(SessionReport& report, std::int64_t start)
    {
        const TimeRange window{start, start + std::max<DurationNs>(report.status.elapsedNs, 1)};
        const auto fit = m_clock.fit(window);
        if (!fit) {
            report.whyNoClock =
                "its clock or that of this machine was set, or stood still, while they were compared: its times are aligned by "
                "the wall clock alone";
            return;
        }
        // One offset for the window: what the clocks gain on each other in half of it is part of the error.
        const DurationNs middle = fit->offsetAt(window.start + window.duration() / 2);
        const DurationNs gained = std::abs(fit->offsetAt(window.end) - middle);
        report.clock = SharedClock{-middle, fit->errorNs() + gained};
    }

    /// The report is there all the same where that fails.
    static void keepClock(SessionReport& report)
    {
        if (!report.clock)
            return;
        namespace key = report::meta;
        const auto kept = report::amendReport(report.fetched.path, {{key::kSharedClockOffsetNs, std::to_string(report.clock->offsetNs)},
                                                                    {key::kSharedClockErrorNs, std::to_string(report.clock->errorNs)}});
        if (kept)
            return;
        report.clock.reset();
        report.whyNoClock = "how its clock lies could not be written into the report: " + kept.error().text();
    }

    const SessionMember& m_member;
    std::size_t m_index;
    proto::CaptureRequest m_request;
    const SessionWatch& m_watch;
    StartLine& m_line;
    NodeClock m_clock;
    std::jthread m_closer;
};

} // namespace

std::vector<Result<SessionReport>> captureTogether(const std::vector<SessionMember>& members, const proto::CaptureRequest& request,
                                                   const SessionWatch& watch)
{
    proto::CaptureRequest common = request;
    common.session = newSessionName();
    StartLine line(members.size());
    std::vector<Result<SessionReport>> results(members.size(), Error{ErrorCode::Internal, "not run", {}});
    std::vector<std::jthread> threads;
    threads.reserve(members.size());
    for (std::size_t i = 0; i < members.size(); ++i)
        threads.emplace_back([&, i] {
            try {
                results[i] = MemberRun(members[i], i, common, watch, line).run();
            } catch (const std::exception& exception) { // a library's; ours are Results
                results[i] = Error{ErrorCode::Internal, std::string("the capture failed: ") + exception.what(), {}};
            }
        });
    threads.clear(); // joins them
    return results;
}

} // namespace gantry::app
