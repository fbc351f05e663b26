#include "trace_model/metrics/prometheus_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <utility>

namespace gantry::metrics {
namespace {

bool isNameChar(char c, bool first)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == ':' || (!first && c >= '0' && c <= '9');
}

/// Walks one line.
class LineParser
{
public:
    explicit LineParser(std::string_view line) : m_rest(line) {}

    void skipSpace()
    {
        while (!m_rest.empty() && (m_rest.front() == ' ' || m_rest.front() == '\t'))
            m_rest.remove_prefix(1);
    }

    bool take(char c)
    {
        skipSpace();
        if (m_rest.empty() || m_rest.front() != c)
            return false;
        m_rest.remove_prefix(1);
        return true;
    }

    std::string_view takeName()
    {
        skipSpace();
        std::size_t n = 0;
        while (n < m_rest.size() && isNameChar(m_rest[n], n == 0))
            ++n;
        const std::string_view name = m_rest.substr(0, n);
        m_rest.remove_prefix(n);
        return name;
    }

    std::string_view takeWord()
    {
        skipSpace();
        const std::size_t n = std::min(m_rest.find_first_of(" \t"), m_rest.size());
        const std::string_view word = m_rest.substr(0, n);
        m_rest.remove_prefix(n);
        return word;
    }

    /// A quoted label value with the escapes \\, \" and \n.
    std::optional<std::string> takeQuoted()
    {
        if (!take('"'))
            return {};
        std::string value;
        while (!m_rest.empty()) {
            char c = m_rest.front();
            m_rest.remove_prefix(1);
            if (c == '"')
                return value;
            if (c == '\\' && !m_rest.empty()) {
                c = m_rest.front() == 'n' ? '\n' : m_rest.front();
                m_rest.remove_prefix(1);
            }
            value += c;
        }
        return {};
    }

    [[nodiscard]] std::string_view rest()
    {
        skipSpace();
        return m_rest;
    }

private:
    std::string_view m_rest;
};

/// label="value" with the comma after it, if there is one. False: something else is there.
bool takeLabel(LineParser& parser, std::map<std::string, std::string>& labels)
{
    const std::string label(parser.takeName());
    if (label.empty() || !parser.take('='))
        return false;
    auto value = parser.takeQuoted();
    if (!value)
        return false;
    labels[label] = std::move(*value);
    parser.take(',');
    return true;
}

/// Of the quote that ends a text whose opening one is at `at`; npos: there is none.
std::size_t endOfQuoted(std::string_view line, std::size_t at)
{
    for (std::size_t end = line.find('"', at + 1); end != std::string_view::npos; end = line.find('"', end + 1)) {
        std::size_t escapes = 0; // two of them are one that is meant
        while (line[end - 1 - escapes] == '\\')
            ++escapes;
        if (escapes % 2 == 0)
            return end;
    }
    return std::string_view::npos;
}

/// Behind the closing brace of labels whose opening one is at `at`; npos: there is none.
std::size_t endOfLabels(std::string_view line, std::size_t at)
{
    for (++at; at < line.size(); ++at) {
        if (line[at] == '}')
            return at + 1;
        if (line[at] == '"' && (at = endOfQuoted(line, at)) == std::string_view::npos)
            break;
    }
    return std::string_view::npos;
}

/// Prometheus writes what Go's ParseFloat() reads; of that std::from_chars() leaves out the plus sign.
std::optional<double> valueOf(std::string_view word)
{
    if (word.starts_with('+'))
        word.remove_prefix(1);
    double value = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
    if (end != word.data() + word.size() || word.empty() || error == std::errc::invalid_argument)
        return {};
    return value;
}

} // namespace

bool PrometheusLines::next()
{
    while (!m_rest.empty()) {
        const std::size_t end = std::min(m_rest.find('\n'), m_rest.size());
        std::string_view line = m_rest.substr(0, end);
        m_rest.remove_prefix(std::min(end + 1, m_rest.size()));
        if (!line.empty() && line.back() == '\r')
            line.remove_suffix(1);
        const std::size_t first = line.find_first_not_of(" \t");
        if (first == std::string_view::npos)
            continue;
        line.remove_prefix(first);
        if (line.front() != '#') {
            readSample(line);
            return true;
        }
        if (readComment(line))
            return true;
    }
    return false;
}

