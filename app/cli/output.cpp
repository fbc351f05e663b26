#include "app/cli/output.h"

#include "app/cli/terminal_prompter.h"

#include <cstdio>
#include <fmt/format.h>
#include <optional>
#include <unistd.h>

namespace gantry::cli {

void noteRecording(app::NodeClient& client)
{
    if (const auto info = client.nodeInfo(); info && info->isRehearsal())
        sayTo(stderr, "gantryctl: this node plays a recording ({}): nothing of this is measured now\n", info->recording);
}

Result<std::shared_ptr<app::NodeClient>> connect(const CommonOptions& options)
{
    char host[256] = {};
    gethostname(host, sizeof host - 1);
    const char* user = std::getenv("USER");
    app::NodeClient::ConnectOptions how;
    how.clientName = fmt::format("{}@{}: gantryctl", user ? user : std::to_string(geteuid()), host);
    how.prompter = std::make_shared<TerminalPrompter>();
    // What takes long is shown, until the node is there; connecting again later on says nothing.
    const auto line = std::make_shared<std::optional<ProgressLine>>(std::in_place, !options.json);
    how.onStep = [line](app::ConnectStep step, const std::string& detail) {
        if (*line && (step == app::ConnectStep::Deploy || step == app::ConnectStep::Start))
            (*line)->show(fmt::format("{}: {}", name(step), detail));
    };
    auto client = app::NodeClient::connect(options.node, std::move(how));
    line->reset();
    return client;
}

void sayLines(std::string_view lines)
{
    fmt::print("{}", lines);
}

void print(const nlohmann::json& document)
{
    fmt::print("{}\n", document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace));
}

void printLine(const nlohmann::json& document)
{
    fmt::print("{}\n", document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
    std::fflush(stdout);
}

namespace {

void reportAs(std::string_view code, std::string_view message, const CommonOptions& options)
{
    sayTo(stderr, "gantryctl: {}\n", message);
    if (options.json)
        print({{"error", {{"code", code}, {"message", message}}}});
}

} // namespace

int report(const Error& error, const CommonOptions& options)
{
    // Who cancelled knows what was going on.
    reportAs(name(error.code), error.code == ErrorCode::Cancelled ? error.message : error.text(), options);
    return exitStatus(error.code);
}

int reportUsage(std::string_view message, const CommonOptions& options)
{
    reportAs("usage", message, options);
    return kUsageStatus;
}

nlohmann::json orNull(const std::string& text)
{
    return text.empty() ? nlohmann::json() : nlohmann::json(text);
}

ProgressLine::ProgressLine(bool enabled) : m_enabled(enabled && ::isatty(STDERR_FILENO)) {}

ProgressLine::~ProgressLine()
{
    if (m_shown)
        fmt::print(stderr, "\n");
}

void ProgressLine::show(const std::string& text)
{
    if (!m_enabled)
        return;
    fmt::print(stderr, "\r{}\x1b[K", printable(text)); // ECMA-48 EL: erases what a longer text before it left
    std::fflush(stderr);
    m_shown = true;
}

std::string formatBytes(std::uint64_t bytes)
{
    if (bytes < 1024)
        return fmt::format("{} B", bytes);
    double value = static_cast<double>(bytes) / 1024;
    const char* unit = "KiB";
    for (const char* next : {"MiB", "GiB", "TiB"}) {
        if (value < 1024)
            break;
        value /= 1024;
        unit = next;
    }
    return fmt::format("{:.1f} {}", value, unit);
}

} // namespace gantry::cli
