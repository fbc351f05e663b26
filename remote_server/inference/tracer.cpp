#include "remote_server/inference/tracer.h"

namespace gantry::inference_server {

Tracer::Series::~Series()
{
    if (writer)
        writer->endSeries(number);
}

Tracer::Tracer(const TraceConfig& config)
    : m_started(config.settings), m_file(config.file), m_writer(config.file.empty() ? nullptr : std::make_shared<TraceWriter>(config.file))
{
    rebuild();
}

Tracer::~Tracer() = default;

const std::shared_ptr<Tracer::Series>& Tracer::seriesOf(const std::string& model) const
{
    const auto found = m_series.find(model);
    return found == m_series.end() ? m_globalSeries : found->second;
}

SettingValues Tracer::settings(const std::string& model) const
{
    const std::lock_guard lock(m_mutex);
    const Series& series = *seriesOf(model);
    TraceSettings now = series.settings;
    if (now.count > 0)
        now.count -= series.traced;
    return settingValues(now, m_file);
}

Result<void> Tracer::change(const std::string& model, const SettingValues& values)
{
    if (values.empty())
        return {};
    const std::lock_guard lock(m_mutex);
    TraceOverrides changed = model.empty() ? m_global : m_models[model];
    GANTRY_CHECK(applySettings(values, changed));
    if (m_file.empty() && changed.over(m_started).isOn())
        return Error{ErrorCode::BadInput,
                     "Attempting to set invalid trace setting :trace file name is not given: start the server with --trace-config "
                     "triton,file=PATH",
                     {}};
    (model.empty() ? m_global : m_models[model]) = changed;
    rebuild();
    return {};
}

/// All anew, so that counting begins again.
void Tracer::rebuild()
{
    const auto series = [&](const TraceSettings& settings) { return std::make_shared<Series>(m_writer, m_nextSeries++, settings); };
    const TraceSettings global = m_global.over(m_started);
    m_globalSeries = series(global);
    bool isOn = global.isOn();
    m_series.clear();
    for (const auto& [model, overrides] : m_models)
        if (!overrides.isEmpty()) {
            m_series[model] = series(overrides.over(global));
            isOn = isOn || m_series[model]->settings.isOn();
        }
    m_isOn = isOn && m_writer;
}

std::shared_ptr<RequestTrace> Tracer::begin(const ModelDescription& model, const std::string& requestId)
{
    if (!m_isOn.load(std::memory_order_relaxed))
        return nullptr;
    std::shared_ptr<Series> series;
    std::uint64_t id = 0;
    {
        const std::lock_guard lock(m_mutex);
        series = seriesOf(model.name);
        const TraceSettings& settings = series->settings;
        if (!settings.isOn() || (settings.count > 0 && series->traced >= settings.count) || ++series->seen % settings.rate != 0)
            return nullptr;
        ++series->traced;
        id = m_nextId++;
    }
    auto trace = std::make_unique<RequestTrace>(id, model, requestId, series->settings.timestamps, series->settings.tensors);
    return {trace.release(), [series](RequestTrace* ended) {
                series->writer->write(std::unique_ptr<RequestTrace>(ended), series->number, series->settings.logFrequency);
            }};
}

} // namespace gantry::inference_server
