#include "trace_model/analysis/findings/facts.h"

#include <algorithm>
#include <string>
#include <string_view>

namespace gantry::findings {

TimeRange recordedWindow(const trace::Trace& trace)
{
    return trace.window.isEmpty() ? trace.time : trace.window;
}

Facts::Facts(const trace::Trace& ofTrace, const std::stop_token& stop)
    : trace(ofTrace), window(recordedWindow(ofTrace)), host(ofTrace, stop), serving(ofTrace), gpus(gpuFacts(ofTrace, window, stop))
{
    for (const GpuFacts& gpu : gpus)
        idle.push_back(idleCauses(trace, gpu, host, serving, stop));
}

bool Facts::isPyTorch() const
{
    if (trace.meta.producer.find("PyTorch") != std::string::npos)
        return true;
    const auto& names = trace.kernels.names.values();
    return std::any_of(names.begin(), names.end(), [this](const trace::KernelName& name) {
        return trace.strings[name.demangledName].find("at::native") != std::string_view::npos;
    });
}

double Facts::shareOfWindow(DurationNs duration) const
{
    return window.isEmpty() ? 0 : static_cast<double>(duration) / static_cast<double>(window.duration());
}

} // namespace gantry::findings
