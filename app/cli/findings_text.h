#pragma once

#include "trace_model/analysis/findings/findings.h"
#include "trace_model/trace/trace.h"

#include <nlohmann/json.hpp>
#include <string>

namespace gantry::cli {

/// The findings as paragraphs of at most 100 columns: severity, share and sentence, where it is seen, what to try; then what found nothing
/// and what could not be judged. Times count from the report's start. Made of printable() text.
[[nodiscard]] std::string findingsText(const findings::Diagnosis& diagnosis, const trace::Trace& trace);

/// {"findings":[{"rule","severity","sentence","share","share_of","evidence":[{"what","time_range_ns","event","request_id"}],
/// "remedies":[{"advice","edit"}]}],"silent":[rule…],"not_judged":[{"rule","reason"}]}. Keys are a contract; absent values are null.
[[nodiscard]] nlohmann::json findingsJson(const findings::Diagnosis& diagnosis, const trace::Trace& trace);

/// 0: nothing of at least `failOn` was found; 1: something was; 2: there was too little to judge by.
[[nodiscard]] int findingsStatus(const findings::Diagnosis& diagnosis, findings::Severity failOn);

} // namespace gantry::cli
