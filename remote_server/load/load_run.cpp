#include "remote_server/load/load_run.h"

#include "remote_server/load/request_stream.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

namespace gantry::load {
namespace {

constexpr std::chrono::seconds kRequestTimeout{30};
// From a request that found no server to the next of a closed loop, which would else count refusals as fast as the machine makes them.
constexpr std::chrono::milliseconds kPauseWithoutServer{10};
constexpr char kMethod[] = "/inference.GRPCInferenceService/ModelInfer";
constexpr std::size_t kMostTimesKept = 10'000'000; // half a gigabyte at most

std::int64_t nowNs()
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(LoadRun::Clock::now().time_since_epoch()).count();
}

std::int64_t utcOffset()
{
    const auto utc = std::chrono::system_clock::now().time_since_epoch();
    return std::chrono::duration_cast<std::chrono::nanoseconds>(utc).count() - nowNs();
}

/// A stop that either of two asks for.
class EitherStop
{
public:
    EitherStop(const std::stop_token& a, const std::stop_token& b) : m_ofA(a, Ask{m_source}), m_ofB(b, Ask{m_source}) {}
    [[nodiscard]] std::stop_token token() const { return m_source.get_token(); }

private:
    struct Ask
    {
        std::stop_source& source;
        void operator()() const { source.request_stop(); }
    };
    std::stop_source m_source;
    std::stop_callback<Ask> m_ofA, m_ofB;
};

/// The serialisation is ours and not the stub's, so that its time is known.
grpc::Status call(grpc::GenericStub& stub, grpc::CompletionQueue& queue, grpc::ClientContext& context, const grpc::ByteBuffer& request,
                  grpc::ByteBuffer& response)
{
    const auto reader = stub.PrepareUnaryCall(&context, kMethod, request, &queue);
    reader->StartCall();
    grpc::Status status;
    reader->Finish(&response, &status, nullptr);
    void* tag = nullptr;
    bool isOk = false;
    queue.Next(&tag, &isOk);
    return status;
}

/// Of a server's message, without the id with which Triton begins some: failures are counted by what is said of them.
std::string withoutId(std::string message, const std::string& id)
{
    const std::string prefix = "[request id: " + id + "] ";
    if (const std::size_t at = message.find(prefix); at != std::string::npos)
        message.erase(at, prefix.size());
    return message;
}

/// Why a call did not succeed; empty: it did. `response` is what it answered.
std::string failureOf(const grpc::Status& status, grpc::ByteBuffer& buffer, inference::ModelInferResponse& response)
{
    if (!status.ok())
        return status.error_message().empty() ? fmt::format("gRPC status {}", static_cast<int>(status.error_code()))
                                              : status.error_message();
    const grpc::Status parsed = grpc::SerializationTraits<inference::ModelInferResponse>::Deserialize(&buffer, &response);
    return parsed.ok() ? std::string() : "the answer is not one of the protocol: " + parsed.error_message();
}

} // namespace

Departures::Departures(const LoadOptions& options, Clock::time_point begin) : m_options(options), m_next(begin), m_random(options.seed)
{
    if (options.warmUp == 0 && options.warmUpCount == 0)
        m_measuredFrom = begin;
    std::vector<double> shares;
    for (const ModelShare& model : options.models)
        shares.push_back(model.share);
    m_pick = std::discrete_distribution<std::size_t>(shares.begin(), shares.end());
}

std::optional<Departures::Departure> Departures::next()
{
    const std::lock_guard lock(m_mutex);
    const bool isCounted = m_options.count > 0 && m_measuredFrom;
    if (m_hasEnded || (isCounted && m_given - m_givenBefore >= m_options.count))
        return {};
    Clock::time_point at = Clock::now();
    if (m_options.ratePerSecond > 0) {
        at = m_next;
        const double gap = m_options.distribution == Distribution::Constant
                               ? 1 / m_options.ratePerSecond
                               : std::exponential_distribution<double>(m_options.ratePerSecond)(m_random);
        m_next += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(gap));
    }
    if (m_options.duration > 0 && m_measuredFrom && at - *m_measuredFrom >= std::chrono::nanoseconds(m_options.duration))
        return {};
    if (m_measuredFrom && at < *m_measuredFrom)
        ++m_givenBefore; // the warm-up's, and late: it leaves and does not count
    if (m_options.ratePerSecond > 0 && !m_measuredFrom) {
        forgetDeparted(Clock::now());
        m_ahead.push_back(at);
    }
    return Departure{at, m_given++, m_options.models.size() > 1 ? m_pick(m_random) : 0};
}

