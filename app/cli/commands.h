#pragma once

#include "app/cli/output.h"

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <vector>

namespace gantry::cli {

/// gantryctl as a function: parses the arguments (without the program's name), does what they say and returns the exit status.
/// Writes to standard output and standard error.
[[nodiscard]] int runCommandLine(std::vector<std::string> arguments, Interrupts* interrupts);

/// What the chosen subcommand does; returns the exit status. Set while the command line is parsed.
using Action = std::function<int()>;

// Each adds a group of subcommands to the program.
void addNodeCommands(CLI::App& app, CommonOptions& common, Action& action);
void addNodeCheckCommand(CLI::App& nodeCommands, CommonOptions& common, Action& action); ///< one of those of nodes, as the next one
void addNodeProcessesCommand(CLI::App& nodeCommands, CommonOptions& common, Action& action);
void addTargetCommands(CLI::App& app, CommonOptions& common, Action& action);
void addModelCommands(CLI::App& app, CommonOptions& common, Action& action);
void addCaptureCommand(CLI::App& app, CommonOptions& common, Action& action);
void addRecorderCommands(CLI::App& app, CommonOptions& common, Action& action);
void addCompareCommand(CLI::App& app, CommonOptions& common, Action& action);
void addReportCommands(CLI::App& app, CommonOptions& common, Action& action);
void addInfoCommand(CLI::App& reportCommands, CommonOptions& common, Action& action); ///< one of those of reports, as the next two
void addStatsCommand(CLI::App& reportCommands, CommonOptions& common, Action& action);
void addConvertCommand(CLI::App& reportCommands, CommonOptions& common, Action& action);
void addReportPolicyCommands(CLI::App& reportCommands, CommonOptions& common, Action& action);
void addFindingsCommand(CLI::App& app, CommonOptions& common, Action& action);
void addSweepCommand(CLI::App& app, CommonOptions& common, Action& action);
void addHistoryCommand(CLI::App& app, CommonOptions& common, Action& action);
void addSourceCommands(CLI::App& app, CommonOptions& common, Action& action);
void addAlertCommands(CLI::App& app, CommonOptions& common, Action& action);
void addBenchCommand(CLI::App& app, CommonOptions& common, Action& action);
void addLoadCommand(CLI::App& app, CommonOptions& common, Action& action);
void addRecipeCommand(CLI::App& app, CommonOptions& common, Action& action);

} // namespace gantry::cli
