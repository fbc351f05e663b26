#include "trace_model/analysis/duration_histogram.h"

#include "trace_model/base/parallel.h"

#include <algorithm>
#include <bit>
#include <functional>

namespace gantry::analysis {
namespace {

constexpr std::size_t kFewRows = 65'536; // below this a second thread takes longer to start than to help

/// About the logarithm: the bits of a float grow by as much with each doubling, and by straight lines between.
std::int32_t logarithm(DurationNs duration)
{
    return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(static_cast<float>(std::max<DurationNs>(duration, 0) + 1)));
}

/// Which step a duration is in.
class Steps
{
public:
    explicit Steps(DurationBounds bounds) : m_first(logarithm(bounds.min))
    {
        constexpr float kSteps = std::tuple_size_v<DurationHistogram>;
        const std::int32_t width = logarithm(bounds.max) - m_first;
        m_scale = width > 0 ? kSteps / static_cast<float>(width) : 0.0F;
    }
    [[nodiscard]] std::size_t of(DurationNs duration) const
    {
        const auto step = static_cast<std::int32_t>(static_cast<float>(logarithm(duration) - m_first) * m_scale);
        return static_cast<std::size_t>(std::clamp<std::int32_t>(step, 0, std::tuple_size_v<DurationHistogram> - 1));
    }

private:
    std::int32_t m_first;
    float m_scale;
};

} // namespace

DurationHistogram durationHistogram(std::span<const DurationNs> durations, DurationBounds bounds)
{
    DurationHistogram histogram{};
    const Steps steps(bounds);
    for (const DurationNs duration : durations)
        ++histogram[steps.of(duration)];
    return histogram;
}

std::vector<DurationHistogram> durationHistograms(const trace::EventColumns& columns, const trace::RowSelection& rows,
                                                  const trace::Column<std::uint32_t>& numbers, std::span<const std::uint32_t> groups,
                                                  std::span<const DurationBounds> bounds)
{
    const std::vector<Steps> steps(bounds.begin(), bounds.end());
    const std::size_t shareCount = rows.size() < kFewRows ? 1 : kWorkers;
    std::vector<std::vector<DurationHistogram>> shares(shareCount, std::vector<DurationHistogram>(bounds.size()));
    const bool areShort = columns.longDurations.empty();
    std::vector<std::function<void()>> tasks;
    for (std::size_t share = 0; share < shareCount; ++share)
        tasks.emplace_back([&, share, first = rows.size() * share / shareCount, end = rows.size() * (share + 1) / shareCount] {
            // Local pointers: what is written in the loop could else be what they point to.
            const auto take = [groups, ofRow = numbers.data(), ofGroup = steps.data(), groupCount = bounds.size(),
                               to = shares[share].data()](std::uint32_t row, DurationNs duration) {
                const std::uint32_t number = ofRow[row];
                const std::size_t group = number < groups.size() ? groups[number] : groupCount;
                if (group < groupCount)
                    ++to[group][ofGroup[group].of(duration)];
            };
            const std::size_t early = std::min(end, std::max(first, rows.early.size()));
            for (std::size_t i = first; i < early; ++i)
                take(rows[i], columns.duration(rows[i]));
            if (early == end)
                return;
            const std::uint32_t from = rows[early], last = from + static_cast<std::uint32_t>(end - early);
            if (const std::uint32_t* const durations = columns.shortDuration.data(); areShort)
                for (std::uint32_t row = from; row < last; ++row)
                    take(row, durations[row]);
            else
                for (std::uint32_t row = from; row < last; ++row)
                    take(row, columns.duration(row));
        });
    inParallel(std::move(tasks));
    for (std::size_t share = 1; share < shareCount; ++share)
        for (std::size_t group = 0; group < bounds.size(); ++group)
            for (std::size_t step = 0; step < shares[0][group].size(); ++step)
                shares[0][group][step] += shares[share][group][step];
    return std::move(shares.front());
}

} // namespace gantry::analysis
