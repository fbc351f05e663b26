#include "trace_model/metrics/dashboard.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

namespace gantry::metrics {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = 1 << 20;
constexpr std::size_t kMostQueries = 32;
constexpr std::size_t kMostStates = 64;
constexpr std::string_view kPromql = "promql:";
constexpr std::array<std::pair<const char*, PanelKind>, 7> kKinds = {{{"line", PanelKind::Line},
                                                                      {"area", PanelKind::Area},
                                                                      {"tile", PanelKind::Tile},
                                                                      {"bar", PanelKind::Bar},
                                                                      {"table", PanelKind::Table},
                                                                      {"heat map", PanelKind::HeatMap},
                                                                      {"states", PanelKind::States}}};

/// Reads fields of one object and knows which there may be.
class Fields
{
public:
    Fields(const json& object, std::string where) : m_object(object), m_where(std::move(where)) {}

    [[nodiscard]] Error error(std::string_view field, std::string_view what) const
    {
        return {ErrorCode::BadInput, fmt::format("{}'{}' {}", m_where, field, what), {}};
    }
    [[nodiscard]] Result<void> hasOnly(std::initializer_list<std::string_view> names) const
    {
        if (!m_object.is_object())
            return Error{ErrorCode::BadInput, m_where + "is no object in braces", {}};
        for (const auto& [name, value] : m_object.items())
            if (std::find(names.begin(), names.end(), name) == names.end())
                return error(name, fmt::format("is not known: there are {}", fmt::join(names, ", ")));
        return {};
    }
    /// Leaves `value` where the field is absent.
    [[nodiscard]] Result<void> read(const char* field, std::string& value) const
    {
        const auto found = m_object.find(field);
        if (found == m_object.end())
            return {};
        if (!found->is_string())
            return error(field, "is no text");
        value = found->get<std::string>();
        return {};
    }
    [[nodiscard]] Result<void> read(const char* field, double& value) const
    {
        const auto found = m_object.find(field);
        if (found == m_object.end())
            return {};
        if (!found->is_number())
            return error(field, "is no number");
        value = found->get<double>();
        return {};
    }
    [[nodiscard]] Result<void> read(const char* field, bool& value) const
    {
        const auto found = m_object.find(field);
        if (found == m_object.end())
            return {};
        if (!found->is_boolean())
            return error(field, "is neither true nor false");
        value = found->get<bool>();
        return {};
    }
    [[nodiscard]] Result<void> read(const char* field, int& value, int least, int most) const
    {
        double number = value;
        GANTRY_CHECK(read(field, number));
        if (!(number >= least && number <= most) || number != static_cast<int>(number))
            return error(field, fmt::format("is no whole number from {} to {}", least, most));
        value = static_cast<int>(number);
        return {};
    }
    /// The entries of an array, none where it is absent.
    [[nodiscard]] Result<std::vector<json>> entries(const char* field, std::size_t most) const
    {
        const auto found = m_object.find(field);
        if (found == m_object.end())
            return std::vector<json>();
        if (!found->is_array())
            return error(field, "is no list");
        if (found->size() > most)
            return error(field, fmt::format("has more than {} entries", most));
        return std::vector<json>(found->begin(), found->end());
    }

private:
    const json& m_object;
    std::string m_where;
};

Result<PanelQuery> readQuery(const json& entry, const std::string& where)
{
    // A text alone is a query with the labels as its legend.
    std::string text = entry.is_string() ? entry.get<std::string>() : std::string();
    std::string legend;
    if (!entry.is_string()) {
        const Fields fields(entry, where);
        GANTRY_CHECK(fields.hasOnly({"query", "legend"}));
        GANTRY_CHECK(fields.read("query", text));
        GANTRY_CHECK(fields.read("legend", legend));
    }
    auto query = PanelQuery::parse(text, std::move(legend));
    if (!query)
        return Error{ErrorCode::BadInput, where + query.error().message, {}};
    return query;
}

/// What is secret has no place in a file that people copy, and an address with a password is one that is logged.
Result<PrometheusSource> readPrometheus(const json& dashboard)
{
    PrometheusSource source;
    const auto found = dashboard.find("prometheus");
    if (found == dashboard.end())
        return source;
    const Fields fields(*found, "the dashboard's Prometheus server: ");
    GANTRY_CHECK(fields.hasOnly({"url", "user", "secret_file", "ca_file", "period_s"}));
    GANTRY_CHECK(fields.read("url", source.url));
    GANTRY_CHECK(fields.read("user", source.user));
    GANTRY_CHECK(fields.read("secret_file", source.secretFile));
    GANTRY_CHECK(fields.read("ca_file", source.caFile));
    GANTRY_CHECK(fields.read("period_s", source.periodSeconds, 1, 3600));
    const bool isSecure = source.url.starts_with("https://");
    const std::string_view host = std::string_view(source.url).substr(std::min<std::size_t>(isSecure ? 8 : 7, source.url.size()));
    if ((!isSecure && !source.url.starts_with("http://")) || host.empty() || host.front() == '/')
        return fields.error("url", "is no address such as http://host:9090 or https://host/prometheus");
    if (host.substr(0, host.find('/')).find('@') != std::string_view::npos)
        return fields.error("url", "holds a user or a password: name the user in \"user\" and a file with the password in \"secret_file\"");
    if (host.find_first_of("?#") != std::string_view::npos)
        return fields.error("url", "has a query: only the address in front of /api/v1 is expected");
    return source;
}

nlohmann::ordered_json jsonOf(const PrometheusSource& source)
{
    nlohmann::ordered_json out{{"url", source.url}};
    for (const auto& [field, value] :
         {std::pair("user", &source.user), std::pair("secret_file", &source.secretFile), std::pair("ca_file", &source.caFile)})
        if (!value->empty())
            out[field] = *value;
    if (source.periodSeconds != PrometheusSource().periodSeconds)
        out["period_s"] = source.periodSeconds;
    return out;
}

Result<PanelThreshold> readThreshold(const json& entry, const std::string& where)
{
    const Fields fields(entry, where);
    PanelThreshold threshold;
    GANTRY_CHECK(fields.hasOnly({"value", "critical"}));
    GANTRY_CHECK(fields.read("value", threshold.value));
    GANTRY_CHECK(fields.read("critical", threshold.isCritical));
    return threshold;
}

std::string kindNames()
{
    std::string names;
    for (const auto& [name, kind] : kKinds)
        names += (names.empty() ? "" : ", ") + std::string(name);
    return names;
}

/// Values as JSON has them in the names of fields: {"0": "idle", "1": "held down"}.
Result<std::map<double, std::string>> readStates(const json& panel, const Fields& fields)
{
    std::map<double, std::string> states;
    const auto found = panel.find("states");
    if (found == panel.end())
        return states;
    if (!found->is_object() || found->size() > kMostStates)
        return fields.error("states", fmt::format("is no object of {} values at most with their names", kMostStates));
    for (const auto& [text, called] : found->items()) {
        double value = 0;
        const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
        if (read.ec != std::errc() || read.ptr != text.data() + text.size() || !std::isfinite(value) || !called.is_string())
            return fields.error("states", fmt::format("names \"{}\", which is no number with a text", text));
        states[value] = called.get<std::string>();
    }
    return states;
}

Result<DashboardPanel> readPanel(const json& entry, const std::string& where, int columns)
{
    const Fields fields(entry, where);
    GANTRY_CHECK(fields.hasOnly(
        {"title", "unit", "help", "kind", "queries", "thresholds", "at_least", "at_most", "columns", "shown_empty", "states"}));
    DashboardPanel panel;
    std::string kind = "line";
    GANTRY_CHECK(fields.read("title", panel.title));
    GANTRY_CHECK(fields.read("unit", panel.unit));
    GANTRY_CHECK(fields.read("help", panel.help));
    GANTRY_CHECK(fields.read("kind", kind));
    GANTRY_CHECK(fields.read("at_least", panel.atLeast));
    GANTRY_CHECK(fields.read("at_most", panel.atMost));
    GANTRY_CHECK(fields.read("shown_empty", panel.isShownEmpty));
    GANTRY_CHECK(fields.read("columns", panel.columns, 1, columns));
    const auto known = std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& one) { return one.first == kind; });
    if (known == kKinds.end())
        return fields.error("kind", "is none of " + kindNames());
    panel.kind = known->second;
    if (panel.title.empty())
        return fields.error("title", "is missing");
    GANTRY_TRY(const auto queries, fields.entries("queries", kMostQueries));
    if (queries.empty())
        return fields.error("queries", "is missing: a panel shows at least one");
    for (const json& query : queries) {
        GANTRY_TRY(PanelQuery read, readQuery(query, where));
        panel.queries.push_back(std::move(read));
    }
    GANTRY_TRY(const auto thresholds, fields.entries("thresholds", 8));
    for (const json& threshold : thresholds) {
        GANTRY_TRY(const PanelThreshold read, readThreshold(threshold, where));
        panel.thresholds.push_back(read);
    }
    GANTRY_TRY(panel.states, readStates(entry, fields));
    std::sort(panel.thresholds.begin(), panel.thresholds.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    return panel;
}

