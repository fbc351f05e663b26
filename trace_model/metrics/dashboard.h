#pragma once

#include "trace_model/base/result.h"
#include "trace_model/metrics/metric_query.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::metrics {

enum class PanelKind : std::uint8_t
{
    Line,
    Area,    ///< curves stacked on each other
    Tile,    ///< the newest values as numbers, with small curves
    Bar,     ///< the newest values as bars beside each other
    Table,   ///< the newest, the smallest, the largest and the mean value of each curve
    HeatMap, ///< over time, of a histogram by its buckets, else of values by their curves
    States,  ///< which value each curve had, over time: a strip for each
};

/// "line", "area", …: as a file names it.
[[nodiscard]] const char* name(PanelKind kind);
/// All kinds, in the order in which they are offered.
[[nodiscard]] const std::vector<PanelKind>& panelKinds();

/// A value from which on a panel is coloured.
struct PanelThreshold
{
    double value = 0; ///< in the panel's unit
    bool isCritical = false;
};

struct PanelQuery
{
    MetricQuery query;  ///< none where promql is
    std::string legend; ///< "{model} failed": labels in braces are replaced; empty: all labels that tell its curves apart
    std::string promql; ///< for the dashboard's Prometheus server; empty: asked of the series of the node

    /// "rate(a)", or "promql: sum(rate(a[1m]))" for the Prometheus server. Errors: BadInput, as MetricQuery::parse().
    [[nodiscard]] static Result<PanelQuery> parse(std::string_view text, std::string legend = {});
    /// As parse() reads it.
    [[nodiscard]] std::string text() const;
};

struct DashboardPanel
{
    std::string title, unit, help;
    PanelKind kind = PanelKind::Line;
    std::vector<PanelQuery> queries;
    std::vector<PanelThreshold> thresholds; ///< ascending
    std::map<double, std::string> states;   ///< what values are called, of a state timeline
    double atLeast = 0;                     ///< the axis reaches at least this far; 0: no demand
    double atMost = 0;                      ///< the axis ends here; 0: it grows with the values
    int columns = 1;                        ///< how wide, of Dashboard::columns
    bool isShownEmpty = false;              ///< says that it waits, where else it would not be there
};

/// A Prometheus server that answers queries of a dashboard through its HTTP API. Its secret is not part of this.
struct PrometheusSource
{
    std::string url;        ///< "http://host:9090" or https, without a password; empty: there is none
    std::string user;       ///< of a password; empty: what is secret is a bearer token
    std::string secretFile; ///< that only its owner can read; empty: what the desktop's keyring has for it, if anything
    std::string caFile;     ///< certificates that are trusted besides those of the system; empty: none
    int periodSeconds = 15; ///< from asking to asking again while plots follow

    friend bool operator==(const PrometheusSource&, const PrometheusSource&) = default;
};

/// A page of panels, as a file of JSON holds it (resources/dashboards/README.md). People copy and change these.
struct Dashboard
{
    static constexpr int kMostPanels = 100;

    std::string title;
    std::string about;                  ///< a sentence
    std::vector<std::string> appliesTo; ///< it is of use where one of these metrics is; a name that ends in * is a beginning
    int columns = 2;
    PrometheusSource prometheus;
    std::vector<DashboardPanel> panels;

    /// Errors: BadInput, with the panel and the field.
    [[nodiscard]] static Result<Dashboard> parse(std::string_view json);
    /// The file that parse() reads: for people, with what is as usual left out.
    [[nodiscard]] std::string toJson() const;
    /// Whether it is of use for these series; one with a Prometheus server is everywhere.
    [[nodiscard]] bool fits(const std::vector<const SeriesDefinition*>& series) const;
    /// Names of the series that its panels ask for.
    [[nodiscard]] std::vector<std::string> names() const;
};

/// What a curve is called: `legend` with the values of labels put in. `all`: the curves of the same query.
[[nodiscard]] std::string legendOf(const PanelQuery& query, const QueryCurve& curve, const std::vector<QueryCurve>& all);
/// Those of all curves of a query, in their order.
[[nodiscard]] std::vector<std::string> legendsOf(const PanelQuery& query, const std::vector<QueryCurve>& curves);

} // namespace gantry::metrics
