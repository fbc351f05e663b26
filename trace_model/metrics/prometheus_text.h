#pragma once

#include "trace_model/metrics/series_store.h"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::metrics {

/// One sample of a scrape.
struct PrometheusSample
{
    std::string name;
    std::map<std::string, std::string> labels;
    double value = 0;
};

struct PrometheusScrape
{
    std::vector<PrometheusSample> samples;       ///< NaN values are left out: absent, not zero
    std::map<std::string, SeriesKind> kinds;     ///< by metric name, from # TYPE; absent: gauge
    std::map<std::string, std::string> help;     ///< by metric name, from # HELP
    std::uint64_t malformedLines = 0;
};

/// Parses the Prometheus text exposition format (version 0.0.4, and OpenMetrics' exemplars and # EOF, which are skipped).
/// Never fails: lines that do not parse are counted. Any thread.
[[nodiscard]] PrometheusScrape parsePrometheusText(std::string_view text);

/// Labels as that format writes them: key="value", separated by commas, without the braces.
[[nodiscard]] std::string formatLabels(const std::map<std::string, std::string>& labels);
/// The labels of such a text; what does not parse is left out.
[[nodiscard]] std::map<std::string, std::string> parseLabels(std::string_view text);

} // namespace gantry::metrics
