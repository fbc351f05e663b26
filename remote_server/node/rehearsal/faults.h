#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/time.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>

namespace gantry::node {

/// What goes wrong with a rehearsal node.
struct Faults
{
    DurationNs latencyNs = 0;              ///< added to each round trip, half in each direction
    double lossRatio = 0;                  ///< of what is sent, 0..1: it comes late by a retransmission, as over TCP
    std::optional<DurationNs> cutAfterNs;  ///< each connection breaks when it is so old; 0: none can be made
    DurationNs stallNs = 0;                ///< nothing flows for so long, once
    bool isDiskFull = false;               ///< no report can be written
    bool crashes = false;                  ///< gantryd is killed, as soon as it is read
    DurationNs clockNs = 0;                ///< CLOCK_REALTIME is wrong by so much
    std::optional<std::uint32_t> protocol; ///< what the node speaks

    friend bool operator==(const Faults&, const Faults&) = default;
};

/// Of words between blanks or on lines, '#' begins a comment: latency=200ms loss=5% cut-after=3s stall=2s disk-full=on crash clock=+5s
/// version=1. Errors: BadInput, names the word.
[[nodiscard]] Result<Faults> parseFaults(std::string_view text);

/// The faults that a file says, which is read again whenever it changes; one that cannot be read is logged and changes nothing. Any thread;
/// owns its thread.
class FaultWatch
{
public:
    struct Now
    {
        Faults faults;
        std::int64_t sinceNs = 0; ///< CLOCK_MONOTONIC: when they were read
    };
    /// `onCrash` is called when the file says so, but not of what it says at the start: gantryd would never start again. Errors: BadInput.
    [[nodiscard]] static Result<std::unique_ptr<FaultWatch>> open(std::filesystem::path file, std::function<void()> onCrash);

    [[nodiscard]] Now now() const;

private:
    FaultWatch(std::filesystem::path file, std::function<void()> onCrash) : m_file(std::move(file)), m_onCrash(std::move(onCrash)) {}
    [[nodiscard]] Result<void> read();
    void run(const std::stop_token& stop);

    std::filesystem::path m_file;
    std::function<void()> m_onCrash;
    std::string m_text; ///< as it was read last; the watching thread's
    mutable std::mutex m_mutex;
    Now m_now; ///< m_mutex
    std::jthread m_thread;
};

} // namespace gantry::node
