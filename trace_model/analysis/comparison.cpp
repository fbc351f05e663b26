#include "trace_model/analysis/comparison.h"

#include "trace_model/analysis/comparison_limits.h"
#include "trace_model/analysis/request_breakdown.h"
#include "trace_model/analysis/stream_roles.h"
#include "trace_model/base/parallel.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <functional>
#include <iterator>
#include <numeric>
#include <set>

namespace gantry::analysis {
namespace {

/// Of a kind of row, so many are tested: more tests leave less power to each.
constexpr std::size_t kMostTested = 300;

/// A subject of either side, and what became of comparing them.
struct Pair
{
    const SubjectKey* key = nullptr;
    const Subject* a = nullptr; ///< null: this side has none
    const Subject* b = nullptr;
    RowStatistics statistics;

    [[nodiscard]] const Subject& any() const { return a ? *a : *b; }
    [[nodiscard]] double total() const { return std::max(statistics.a.total, statistics.b.total); }
};

void compareOne(Pair& pair, const ResamplingPlan& plan, const std::stop_token& stop)
{
    static const Subject kNone;
    const Subject& a = pair.a ? *pair.a : kNone;
    const Subject& b = pair.b ? *pair.b : kNone;
    if (a.sums.size() > 0 || b.sums.size() > 0)
        pair.statistics =
            compareSums(a.sums.size() ? a.sums : BlockSums(plan.blocks(0)), b.sums.size() ? b.sums : BlockSums(plan.blocks(1)), plan);
    else
        pair.statistics = compareValues(a.values, b.values, plan, stop);
}

std::vector<Pair> pairsOf(const std::array<Subjects, 2>& subjects)
{
    std::map<SubjectKey, Pair> pairs;
    for (const auto& [key, subject] : subjects[0])
        pairs[key].a = &subject;
    for (const auto& [key, subject] : subjects[1])
        pairs[key].b = &subject;
    std::vector<Pair> result;
    for (auto& [key, pair] : pairs) {
        const auto found = subjects[0].find(key);
        pair.key = found != subjects[0].end() ? &found->first : &subjects[1].find(key)->first;
        result.push_back(std::move(pair));
    }
    return result;
}

/// Of a kind of which there are too many, those that make up least are left out; says of which kinds how many, a sentence each.
std::vector<std::string> leaveOutSmallest(std::vector<Pair>& pairs)
{
    const auto sumOf = [](const Pair& pair) {
        double sum = 0;
        for (const Subject* subject : {pair.a, pair.b})
            if (subject)
                sum += std::accumulate(subject->values.value.begin(), subject->values.value.end(), 0.0);
        return sum;
    };
    std::map<RowKind, std::vector<std::pair<double, const SubjectKey*>>> sums;
    for (const Pair& pair : pairs)
        sums[pair.key->kind].emplace_back(sumOf(pair), pair.key);
    std::set<const SubjectKey*> leftOut;
    std::vector<std::string> sentences;
    for (auto& [kind, all] : sums) {
        if (all.size() <= kMostTested)
            continue;
        std::stable_sort(all.begin(), all.end(), [](const auto& x, const auto& y) { return x.first > y.first; });
        for (std::size_t i = kMostTested; i < all.size(); ++i)
            leftOut.insert(all[i].second);
        sentences.push_back(fmt::format("Of {} rows of the kind '{}' the {} that make up most are compared, the others are not.",
                                        all.size(), name(kind), kMostTested));
    }
    std::erase_if(pairs, [&](const Pair& pair) { return leftOut.contains(pair.key); });
    return sentences;
}

/// Compares each pair; `done` hears of the share that is, from one thread.
void compareAll(std::vector<Pair>& pairs, const ResamplingPlan& plan, const std::stop_token& stop, const std::function<void(double)>& done)
{
    std::vector<std::function<void()>> tasks;
    for (int worker = 0; worker < kWorkers; ++worker)
        tasks.emplace_back([&, worker] {
            for (auto i = static_cast<std::size_t>(worker); i < pairs.size() && !stop.stop_requested(); i += kWorkers) {
                compareOne(pairs[i], plan, stop);
                if (worker == 0)
                    done(static_cast<double>(i + 1) / static_cast<double>(pairs.size()));
            }
        });
    inParallel(std::move(tasks));
}

ComparisonRow rowOf(const Pair& pair, Statistic statistic, std::string title)
{
    ComparisonRow row;
    row.name = std::move(title);
    row.unit = pair.any().unit;
    row.kind = pair.key->kind;
    row.model = pair.key->model;
    row.subject = pair.key->name;
    row.statistic = statistic;
    row.statistics = pair.statistics;
    const auto take = [&](const RowSide& side, std::optional<double>& value, std::optional<std::size_t>& count) {
        if (side.n > 0) {
            value = side[statistic];
            count = side.n;
        }
    };
    take(pair.statistics.a, row.a, row.countA);
    take(pair.statistics.b, row.b, row.countB);
    return row;
}

/// What neither side has, but people look for.
ComparisonRow emptyRow(RowKind kind, const char* name, const char* unit)
{
    ComparisonRow row;
    row.kind = kind;
    row.name = row.subject = name;
    row.unit = unit;
    return row;
}

class Rows
{
public:
    Rows(const std::vector<Pair>& pairs, std::vector<std::string> models) : m_pairs(pairs), m_models(std::move(models)) {}

