#pragma once

#include "trace_model/base/time.h"

#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace gantry::bench {

/// A step, a layer of a step or an operator of a layer: what a range shows.
struct SyntheticRange
{
    enum class Level : std::uint8_t
    {
        Step,
        Layer,
        Operator
    };

    TimestampNs start = 0, end = 0;
    std::uint32_t index = 0; ///< number of the step, or of the layer's or operator's name
    Level level = Level::Step;
    std::uint8_t thread = 0; ///< 0 or 1
};

/// A runtime call that launches the work of the same correlation id.
struct SyntheticCall
{
    TimestampNs start = 0, end = 0;
    std::uint32_t correlation = 0;
    std::uint8_t name = 0; ///< place in SyntheticNames::calls
    std::uint8_t thread = 0;
};

/// A kernel or, one time in ten, a memcpy.
struct SyntheticWork
{
    TimestampNs start = 0, end = 0;
    std::uint32_t correlation = 0;
    std::uint32_t gridX = 1; ///< kernels
    std::uint64_t bytes = 0; ///< memcpys
    std::uint16_t name = 0;  ///< place in SyntheticNames::kernels, or of the copy's direction: host to device, back, on the device
    std::uint8_t stream = 0; ///< 0 to 7
    bool isCopy = false;
};

struct SyntheticStep
{
    std::vector<SyntheticRange> ranges; ///< parents before children
    std::vector<SyntheticCall> calls;
    std::vector<SyntheticWork> work; ///< as launched, which is in order on each stream alone
};

/// What the events of a simulated training are called.
struct SyntheticNames
{
    struct Kernel
    {
        std::string demangled, shortName;
    };
    std::vector<Kernel> kernels; ///< 240
    std::vector<std::string> calls, operators, layers;
};

[[nodiscard]] const SyntheticNames& syntheticNames();

inline constexpr std::size_t kSyntheticCopyCall = 1; ///< place of the call that copies in SyntheticNames::calls

/// A training loop on one GPU: a step runs 24 layers (half of them on a second thread) of 4 operators, each of which launches 4 times
/// on one of 8 streams. The same events for the same number, in every run. One thread.
class TrainingSimulation
{
public:
    /// `events`: how many there will be; the last step is cut there.
    explicit TrainingSimulation(std::uint64_t events);

    /// The next step, until none is left.
    [[nodiscard]] bool next(SyntheticStep& step);

private:
    void runLayer(SyntheticStep& step, std::uint32_t layer);
    void launch(SyntheticStep& step, std::uint32_t layer, std::uint32_t op, std::uint32_t place, std::uint8_t thread);
    void cut(SyntheticStep& step) const;

    static constexpr std::uint32_t kDraws = 1u << 16;

    /// What chance decides, drawn once and walked through: a simulation of 100 M events draws nothing on the way.
    struct Draw
    {
        std::int32_t workNs, callNs, gapNs;
        std::uint16_t kernel;
        std::uint32_t gridX;
        std::uint64_t bytes;
    };

    std::uint64_t m_left;
    std::vector<Draw> m_draws;
    TimestampNs m_now;
    TimestampNs m_streamFree[8] = {};
    std::uint32_t m_step = 0, m_correlation = 0, m_at = 0;
};

} // namespace gantry::bench
