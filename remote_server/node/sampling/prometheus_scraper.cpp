#include "remote_server/node/sampling/prometheus_scraper.h"

#include "remote_server/node/clock.h"
#include "trace_model/metrics/prometheus_text.h"

#include <condition_variable>
#include <deque>
#include <httplib.h>
#include <mutex>
#include <optional>
#include <spdlog/spdlog.h>
#include <thread>
#include <utility>

namespace gantry::node {
namespace {

constexpr std::chrono::milliseconds kPeriod{200};
constexpr std::chrono::seconds kLongestScrape{5};
constexpr std::size_t kMostAnswers = 4;
constexpr std::size_t kMostBytes = 8 << 20; // some tens of thousands of series
constexpr std::chrono::milliseconds kEndPeriod{20};

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
    struct Answer
    {
        TimestampNs time = 0; ///< half way between asking and the answer
        metrics::PrometheusScrape scrape;
    };
    std::deque<Answer> answers;        ///< not reported yet, kMostAnswers at most
    bool isWanted = false;             ///< at once
    httplib::Client* client = nullptr; ///< while there is one

    /// Takes the client back before it ends.
    struct Withdrawn
    {
        Impl& impl;
        ~Withdrawn()
        {
            const std::lock_guard lock(impl.mutex);
            impl.client = nullptr;
        }
    };

    bool ended = true;
    std::jthread thread;

    void start()
    {
        ended = false;
        thread = std::jthread([this](std::stop_token stop) { run(stop); });
    }

    /// The library's timeout is one for each read: an endpoint that sends a byte now and then would hold its request for ever.
    ~Impl()
    {
        thread.request_stop();
        std::unique_lock lock(mutex);
        while (!wake.wait_for(lock, kEndPeriod, [&] { return ended; })) // again: a request that is connecting cannot be ended yet
            if (client)
                client->stop();
    }

    void run(std::stop_token stop)
    {
        try {
            scrape(stop);
        } catch (const std::exception& exception) { // the HTTP library's, or no memory
            spdlog::warn("metrics of target {} at {} are scraped no more: {}", targetId, base, exception.what());
        }
        const std::lock_guard lock(mutex);
        ended = true;
        wake.notify_all();
    }

    void scrape(std::stop_token stop)
    {
        httplib::Client http(base);
        http.set_connection_timeout(1, 0);
        http.set_read_timeout(2, 0);
        http.set_keep_alive(true);
        {
            const std::lock_guard lock(mutex);
            client = &http;
        }
        const Withdrawn withdrawn{*this};
        bool warned = false;
        while (!stop.stop_requested()) {
            const auto begin = std::chrono::steady_clock::now();
            const TimestampNs asked = monotonicNow();
            std::string body;
            bool tooLong = false;
            const auto response = http.Get(path.c_str(), [&](const char* data, std::size_t size) {
                tooLong = size > kMostBytes - body.size() || std::chrono::steady_clock::now() - begin > kLongestScrape;
                if (tooLong || stop.stop_requested())
                    return false;
                body.append(data, size);
                return true;
            });
            if (response && response->status == 200) {
                const TimestampNs answered = monotonicNow();
                auto parsed = metrics::parsePrometheusText(body);
                const std::lock_guard lock(mutex);
                answers.push_back({asked + (answered - asked) / 2, std::move(parsed)});
                if (answers.size() > kMostAnswers)
                    answers.pop_front();
            } else if (tooLong && !std::exchange(warned, true)) {
                spdlog::warn("metrics of target {} at {} are left out: an answer has more than {} bytes or takes longer than {} s",
                             targetId, base, kMostBytes, kLongestScrape.count());
            }
            std::unique_lock lock(mutex);
            wake.wait_until(lock, stop, begin + kPeriod, [this] { return isWanted; });
            isWanted = false;
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
    m_impl->start();
}

PrometheusScraper::~PrometheusScraper() = default;

bool PrometheusScraper::isScrapable(std::string_view url)
{
    for (const std::string_view scheme : {"http://", "https://"})
        if (url.starts_with(scheme))
            return url.size() > scheme.size() && url[scheme.size()] != '/';
    return false;
}

void PrometheusScraper::refresh()
{
    const std::lock_guard lock(m_impl->mutex);
    m_impl->isWanted = true;
    m_impl->wake.notify_all();
}

void PrometheusScraper::sample(SampleRound& round)
{
    std::deque<Impl::Answer> answers;
    {
        const std::lock_guard lock(m_impl->mutex);
        answers.swap(m_impl->answers);
    }
    for (auto& [time, scrape] : answers) {
        round.setTime(time);
        for (metrics::PrometheusSample& sample : scrape.samples) {
            const auto kind = scrape.kinds.find(sample.name);
            const auto help = scrape.help.find(sample.name);
            sample.labels["target"] = m_impl->targetId;
            round.report(sample.name, sample.labels, unitOf(sample.name),
                         kind == scrape.kinds.end() ? metrics::SeriesKind::Gauge : kind->second,
                         help == scrape.help.end() ? std::string_view() : help->second, sample.value);
        }
    }
}

} // namespace gantry::node
