#include "trace_model/import/chrome_categories.h"

#include "trace_model/import/json_text.h"

#include <utility>

namespace gantry::importing {
namespace {

constexpr std::pair<std::string_view, CategoryKind> kKinds[] = {
    {"kernel", CategoryKind::Kernel},
    {"Kernel", CategoryKind::Kernel},
    {"gpu_memcpy", CategoryKind::Memcpy},
    {"Memcpy", CategoryKind::Memcpy},
    {"gpu_memset", CategoryKind::Memset},
    {"Memset", CategoryKind::Memset},
    {"cuda_sync", CategoryKind::Synchronization},
    {"cuda_event", CategoryKind::CudaEvent},
    {"cuda_runtime", CategoryKind::RuntimeCall},
    {"cuda_driver", CategoryKind::DriverCall},
    {"Runtime", CategoryKind::LegacyCall},
    {"xpu_runtime", CategoryKind::LibraryCall},
    {"xpu_driver", CategoryKind::LibraryCall},
    {"mtia_runtime", CategoryKind::LibraryCall},
    {"glow_runtime", CategoryKind::LibraryCall},
    {"privateuse1_runtime", CategoryKind::LibraryCall},
    {"privateuse1_driver", CategoryKind::LibraryCall},
    // As Gantry writes what PyTorch's profiler has no category for.
    {"library_call", CategoryKind::LibraryCall},
    {"os_call", CategoryKind::OsCall},
    {"cuda_graph", CategoryKind::GraphLaunch},
    {"overhead", CategoryKind::Overhead},
    {"gpu_user_annotation", CategoryKind::GpuAnnotation},
    {"cpu_op", CategoryKind::HostRange},
    {"Operator", CategoryKind::HostRange},
    {"user_annotation", CategoryKind::HostRange},
    {"python_function", CategoryKind::HostRange},
    {"cpu_instant_event", CategoryKind::Memory},
    {"Trace", CategoryKind::Trace},
    {"gantry_request", CategoryKind::Shown},
    {"gantry_request_phase", CategoryKind::Shown},
    {"gantry_execution", CategoryKind::Shown},
};

/// The domain of ranges of a category; empty: the default one.
std::string_view domainOf(std::string_view category)
{
    if (category == kNvtxCategory)
        return {};
    return category.starts_with(kNvtxPrefix) ? category.substr(kNvtxPrefix.size()) : category;
}

} // namespace

CategoryKind categoryKind(std::string_view category)
{
    for (const auto& [name, kind] : kKinds)
        if (name == category)
            return kind;
    return CategoryKind::Other;
}

bool isKineto(CategoryKind kind)
{
    switch (kind) {
    case CategoryKind::Other:
    case CategoryKind::Overhead:
    case CategoryKind::Kernel:
    case CategoryKind::OsCall:
    case CategoryKind::GraphLaunch:
    case CategoryKind::Trace:
    case CategoryKind::Shown:
        return false;
    default:
        return true;
    }
}

std::string_view sentence(SkipReason reason)
{
    switch (reason) {
    case SkipReason::NoTime:
        return "no time";
    case SkipReason::TimeOutOfRange:
        return "time more than nine years from the first event's";
    case SkipReason::NoDuration:
        return "no duration";
    case SkipReason::NegativeDuration:
        return "negative duration";
    case SkipReason::AsyncStep:
        return "step inside an asynchronous range";
    case SkipReason::EndWithoutBegin:
        return "end without a begin";
    case SkipReason::EndBeforeBegin:
        return "end before its begin";
    case SkipReason::NoValue:
        return "counter without a number";
    case SkipReason::NoGpuRow:
        return "CUDA event record";
    case SkipReason::NegativeNumber:
        return "a device or a number of bytes below 0";
    case SkipReason::Arrow:
        return "arrows that are not shown: they do not lead from a call to its work";
    case SkipReason::CutOff:
        return "cut off at the end of the file";
    case SkipReason::NotJson:
        return "not JSON";
    case SkipReason::NotAnObject:
        return "not an object";
    case SkipReason::Metadata:
        return "metadata that is not a name";
    case SkipReason::Count:
        break;
    }
    return "unknown";
}

void OtherArgs::addName(std::string_view name)
{
    constexpr std::size_t kMostNames = 32, kLongestName = 100;
    for (std::size_t i = 0; i < names.size(); ++i) {
        const std::size_t at = (m_next + i) % names.size();
        if (names[at] == name) {
            m_next = at + 1;
            return;
        }
    }
    if (names.size() < kMostNames && name.size() <= kLongestName)
        names.emplace_back(name);
    m_next = 0;
}

std::size_t EventCategories::indexOf(std::string_view name)
{
    if (const auto found = m_index.find(std::string(name)); found != m_index.end())
        return found->second;
    if (m_categories.size() >= kMaxCategories && name != kFurtherCategories)
        return indexOf(kFurtherCategories);
    EventCategory category;
    category.name = json::unescaped(name);
    category.kind = categoryKind(name);
    const std::string_view domain = domainOf(category.name);
    category.domain = domain.empty() ? 0 : m_sink.intern(domain);
    m_categories.push_back(std::move(category));
    m_index.emplace(name, m_categories.size() - 1);
    return m_categories.size() - 1;
}

} // namespace gantry::importing
