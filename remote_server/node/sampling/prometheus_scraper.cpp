#include "remote_server/node/sampling/prometheus_scraper.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/sampling/scraped_series.h"

#include <condition_variable>
#include <ctime>
#include <deque>
#include <fmt/format.h>
#include <httplib.h>
#include <mutex>
#include <optional>
#include <spdlog/spdlog.h>
#include <thread>
#include <utility>

namespace gantry::node {
namespace {

constexpr std::chrono::seconds kLongestScrape{5};
constexpr std::size_t kMostAnswers = 4;
constexpr std::size_t kMostBytes = 8 << 20; // some tens of thousands of series
constexpr std::chrono::milliseconds kEndPeriod{20};
constexpr std::int64_t kSecond = 1'000'000'000;

ScrapedSeries::Now timeNow()
{
    const std::int64_t utc = utcNow();
    const auto seconds = static_cast<std::time_t>(utc / kSecond);
    std::tm local{};
    localtime_r(&seconds, &local);
    return {monotonicNow(), utc, local.tm_gmtoff * kSecond};
}

} // namespace

struct PrometheusScraper::Impl
{
    explicit Impl(const std::string& target) : targetId(target), series(target) {}

    std::string base, path, targetId;
    std::mutex mutex;
    std::condition_variable_any wake;
    ScrapedSeries series;
    std::deque<ScrapedSeries::Scrape> answers; ///< not reported yet, kMostAnswers at most
    bool isWanted = false;             ///< at once
    std::chrono::milliseconds period{0};
    std::optional<DurationNs> duration; ///< of the last scrape
    std::string problem = "it has not answered yet"; ///< of it
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
            const std::lock_guard lock(mutex);
            problem = std::string("it is asked no more: ") + exception.what();
        }
        const std::lock_guard lock(mutex);
        ended = true;
        wake.notify_all();
    }

    /// What is said of the source.
    void note(const httplib::Result& response, bool tooLong, bool isNoText, DurationNs took)
    {
        const std::lock_guard lock(mutex);
        duration = took;
        if (tooLong)
            problem = fmt::format("its answer has more than {} MiB, or takes longer than {} s", kMostBytes >> 20, kLongestScrape.count());
        else if (!response)
            problem = "it does not answer: " + httplib::to_string(response.error());
        else if (response->status != 200)
            problem = fmt::format("it answers with status {}", response->status);
        else if (isNoText)
            problem = "its answer is neither a text of metrics nor a list of iterations: is its path another one?";
        else
            problem.clear();
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
            bool tooLong = false, isNoText = false;
            const auto response = http.Get(path.c_str(), [&](const char* data, std::size_t size) {
                tooLong = size > kMostBytes - body.size() || std::chrono::steady_clock::now() - begin > kLongestScrape;
                if (tooLong || stop.stop_requested())
                    return false;
                body.append(data, size);
                return true;
            });
            if (response && response->status == 200) {
                const TimestampNs answered = monotonicNow();
                // trtllm-serve drains its list with each answer, so nothing else here asks for it.
                ScrapedSeries::Scrape scraped =
                    metrics::isIterationStats(body) ? series.readIterations(body, timeNow()) : series.read(body);
                scraped.time = asked + (answered - asked) / 2;
                isNoText = scraped.isEmpty() && scraped.malformedLines > 0;
                const std::lock_guard lock(mutex);
                answers.push_back(std::move(scraped));
                if (answers.size() > kMostAnswers)
                    answers.pop_front();
            }
            note(response, tooLong, isNoText, monotonicNow() - asked);
            if (tooLong && !std::exchange(warned, true)) {
                spdlog::warn("metrics of target {} at {} are left out: an answer has more than {} bytes or takes longer than {} s",
                             targetId, base, kMostBytes, kLongestScrape.count());
            }
            std::unique_lock lock(mutex);
            wake.wait_until(lock, stop, begin + period, [this] { return isWanted; });
            isWanted = false;
        }
    }
};

PrometheusScraper::PrometheusScraper(std::string url, const std::string& targetId, std::chrono::milliseconds period)
    : m_impl(std::make_unique<Impl>(targetId))
{
    m_impl->period = period;
    const std::size_t scheme = url.find("://");
    const std::size_t slash = url.find('/', scheme == std::string::npos ? 0 : scheme + 3);
    m_impl->base = url.substr(0, slash);
    m_impl->path = slash == std::string::npos ? "/metrics" : url.substr(slash);
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

SourceState PrometheusScraper::state() const
{
    const std::lock_guard lock(m_impl->mutex);
    const std::string problem =
        isScrapable(m_impl->base) ? m_impl->problem : "its address cannot be scraped: write http://HOST:PORT/metrics";
    return {{}, m_impl->base + m_impl->path, std::chrono::nanoseconds(m_impl->period).count(), m_impl->duration, problem};
}

void PrometheusScraper::refresh()
{
    const std::lock_guard lock(m_impl->mutex);
    m_impl->isWanted = true;
    m_impl->wake.notify_all();
}

void PrometheusScraper::sample(SampleRound& round)
{
    std::deque<ScrapedSeries::Scrape> answers;
    {
        const std::lock_guard lock(m_impl->mutex);
        answers.swap(m_impl->answers);
    }
    for (const ScrapedSeries::Scrape& scrape : answers)
        m_impl->series.report(scrape, round);
}

} // namespace gantry::node
