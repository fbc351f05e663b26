#include "remote_server/node/sampling/prometheus_scraper.h"

#include "trace_model/metrics/prometheus_text.h"

#include <condition_variable>
#include <httplib.h>
#include <mutex>
#include <optional>
#include <spdlog/spdlog.h>
#include <thread>

namespace gantry::node {
namespace {

constexpr std::chrono::milliseconds kPeriod{200};
constexpr std::size_t kMostSeries = 2000; // of one endpoint; a server with thousands of models is scraped for its first ones

std::string_view unitOf(std::string_view name)
{
    if (name.ends_with("_us"))
        return "us";
    if (name.ends_with("_bytes"))
        return "bytes";
    if (name.ends_with("_seconds") || name.ends_with("_secs"))
        return "s";
    if (name.ends_with("_utilization") || name.ends_with("_ratio"))
        return "ratio";
    return "count";
}

} // namespace

struct PrometheusScraper::Impl
{
    std::string base, path, targetId;
    std::mutex mutex;
    std::condition_variable_any wake;
    std::optional<metrics::PrometheusScrape> newest;
    std::jthread thread;

    void run(std::stop_token stop)
    {
        try {
            scrape(stop);
        } catch (const std::exception& exception) { // the HTTP library's, or no memory for an endless answer
            spdlog::warn("metrics of target {} at {} are scraped no more: {}", targetId, base, exception.what());
        }
    }

    void scrape(std::stop_token stop)
    {
        httplib::Client client(base);
        client.set_connection_timeout(1, 0);
        client.set_read_timeout(2, 0);
        client.set_keep_alive(true);
        while (!stop.stop_requested()) {
            const auto begin = std::chrono::steady_clock::now();
            if (const auto response = client.Get(path.c_str()); response && response->status == 200) {
                auto parsed = metrics::parsePrometheusText(response->body);
                const std::lock_guard lock(mutex);
                newest = std::move(parsed);
            }
            std::unique_lock lock(mutex);
            wake.wait_until(lock, stop, begin + kPeriod, [] { return false; });
        }
    }
};

PrometheusScraper::PrometheusScraper(std::string url, std::string targetId) : m_impl(std::make_unique<Impl>())
{
    const std::size_t scheme = url.find("://");
    const std::size_t slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
    m_impl->base = url.substr(0, slash);
    m_impl->path = slash == std::string::npos ? "/metrics" : url.substr(slash);
    m_impl->targetId = std::move(targetId);
    if (!isScrapable(url))
        return;
    m_impl->thread = std::jthread([impl = m_impl.get()](std::stop_token stop) { impl->run(stop); });
}

PrometheusScraper::~PrometheusScraper() = default;

bool PrometheusScraper::isScrapable(std::string_view url)
{
    for (const std::string_view scheme : {"http://", "https://"})
        if (url.starts_with(scheme))
            return url.size() > scheme.size() && url[scheme.size()] != '/';
    return false;
}

void PrometheusScraper::sample(SampleRound& round)
{
    std::optional<metrics::PrometheusScrape> scrape;
    {
        const std::lock_guard lock(m_impl->mutex);
        scrape.swap(m_impl->newest);
    }
    if (!scrape)
        return;
    std::size_t count = 0;
    for (metrics::PrometheusSample& sample : scrape->samples) {
        if (++count > kMostSeries)
            break;
        const auto kind = scrape->kinds.find(sample.name);
        const auto help = scrape->help.find(sample.name);
        sample.labels["target"] = m_impl->targetId;
        round.report(sample.name, sample.labels, unitOf(sample.name), kind == scrape->kinds.end() ? metrics::SeriesKind::Gauge : kind->second,
                     help == scrape->help.end() ? std::string_view() : help->second, sample.value);
    }
}

} // namespace gantry::node
