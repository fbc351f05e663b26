#include "remote_server/gpu_sampler/pm_sampling.h"

#ifdef GANTRY_HAVE_CUPTI

#include "remote_server/gpu_sampler/cupti_library.h"

#include <cupti.h>
#include <cupti_pmsampling.h>
#include <cupti_profiler_host.h>
#include <cupti_profiler_target.h>
#include <cupti_target.h>

#include <algorithm>
#include <array>
#include <dlfcn.h>

namespace gantry::gpu_sampler {
namespace {

constexpr std::size_t kHardwareBufferBytes = std::size_t{256} << 20;
constexpr std::uint32_t kSamplesOfImage = 512; // an image takes some 17 KiB a sample
// A value takes some 5 µs to be made, so that high rates have fewer metrics, the first of those that are wanted.
constexpr std::int64_t kValuesPerSecond = 150'000;
constexpr std::int64_t kFewestMetrics = 2;

/// CUPTI's functions, resolved by name. Without members for those of the driver but cuInit.
struct Api
{
    decltype(&cuptiGetResultString) getResultString;
    decltype(&cuptiProfilerInitialize) profilerInitialize;
    decltype(&cuptiDeviceGetChipName) getChipName;
    decltype(&cuptiPmSamplingGetCounterAvailability) getCounterAvailability;
    decltype(&cuptiProfilerHostInitialize) hostInitialize;
    decltype(&cuptiProfilerHostDeinitialize) hostDeinitialize;
    decltype(&cuptiProfilerHostConfigAddMetrics) addMetrics;
    decltype(&cuptiProfilerHostGetConfigImageSize) getConfigImageSize;
    decltype(&cuptiProfilerHostGetConfigImage) getConfigImage;
    decltype(&cuptiProfilerHostGetNumOfPasses) getNumOfPasses;
    decltype(&cuptiProfilerHostEvaluateToGpuValues) evaluate;
    decltype(&cuptiPmSamplingEnable) enable;
    decltype(&cuptiPmSamplingDisable) disable;
    decltype(&cuptiPmSamplingSetConfig) setConfig;
    decltype(&cuptiPmSamplingGetCounterDataSize) getCounterDataSize;
    decltype(&cuptiPmSamplingCounterDataImageInitialize) initializeImage;
    decltype(&cuptiPmSamplingStart) start;
    decltype(&cuptiPmSamplingStop) stop;
    decltype(&cuptiPmSamplingDecodeData) decode;
    decltype(&cuptiPmSamplingGetCounterDataInfo) getCounterDataInfo;
    decltype(&cuptiPmSamplingCounterDataGetSampleInfo) getSampleInfo;
};

Result<Api> loadApi()
{
    const auto unsupported = [](const char* sentence) { return Error{ErrorCode::Unsupported, sentence, {}}; };
    void* driver = openFirst({"libcuda.so.1"});
    const auto init = driver ? reinterpret_cast<int (*)(unsigned)>(dlsym(driver, "cuInit")) : nullptr;
    if (!init)
        return unsupported("there is no NVIDIA driver on this node (libcuda.so.1)");
    if (init(0) != 0)
        return unsupported("the NVIDIA driver finds no GPU that this user may use");
    void* cupti = openCupti();
    if (!cupti)
        return unsupported(
            "libcupti.so was not found: install CUDA's CUPTI, 12.6 or newer, or put its folder into LD_LIBRARY_PATH of gantryd");
    Api api{};
    bool isComplete = true;
    const auto find = [&](auto& function, const char* symbol) {
        function = reinterpret_cast<std::remove_reference_t<decltype(function)>>(dlsym(cupti, symbol));
        isComplete = isComplete && function;
    };
    find(api.getResultString, "cuptiGetResultString");
    find(api.profilerInitialize, "cuptiProfilerInitialize");
    find(api.getChipName, "cuptiDeviceGetChipName");
    find(api.getCounterAvailability, "cuptiPmSamplingGetCounterAvailability");
    find(api.hostInitialize, "cuptiProfilerHostInitialize");
    find(api.hostDeinitialize, "cuptiProfilerHostDeinitialize");
    find(api.addMetrics, "cuptiProfilerHostConfigAddMetrics");
    find(api.getConfigImageSize, "cuptiProfilerHostGetConfigImageSize");
    find(api.getConfigImage, "cuptiProfilerHostGetConfigImage");
    find(api.getNumOfPasses, "cuptiProfilerHostGetNumOfPasses");
    find(api.evaluate, "cuptiProfilerHostEvaluateToGpuValues");
    find(api.enable, "cuptiPmSamplingEnable");
    find(api.disable, "cuptiPmSamplingDisable");
    find(api.setConfig, "cuptiPmSamplingSetConfig");
    find(api.getCounterDataSize, "cuptiPmSamplingGetCounterDataSize");
    find(api.initializeImage, "cuptiPmSamplingCounterDataImageInitialize");
    find(api.start, "cuptiPmSamplingStart");
    find(api.stop, "cuptiPmSamplingStop");
    find(api.decode, "cuptiPmSamplingDecodeData");
    find(api.getCounterDataInfo, "cuptiPmSamplingGetCounterDataInfo");
    find(api.getSampleInfo, "cuptiPmSamplingCounterDataGetSampleInfo");
    if (!isComplete)
        return unsupported("CUPTI on this node is older than 12.6 and cannot sample the GPU's counters: install a newer one");
    return api;
}

/// Those wanted, in the order of their use; what a chip does not have, or what does not fit into one pass, is left out.
std::vector<PmSampling::Metric> wantedMetrics()
{
    constexpr double kPercent = 0.01;
    const auto ratio = [](const char* name, const char* source, const char* help) {
        return PmSampling::Metric{name, "ratio", help, source, kPercent, false};
    };
    // That of a throughput is a ratio already, whatever its name says: a copy at 0.89 of the DRAM's peak read 0.46 and wrote 0.46, as
    // NVML's performance monitoring agrees (seen on an H200, CUPTI 13.0).
    const auto throughput = [](const char* name, const char* source, const char* help) {
        return PmSampling::Metric{name, "ratio", help, source, 1, false};
    };
    const auto bytes = [](const char* name, const char* source, const char* help) {
        return PmSampling::Metric{name, "bytes/s", help, source, 1, true};
    };
    return {
        ratio("gpu_sm_active_ratio", "sm__cycles_active.avg.pct_of_peak_sustained_elapsed",
              "Share of the time in which SMs had a warp, mean of all SMs"),
        ratio("gpu_sm_issue_ratio", "sm__inst_executed_realtime.avg.pct_of_peak_sustained_elapsed",
              "Instructions issued, of the most that SMs can"),
        throughput("gpu_dram_read_ratio", "dramc__read_throughput.avg.pct_of_peak_sustained_elapsed", "DRAM read bandwidth, of its peak"),
        throughput("gpu_dram_read_ratio", "dram__read_throughput.avg.pct_of_peak_sustained_elapsed", "DRAM read bandwidth, of its peak"),
        throughput("gpu_dram_write_ratio", "dramc__write_throughput.avg.pct_of_peak_sustained_elapsed",
                   "DRAM write bandwidth, of its peak"),
        throughput("gpu_dram_write_ratio", "dram__write_throughput.avg.pct_of_peak_sustained_elapsed", "DRAM write bandwidth, of its peak"),
        ratio("gpu_tensor_active_ratio", "sm__pipe_tensor_cycles_active_realtime.avg.pct_of_peak_sustained_elapsed",
              "Share of the time in which tensor pipes worked"),
        ratio("gpu_engine_active_ratio", "gr__cycles_active.avg.pct_of_peak_sustained_elapsed",
              "Share of the time in which the graphics and compute engine had work"),
        bytes("gpu_pcie_read_bytes_per_second", "pcie__read_bytes.sum", "Bytes read over PCIe"),
        bytes("gpu_pcie_write_bytes_per_second", "pcie__write_bytes.sum", "Bytes written over PCIe"),
        bytes("gpu_nvlink_receive_bytes_per_second", "nvlrx__bytes.sum", "Bytes received over NVLink"),
        bytes("gpu_nvlink_transmit_bytes_per_second", "nvltx__bytes.sum", "Bytes sent over NVLink"),
        ratio("gpu_compute_warps_ratio", "tpc__warps_active_shader_cs_realtime.sum.pct_of_peak_sustained_elapsed",
              "Warps of compute work in flight, of the most that SMs can hold"),
        {"gpu_clock_hz", "Hz", "Clock of the GPCs, mean of the sample", "gpc__cycles_elapsed.avg.per_second", 1, false},
    };
}

class Sampling final : public PmSampling
{
public:
    explicit Sampling(Api api) : m_api(api) {}

