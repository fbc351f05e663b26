#include "remote_server/node/sampling/metric_sources.h"

#include "remote_server/node/sampling/prometheus_scraper.h"
#include "remote_server/node/small_file.h"
#include "trace_model/base/new_file.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <utility>

namespace gantry::node {
namespace {

constexpr DurationNs kDefaultPeriod = 1'000'000'000;
constexpr DurationNs kShortestPeriod = 100'000'000,
                     kLongestPeriod = 2'000'000'000; // a value that is older is one that is missing, everywhere
constexpr std::size_t kLongestUrl = 2000;
constexpr std::size_t kMostFileBytes = 1u << 20;

/// "127.0.0.1:9400/metrics" of "http://127.0.0.1:9400": the series are told apart by it. It has a slash, which no source of the node's own
/// and no target has in its name.
std::string idOf(const std::string& url)
{
    std::string id = url.substr(url.find("://") + 3);
    return id.find('/') == std::string::npos ? id + "/metrics" : id;
}

} // namespace

MetricSources::MetricSources(Sampler& sampler, std::filesystem::path path) : m_sampler(sampler), m_path(std::move(path))
{
    m_added = readFile();
    for (const auto& [id, added] : m_added)
        start(id, added);
}

std::map<std::string, MetricSources::Added> MetricSources::readFile()
{
    std::map<std::string, Added> added;
    if (m_path.empty())
        return added;
    const auto text = readSmallFile(m_path, kMostFileBytes);
    if (!text && text.error().code == ErrorCode::NotFound)
        return added;
    const auto document = text ? nlohmann::json::parse(*text, nullptr, false) : nlohmann::json();
    try {
        for (const nlohmann::json& source : document.at("sources")) {
            const auto url = source.at("url").get<std::string>();
            if (PrometheusScraper::isScrapable(url))
                added[idOf(url)] = {url, std::clamp(source.at("period_ns").get<DurationNs>(), kShortestPeriod, kLongestPeriod)};
        }
    } catch (const nlohmann::json::exception&) {
        m_fileProblem = m_path.string() + " is damaged: which endpoints were added is not known; move it away to begin anew";
        spdlog::error("{}", m_fileProblem);
        added.clear();
    }
    return added;
}

Result<void> MetricSources::writeFile(const std::map<std::string, Added>& added) const
{
    if (m_path.empty())
        return Error{ErrorCode::Unsupported, "this node plays a recording: no endpoints can be added to it", {}};
    if (!m_fileProblem.empty())
        return Error{ErrorCode::BadInput, m_fileProblem, {}};
    nlohmann::json sources = nlohmann::json::array();
    for (const auto& [id, source] : added)
        sources.push_back({{"url", source.url}, {"period_ns", source.periodNs}});
    GANTRY_TRY(NewFile file, NewFile::create(m_path, FileAccess::OwnerOnly));
    const nlohmann::json document{{"sources", sources}};
    GANTRY_CHECK(file.write(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
    return file.publish();
}

void MetricSources::start(const std::string& id, const Added& added)
{
    const auto period = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::nanoseconds(added.periodNs));
    m_sampler.addSource(id, std::make_unique<PrometheusScraper>(added.url, id, period));
}

std::vector<proto::MetricSource> MetricSources::list() const
{
    std::vector<proto::MetricSource> sources = m_sampler.sources();
    const std::lock_guard lock(m_mutex);
    for (proto::MetricSource& source : sources) {
        source.isAdded = m_added.contains(source.id);
        if (!source.url.empty() && !source.isAdded)
            source.targetId = source.id; // the registry names them so
    }
    return sources;
}

Result<proto::MetricSource> MetricSources::add(const std::string& url, DurationNs periodNs)
{
    if (periodNs == 0)
        periodNs = kDefaultPeriod;
    if (!PrometheusScraper::isScrapable(url) || url.size() > kLongestUrl)
        return Error{ErrorCode::BadInput, fmt::format("'{}' cannot be scraped: write http://HOST:PORT/metrics", url.substr(0, 200)), {}};
    if (periodNs < kShortestPeriod || periodNs > kLongestPeriod)
        return Error{ErrorCode::BadInput, "an endpoint is asked every 100 ms to every 2 s", {}};
    // A list of iterations is drained by reading: two that ask would each have half of it.
    for (const proto::MetricSource& source : list())
        if (!source.isAdded && !source.url.empty() && idOf(source.url) == idOf(url))
            return Error{
                ErrorCode::Busy, fmt::format("{} is asked already, as that of the target {}: its metrics are there", url, source.id), {}};
    {
        const std::lock_guard lock(m_mutex);
        auto added = m_added;
        const std::string id = idOf(url);
        if (!added.contains(id) && added.size() >= kMostAdded)
            return Error{ErrorCode::Busy, fmt::format("{} endpoints have been added already: remove one first", kMostAdded), {}};
        added[id] = {url, periodNs};
        GANTRY_CHECK(writeFile(added));
        m_added = std::move(added);
        start(id, m_added.at(id));
    }
    for (proto::MetricSource& source : list())
        if (source.id == idOf(url))
            return std::move(source);
    return Error{ErrorCode::NotFound, "the endpoint was removed again meanwhile", {}};
}

Result<void> MetricSources::remove(const std::string& id)
{
    const std::lock_guard lock(m_mutex);
    auto added = m_added;
    if (added.erase(id) == 0)
        return Error{ErrorCode::NotFound, fmt::format("no endpoint '{}' was added: `gantryctl source list` shows which there are", id), {}};
    GANTRY_CHECK(writeFile(added));
    m_added = std::move(added);
    m_sampler.removeSource(id);
    return {};
}

} // namespace gantry::node
