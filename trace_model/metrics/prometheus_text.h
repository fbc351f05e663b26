#pragma once

#include "trace_model/metrics/series_store.h"

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
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
    std::vector<PrometheusSample> samples;                ///< values that say that there is none are left out: absent, not zero
    std::map<std::string, SeriesKind, std::less<>> kinds; ///< by metric name, from # TYPE; absent: gauge
    std::map<std::string, std::string> help;     ///< by metric name, from # HELP
    std::uint64_t malformedLines = 0;
};

/// Walks the lines of a text in that format that say something, without a copy of anything. What it hands out lives as long as the text.
/// A server's series are the same texts in each scrape, so who reads many of them parses each once. One thread.
class PrometheusLines
{
public:
    enum class Kind
    {
        Sample,
        Type,     ///< name(), word(): "counter", "gauge", …
        Help,     ///< name(), word(): the sentence
        Malformed ///< neither these nor a comment
    };

    explicit PrometheusLines(std::string_view text) : m_rest(text) {}

    /// False: the text has ended.
    [[nodiscard]] bool next();
    [[nodiscard]] Kind kind() const { return m_kind; }
    [[nodiscard]] std::string_view series() const { return m_series; } ///< of a sample: `name{label="value"}` as it is written
    [[nodiscard]] double value() const { return m_value; }
    [[nodiscard]] std::string_view name() const { return m_name; } ///< the series' without labels, or what a comment is about
    [[nodiscard]] std::string_view word() const { return m_word; }

private:
    void readSample(std::string_view line);
    [[nodiscard]] bool readComment(std::string_view line);

    std::string_view m_rest, m_series, m_name, m_word;
    Kind m_kind = Kind::Malformed;
    double m_value = 0;
};

/// Whether a value says that there is none: NaN, and the blanks of NVIDIA's DCGM (dcgm_structs.h), which its exporters write as they are.
[[nodiscard]] bool isAbsentValue(std::string_view name, double value);

/// What a line of `# TYPE` says of the series of a family: also of those with its endings (_bucket, _sum, _count, _total).
void addKinds(std::string_view family, std::string_view type, std::map<std::string, SeriesKind, std::less<>>& kinds);

/// The labels of `name{label="value"}`. Nothing: they cannot be read.
[[nodiscard]] std::optional<std::map<std::string, std::string>> labelsOfSeries(std::string_view series);

/// Parses the Prometheus text exposition format (version 0.0.4, and OpenMetrics' exemplars and # EOF, which are skipped).
/// Never fails: lines that do not parse are counted. Any thread.
[[nodiscard]] PrometheusScrape parsePrometheusText(std::string_view text);

/// Labels as that format writes them: key="value", separated by commas, without the braces.
[[nodiscard]] std::string formatLabels(const std::map<std::string, std::string>& labels);
/// The labels of such a text; what does not parse is left out.
[[nodiscard]] std::map<std::string, std::string> parseLabels(std::string_view text);

} // namespace gantry::metrics
