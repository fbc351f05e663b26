#include "trace_model/base/loss.h"

namespace gantry {

std::uint64_t droppedTotal(const Losses& losses)
{
    std::uint64_t total = 0;
    for (const Loss& loss : losses)
        if (loss.severity != LossSeverity::Info)
            total += loss.count;
    return total;
}

const char* name(LossSeverity severity)
{
    switch (severity) {
    case LossSeverity::Info: return "info";
    case LossSeverity::Warning: return "warning";
    case LossSeverity::Error: return "error";
    }
    return "warning";
}

} // namespace gantry