void PrometheusLines::readSample(std::string_view line)
{
    m_kind = Kind::Malformed;
    std::size_t at = 0;
    while (at < line.size() && isNameChar(line[at], at == 0))
        ++at;
    m_name = line.substr(0, at);
    std::size_t brace = at;
    while (brace < line.size() && (line[brace] == ' ' || line[brace] == '\t'))
        ++brace;
    if (brace < line.size() && line[brace] == '{')
        at = endOfLabels(line, brace);
    if (m_name.empty() || at == std::string_view::npos)
        return;
    m_series = line.substr(0, at);
    LineParser rest(line.substr(at));
    const auto value = valueOf(rest.takeWord());
    if (!value)
        return;
    m_value = *value;
    m_kind = Kind::Sample;
}

bool PrometheusLines::readComment(std::string_view line)
{
    LineParser parser(line.substr(1));
    const std::string_view keyword = parser.takeWord();
    if (keyword != "TYPE" && keyword != "HELP")
        return false;
    m_kind = keyword == "TYPE" ? Kind::Type : Kind::Help;
    m_name = parser.takeName();
    m_word = m_kind == Kind::Type ? parser.takeWord() : parser.rest();
    return true;
}

bool isAbsentValue(std::string_view name, double value)
{
    if (std::isnan(value) || value >= 9223372036854775792.0) // DCGM_INT64_BLANK and those above it; infinity, too
        return !std::isinf(value);
    return name.starts_with("DCGM_") && ((value >= 2147483632.0 && value <= 2147483647.0) ||          // DCGM_INT32_BLANK
                                         (value >= 140737488355328.0 && value <= 140737488355343.0)); // DCGM_FP64_BLANK
}

void addKinds(std::string_view family, std::string_view type, std::map<std::string, SeriesKind, std::less<>>& kinds)
{
    constexpr std::size_t kMostKinds = 100'000;
    if (kinds.size() >= kMostKinds || kinds.find(family) != kinds.end())
        return;
    const std::string name(family);
    kinds[name] = type == "counter" ? SeriesKind::Counter : SeriesKind::Gauge;
    if (type == "counter") // OpenMetrics names the family without it
        kinds[name + "_total"] = SeriesKind::Counter;
    if (type == "histogram" || type == "summary")
        kinds[name + "_sum"] = kinds[name + "_count"] = SeriesKind::Counter;
    if (type == "histogram")
        kinds[name + "_bucket"] = SeriesKind::Counter;
}

std::optional<std::map<std::string, std::string>> labelsOfSeries(std::string_view series)
{
    LineParser parser(series);
    std::map<std::string, std::string> labels;
    (void)parser.takeName();
    if (parser.take('{'))
        while (!parser.take('}'))
            if (!takeLabel(parser, labels))
                return {};
    return labels;
}

PrometheusScrape parsePrometheusText(std::string_view text)
{
    PrometheusScrape scrape;
    for (PrometheusLines lines(text); lines.next();) {
        switch (lines.kind()) {
        case PrometheusLines::Kind::Sample:
            if (auto labels = labelsOfSeries(lines.series()); !labels)
                ++scrape.malformedLines;
            else if (!isAbsentValue(lines.name(), lines.value()))
                scrape.samples.push_back({std::string(lines.name()), std::move(*labels), lines.value()});
            break;
        case PrometheusLines::Kind::Type:
            addKinds(lines.name(), lines.word(), scrape.kinds);
            break;
        case PrometheusLines::Kind::Help:
            scrape.help[std::string(lines.name())] = lines.word();
            break;
        case PrometheusLines::Kind::Malformed:
            ++scrape.malformedLines;
            break;
        }
    }
    return scrape;
}

std::string formatLabels(const std::map<std::string, std::string>& labels)
{
    std::string text;
    for (const auto& [key, value] : labels) {
        text += (text.empty() ? "" : ",") + key + "=\"";
        for (const char c : value)
            text += c == '"' || c == '\\' ? std::string{'\\', c} : c == '\n' ? std::string("\\n") : std::string(1, c);
        text += '"';
    }
    return text;
}

std::map<std::string, std::string> parseLabels(std::string_view text)
{
    LineParser parser(text);
    std::map<std::string, std::string> labels;
    while (takeLabel(parser, labels)) {
    }
    return labels;
}

} // namespace gantry::metrics
