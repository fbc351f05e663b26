#include "trace_model/metrics/prometheus_text.h"

#include <cmath>
#include <cstdlib>
#include <optional>

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

std::optional<PrometheusSample> parseSample(std::string_view line)
{
    LineParser parser(line);
    PrometheusSample sample;
    sample.name = parser.takeName();
    if (sample.name.empty())
        return {};
    if (parser.take('{'))
        while (!parser.take('}'))
            if (!takeLabel(parser, sample.labels))
                return {};
    const std::string number(parser.takeWord());
    char* end = nullptr;
    sample.value = std::strtod(number.c_str(), &end);
    if (number.empty() || *end != '\0')
        return {};
    return sample;
}

void parseComment(std::string_view line, PrometheusScrape& scrape)
{
    LineParser parser(line.substr(1));
    const std::string_view keyword = parser.takeWord();
    if (keyword != "TYPE" && keyword != "HELP")
        return;
    const std::string name(parser.takeName());
    if (keyword == "HELP")
        scrape.help[name] = parser.rest();
    else
        scrape.kinds[name] = parser.takeWord() == "counter" ? SeriesKind::Counter : SeriesKind::Gauge;
}

} // namespace

PrometheusScrape parsePrometheusText(std::string_view text)
{
    PrometheusScrape scrape;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (!line.empty() && line.back() == '\r')
            line.remove_suffix(1);
        const std::size_t first = line.find_first_not_of(" \t");
        if (first == std::string_view::npos)
            continue;
        line.remove_prefix(first);
        if (line.front() == '#') {
            parseComment(line, scrape);
            continue;
        }
        if (auto sample = parseSample(line)) {
            if (!std::isnan(sample->value))
                scrape.samples.push_back(std::move(*sample));
        } else {
            ++scrape.malformedLines;
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