    ~Sampling() override
    {
        stop();
        if (m_sampling) {
            CUpti_PmSampling_Disable_Params params{CUpti_PmSampling_Disable_Params_STRUCT_SIZE};
            params.pPmSamplingObject = m_sampling;
            m_api.disable(&params);
        }
        release(m_host);
    }

    Result<void> begin(int device, std::int64_t periodNs)
    {
        CUpti_Profiler_Initialize_Params initialize{CUpti_Profiler_Initialize_Params_STRUCT_SIZE};
        GANTRY_CHECK(check(m_api.profilerInitialize(&initialize), "cuptiProfilerInitialize"));
        CUpti_Device_GetChipName_Params chip{CUpti_Device_GetChipName_Params_STRUCT_SIZE};
        chip.deviceIndex = static_cast<std::size_t>(device);
        GANTRY_CHECK(check(m_api.getChipName(&chip), "cuptiDeviceGetChipName"));
        m_chip = chip.pChipName;
        CUpti_PmSampling_GetCounterAvailability_Params availability{CUpti_PmSampling_GetCounterAvailability_Params_STRUCT_SIZE};
        availability.deviceIndex = static_cast<std::size_t>(device);
        GANTRY_CHECK(check(m_api.getCounterAvailability(&availability), "cuptiPmSamplingGetCounterAvailability"));
        m_availability.resize(availability.counterAvailabilityImageSize);
        availability.pCounterAvailabilityImage = m_availability.data();
        GANTRY_CHECK(check(m_api.getCounterAvailability(&availability), "cuptiPmSamplingGetCounterAvailability"));
        m_periodNs = periodNs;
        chooseMetrics(static_cast<std::size_t>(std::max<std::int64_t>(kFewestMetrics, kValuesPerSecond * periodNs / 1'000'000'000)));
        if (m_metrics.empty())
            return Error{ErrorCode::Unsupported, "CUPTI knows none of the counters that are wanted on this GPU (" + m_chip + ")", {}};
        for (const Metric& metric : m_metrics)
            m_sources.push_back(metric.source.c_str());
        return configure(device, periodNs);
    }

    const std::vector<Metric>& metrics() const override { return m_metrics; }
    std::uint64_t lost() const override { return m_lost; }

    Result<bool> read(const std::function<void(std::int64_t, std::int64_t, std::span<const double>)>& onSample) override
    {
        CUpti_PmSampling_DecodeData_Params decode{CUpti_PmSampling_DecodeData_Params_STRUCT_SIZE};
        decode.pPmSamplingObject = m_sampling;
        decode.pCounterDataImage = m_image.data();
        decode.counterDataImageSize = m_image.size();
        GANTRY_CHECK(check(m_api.decode(&decode), "cuptiPmSamplingDecodeData"));
        CUpti_PmSampling_GetCounterDataInfo_Params info{CUpti_PmSampling_GetCounterDataInfo_Params_STRUCT_SIZE};
        info.pCounterDataImage = m_image.data();
        info.counterDataImageSize = m_image.size();
        GANTRY_CHECK(check(m_api.getCounterDataInfo(&info), "cuptiPmSamplingGetCounterDataInfo"));
        for (std::size_t i = 0; i < info.numCompletedSamples; ++i)
            GANTRY_CHECK(tell(i, onSample));
        GANTRY_CHECK(initializeImage());
        return info.numCompletedSamples >= kSamplesOfImage;
    }

    void stop() override
    {
        if (!m_isRunning)
            return;
        m_isRunning = false;
        CUpti_PmSampling_Stop_Params params{CUpti_PmSampling_Stop_Params_STRUCT_SIZE};
        params.pPmSamplingObject = m_sampling;
        m_api.stop(&params);
    }

private:
    Result<void> check(CUptiResult result, const char* call) const
    {
        if (result == CUPTI_SUCCESS)
            return {};
        const char* text = nullptr;
        m_api.getResultString(result, &text);
        const std::string answer = " (" + std::string(call) + ": " + (text ? text : "unknown error") + ")";
        switch (result) {
        case CUPTI_ERROR_INSUFFICIENT_PRIVILEGES:
            return Error{ErrorCode::NotPermitted,
                         "the driver lets only administrators sample the GPU's counters: run gantryd as root or with CAP_SYS_ADMIN, or "
                         "load the driver with "
                         "NVreg_RestrictProfilingToAdminUsers=0" +
                             answer,
                         {}};
        case CUPTI_ERROR_HARDWARE_BUSY:
            return Error{ErrorCode::Busy,
                         "another program has the GPU's counters, such as a DCGM exporter, Nsight Systems or Nsight Compute: end it, or "
                         "pause DCGM with `dcgmi profile --pause`" +
                             answer,
                         {}};
        default:
            return Error{ErrorCode::Unsupported, "the GPU's counters cannot be sampled" + answer, {}};
        }
    }

    CUpti_Profiler_Host_Object* newHost()
    {
        CUpti_Profiler_Host_Initialize_Params params{CUpti_Profiler_Host_Initialize_Params_STRUCT_SIZE};
        params.profilerType = CUPTI_PROFILER_TYPE_PM_SAMPLING;
        params.pChipName = m_chip.c_str();
        params.pCounterAvailabilityImage = m_availability.data();
        return m_api.hostInitialize(&params) == CUPTI_SUCCESS ? params.pHostObject : nullptr;
    }

    void release(CUpti_Profiler_Host_Object* host)
    {
        if (!host)
            return;
        CUpti_Profiler_Host_Deinitialize_Params params{CUpti_Profiler_Host_Deinitialize_Params_STRUCT_SIZE};
        params.pHostObject = host;
        m_api.hostDeinitialize(&params);
    }

    /// The configuration for these metrics, which `host` is asked for; empty: not all are known, or they need more than one pass.
    std::vector<std::uint8_t> configFor(CUpti_Profiler_Host_Object* host, const std::vector<Metric>& metrics)
    {
        std::vector<const char*> names;
        for (const Metric& metric : metrics)
            names.push_back(metric.source.c_str());
        CUpti_Profiler_Host_ConfigAddMetrics_Params add{CUpti_Profiler_Host_ConfigAddMetrics_Params_STRUCT_SIZE};
        add.pHostObject = host;
        add.ppMetricNames = names.data();
        add.numMetrics = names.size();
        CUpti_Profiler_Host_GetConfigImageSize_Params size{CUpti_Profiler_Host_GetConfigImageSize_Params_STRUCT_SIZE};
        size.pHostObject = host;
        if (!host || m_api.addMetrics(&add) != CUPTI_SUCCESS || m_api.getConfigImageSize(&size) != CUPTI_SUCCESS)
            return {};
        std::vector<std::uint8_t> config(size.configImageSize);
        CUpti_Profiler_Host_GetConfigImage_Params image{CUpti_Profiler_Host_GetConfigImage_Params_STRUCT_SIZE};
        image.pHostObject = host;
        image.pConfigImage = config.data();
        image.configImageSize = config.size();
        CUpti_Profiler_Host_GetNumOfPasses_Params passes{CUpti_Profiler_Host_GetNumOfPasses_Params_STRUCT_SIZE};
        passes.configImageSize = config.size();
        passes.pConfigImage = config.data();
        if (m_api.getConfigImage(&image) != CUPTI_SUCCESS || m_api.getNumOfPasses(&passes) != CUPTI_SUCCESS || passes.numOfPasses != 1)
            return {};
        return config;
    }

    void chooseMetrics(std::size_t most)
    {
        for (const Metric& metric : wantedMetrics()) {
            if (m_metrics.size() == most)
                return;
            if (std::any_of(m_metrics.begin(), m_metrics.end(), [&](const Metric& kept) { return kept.name == metric.name; }))
                continue; // another chip's name of one that is in
            std::vector<Metric> tried = m_metrics;
            tried.push_back(metric);
            CUpti_Profiler_Host_Object* host = newHost(); // metrics cannot be taken out of one again
            if (!configFor(host, tried).empty())
                m_metrics = std::move(tried);
            release(host);
        }
    }

    Result<void> configure(int device, std::int64_t periodNs)
    {
        m_host = newHost();
        m_config = configFor(m_host, m_metrics);
        CUpti_PmSampling_Enable_Params enable{CUpti_PmSampling_Enable_Params_STRUCT_SIZE};
        enable.deviceIndex = static_cast<std::size_t>(device);
        GANTRY_CHECK(check(m_api.enable(&enable), "cuptiPmSamplingEnable"));
        m_sampling = enable.pPmSamplingObject;
        CUpti_PmSampling_SetConfig_Params set{CUpti_PmSampling_SetConfig_Params_STRUCT_SIZE};
        set.pPmSamplingObject = m_sampling;
        set.configSize = m_config.size();
        set.pConfig = m_config.data();
        set.hardwareBufferSize = kHardwareBufferBytes;
        set.samplingInterval = static_cast<std::uint64_t>(periodNs);
        set.triggerMode = CUPTI_PM_SAMPLING_TRIGGER_MODE_GPU_TIME_INTERVAL;
        set.hwBufferAppendMode = CUPTI_PM_SAMPLING_HARDWARE_BUFFER_APPEND_MODE_KEEP_OLDEST;
        GANTRY_CHECK(check(m_api.setConfig(&set), "cuptiPmSamplingSetConfig"));
        CUpti_PmSampling_GetCounterDataSize_Params size{CUpti_PmSampling_GetCounterDataSize_Params_STRUCT_SIZE};
        size.pPmSamplingObject = m_sampling;
        size.pMetricNames = m_sources.data();
        size.numMetrics = m_sources.size();
        size.maxSamples = kSamplesOfImage;
        GANTRY_CHECK(check(m_api.getCounterDataSize(&size), "cuptiPmSamplingGetCounterDataSize"));
        m_image.resize(size.counterDataSize);
        GANTRY_CHECK(initializeImage());
        CUpti_PmSampling_Start_Params start{CUpti_PmSampling_Start_Params_STRUCT_SIZE};
        start.pPmSamplingObject = m_sampling;
        GANTRY_CHECK(check(m_api.start(&start), "cuptiPmSamplingStart"));
        m_isRunning = true;
        return {};
    }

    Result<void> initializeImage()
    {
        CUpti_PmSampling_CounterDataImage_Initialize_Params params{CUpti_PmSampling_CounterDataImage_Initialize_Params_STRUCT_SIZE};
        params.pPmSamplingObject = m_sampling;
        params.counterDataSize = m_image.size();
        params.pCounterData = m_image.data();
        return check(m_api.initializeImage(&params), "cuptiPmSamplingCounterDataImageInitialize");
    }

    /// Hands out sample `index` of the image. Some 50 µs of the processor, however many threads evaluate at once: CUPTI lets one at a time.
    Result<void> tell(std::size_t index, const std::function<void(std::int64_t, std::int64_t, std::span<const double>)>& onSample)
    {
        if (!m_hasFirst) {
            m_hasFirst = true;
            return {};
        }
        CUpti_PmSampling_CounterData_GetSampleInfo_Params info{CUpti_PmSampling_CounterData_GetSampleInfo_Params_STRUCT_SIZE};
        info.pPmSamplingObject = m_sampling;
        info.pCounterDataImage = m_image.data();
        info.counterDataImageSize = m_image.size();
        info.sampleIndex = index;
        GANTRY_CHECK(check(m_api.getSampleInfo(&info), "cuptiPmSamplingCounterDataGetSampleInfo"));
        m_values.resize(m_metrics.size());
        CUpti_Profiler_Host_EvaluateToGpuValues_Params evaluate{CUpti_Profiler_Host_EvaluateToGpuValues_Params_STRUCT_SIZE};
        evaluate.pHostObject = m_host;
        evaluate.pCounterDataImage = m_image.data();
        evaluate.counterDataImageSize = m_image.size();
        evaluate.ppMetricNames = m_sources.data();
        evaluate.numMetrics = m_sources.size();
        evaluate.rangeIndex = index;
        evaluate.pMetricValues = m_values.data();
        GANTRY_CHECK(check(m_api.evaluate(&evaluate), "cuptiProfilerHostEvaluateToGpuValues"));
        if (m_lastEndNs != 0) // what the hardware took while its buffer was full, or while it was not read in time, is a gap
            m_lost += (info.startTimestamp - std::min(m_lastEndNs, info.startTimestamp)) / static_cast<std::uint64_t>(m_periodNs);
        m_lastEndNs = info.endTimestamp;
        const double seconds = static_cast<double>(info.endTimestamp - info.startTimestamp) * 1e-9;
        for (std::size_t i = 0; i < m_values.size(); ++i)
            m_values[i] *= m_metrics[i].isPerSample && seconds > 0 ? m_metrics[i].factor / seconds : m_metrics[i].factor;
        onSample(static_cast<std::int64_t>(info.startTimestamp), static_cast<std::int64_t>(info.endTimestamp), m_values);
        return {};
    }

    Api m_api;
    std::string m_chip;
    std::vector<std::uint8_t> m_availability;
    std::vector<Metric> m_metrics;
    std::vector<const char*> m_sources;
    CUpti_Profiler_Host_Object* m_host = nullptr;
    CUpti_PmSampling_Object* m_sampling = nullptr;
    std::vector<std::uint8_t> m_config; ///< CUPTI reads it as long as it samples: without it decoding crashes now and then
    std::vector<std::uint8_t> m_image;
    std::vector<double> m_values;
    std::int64_t m_periodNs = 0;
    std::uint64_t m_lastEndNs = 0;
    std::uint64_t m_lost = 0;
    bool m_isRunning = false;
    bool m_hasFirst = false;
};

} // namespace

Result<std::unique_ptr<PmSampling>> PmSampling::start(int device, std::int64_t periodNs)
{
    GANTRY_TRY(const Api api, loadApi());
    auto sampling = std::make_unique<Sampling>(api);
    GANTRY_CHECK(sampling->begin(device, periodNs));
    return std::unique_ptr<PmSampling>(std::move(sampling));
}

} // namespace gantry::gpu_sampler

#else

namespace gantry::gpu_sampler {

Result<std::unique_ptr<PmSampling>> PmSampling::start(int, std::int64_t)
{
    return Error{ErrorCode::Unsupported, "this gantry-gpu-sampler was built without the CUPTI headers", {}};
}

} // namespace gantry::gpu_sampler

#endif
