#include "remote_server/node/readiness/cupti_check.h"

#include "remote_server/node/sampling/nvml_library.h"
#include "trace_model/import/child_program.h"

#include <nlohmann/json.hpp>

#include <condition_variable>
#include <mutex>
#include <sstream>
#include <stop_token>
#include <thread>

namespace gantry::node {
namespace {

using proto::ReadinessLevel;

// cuptiGetVersion() as cupti_version.h lists it.
constexpr std::uint32_t kCuda120 = 19, kCuda124 = 22, kCuda130 = 130000, kCuda130Update1 = 130001, kCuda132 = 130200, kCuda133 = 130300;

/// "12.6" of 24, "13.0 update 1" of 130001.
std::string versionText(std::uint32_t version)
{
    static constexpr std::pair<std::uint32_t, const char*> kOld[] = {{28, "12.9 update 1"}, {27, "12.9"}, {26, "12.8"}, {24, "12.6"},
                                                                     {23, "12.5"},          {22, "12.4"}, {21, "12.3"}, {20, "12.2"},
                                                                     {19, "12.0"},          {18, "11.8"}};
    if (version >= 100000) {
        const std::uint32_t update = version % 100;
        return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) +
               (update ? " update " + std::to_string(update) : "");
    }
    for (const auto& [known, text] : kOld)
        if (version >= known)
            return text;
    return "an old CUDA";
}

/// The last line that is a JSON object with a version: libraries, and the loader, write to the same pipe when they have something to say.
nlohmann::json answerIn(const std::string& output)
{
    std::istringstream lines(output);
    nlohmann::json answer;
    for (std::string line; std::getline(lines, line);)
        if (auto document = nlohmann::json::parse(line, nullptr, false); document.is_object() && document.contains("version"))
            answer = std::move(document);
    const bool isSound =
        answer.is_object() && answer["version"].is_number_unsigned() && answer.contains("path") && answer["path"].is_string();
    return isSound ? answer : nlohmann::json();
}

} // namespace

proto::ReadinessItem judgeCupti(std::uint32_t version, const std::string& path, int driverCuda)
{
    const std::string finding = "CUPTI of CUDA " + versionText(version) + " is in " + path + ".";
    const std::string needed = version >= kCuda130 ? "13.0 (R580)" : "12.0 (R525)";
    constexpr const char* kNoGpu = "Targets that use it record no kernels and memory copies; NVTX ranges and requests are recorded.";
    if (version < kCuda120)
        return {"cupti", ReadinessLevel::Limited, finding + " Gantry knows those of CUDA 12 and 13.", kNoGpu,
                "install CUPTI of CUDA 12.6 or newer"};
    if (driverCuda == 0)
        return {"cupti",
                ReadinessLevel::Unknown,
                finding + " Whether it fits the driver cannot be looked at: there is none that tells its version.",
                {},
                {}};
    if (driverCuda < (version >= kCuda130 ? 13000 : 12000))
        return {"cupti", ReadinessLevel::Limited,
                finding + " It needs a driver for CUDA " + needed + "; this one is for CUDA up to " + cudaVersionText(driverCuda) + ".",
                kNoGpu, "update the driver, or put the folder of an older libcupti.so into the target's LD_LIBRARY_PATH"};
    if (version >= kCuda130 && version < kCuda130Update1)
        return {"cupti", ReadinessLevel::Limited, finding,
                "This first version of CUPTI 13 may crash or block its target when a window closes.",
                "install CUPTI of CUDA 13.0 update 1 or newer"};
    if (version == kCuda124)
        return {"cupti", ReadinessLevel::Note, finding, "Where it is of 12.4 update 1, it records no kernels.",
                "install CUPTI of CUDA 12.6 or newer"};
    if (version >= kCuda132 && version < kCuda133)
        return {"cupti", ReadinessLevel::Note, finding, "Recording is slower than with the versions before and after it.",
                "install CUPTI of CUDA 13.3 or newer"};
    return {"cupti", ReadinessLevel::Ok, finding + " It fits the driver.", {}, {}};
}

ReadinessItems checkCupti(const ReadinessInputs& inputs)
{
    if (inputs.gpuSampler.empty())
        return {unknownItem("cupti", "gantry-gpu-sampler, which looks for it, is not beside gantryd")};
    std::string output;
    std::stop_source stop;
    // Whoever waits has given up by then; the program must not be left behind.
    std::jthread limit([&](const std::stop_token& ended) {
        std::mutex mutex;
        std::condition_variable_any wake;
        std::unique_lock lock(mutex);
        if (!wake.wait_for(lock, ended, inputs.patience, [&] { return ended.stop_requested(); }))
            stop.request_stop();
    });
    const auto end = importing::runProgram(
        {inputs.gpuSampler.string(), "--find-cupti"}, [&](std::string_view text) { output += text; }, stop.get_token());
    if (!end)
        return {unknownItem("cupti", end.error().code == ErrorCode::Cancelled ? "loading it took too long" : end.error().message)};
    const nlohmann::json found = answerIn(output);
    if (end->exitStatus != 0 || !found.is_object())
        return {unknownItem("cupti", "gantry-gpu-sampler ended with status " + std::to_string(end->exitStatus) + " while it loaded it")};
    const auto version = found.value("version", std::uint32_t{0});
    if (version == 0)
        return {
            {"cupti", ReadinessLevel::Limited, "libcupti.so is not among the libraries of this node.",
             "Targets that bring no CUPTI of their own, as PyTorch does, record no kernels and memory copies; there are no GPU counters.",
             "install CUPTI (package cuda-cupti-12-8 or newer), or put its folder into LD_LIBRARY_PATH of gantryd and its targets"}};
    const auto nvml = NvmlLibrary::open(inputs.nvmlLibrary);
    return {judgeCupti(version, found.value("path", std::string()), nvml ? (*nvml)->cudaVersion() : 0)};
}

} // namespace gantry::node
