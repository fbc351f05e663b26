#pragma once

#include "app/cli/interrupts.h"
#include "app/cli/printable.h"
#include "app/remote/node_client.h"
#include "trace_model/base/result.h"

#include <cstdio>
#include <fmt/format.h>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>

namespace gantry::cli {

/// What every command is told.
struct CommonOptions
{
    std::string node; ///< address; empty: the default socket
    bool json = false;
    Interrupts* interrupts = nullptr; ///< null: Ctrl-C ends the program as usual
};

inline constexpr int kUsageStatus = 64; ///< sysexits.h: EX_USAGE

/// Connects under the name "user@host: gantryctl".
[[nodiscard]] Result<std::shared_ptr<app::NodeClient>> connect(const CommonOptions& options);

/// On standard error, where the node plays a recording: what it says of itself was measured at another time, and place.
void noteRecording(app::NodeClient& client);

/// What a value is printed as: text is made printable().
template <typename Value>
using Shown = std::conditional_t<std::is_convertible_v<const Value&, std::string_view>, std::string, Value>;

template <typename Value>
[[nodiscard]] Shown<Value> shown(const Value& value)
{
    if constexpr (std::is_convertible_v<const Value&, std::string_view>)
        return printable(value);
    else
        return value;
}

/// Prints to standard output, or another stream. Whatever text is among the values cannot reach the terminal as anything but text.
template <typename... Values>
void sayTo(std::FILE* stream, fmt::format_string<Shown<Values>...> format, const Values&... values)
{
    fmt::vprint(stream, fmt::string_view(format), fmt::make_format_args(static_cast<const Shown<Values>&>(shown(values))...));
}
template <typename... Values>
void say(fmt::format_string<Shown<Values>...> format, const Values&... values)
{
    sayTo(stdout, format, values...);
}
/// Prints lines that were made of printable() text.
void sayLines(std::string_view lines);

/// One JSON document on standard output.
void print(const nlohmann::json& document);
/// One JSON document on one line, at once: for streams.
void printLine(const nlohmann::json& document);
/// The error as one sentence on standard error, and with --json as {"error":{…}} on standard output. Returns the exit status.
int report(const Error& error, const CommonOptions& options);
/// The same for a command line that cannot be meant, with code "usage". Returns kUsageStatus.
int reportUsage(std::string_view message, const CommonOptions& options);

/// Null for a text that is empty: absent values are null in JSON.
[[nodiscard]] nlohmann::json orNull(const std::string& text);

[[nodiscard]] std::string formatBytes(std::uint64_t bytes); ///< "3.2 MiB"

/// A line on a terminal that is written over and over; nothing when standard error is no terminal.
class ProgressLine
{
public:
    explicit ProgressLine(bool enabled);
    ProgressLine(const ProgressLine&) = delete;
    ProgressLine& operator=(const ProgressLine&) = delete;
    ~ProgressLine(); ///< ends the line

    void show(const std::string& text);

private:
    bool m_enabled;
    bool m_shown = false;
};

} // namespace gantry::cli
