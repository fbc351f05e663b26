#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace gantry::analysis {

/// A quantity summed up in blocks of time, in their order: `sum` over `weight` is its mean (durations over events, completed requests over
/// seconds). A block of weight 0 has nothing to say.
struct BlockSums
{
    std::vector<double> sum, weight;

    explicit BlockSums(std::size_t blocks = 0) : sum(blocks), weight(blocks) {}
    [[nodiscard]] std::size_t size() const { return sum.size(); }
    void add(std::size_t block, double value, double itsWeight = 1)
    {
        sum[block] += value;
        weight[block] += itsWeight;
    }
    [[nodiscard]] double totalWeight() const;
    [[nodiscard]] std::size_t filled() const;           ///< blocks with weight
    [[nodiscard]] std::optional<double> mean() const;   ///< absent: no weight at all
};

/// How the blocks of two sides are shuffled: drawn once for all rows of a comparison, from a fixed seed, so that the same two reports always
/// give the same answer. Any thread once it is made.
class ResamplingPlan
{
public:
    static constexpr std::size_t kPermutations = 999, kBootstraps = 499;

    ResamplingPlan(std::size_t blocksOfA, std::size_t blocksOfB);

    /// Of both sides' blocks one behind the other, those that a permutation calls A.
    [[nodiscard]] std::span<const std::uint16_t> permuted(std::size_t permutation) const;
    /// Blocks of a side (0 or 1) drawn with replacement, as many as it has.
    [[nodiscard]] std::span<const std::uint16_t> drawn(int side, std::size_t bootstrap) const;
    [[nodiscard]] std::size_t blocks(int side) const { return m_blocks[side]; }

private:
    std::size_t m_blocks[2];
    std::vector<std::uint16_t> m_permutations, m_draws[2];
};

/// What blocks tell about mean(B) - mean(A).
struct BlockTest
{
    double low = 0, high = 0; ///< of the 95 % confidence interval of the difference
    double pValue = 1;        ///< two-sided; of the hypothesis that both sides are one
};

/// How many blocks of a side must have something, for a test to be made.
inline constexpr std::size_t kFewestBlocks = 5;

/// Compares means by their blocks: what is close in time is in one block and stays together, so that requests which wait for each other, and
/// the kernels of one request, do not count as if each were evidence of its own. The p-value is that of a permutation test of the blocks,
/// below what its permutations resolve that of Welch's t of the blocks; the interval is a bootstrap's. Where neighbouring blocks are alike
/// too, both allow for it by the factor that this correlation adds to the variance. Absent: a side has fewer than kFewestBlocks blocks with
/// something in them. The plan is one for as many blocks.
[[nodiscard]] std::optional<BlockTest> testBlocks(const BlockSums& a, const BlockSums& b, const ResamplingPlan& plan);

/// The standard error of a side's mean by its blocks, and how many independent blocks it is worth.
struct BlockError
{
    double standardError = 0;
    double effectiveBlocks = 0;
};
[[nodiscard]] BlockError errorOf(const BlockSums& side);

/// Two-sided probability of at least |t| under Student's distribution, and the t that `confidence` of it lies within (0.95 → 1.96 for many).
[[nodiscard]] double studentTail(double t, double degreesOfFreedom);
[[nodiscard]] double studentQuantile(double confidence, double degreesOfFreedom);

/// p-values corrected by Holm's method for how many were asked at once; the probability of one false alarm among all of them stays what it is
/// for one. In place; never above 1.
void correctByHolm(std::vector<double>& pValues);

} // namespace gantry::analysis
