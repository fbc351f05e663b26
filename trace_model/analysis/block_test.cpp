#include "trace_model/analysis/block_test.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

namespace gantry::analysis {
namespace {

constexpr std::uint64_t kSeed = 20'260'917; // any: the same for all, so that an answer can be repeated

/// A number below `limit`; the bias of the remainder is 2^-48 for the few blocks there are.
std::uint16_t below(std::mt19937_64& random, std::size_t limit)
{
    return static_cast<std::uint16_t>(random() % limit);
}

/// How far each block's sum is from what the side's mean makes of its weight.
std::vector<double> residuals(const BlockSums& side)
{
    const double mean = side.mean().value_or(0);
    std::vector<double> result(side.size());
    for (std::size_t i = 0; i < result.size(); ++i)
        result[i] = side.sum[i] - mean * side.weight[i];
    return result;
}

double squares(const std::vector<double>& values)
{
    return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
}

/// By how much more the mean varies than if blocks were independent: 1 + 2 Σ correlations of blocks k apart, up to the first that is none.
double varianceFactor(const std::vector<double>& residual)
{
    const double variance = squares(residual);
    const std::size_t blocks = residual.size();
    if (variance <= 0 || blocks < 2)
        return 1;
    double factor = 1;
    for (std::size_t lag = 1; lag <= blocks / 4; ++lag) {
        double product = 0;
        for (std::size_t i = 0; i + lag < blocks; ++i)
            product += residual[i] * residual[i + lag];
        double correlation = product / variance;
        // Residuals of a mean that was estimated from them look less alike than they are: Kendall's first-order correction.
        correlation += (1 + 3 * std::max(correlation, 0.0)) / static_cast<double>(blocks);
        if (correlation <= 0)
            break;
        factor += 2 * (1 - static_cast<double>(lag) / static_cast<double>(blocks)) * correlation;
    }
    return std::min(factor, static_cast<double>(blocks) / 3); // at least three blocks' worth of evidence is left
}

struct Totals
{
    double sum = 0, weight = 0;
    [[nodiscard]] double mean() const { return sum / weight; }
};

Totals totalsOf(const BlockSums& side)
{
    return {std::accumulate(side.sum.begin(), side.sum.end(), 0.0), side.totalWeight()};
}

/// Share of the permutations whose sides differ by at least `difference`.
double permutationP(const BlockSums& a, const BlockSums& b, const ResamplingPlan& plan, double difference)
{
    std::vector<double> sum(a.sum), weight(a.weight);
    sum.insert(sum.end(), b.sum.begin(), b.sum.end());
    weight.insert(weight.end(), b.weight.begin(), b.weight.end());
    const Totals all{std::accumulate(sum.begin(), sum.end(), 0.0), std::accumulate(weight.begin(), weight.end(), 0.0)};
    std::size_t asFar = 0;
    for (std::size_t i = 0; i < ResamplingPlan::kPermutations; ++i) {
        Totals one;
        for (const std::uint16_t block : plan.permuted(i)) {
            one.sum += sum[block];
            one.weight += weight[block];
        }
        const Totals other{all.sum - one.sum, all.weight - one.weight};
        // Rounding must not tell apart what is equal: a permutation that is the sides themselves counts.
        asFar += one.weight <= 0 || other.weight <= 0 || std::abs(other.mean() - one.mean()) >= difference * (1 - 1e-9);
    }
    return static_cast<double>(asFar) / static_cast<double>(ResamplingPlan::kPermutations);
}

std::vector<double> bootstrapMeans(const BlockSums& side, int which, const ResamplingPlan& plan)
{
    const double otherwise = side.mean().value_or(0);
    std::vector<double> means(ResamplingPlan::kBootstraps);
    for (std::size_t i = 0; i < means.size(); ++i) {
        Totals drawn;
        for (const std::uint16_t block : plan.drawn(which, i)) {
            drawn.sum += side.sum[block];
            drawn.weight += side.weight[block];
        }
        means[i] = drawn.weight > 0 ? drawn.mean() : otherwise;
    }
    return means;
}

/// The smallest p-value that so many blocks can show: that of one way to choose A's among all.
double smallestP(std::size_t a, std::size_t b)
{
    const auto n = static_cast<double>(a), m = static_cast<double>(b);
    return std::exp(std::lgamma(n + 1) + std::lgamma(m + 1) - std::lgamma(n + m + 1));
}

/// Continued fraction of the incomplete beta function (Lentz's method).
double betaFraction(double a, double b, double x)
{
    constexpr double kTiny = 1e-300;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    d = 1 / (std::abs(d) < kTiny ? kTiny : d);
    double result = d;
    const auto step = [&](double term) {
        d = 1 + term * d;
        d = 1 / (std::abs(d) < kTiny ? kTiny : d);
        c = 1 + term / c;
        c = std::abs(c) < kTiny ? kTiny : c;
        result *= d * c;
        return d * c;
    };
    for (int m = 1; m < 300; ++m) {
        const double twice = 2.0 * m;
        step(m * (b - m) * x / ((a + twice - 1) * (a + twice)));
        if (std::abs(step(-(a + m) * (a + b + m) * x / ((a + twice) * (a + twice + 1))) - 1) < 1e-12)
            break;
    }
    return result;
}

/// The regularised incomplete beta function.
double incompleteBeta(double a, double b, double x)
{
    if (x <= 0 || x >= 1)
        return x <= 0 ? 0 : 1;
    const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log(1 - x));
    return x < (a + 1) / (a + b + 2) ? front * betaFraction(a, b, x) / a : 1 - front * betaFraction(b, a, 1 - x) / b;
}

} // namespace