nlohmann::ordered_json jsonOf(const DashboardPanel& panel)
{
    using ordered = nlohmann::ordered_json;
    const DashboardPanel usual;
    ordered out{{"title", panel.title}};
    const auto add = [&out](const char* field, const auto& value, const auto& otherwise) {
        if (value != otherwise)
            out[field] = value;
    };
    add("unit", panel.unit, usual.unit);
    add("kind", std::string(name(panel.kind)), std::string(name(usual.kind)));
    add("help", panel.help, usual.help);
    add("at_least", panel.atLeast, usual.atLeast);
    add("at_most", panel.atMost, usual.atMost);
    add("columns", panel.columns, usual.columns);
    add("shown_empty", panel.isShownEmpty, usual.isShownEmpty);
    out["queries"] = ordered::array();
    for (const PanelQuery& query : panel.queries)
        if (query.legend.empty())
            out["queries"].push_back(query.text());
        else
            out["queries"].push_back({{"query", query.text()}, {"legend", query.legend}});
    for (const PanelThreshold& threshold : panel.thresholds) {
        ordered entry{{"value", threshold.value}};
        if (threshold.isCritical)
            entry["critical"] = true;
        out["thresholds"].push_back(std::move(entry));
    }
    for (const auto& [value, text] : panel.states)
        out["states"][fmt::format("{}", value)] = text;
    return out;
}