void Departures::forgetDeparted(Clock::time_point now)
{
    while (!m_ahead.empty() && m_ahead.front() < now)
        m_ahead.pop_front();
}

Departures::Clock::time_point Departures::beginMeasuring()
{
    const std::lock_guard lock(m_mutex);
    const Clock::time_point now = Clock::now();
    forgetDeparted(now);
    m_measuredFrom = now;
    m_givenBefore = m_given - m_ahead.size();
    return now;
}

void Departures::end()
{
    const std::lock_guard lock(m_mutex);
    m_hasEnded = true;
}

LoadRun::LoadRun(const LoadOptions& options, const std::vector<ModelRequests>& models, std::string idPrefix, std::stop_token stop)
    : m_options(options),
      m_models(models),
      m_idPrefix(std::move(idPrefix)),
      m_stop(std::move(stop)),
      m_begin(Clock::now()),
      m_utcOffset(utcOffset()),
      m_departures(options, m_begin),
      m_tallies(models.size())
{
}

Result<std::unique_ptr<LoadRun>> LoadRun::start(const LoadOptions& options, const std::vector<ModelRequests>& models,
                                                const std::vector<std::shared_ptr<grpc::Channel>>& channels, std::string idPrefix,
                                                std::stop_token stop)
{
    std::unique_ptr<LoadRun> run(new LoadRun(options, models, std::move(idPrefix), std::move(stop)));
    const auto workers = static_cast<std::size_t>(std::max(1, options.concurrency));
    run->m_running = static_cast<int>(workers);
    try {
        run->m_workers.reserve(workers);
        while (run->m_workers.size() < workers)
            run->m_workers.emplace_back([raw = run.get(), channel = channels[run->m_workers.size() % channels.size()]] {
                raw->work(*channel);
                const std::lock_guard lock(raw->m_mutex);
                --raw->m_running;
                raw->m_changed.notify_all();
            });
    } catch (const std::exception& error) { // system_error of a thread, bad_alloc
        return Error{ErrorCode::Unsupported,
                     fmt::format("each of the {} requests in flight takes a thread, and after {} there was no other ({}): lower the "
                                 "concurrency, or raise the limits of threads and memory (ulimit -u, ulimit -v, pids of the cgroup)",
                                 workers, run->m_workers.size(), error.what()),
                     {}};
    }
    return run;
}

LoadRun::~LoadRun()
{
    halt();
    m_workers.clear();
}

void LoadRun::halt()
{
    m_departures.end();
    m_halted.request_stop();
}

std::uint64_t LoadRun::answers() const
{
    std::uint64_t sum = 0;
    for (const LoadTally& tally : m_tallies)
        sum += tally.sent();
    return sum;
}

void LoadRun::add(const Departures::Departure& departure, const RequestSteps& steps, const std::string* error)
{
    const std::size_t model = departure.model;
    const std::lock_guard lock(m_mutex);
    const bool isOfWarmUp = m_measuredFrom && departure.at < *m_measuredFrom; // and late: the warm-up is over
    if (!isOfWarmUp && error)
        m_tallies[model].addError(steps, *error), m_progress.addError(steps, *error);
    else if (!isOfWarmUp)
        m_tallies[model].addAnswer(steps), m_progress.addAnswer(steps);
    if (m_options.keepsRequests)
        keep(departure, steps, !error);
    if (m_awaited > 0 && answers() >= m_awaited)
        m_changed.notify_all();
}

/// With m_mutex held.
void LoadRun::keep(const Departures::Departure& departure, const RequestSteps& steps, bool isOk)
{
    const std::size_t times = 1 + steps.responses.size();
    if (m_timesKept + times > kMostTimesKept) {
        ++m_requestsDropped;
        return;
    }
    m_timesKept += times;
    RequestTimes request{steps.scheduled + m_utcOffset, steps.done + m_utcOffset, static_cast<std::uint16_t>(departure.model), isOk, {}};
    // The last response is the one that a request ends with, be it empty or not.
    for (const std::int64_t came : steps.responses)
        if (came != steps.answered)
            request.earlierUtcNs.push_back(came + m_utcOffset);
    m_requests.push_back(std::move(request));
}

/// A request with an id. Fields of a message come in any order (protobuf, "Encoding"), so that an id in front of the bytes that all
/// requests share makes one message with them.
grpc::ByteBuffer LoadRun::wireOf(const Departures::Departure& departure, const std::string& id) const
{
    const std::vector<grpc::Slice>& variants = m_models[departure.model].variants;
    inference::ModelInferRequest first;
    first.set_id(id);
    const std::array slices{grpc::Slice(first.SerializeAsString()), variants[departure.number % variants.size()]};
    return {slices.data(), slices.size()};
}

