#pragma once

#include "trace_model/trace/trace_cache.h"
#include "trace_model/trace/trace_loader.h"

#include <functional>
#include <memory>
#include <span>

namespace gantry::desktop {

/// Where pages get their traces from: what reads files, and what keeps them for the next time. A value; called by jobs.
struct TraceSource
{
    using Loaded = std::shared_ptr<const trace::Trace>;
    using Load = std::function<Result<Loaded>(std::span<const trace::LoadFile>, const trace::LoadOptions&)>;

    std::shared_ptr<const trace::TraceCache> cache; ///< null: nothing is kept
    Load load = [](std::span<const trace::LoadFile> files, const trace::LoadOptions& options) { return trace::loadTrace(files, options); };

    /// With the cache of this user, where there is a home for it.
    [[nodiscard]] static TraceSource ofUser()
    {
        TraceSource source;
        if (const auto folder = trace::TraceCache::userFolder())
            source.cache = std::make_shared<const trace::TraceCache>(*folder);
        return source;
    }
};

} // namespace gantry::desktop