/// The labels that not all of the curves have alike.
std::set<std::string> tellingLabels(const std::vector<QueryCurve>& all)
{
    struct Seen
    {
        std::string_view value; ///< of the first curve that has it
        std::size_t count = 0;
        bool isAlike = true;
    };
    std::map<std::string_view, Seen> labels;
    for (const QueryCurve& curve : all)
        for (const auto& [label, value] : curve.labels) {
            Seen& seen = labels.try_emplace(label, Seen{value}).first->second;
            ++seen.count;
            seen.isAlike = seen.isAlike && seen.value == value;
        }
    std::set<std::string> telling;
    for (const auto& [label, seen] : labels)
        if (!seen.isAlike || seen.count < all.size())
            telling.emplace(label);
    return telling;
}

std::string legendBy(const std::set<std::string>& telling, const PanelQuery& query, const QueryCurve& curve)
{
    std::string text;
    for (const auto& [label, value] : curve.labels)
        if (telling.contains(label))
            text += (text.empty() ? "" : " ") + value;
    if (!text.empty())
        return text;
    const auto model = curve.labels.find("model");
    return model != curve.labels.end() ? model->second : query.promql.empty() ? query.query.text() : query.promql;
}

/// With the values of labels put in.
std::string filledIn(const std::string& legend, const QueryCurve& curve)
{
    std::string text;
    for (std::size_t at = 0; at < legend.size();) {
        const std::size_t open = legend.find('{', at), close = legend.find('}', open);
        if (open == std::string::npos || close == std::string::npos) {
            text += legend.substr(at);
            break;
        }
        text += legend.substr(at, open - at);
        const auto label = curve.labels.find(legend.substr(open + 1, close - open - 1));
        text += label == curve.labels.end() ? std::string() : label->second;
        at = close + 1;
    }
    return text;
}

} // namespace

Result<PanelQuery> PanelQuery::parse(std::string_view text, std::string legend)
{
    PanelQuery query;
    query.legend = std::move(legend);
    if (!text.starts_with(kPromql)) {
        GANTRY_TRY(query.query, MetricQuery::parse(text));
        return query;
    }
    text.remove_prefix(kPromql.size());
    const std::size_t begin = text.find_first_not_of(' ');
    if (begin == std::string_view::npos)
        return Error{
            ErrorCode::BadInput, "behind 'promql:' a query for the Prometheus server is expected, such as promql: sum(rate(up[1m]))", {}};
    query.promql = text.substr(begin); // what else is wrong with it, the server says
    return query;
}

std::string PanelQuery::text() const
{
    return promql.empty() ? query.text() : fmt::format("{} {}", kPromql, promql);
}

