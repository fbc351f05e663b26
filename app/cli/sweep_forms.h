#pragma once

#include "trace_model/analysis/sweep/sweep.h"
#include "trace_model/analysis/sweep/sweep_choice.h"

#include <nlohmann/json.hpp>
#include <string>

/// A sweep in the forms that `gantryctl sweep` writes.
namespace gantry::cli {

/// For a terminal; the text is printable().
[[nodiscard]] std::string sweepText(const sweep::Sweep& sweep, const sweep::Choice& choice);
/// Every figure of every point, null where it is absent.
[[nodiscard]] nlohmann::json sweepJson(const sweep::Sweep& sweep, const sweep::Choice& choice);
/// A line of column names, then one for each point; figures are plain numbers in the unit that the name says, absent ones are empty.
[[nodiscard]] std::string sweepCsv(const sweep::Sweep& sweep);
/// A page with the table and the picture that needs nothing but itself.
[[nodiscard]] std::string sweepHtml(const sweep::Sweep& sweep, const sweep::Choice& choice);

} // namespace gantry::cli
