#include "trace_model/base/clock_fit.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace gantry {
namespace {

constexpr double kFurthest = 1e15; // eleven days: a clock that differs from the first exchange by more was set

/// A line offset(t) = level + drift * t, as a point of the plane of all lines.
struct Line
{
    double level = 0, drift = 0;
    [[nodiscard]] double at(double t) const { return level + drift * t; }
};

/// The lines that nothing speaks against: a convex polygon of that plane.
class PossibleLines
{
public:
    PossibleLines(double lowest, double highest)
        : m_corners{{lowest, -ClockFit::kMostDrift},
                    {highest, -ClockFit::kMostDrift},
                    {highest, ClockFit::kMostDrift},
                    {lowest, ClockFit::kMostDrift}}
    {
    }

    /// Those that at `t` are at most `bound`, or, with a `sign` of -1, at least.
    void keep(double t, double bound, int sign)
    {
        const auto excess = [&](const Line& line) { return sign * (line.at(t) - bound); };
        std::vector<Line> kept;
        for (std::size_t i = 0; i < m_corners.size(); ++i) {
            const Line& a = m_corners[i];
            const Line& b = m_corners[(i + 1) % m_corners.size()];
            const double ofA = excess(a), ofB = excess(b);
            if (ofA <= 0)
                kept.push_back(a);
            if ((ofA < 0 && ofB > 0) || (ofA > 0 && ofB < 0)) {
                const double part = ofA / (ofA - ofB);
                kept.push_back({a.level + part * (b.level - a.level), a.drift + part * (b.drift - a.drift)});
            }
        }
        m_corners = std::move(kept);
    }

    [[nodiscard]] bool areNone() const { return m_corners.empty(); }

    /// Between which values all of them are at `t`.
    [[nodiscard]] std::pair<double, double> rangeAt(double t) const
    {
        const auto [least, most] =
            std::minmax_element(m_corners.begin(), m_corners.end(), [&](const Line& a, const Line& b) { return a.at(t) < b.at(t); });
        return {least->at(t), most->at(t)};
    }

private:
    std::vector<Line> m_corners;
};

} // namespace

namespace {

/// The lines that agree with all exchanges up to `slack`, times relative to `origin` and offsets to `about`.
PossibleLines linesThrough(std::span<const ClockExchange> exchanges, std::int64_t origin, DurationNs about, double slack)
{
    PossibleLines lines(-kFurthest, kFurthest);
    for (const ClockExchange& e : exchanges) {
        if (e.received < e.sent || e.answered < e.taken)
            continue; // a clock that went backwards tells nothing
        // The question came at some time between `sent` and `received`, in which the offset may have changed a little.
        const double loose = slack + static_cast<double>(e.received - e.sent) * ClockFit::kMostDrift;
        lines.keep(static_cast<double>(e.sent - origin), static_cast<double>(e.taken - e.sent - about) + loose, 1);
        lines.keep(static_cast<double>(e.received - origin), static_cast<double>(e.answered - e.received - about) - loose, -1);
        if (lines.areNone())
            break;
    }
    return lines;
}

} // namespace

std::optional<ClockFit> ClockFit::of(std::span<const ClockExchange> exchanges, TimeRange span)
{
    if (exchanges.empty())
        return std::nullopt;
    // Relative to the first exchange: as numbers of a double, times since the boot of a machine would lose their nanoseconds.
    const std::int64_t origin = exchanges.front().sent;
    const DurationNs about = exchanges.front().taken - origin;
    // A clock whose rate is being corrected follows no line exactly; one that was set is further off than any correction.
    constexpr double kFirstSlack = 1e3, kMostSlack = 1e6;
    double slack = 0;
    PossibleLines lines = linesThrough(exchanges, origin, about, slack);
    while (lines.areNone() && slack < kMostSlack) {
        slack = slack == 0 ? kFirstSlack : 2 * slack;
        lines = linesThrough(exchanges, origin, about, slack);
    }
    if (lines.areNone())
        return std::nullopt;
    const double from = static_cast<double>(span.start - origin), to = static_cast<double>(std::max(span.end, span.start + 1) - origin);
    const auto [lowFrom, highFrom] = lines.rangeAt(from);
    const auto [lowTo, highTo] = lines.rangeAt(to);
    if (highFrom - lowFrom > kFurthest || highTo - lowTo > kFurthest)
        return std::nullopt; // no exchange could be used
    ClockFit fit;
    fit.m_at = span.start;
    fit.m_drift = ((lowTo + highTo) - (lowFrom + highFrom)) / 2 / (to - from);
    fit.m_offsetAt = about + std::llround((lowFrom + highFrom) / 2);
    // How far the possible lines reach apart is a convex function of time: nowhere in between further than at one of the ends.
    fit.m_errorNs = static_cast<DurationNs>(std::ceil(std::max(highFrom - lowFrom, highTo - lowTo) / 2 + slack)) + 1;
    return fit;
}

DurationNs ClockFit::offsetAt(std::int64_t ours) const
{
    return m_offsetAt + std::llround(m_drift * static_cast<double>(ours - m_at));
}

} // namespace gantry
