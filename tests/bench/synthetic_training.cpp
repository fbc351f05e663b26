#include "tests/bench/synthetic_training.h"

#include "tests/bench/synthetic_trace.h"

#include <algorithm>
#include <fmt/format.h>

namespace gantry::bench {

SyntheticSums SyntheticSums::fromFirstStart() const
{
    SyntheticSums sums = *this;
    for (SyntheticSum* sum : {&sums.ranges, &sums.calls, &sums.kernels, &sums.memcpys})
        sum->start -= static_cast<std::uint64_t>(kSyntheticFirstStart) * sum->count;
    return sums;
}

namespace {

constexpr std::uint32_t kLayers = 24, kOperatorsOfLayer = 4, kLaunchesOfOperator = 4;
constexpr std::uint32_t kStreams = 8;
constexpr std::uint32_t kKernelNames = 240;

} // namespace

const SyntheticNames& syntheticNames()
{
    static const SyntheticNames kNames = [] {
        SyntheticNames names;
        // Eight families as PyTorch, cutlass, NCCL and Triton name their kernels, thirty instances of each.
        for (std::uint32_t i = 0; i < kKernelNames / 8; ++i) {
            names.kernels.push_back(
                {fmt::format("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize{}x1x1", i + 1),
                 fmt::format("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64_warpgroupsize{}x1x1", i + 1)});
            names.kernels.push_back(
                {fmt::format("void at::native::vectorized_elementwise_kernel<{}, at::native::CUDAFunctor_add<float>, "
                             "std::array<char*, 3ul> >(int, at::native::CUDAFunctor_add<float>, std::array<char*, 3ul>)",
                             i + 1),
                 "vectorized_elementwise_kernel"});
            names.kernels.push_back(
                {fmt::format("void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x128_32x{}_tn_align8>"
                             "(cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x128_32x{}_tn_align8::Params)",
                             i, i),
                 "Kernel2"});
            names.kernels.push_back(
                {fmt::format("void at::native::reduce_kernel<512, {}, at::native::ReduceOp<float, at::native::MeanOps<float, "
                             "float, float, float>, unsigned int, float, 4, 4> >(at::native::ReduceOp<float>)",
                             i),
                 "reduce_kernel"});
            names.kernels.push_back({fmt::format("ncclDevKernel_AllReduce_Sum_bf16_RING_LL_{}(ncclDevKernelArgsStorage<4096ul>)", i),
                                     fmt::format("ncclDevKernel_AllReduce_Sum_bf16_RING_LL_{}", i)});
            names.kernels.push_back(
                {fmt::format("void flash_fwd_kernel<Flash_fwd_kernel_traits<128, {}, 64, 4, false, false, cutlass::bfloat16_t> >"
                             "(Flash_fwd_params)",
                             i),
                 "flash_fwd_kernel"});
            names.kernels.push_back({fmt::format("triton_poi_fused_add_mul_native_layer_norm_{}", i),
                                     fmt::format("triton_poi_fused_add_mul_native_layer_norm_{}", i)});
            names.kernels.push_back(
                {fmt::format("void layer_norm_fwd_kernel<float, {}>(float const*, float*, int)", i), "layer_norm_fwd_kernel"});
        }
        names.calls = {"cudaLaunchKernel", "cudaMemcpyAsync", "cuLaunchKernelEx", "cudaLaunchKernelExC"};
        names.operators = {"aten::linear",  "aten::layer_norm", "aten::scaled_dot_product_attention",
                           "aten::add_",    "aten::mul",        "aten::gelu",
                           "aten::dropout", "aten::copy_"};
        for (std::uint32_t i = 0; i < kLayers; ++i)
            names.layers.push_back(fmt::format("Layer {}: TransformerBlock", i));
        return names;
    }();
    return kNames;
}

TrainingSimulation::TrainingSimulation(std::uint64_t events) : m_left(events), m_now(kSyntheticFirstStart)
{
    std::mt19937_64 random(20250101); // NOLINT(bugprone-random-generator-seed): the same events in every run
    std::lognormal_distribution<double> workNs(9.2, 1.0), callNs(8.3, 0.4);
    std::exponential_distribution<double> gapNs(1 / 900.0), kernel(1 / 30.0); // few kernels make most launches
    m_draws.reserve(kDraws);
    for (std::uint32_t i = 0; i < kDraws; ++i) {
        Draw draw{};
        draw.workNs = static_cast<std::int32_t>(workNs(random)) + 900;
        draw.callNs = static_cast<std::int32_t>(callNs(random)) + 600;
        draw.gapNs = static_cast<std::int32_t>(gapNs(random)) + 150;
        draw.kernel = static_cast<std::uint16_t>(std::min(static_cast<std::uint32_t>(kernel(random)), kKernelNames - 1));
        draw.gridX = 1u << random() % 14;
        draw.bytes = std::uint64_t{1} << (8 + random() % 19);
        m_draws.push_back(draw);
    }
}

bool TrainingSimulation::next(SyntheticStep& step)
{
    if (m_left == 0)
        return false;
    step.ranges.clear();
    step.calls.clear();
    step.work.clear();

    const TimestampNs start = m_now;
    step.ranges.push_back({start, start, m_step, SyntheticRange::Level::Step, 0});
    for (std::uint32_t layer = 0; layer < kLayers; ++layer)
        runLayer(step, layer);
    m_now += 30'000;
    // The host waits for a GPU that falls behind.
    constexpr DurationNs kFurthestBehind = 3'000'000, kLeftToDo = 1'000'000;
    if (const TimestampNs last = *std::max_element(std::begin(m_streamFree), std::end(m_streamFree)); last > m_now + kFurthestBehind)
        m_now = last - kLeftToDo;
    step.ranges.front().end = m_now;

    ++m_step;
    cut(step);
    m_left -= step.ranges.size() + step.calls.size() + step.work.size();
    return true;
}

void TrainingSimulation::runLayer(SyntheticStep& step, std::uint32_t layer)
{
    const std::uint8_t thread = layer < kLayers / 2 ? 0 : 1;
    const std::size_t layerRange = step.ranges.size();
    step.ranges.push_back({m_now, m_now, layer, SyntheticRange::Level::Layer, thread});
    for (std::uint32_t op = 0; op < kOperatorsOfLayer; ++op) {
        m_now += 120;
        const std::size_t opRange = step.ranges.size();
        const auto name = static_cast<std::uint32_t>((layer * kOperatorsOfLayer + op) % syntheticNames().operators.size());
        step.ranges.push_back({m_now, m_now, name, SyntheticRange::Level::Operator, thread});
        for (std::uint32_t place = 0; place < kLaunchesOfOperator; ++place)
            launch(step, layer, op, place, thread);
        m_now += 200;
        step.ranges[opRange].end = m_now;
    }
    m_now += 100;
    step.ranges[layerRange].end = m_now;
}

void TrainingSimulation::launch(SyntheticStep& step, std::uint32_t layer, std::uint32_t op, std::uint32_t place, std::uint8_t thread)
{
    constexpr DurationNs kLaunchLatency = 2'500, kBetweenKernels = 64;
    constexpr std::uint8_t kLaunchCalls[kLaunchesOfOperator] = {0, 0, 2, 3};

    ++m_correlation;
    m_at = (m_at * 5 + 12'345 + m_correlation) % kDraws;
    const Draw& draw = m_draws[m_at];
    const bool isCopy = m_correlation % 10 == 0;

    SyntheticCall call;
    call.start = m_now + draw.gapNs;
    call.end = call.start + draw.callNs;
    call.correlation = m_correlation;
    call.name = isCopy ? static_cast<std::uint8_t>(kSyntheticCopyCall) : kLaunchCalls[place];
    call.thread = thread;
    step.calls.push_back(call);
    m_now = call.end;

    SyntheticWork work;
    work.stream = static_cast<std::uint8_t>((layer + place * 3 + op) % kStreams);
    work.start = std::max(call.end + kLaunchLatency, m_streamFree[work.stream] + kBetweenKernels);
    work.end = work.start + m_draws[(m_at * 7 + place) % kDraws].workNs;
    work.correlation = m_correlation;
    work.isCopy = isCopy;
    work.name = isCopy ? static_cast<std::uint16_t>(m_correlation / 10 % 3) : draw.kernel;
    work.gridX = draw.gridX;
    work.bytes = isCopy ? draw.bytes : 0;
    step.work.push_back(work);
    m_streamFree[work.stream] = work.end;
}

void TrainingSimulation::cut(SyntheticStep& step) const
{
    if (step.ranges.size() + step.calls.size() + step.work.size() <= m_left)
        return;
    step.ranges.resize(std::min<std::size_t>(step.ranges.size(), m_left));
    const std::size_t rest = m_left - step.ranges.size();
    step.calls.resize(rest - rest / 2);
    step.work.resize(rest / 2);
}

} // namespace gantry::bench