Result<void> LoadRun::askOnce(grpc::GenericStub& stub, grpc::CompletionQueue& queue, const grpc::ByteBuffer& wire,
                              RequestSteps& steps) const
{
    grpc::ByteBuffer answer;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kRequestTimeout);
    const std::stop_callback cancel(m_stop, [&] { context.TryCancel(); }); // a server that hangs must not hold up the end
    const grpc::Status status = call(stub, queue, context, wire, answer);
    steps.answered = nowNs();
    if (status.error_code() == grpc::StatusCode::CANCELLED && m_stop.stop_requested())
        return Error{ErrorCode::Cancelled, "stopped", {}};
    inference::ModelInferResponse response;
    std::string failure = failureOf(status, answer, response);
    steps.done = nowNs();
    return failure.empty() ? Result<void>() : Error{ErrorCode::Internal, std::move(failure), {}};
}

void LoadRun::work(grpc::Channel& channel)
{
    // The channel is the caller's, and who uses it takes a share of it.
    const std::shared_ptr<grpc::Channel> shared(&channel, [](grpc::Channel*) {});
    grpc::GenericStub stub(shared);
    grpc::CompletionQueue queue;
    RequestStream stream(shared, m_stop);
    const EitherStop wakeUp(m_stop, m_halted.get_token());
    std::mutex mutex;
    std::condition_variable_any wake;
    while (const auto departure = m_departures.next()) {
        if (std::unique_lock lock(mutex);
            departure->at > Clock::now()) // a wait that is over at once would cost a closed loop as much as a request
            wake.wait_until(lock, wakeUp.token(), departure->at, [] { return false; });
        if (wakeUp.token().stop_requested())
            return;
        RequestSteps steps;
        steps.scheduled = std::chrono::duration_cast<std::chrono::nanoseconds>(departure->at.time_since_epoch()).count();
        steps.began = nowNs();
        const std::string id = m_idPrefix + std::to_string(departure->number);
        const grpc::ByteBuffer wire = wireOf(*departure, id);
        steps.serialised = nowNs();
        const auto answered = m_models[departure->model].isDecoupled ? stream.ask(id, wire, steps) : askOnce(stub, queue, wire, steps);
        if (!answered && answered.error().code == ErrorCode::Cancelled)
            return; // our doing, no error of the server
        const std::string failure = answered ? std::string() : withoutId(answered.error().message, id);
        add(*departure, steps, answered ? nullptr : &failure);
        if (!answered && m_options.ratePerSecond == 0 && channel.GetState(false) == GRPC_CHANNEL_TRANSIENT_FAILURE) {
            std::unique_lock lock(mutex);
            wake.wait_for(lock, wakeUp.token(), kPauseWithoutServer, [] { return false; });
        }
    }
}

std::pair<std::vector<LoadTally>, LoadRun::Clock::time_point> LoadRun::take()
{
    std::vector<LoadTally> empty(m_models.size());
    const std::lock_guard lock(m_mutex);
    m_tallies.swap(empty);
    return {std::move(empty), Clock::now()};
}

LoadTally LoadRun::takeProgress()
{
    LoadTally empty;
    const std::lock_guard lock(m_mutex);
    std::swap(m_progress, empty);
    return empty;
}

LoadRun::Clock::time_point LoadRun::beginMeasuring()
{
    std::vector<LoadTally> empty(m_models.size());
    LoadTally shown;
    const std::lock_guard lock(m_mutex); // no answer may come in between: one of the measurement would be forgotten
    m_measuredFrom = m_departures.beginMeasuring();
    m_tallies.swap(empty);
    std::swap(m_progress, shown);
    return *m_measuredFrom;
}

LoadRun::Wait LoadRun::waitUntil(Clock::time_point until, std::uint64_t count)
{
    std::unique_lock lock(m_mutex);
    const auto hasAnswers = [&] { return count > 0 && answers() >= count; };
    m_awaited = count;
    m_changed.wait_until(lock, until, [&] { return m_running == 0 || hasAnswers(); });
    m_awaited = 0;
    return m_running == 0 ? Wait::Over : hasAnswers() ? Wait::Answers : Wait::Time;
}

std::int64_t LoadRun::utcNs(Clock::time_point time) const
{
    return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count() + m_utcOffset;
}

std::pair<std::vector<RequestTimes>, std::uint64_t> LoadRun::takeRequests()
{
    const std::lock_guard lock(m_mutex);
    return {std::move(m_requests), m_requestsDropped};
}

} // namespace gantry::load
