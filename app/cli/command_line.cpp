#include "app/cli/commands.h"
#include "app/remote/node_address.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::cli {
namespace {

/// What is wrong with the command line. A word nobody knows is named even where the parser misses something else because of it.
std::string sentenceOf(const CLI::App& app, const CLI::ParseError& error)
{
    std::string command = "gantryctl";
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
        at = at->get_subcommands().front();
        command += " " + at->get_name();
    }
    std::vector<std::string> unknown = app.remaining(true);
    std::erase(unknown, "--");
    if (dynamic_cast<const CLI::RequiredError*>(&error) && !unknown.empty())
        return fmt::format("there is no command or option '{}' of `{}`; see `{} --help`", unknown.front(), command, command);
    std::string message = error.what();
    // Of what stands without a name of an option, the parser says "FILE is required".
    if (constexpr std::string_view kRequired = " is required";
        dynamic_cast<const CLI::RequiredError*>(&error) && message.ends_with(kRequired))
        if (const std::string what = message.substr(0, message.size() - kRequired.size()); !what.starts_with('-') && what != "A subcommand")
            message = fmt::format("there is no {} on the command line", what);
    return fmt::format("{}; see `{} --help`", message, command);
}

} // namespace

int runCommandLine(std::vector<std::string> arguments, Interrupts* interrupts)
{
    CLI::App app{"gantryctl: capture GPU inference servers that keep serving, and see where requests spend their time.\n\n"
                 "  gantryctl target launch --metrics-url http://127.0.0.1:8002/metrics -- tritonserver --model-repository /models\n"
                 "  gantryctl capture --for 2s -o slow.gantry\n"
                 "  gantryctl report stats slow.gantry --by kernel\n"
                 "  gantryctl findings slow.gantry\n"
                 "  gantryctl compare before.gantry after.gantry",
                 "gantryctl"};
    CommonOptions common;
    common.interrupts = interrupts;
    Action action;
    app.require_subcommand(1);
    app.fallthrough(); // --json and --node may stand behind the subcommand
    app.add_flag("--json", common.json, "machine-readable output; times carry their unit in the key, absent values are null");
    app.add_option("--node", common.node,
                   "node address: ssh://USER@HOST or a host of ~/.ssh/config, unix:/path, grpc://127.0.0.1:PORT?token-file=PATH, "
                   "grpcs://HOST:PORT?ca=FILE, or exec:COMMAND, which runs `gantryd --stdio` (default: the node on this machine)")
        ->check([](const std::string& text) {
            const auto address = app::NodeAddress::parse(text);
            return address ? std::string() : address.error().text();
        });
    app.set_version_flag("--version", GANTRY_VERSION);
    app.footer("Errors are one sentence on standard error; with --json also {\"error\":{\"code\",\"message\"}} on standard output.\n\n"
               "Exit status:\n"
               "   0  done\n"
               "   1  a condition that was asked for failed (requests of `load` or `recipe run` failed; `findings` found something;\n"
               "      `compare` found B worse, or a --fail-if holds; `sweep` found no point within the limits)\n"
               "   2  cannot say: an error without a better name, a cancelled command, a target that ended before it was ready,\n"
               "      reports of which `compare` or `sweep` cannot tell\n"
               "  64  usage\n"
               "  65  bad input: no such report or target, not a report, a truncated or too new report\n"
               "  69  the node or server cannot be reached, or its gantryd is of another version\n"
               "  73  cannot write\n"
               "  75  busy: another client holds the capture window; try again later\n"
               "  77  not permitted: token or certificate refused, or a socket of another user");
    addNodeCommands(app, common, action);
    addTargetCommands(app, common, action);
    addModelCommands(app, common, action);
    addCaptureCommand(app, common, action);
    addRecorderCommands(app, common, action);
    addReportCommands(app, common, action);
    addFindingsCommand(app, common, action);
    addCompareCommand(app, common, action);
    addSweepCommand(app, common, action);
    addHistoryCommand(app, common, action);
    addSourceCommands(app, common, action);
    addAlertCommands(app, common, action);
    addBenchCommand(app, common, action);
    addLoadCommand(app, common, action);
    addRecipeCommand(app, common, action);
    // An error of the parser itself can come before it has seen --json.
    const auto end = std::find(arguments.begin(), arguments.end(), "--");
    const bool wantsJson = std::find(arguments.begin(), end, "--json") != end;
    // CLI11 takes the "--" behind an option that needs no value as the end of that option alone, so there has to be a second one.
    if (end != arguments.end() && end != arguments.begin() && *std::prev(end) == "--launch")
        arguments.insert(end, "--");
    try {
        std::reverse(arguments.begin(), arguments.end()); // CLI11 takes them from the back
        app.parse(std::move(arguments));
    } catch (const CLI::Success& success) { // --help, --version
        return app.exit(success);
    } catch (const CLI::ParseError& error) {
        common.json = wantsJson;
        return reportUsage(sentenceOf(app, error), common);
    }
    return action();
}

} // namespace gantry::cli
