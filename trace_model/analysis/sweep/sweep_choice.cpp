#include "trace_model/analysis/sweep/sweep_choice.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::sweep {
namespace {

std::string limitText(const ChoiceRule& rule)
{
    std::string text;
    if (rule.p99Below)
        text += " with a p99 below " + figureText(Figure::P99, *rule.p99Below);
    if (rule.throughputAbove)
        text += (text.empty() ? " with a throughput above " : " and a throughput above ") +
                figureText(Figure::Throughput, *rule.throughputAbove);
    return text;
}

bool isBetter(const Point& a, const Point& b, Objective objective)
{
    const Figure first = objective == Objective::Throughput ? Figure::Throughput : Figure::P99;
    const Figure second = objective == Objective::Throughput ? Figure::P99 : Figure::Throughput;
    const auto ahead = [&](Figure figure) {
        return figure == Figure::Throughput ? *a.figures[figure] > *b.figures[figure] : *a.figures[figure] < *b.figures[figure];
    };
    return *a.figures[first] != *b.figures[first] ? ahead(first) : ahead(second);
}

} // namespace

std::optional<Objective> objectiveFromName(std::string_view name)
{
    return name == "throughput" ? std::optional(Objective::Throughput) : name == "p99" ? std::optional(Objective::P99) : std::nullopt;
}

Choice choose(const Sweep& sweep, const ChoiceRule& rule)
{
    Choice choice;
    for (std::size_t i = 0; i < sweep.points.size(); ++i) {
        const Figures& figures = sweep.points[i].figures;
        const auto &throughput = figures[Figure::Throughput], &p99 = figures[Figure::P99];
        if (!throughput || !p99)
            continue;
        choice.canSay = true;
        if ((rule.p99Below && *p99 >= *rule.p99Below) || (rule.throughputAbove && *throughput <= *rule.throughputAbove))
            continue;
        if (!choice.best || isBetter(sweep.points[i], sweep.points[*choice.best], rule.objective))
            choice.best = i;
    }
    if (!choice.canSay) {
        choice.sentence = "cannot say: no point has both a throughput and a p99";
        return choice;
    }
    if (!choice.best) {
        choice.sentence = fmt::format("none: there is no point{}", limitText(rule));
        return choice;
    }
    const Point& best = sweep.points[*choice.best];
    choice.sentence =
        fmt::format("{} with {} and a p99 of {}", best.name, figureText(Figure::Throughput, *best.figures[Figure::Throughput]),
                    figureText(Figure::P99, *best.figures[Figure::P99]));
    for (const std::string& remark : remarksOn(sweep, *choice.best))
        choice.sentence += "; " + remark;
    return choice;
}

} // namespace gantry::sweep