    void addTo(Comparison& c) const
    {
        const auto p50AndP99 = [this](std::vector<ComparisonRow>& rows, RowKind kind, std::string_view name) {
            for (const std::string& model : m_models)
                if (const Pair* pair = find(kind, model, name)) {
                    rows.push_back(rowOf(*pair, Statistic::Median, titleOf(*pair) + " p50"));
                    rows.push_back(rowOf(*pair, Statistic::P99, titleOf(*pair) + " p99"));
                }
        };
        if (const Pair* pair = find(RowKind::Throughput, {}, "requests per second"))
            c.summary.push_back(rowOf(*pair, Statistic::Mean, pair->key->name));
        else
            c.summary.push_back(emptyRow(RowKind::Throughput, "requests per second", "1/s"));
        p50AndP99(c.summary, RowKind::Latency, "latency");
        const std::size_t beforeBatches = c.summary.size();
        for (const Pair& pair : m_pairs)
            if (pair.key->kind == RowKind::Batch)
                c.summary.push_back(
                    rowOf(pair, Statistic::Mean, m_models.size() > 1 ? pair.key->model + " average batch" : "average batch"));
        if (c.summary.size() == beforeBatches)
            c.summary.push_back(emptyRow(RowKind::Batch, "average batch", "req"));
        addPhases(c);
        addMeans(c.executions, RowKind::Execution);
        addMeans(c.gpu, RowKind::Gpu);
        addMeans(c.gpu, RowKind::IdleGap);
        addMeans(c.streams, RowKind::Stream);
        addMeans(c.kernels, RowKind::Kernel);
        addMeans(c.memcpys, RowKind::Memcpy);
        addMeans(c.apiCalls, RowKind::ApiCall);
        addMeans(c.nvtxRanges, RowKind::NvtxRange);
        addMeans(c.metrics, RowKind::Metric);
    }

private:
    [[nodiscard]] const Pair* find(RowKind kind, const std::string& model, std::string_view name) const
    {
        const auto found = std::find_if(m_pairs.begin(), m_pairs.end(), [&](const Pair& pair) {
            return pair.key->kind == kind && pair.key->model == model && pair.key->name == name;
        });
        return found == m_pairs.end() ? nullptr : &*found;
    }

    [[nodiscard]] std::string titleOf(const Pair& pair) const
    {
        return m_models.size() > 1 && !pair.key->model.empty() ? pair.key->model + ' ' + pair.key->name : pair.key->name;
    }

    void addPhases(Comparison& c) const
    {
        for (const std::string& model : m_models)
            for (int i = 0; i <= records::kRequestPhaseCount; ++i)
                if (const Pair* pair = find(RowKind::Phase, model, records::name(static_cast<records::RequestPhase>(i)))) {
                    c.phases.push_back(rowOf(*pair, Statistic::Median, titleOf(*pair) + " p50"));
                    c.phases.push_back(rowOf(*pair, Statistic::P99, titleOf(*pair) + " p99"));
                }
    }

