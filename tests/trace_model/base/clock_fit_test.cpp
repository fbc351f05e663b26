#include "trace_model/base/clock_fit.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace gantry {
namespace {

constexpr DurationNs kMillisecond = 1'000'000, kSecond = 1'000'000'000;

/// Two clocks and the network between them.
struct Network
{
    std::mt19937_64 random;
    std::int64_t start = 5'000 * kSecond;
    DurationNs offset = 0;
    double drift = 0;
    double meanDelay = 20'000, meanAsymmetry = 0; ///< ns, one way; the way back takes so much longer

    [[nodiscard]] double trueOffset(std::int64_t ours) const
    {
        return static_cast<double>(offset) + drift * static_cast<double>(ours - start);
    }

    [[nodiscard]] std::int64_t theirs(std::int64_t ours) const { return ours + std::llround(trueOffset(ours)); }

    ClockExchange exchange(std::int64_t at)
    {
        std::exponential_distribution<double> delay(1 / meanDelay), back(1 / (meanDelay + meanAsymmetry)), work(1.0 / 3000);
        std::bernoulli_distribution isSlow(0.05);
        const auto way = [&](auto& of) { return std::llround(8000 + of(random) + (isSlow(random) ? 2e6 : 0)); };
        ClockExchange e;
        e.sent = at;
        const std::int64_t there = at + way(delay);
        const std::int64_t left = there + std::llround(work(random));
        e.taken = theirs(there);
        e.answered = theirs(left);
        e.received = left + way(back);
        return e;
    }

    std::vector<ClockExchange> bursts(DurationNs length, DurationNs every, int inEach)
    {
        std::vector<ClockExchange> exchanges;
        std::bernoulli_distribution isLost(0.1);
        for (DurationNs at = 0; at <= length; at += every)
            for (int i = 0; i < inEach; ++i)
                if (const ClockExchange e = exchange(start + at + i * 5 * kMillisecond); !isLost(random))
                    exchanges.push_back(e);
        return exchanges;
    }
};

TEST(ClockFit, TheTrueOffsetIsWithinTheStatedErrorInAThousandOfAThousandTrialsOnABadNetwork)
{
    int tight = 0;
    for (unsigned trial = 0; trial < 1000; ++trial) {
        Network network{std::mt19937_64(trial)};
        std::uniform_real_distribution<double> drift(-100e-6, 100e-6), asymmetry(0, 200'000);
        std::uniform_int_distribution<std::int64_t> offset(-4'000'000 * kSecond, 4'000'000 * kSecond);
        network.offset = offset(network.random);
        network.drift = drift(network.random);
        network.meanAsymmetry = asymmetry(network.random);
        const auto exchanges = network.bursts(6 * kSecond, 2 * kSecond, 8);
        const TimeRange span{network.start, network.start + 6 * kSecond};
        const auto fit = ClockFit::of(exchanges, span);
        ASSERT_TRUE(fit) << trial;
        for (std::int64_t at = span.start; at <= span.end; at += kSecond)
            ASSERT_LE(std::abs(static_cast<double>(fit->offsetAt(at)) - network.trueOffset(at)), static_cast<double>(fit->errorNs()))
                << "trial " << trial << " at " << at - span.start;
        tight += fit->errorNs() < 100'000;
    }
    EXPECT_GT(tight, 900) << "an error that says nothing holds always";
}

TEST(ClockFit, FindsTheDriftOfAClock)
{
    Network network{std::mt19937_64(7)};
    network.offset = 123 * kSecond;
    network.drift = 40e-6;
    const auto fit = ClockFit::of(network.bursts(60 * kSecond, 2 * kSecond, 4), {network.start, network.start + 60 * kSecond});
    ASSERT_TRUE(fit);
    EXPECT_NEAR(fit->drift(), 40e-6, 1e-6);
}

TEST(ClockFit, IsLessSureOfAClockWhoseRateIsCorrectedInBetween)
{
    for (unsigned trial = 0; trial < 100; ++trial) {
        Network network{std::mt19937_64(trial)};
        network.meanDelay = 5'000;
        auto exchanges = network.bursts(10 * kSecond, kSecond, 8);
        Network later = network; // gains 20 millionths from the tenth second on
        later.start += 10 * kSecond;
        later.drift = 20e-6;
        for (const ClockExchange& e : later.bursts(10 * kSecond, kSecond, 8))
            exchanges.push_back(e);
        const auto fit = ClockFit::of(exchanges, {network.start, network.start + 20 * kSecond});
        ASSERT_TRUE(fit) << trial;
        EXPECT_LT(fit->errorNs(), 1'000'000);
        for (int second = 0; second <= 20; ++second) {
            const std::int64_t at = network.start + second * kSecond;
            const double truth = second <= 10 ? network.trueOffset(at) : later.trueOffset(at);
            EXPECT_LE(std::abs(static_cast<double>(fit->offsetAt(at)) - truth), static_cast<double>(fit->errorNs()))
                << trial << " " << second;
        }
    }
}

TEST(ClockFit, OneExchangeBoundsTheOffsetByHalfOfItsRoundTrip)
{
    const ClockExchange only{1'000'000, 5'000'100, 5'000'200, 1'000'300}; // 200 ns on the way
    const auto fit = ClockFit::of({&only, 1}, {1'000'000, 1'000'300});
    ASSERT_TRUE(fit);
    EXPECT_NEAR(static_cast<double>(fit->offsetAt(1'000'150)), 4'000'000, 2);
    EXPECT_NEAR(static_cast<double>(fit->errorNs()), 100, 4);
}

TEST(ClockFit, SaysNothingOfAClockThatWasSetInBetween)
{
    Network network{std::mt19937_64(3)};
    auto exchanges = network.bursts(2 * kSecond, kSecond, 4);
    network.offset += 50 * kMillisecond;
    for (const ClockExchange& e : network.bursts(2 * kSecond, kSecond, 4))
        exchanges.push_back({e.sent + 3 * kSecond, e.taken + 3 * kSecond, e.answered + 3 * kSecond, e.received + 3 * kSecond});
    EXPECT_FALSE(ClockFit::of(exchanges, {network.start, network.start + 6 * kSecond}));
}

TEST(ClockFit, SaysNothingWithoutAnExchangeThatCanBeUsed)
{
    EXPECT_FALSE(ClockFit::of({}, {0, 10}));
    const ClockExchange backwards{100, 50, 60, 90};
    EXPECT_FALSE(ClockFit::of({&backwards, 1}, {0, 10}));
}

} // namespace
} // namespace gantry