Result<Dashboard> Dashboard::parse(std::string_view text)
{
    if (text.size() > kMostBytes)
        return Error{ErrorCode::BadInput, "a dashboard has a MiB at most", {}};
    json document;
    try {
        document = json::parse(text);
    } catch (const json::parse_error& error) {
        return Error{ErrorCode::BadInput, fmt::format("no JSON: {}", error.what()), {}};
    }
    const Fields fields(document, "the dashboard ");
    GANTRY_CHECK(fields.hasOnly({"title", "about", "applies_to", "columns", "prometheus", "panels"}));
    Dashboard dashboard;
    GANTRY_CHECK(fields.read("title", dashboard.title));
    GANTRY_CHECK(fields.read("about", dashboard.about));
    GANTRY_CHECK(fields.read("columns", dashboard.columns, 1, 6));
    if (dashboard.title.empty())
        return fields.error("title", "is missing");
    GANTRY_TRY(const auto names, fields.entries("applies_to", 100));
    for (const json& name : names) {
        if (!name.is_string())
            return fields.error("applies_to", "holds something that is no name of a metric");
        dashboard.appliesTo.push_back(name.get<std::string>());
    }
    GANTRY_TRY(dashboard.prometheus, readPrometheus(document));
    GANTRY_TRY(const auto panels, fields.entries("panels", kMostPanels));
    if (panels.empty())
        return fields.error("panels", "is missing: a dashboard has at least one");
    for (std::size_t i = 0; i < panels.size(); ++i) {
        GANTRY_TRY(DashboardPanel panel, readPanel(panels[i], fmt::format("panel {}: ", i + 1), dashboard.columns));
        const bool asksServer =
            std::any_of(panel.queries.begin(), panel.queries.end(), [](const auto& one) { return !one.promql.empty(); });
        if (asksServer && dashboard.prometheus.url.empty())
            return Error{ErrorCode::BadInput,
                         fmt::format("panel {} asks a Prometheus server, and the dashboard names none: add \"prometheus\": {{\"url\": "
                                     "\"http://host:9090\"}}",
                                     i + 1),
                         {}};
        dashboard.panels.push_back(std::move(panel));
    }
    return dashboard;
}

const char* name(PanelKind kind)
{
    return std::find_if(kKinds.begin(), kKinds.end(), [&](const auto& one) { return one.second == kind; })->first;
}

const std::vector<PanelKind>& panelKinds()
{
    static const std::vector<PanelKind> kinds = [] {
        std::vector<PanelKind> all;
        for (const auto& [name, kind] : kKinds)
            all.push_back(kind);
        return all;
    }();
    return kinds;
}

std::string Dashboard::toJson() const
{
    using ordered = nlohmann::ordered_json;
    ordered document{{"title", title}};
    if (!about.empty())
        document["about"] = about;
    if (!appliesTo.empty())
        document["applies_to"] = appliesTo;
    if (columns != Dashboard().columns)
        document["columns"] = columns;
    if (!prometheus.url.empty())
        document["prometheus"] = jsonOf(prometheus);
    document["panels"] = ordered::array();
    for (const DashboardPanel& panel : panels)
        document["panels"].push_back(jsonOf(panel));
    return document.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

bool Dashboard::fits(const std::vector<const SeriesDefinition*>& series) const
{
    return !prometheus.url.empty() || std::any_of(appliesTo.begin(), appliesTo.end(), [&](const std::string& wanted) {
        const bool isBeginning = wanted.ends_with('*');
        const std::string_view name = std::string_view(wanted).substr(0, wanted.size() - (isBeginning ? 1 : 0));
        return std::any_of(series.begin(), series.end(),
                           [&](const SeriesDefinition* one) { return isBeginning ? one->name.starts_with(name) : one->name == name; });
    });
}

std::vector<std::string> Dashboard::names() const
{
    std::set<std::string> names;
    for (const DashboardPanel& panel : panels)
        for (const PanelQuery& query : panel.queries)
            for (std::string& name : query.query.names())
                names.insert(std::move(name));
    return {names.begin(), names.end()};
}

std::string legendOf(const PanelQuery& query, const QueryCurve& curve, const std::vector<QueryCurve>& all)
{
    return query.legend.empty() ? legendBy(tellingLabels(all), query, curve) : filledIn(query.legend, curve);
}

std::vector<std::string> legendsOf(const PanelQuery& query, const std::vector<QueryCurve>& curves)
{
    const auto telling = query.legend.empty() ? tellingLabels(curves) : std::set<std::string>();
    std::vector<std::string> legends;
    for (const QueryCurve& curve : curves)
        legends.push_back(query.legend.empty() ? legendBy(telling, query, curve) : filledIn(query.legend, curve));
    return legends;
}

} // namespace gantry::metrics