    /// The mean: what a call costs, whatever the number of requests that each side served.
    void addMeans(std::vector<ComparisonRow>& rows, RowKind kind) const
    {
        const auto first = rows.size();
        for (const Pair& pair : m_pairs)
            if (pair.key->kind == kind && (pair.statistics.a.n > 0 || pair.statistics.b.n > 0))
                rows.push_back(rowOf(pair, Statistic::Mean, titleOf(pair)));
        const auto weight = [](const ComparisonRow& r) {
            return std::abs(r.b.value_or(0) - r.a.value_or(0)) * static_cast<double>(std::max(r.countA.value_or(0), r.countB.value_or(0)));
        };
        std::stable_sort(rows.begin() + static_cast<std::ptrdiff_t>(first), rows.end(),
                         [&](const auto& x, const auto& y) { return weight(x) > weight(y); });
    }

    const std::vector<Pair>& m_pairs;
    std::vector<std::string> m_models;
};

/// Models of both sides, those of A first.
std::vector<std::string> modelsOf(const trace::Trace& a, const trace::Trace& b)
{
    std::vector<std::string> models = modelsByTime(a);
    for (std::string& model : modelsByTime(b))
        if (std::find(models.begin(), models.end(), model) == models.end())
            models.push_back(std::move(model));
    return models;
}

/// Calls `take` with each row of a comparison, section by section.
template <typename AComparison, typename Take>
void eachRow(AComparison& c, Take take)
{
    for (auto* section :
         {&c.summary, &c.phases, &c.executions, &c.gpu, &c.streams, &c.memcpys, &c.kernels, &c.apiCalls, &c.nvtxRanges, &c.metrics})
        for (auto& row : *section)
            take(row);
}

void correct(std::span<Comparison> comparisons)
{
    std::vector<ComparisonRow*> tested;
    std::vector<double> pValues;
    for (Comparison& comparison : comparisons)
        eachRow(comparison, [&](ComparisonRow& row) {
            if (const auto& change = row.change()) {
                tested.push_back(&row);
                pValues.push_back(change->pValue);
            }
        });
    correctByHolm(pValues);
    for (std::size_t i = 0; i < tested.size(); ++i)
        tested[i]->correctedP = std::min(1.0, kQuestions * pValues[i]);
    for (Comparison& comparison : comparisons)
        comparison.rowsTested = tested.size();
}

/// What follows from the rows of all windows that are compared at once.
void conclude(std::span<Comparison> comparisons)
{
    correct(comparisons);
    for (Comparison& comparison : comparisons) {
        comparison.verdict = verdictOf(comparison, comparisons.size());
        comparison.leading = leadingChanges(comparison);
    }
}

std::array<Subjects, 2> requestsAndGpus(const std::array<ComparedSide, 2>& sides)
{
    std::array<Subjects, 2> subjects;
    std::vector<std::function<void()>> tasks;
    for (const std::size_t side : {0, 1})
        tasks.emplace_back([&, side] {
            takeRequests(subjects[side], sides[side]);
            takeGpus(subjects[side], sides[side]);
            takeMetrics(subjects[side], sides[side]);
        });
    inParallel(std::move(tasks));
    return subjects;
}

/// The sides with their windows, cut where they are aligned.
Result<std::array<ComparedSide, 2>> alignedSides(const trace::Trace& a, const trace::Trace& b, const ComparisonOptions& options,
                                                 Comparison& result)
{
    auto sides = comparedSides(a, b, options.stop);
    if (!options.alignment)
        return sides;
    GANTRY_TRY(result.aligned, alignedWindows(a, b, *options.alignment));
    for (std::size_t side = 0; side < sides.size(); ++side)
        sides[side].window = result.aligned->windows[side];
    cutIntoBlocks(sides);
    return sides;
}

/// All but what is corrected for how much was asked.
Result<Comparison> compareRows(const trace::Trace& a, const trace::Trace& b, const ComparisonOptions& options)
{
    const Error cancelled{ErrorCode::Cancelled, "the comparison was cancelled", {}};
    // Shares of the time are those of two reports of a million events each (comparison_bench).
    const auto goOn = [&](double fraction, std::string_view phase) {
        if (options.progress)
            options.progress(fraction, phase);
        return !options.stop.stop_requested();
    };
    Comparison result;
    GANTRY_TRY(const auto sides, alignedSides(a, b, options, result));
    if (!goOn(0, "requests and GPUs"))
        return cancelled;
    std::array<Subjects, 2> subjects = requestsAndGpus(sides);
    takeStreams(subjects, sides);
    const auto kernels = kernelRows(a, b);
    if (!goOn(0.25, "kernels, copies and calls"))
        return cancelled;
    takeWork(subjects, sides, kernels);

    std::vector<Pair> pairs = pairsOf(subjects);
    std::vector<std::string> leftOut = leaveOutSmallest(pairs);
    compareAll(pairs, ResamplingPlan(sides[0].blocks.count, sides[1].blocks.count), options.stop,
               [&](double share) { (void)goOn(0.35 + 0.5 * share, "what is told from chance"); });
    if (!goOn(0.85, "where the latency went"))
        return cancelled;
    Rows(pairs, modelsOf(a, b)).addTo(result);
    if (const auto model = comparedModel(result))
        result.waterfall = latencyWaterfall(sides, *model, kernels);
    if (!goOn(0.95, "what was set"))
        return cancelled;
    result.circumstances = circumstanceChanges(a, b);
    result.limits = comparisonLimits(sides, result);
    result.limits.insert(result.limits.end(), leftOut.begin(), leftOut.end());
    if (!goOn(1, "done"))
        return cancelled;
    return result;
}

} // namespace

std::optional<double> ComparisonRow::difference() const
{
    return a && b ? std::optional(*b - *a) : std::nullopt;
}

std::optional<double> ComparisonRow::ratio() const
{
    return a && b && *a != 0 ? std::optional(*b / *a) : std::nullopt;
}

std::optional<bool> ComparisonRow::isLessBetter() const
{
    if (kind == RowKind::Throughput)
        return false;
    const bool isTime = unit == "ns" && kind != RowKind::IdleGap;
    return isTime ? std::optional(true) : std::nullopt;
}

bool ComparisonRow::isChanged() const
{
    const auto& moved = change();
    return moved && correctedP.value_or(1) < kAlpha && moved->excludesNone() &&
           std::abs(moved->difference()) >= kNegligible * std::abs(moved->a);
}

std::string_view ComparisonRow::judgement() const
{
    if (!a || !b)
        return a ? "only in A" : b ? "only in B" : "in neither";
    if (!correctedP)
        return "too little to tell";
    if (!isChanged())
        return "no significant change";
    const auto less = isLessBetter();
    if (!less)
        return "changed";
    return (*difference() < 0) == *less ? "better" : "worse";
}

std::vector<const ComparisonRow*> Comparison::rows() const
{
    std::vector<const ComparisonRow*> all;
    eachRow(*this, [&](const ComparisonRow& row) { all.push_back(&row); });
    return all;
}

Result<Comparison> compare(const trace::Trace& a, const trace::Trace& b, const ComparisonOptions& options)
{
    GANTRY_TRY(Comparison result, compareRows(a, b, options));
    conclude(std::span(&result, 1));
    return result;
}

Comparison compare(const trace::Trace& a, const trace::Trace& b)
{
    return *compare(a, b, {}); // nothing ends it, and it has no other error
}

Result<std::vector<Comparison>> compareEach(const trace::Trace& first, std::span<const trace::Trace* const> others,
                                            const ComparisonOptions& options)
{
    std::vector<Comparison> comparisons;
    for (const trace::Trace* other : others) {
        ComparisonOptions one = options;
        if (options.progress)
            one.progress = [&](double fraction, std::string_view phase) {
                options.progress((static_cast<double>(comparisons.size()) + fraction) / static_cast<double>(others.size()), phase);
            };
        GANTRY_TRY(Comparison comparison, compareRows(first, *other, one));
        comparisons.push_back(std::move(comparison));
    }
    conclude(comparisons);
    return comparisons;
}

} // namespace gantry::analysis
