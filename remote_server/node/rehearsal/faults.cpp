#include "remote_server/node/rehearsal/faults.h"

#include "remote_server/node/clock.h"

#include <charconv>
#include <chrono>
#include <condition_variable>
#include <fstream>
#include <iterator>
#include <spdlog/spdlog.h>
#include <sstream>
#include <string>
#include <utility>

namespace gantry::node {
namespace {

constexpr std::chrono::milliseconds kLook{50}; // how soon a change of the file is seen
constexpr double kLongestSeconds = 24 * 3600;

Error badFault(const std::string& word)
{
    return {ErrorCode::BadInput,
            "there is no fault \"" + word +
                "\": latency=200ms loss=5% cut-after=3s stall=2s disk-full=on crash clock=+5s version=1 are what can be said",
            {}};
}

/// A number and what follows it; nothing where there is no number.
std::optional<std::pair<double, std::string>> numberOf(std::string_view text)
{
    if (text.starts_with('+'))
        text.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc())
        return std::nullopt;
    return std::pair(value, std::string(end, text.data() + text.size()));
}

/// "200ms", "-2s", "1.5s".
std::optional<DurationNs> durationOf(std::string_view text)
{
    const auto number = numberOf(text);
    if (!number)
        return std::nullopt;
    const double scale = number->second == "s" ? 1 : number->second == "ms" ? 1e-3 : number->second == "us" ? 1e-6 : 0;
    const double seconds = number->first * scale;
    if (scale == 0 || !(seconds >= -kLongestSeconds && seconds <= kLongestSeconds))
        return std::nullopt;
    return static_cast<DurationNs>(seconds * 1e9);
}

/// Puts one word into the faults; false: it cannot be meant.
bool putInto(Faults& faults, const std::string& word)
{
    const std::size_t equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string value = equals == std::string::npos ? std::string() : word.substr(equals + 1);
    if (name == "crash")
        return faults.crashes = equals == std::string::npos;
    if (name == "disk-full") {
        faults.isDiskFull = value == "on";
        return value == "on" || value == "off";
    }
    if (name == "loss") {
        const auto percent = numberOf(value);
        if (!percent || percent->second != "%" || !(percent->first >= 0 && percent->first <= 100))
            return false;
        faults.lossRatio = percent->first / 100;
        return true;
    }
    if (name == "version") {
        const auto version = numberOf(value);
        if (!version || !version->second.empty() || !(version->first >= 0 && version->first < 1e6))
            return false;
        faults.protocol = static_cast<std::uint32_t>(version->first);
        return true;
    }
    const auto duration = durationOf(value);
    if (!duration || (*duration < 0 && name != "clock"))
        return false;
    if (name == "latency")
        faults.latencyNs = *duration;
    else if (name == "cut-after")
        faults.cutAfterNs = *duration;
    else if (name == "stall")
        faults.stallNs = *duration;
    else if (name == "clock")
        faults.clockNs = *duration;
    else
        return false;
    return true;
}

} // namespace

Result<Faults> parseFaults(std::string_view text)
{
    Faults faults;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        std::istringstream words(line.substr(0, line.find('#')));
        for (std::string word; words >> word;)
            if (!putInto(faults, word))
                return badFault(word);
    }
    return faults;
}

Result<std::unique_ptr<FaultWatch>> FaultWatch::open(std::filesystem::path file, std::function<void()> onCrash)
{
    std::unique_ptr<FaultWatch> watch(new FaultWatch(std::move(file), {}));
    GANTRY_CHECK(watch->read());
    watch->m_onCrash = std::move(onCrash);
    watch->m_thread = std::jthread([&owner = *watch](const std::stop_token& stop) { owner.run(stop); });
    return watch;
}

FaultWatch::Now FaultWatch::now() const
{
    const std::lock_guard lock(m_mutex);
    return m_now;
}

/// The text is compared, not its time of change: that may stay the same for two writes in a row.
Result<void> FaultWatch::read()
{
    std::ifstream file(m_file, std::ios::binary);
    if (!file)
        return Error{ErrorCode::BadInput, "cannot read the faults in " + m_file.string() + ": make the file, it may be empty", {}};
    std::string text(std::istreambuf_iterator<char>(file), {});
    if (text == m_text)
        return {};
    m_text = text;
    GANTRY_TRY(const Faults faults, parseFaults(text));
    {
        const std::lock_guard lock(m_mutex);
        m_now = {faults, monotonicNow()};
    }
    if (m_onCrash)
        spdlog::info("the faults of this rehearsal have changed");
    if (faults.crashes && m_onCrash)
        m_onCrash();
    return {};
}

void FaultWatch::run(const std::stop_token& stop)
{
    std::mutex mutex;
    std::condition_variable_any wake;
    std::string told;
    while (!stop.stop_requested()) {
        if (const auto done = read(); !done && std::exchange(told, done.error().text()) != done.error().text())
            spdlog::error("the faults stay as they were: {}", done.error().text());
        std::unique_lock lock(mutex);
        wake.wait_for(lock, stop, kLook, [] { return false; });
    }
}

} // namespace gantry::node