double BlockSums::totalWeight() const
{
    return std::accumulate(weight.begin(), weight.end(), 0.0);
}

std::size_t BlockSums::filled() const
{
    return static_cast<std::size_t>(std::count_if(weight.begin(), weight.end(), [](double w) { return w > 0; }));
}

std::optional<double> BlockSums::mean() const
{
    const Totals all = totalsOf(*this);
    return all.weight > 0 ? std::optional(all.mean()) : std::nullopt;
}

ResamplingPlan::ResamplingPlan(std::size_t blocksOfA, std::size_t blocksOfB) : m_blocks{blocksOfA, blocksOfB}
{
    std::mt19937_64 random(kSeed);
    std::vector<std::uint16_t> all(blocksOfA + blocksOfB);
    std::iota(all.begin(), all.end(), std::uint16_t{0});
    m_permutations.reserve(kPermutations * blocksOfA);
    for (std::size_t i = 0; i < kPermutations; ++i) {
        for (std::size_t j = 0; j < blocksOfA; ++j)
            std::swap(all[j], all[j + below(random, all.size() - j)]);
        m_permutations.insert(m_permutations.end(), all.begin(), all.begin() + static_cast<std::ptrdiff_t>(blocksOfA));
    }
    for (const int side : {0, 1}) {
        m_draws[side].resize(kBootstraps * m_blocks[side]);
        for (std::uint16_t& block : m_draws[side])
            block = below(random, m_blocks[side]);
    }
}

std::span<const std::uint16_t> ResamplingPlan::permuted(std::size_t permutation) const
{
    return {m_permutations.data() + permutation * m_blocks[0], m_blocks[0]};
}

std::span<const std::uint16_t> ResamplingPlan::drawn(int side, std::size_t bootstrap) const
{
    return {m_draws[side].data() + bootstrap * m_blocks[side], m_blocks[side]};
}

BlockError errorOf(const BlockSums& side)
{
    const double weight = side.totalWeight();
    const auto blocks = static_cast<double>(side.filled());
    if (weight <= 0 || blocks < 2)
        return {0, blocks};
    const std::vector<double> residual = residuals(side);
    const double factor = varianceFactor(residual);
    return {std::sqrt(squares(residual) * blocks / (blocks - 1) * factor) / weight, blocks / factor};
}

std::optional<BlockTest> testBlocks(const BlockSums& a, const BlockSums& b, const ResamplingPlan& plan)
{
    if (a.filled() < kFewestBlocks || b.filled() < kFewestBlocks)
        return {};
    const double difference = *b.mean() - *a.mean();
    const BlockError errorA = errorOf(a), errorB = errorOf(b);
    const auto factorOf = [](const BlockSums& side, const BlockError& error) { return static_cast<double>(side.filled()) / error.effectiveBlocks; };
    // Both are windows of much the same, and each shows its correlation by luck: the larger one is taken for both.
    const double factor = std::max(factorOf(a, errorA), factorOf(b, errorB)), widening = std::sqrt(factor);
    const auto varianceOf = [&](const BlockSums& side, const BlockError& error) {
        return error.standardError * error.standardError * factor / factorOf(side, error);
    };
    const double variance = varianceOf(a, errorA) + varianceOf(b, errorB);

    BlockTest test;
    std::vector<double> drawnA = bootstrapMeans(a, 0, plan), drawnB = bootstrapMeans(b, 1, plan);
    for (std::size_t i = 0; i < drawnB.size(); ++i)
        drawnB[i] = (drawnB[i] - drawnA[i] - difference) * widening;
    std::sort(drawnB.begin(), drawnB.end());
    const std::size_t tail = drawnB.size() / 40; // 2.5 %
    test.low = difference + drawnB[tail];
    test.high = difference + drawnB[drawnB.size() - 1 - tail];

    const double permuted = permutationP(a, b, plan, std::abs(difference) / widening);
    constexpr double kResolution = 1.0 / (ResamplingPlan::kPermutations + 1);
    const double byPermutation = permuted * (1 - kResolution) + kResolution; // the sides as they are count as one
    const double freedom = std::max(static_cast<double>(a.filled() + b.filled()) / factor - 2, 1.0);
    const double byStudent = difference == 0 ? 1 : variance > 0 ? studentTail(difference / std::sqrt(variance), freedom) : 0;
    test.pValue = permuted > 0 ? std::max(byPermutation, std::min(byStudent, kResolution))
                               : std::clamp(byStudent, std::min(smallestP(a.filled(), b.filled()), kResolution), kResolution);
    return test;
}

double studentTail(double t, double degreesOfFreedom)
{
    return incompleteBeta(degreesOfFreedom / 2, 0.5, degreesOfFreedom / (degreesOfFreedom + t * t));
}

double studentQuantile(double confidence, double degreesOfFreedom)
{
    double low = 0, high = 1000;
    for (int i = 0; i < 60; ++i) {
        const double middle = (low + high) / 2;
        (studentTail(middle, degreesOfFreedom) > 1 - confidence ? low : high) = middle;
    }
    return high;
}

void correctByHolm(std::vector<double>& pValues)
{
    std::vector<std::size_t> order(pValues.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::stable_sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) { return pValues[x] < pValues[y]; });
    double largest = 0;
    for (std::size_t rank = 0; rank < order.size(); ++rank) {
        double& p = pValues[order[rank]];
        largest = std::max(largest, std::min(1.0, p * static_cast<double>(pValues.size() - rank)));
        p = largest;
    }
}

} // namespace gantry::analysis
