#pragma once

#include "remote_server/inference/trace_settings.h"
#include "remote_server/inference/trace_writer.h"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace gantry::inference_server {

/// Triton's trace extension: which requests are traced, by settings for all models and for each, and where to. Any thread.
class Tracer
{
public:
    explicit Tracer(const TraceConfig& config);
    ~Tracer();

    /// Settings of a model, or of all for an empty name, with what is left of trace_count.
    [[nodiscard]] SettingValues settings(const std::string& model) const;
    /// Changes them; counting begins anew, and what was traced under the old ones is written. Errors: those of applySettings(); BadInput
    /// when the server was started without a file.
    [[nodiscard]] Result<void> change(const std::string& model, const SettingValues& values);

    /// A trace for a request that begins, unless it is not to be traced (null). It is written when its last owner lets it go.
    [[nodiscard]] std::shared_ptr<RequestTrace> begin(const ModelDescription& model, const std::string& requestId);

    /// Traces that could not be written.
    [[nodiscard]] std::uint64_t dropped() const { return m_writer ? m_writer->dropped() : 0; }

private:
    /// Settings as they are applied, until the next change.
    struct Series
    {
        Series(std::shared_ptr<TraceWriter> itsWriter, std::uint64_t itsNumber, const TraceSettings& itsSettings)
            : writer(std::move(itsWriter)), number(itsNumber), settings(itsSettings)
        {
        }
        ~Series();
        const std::shared_ptr<TraceWriter> writer; ///< null: there is no file
        const std::uint64_t number;
        const TraceSettings settings;
        std::uint64_t seen = 0;  ///< guarded by Tracer::m_mutex
        std::int32_t traced = 0; ///< guarded by Tracer::m_mutex
    };
    void rebuild();
    [[nodiscard]] const std::shared_ptr<Series>& seriesOf(const std::string& model) const;

    const TraceSettings m_started;
    const std::string m_file;
    const std::shared_ptr<TraceWriter> m_writer;
    std::atomic<bool> m_isOn{false}; ///< whether any request is traced: all that requests cost that are not

    mutable std::mutex m_mutex; ///< everything below
    TraceOverrides m_global;
    std::map<std::string, TraceOverrides, std::less<>> m_models;
    std::shared_ptr<Series> m_globalSeries;
    std::map<std::string, std::shared_ptr<Series>, std::less<>> m_series; ///< of models with settings of their own
    std::uint64_t m_nextId = 1, m_nextSeries = 1;
};

} // namespace gantry::inference_server
