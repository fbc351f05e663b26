#include "remote_server/load/load_generator.h"

#include "inference/grpc_service.grpc.pb.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <grpcpp/grpcpp.h>
#include <mutex>
#include <optional>
#include <random>
#include <thread>
#include <vector>

namespace gantry::load {
namespace {

using Clock = std::chrono::steady_clock;
using Stub = inference::GRPCInferenceService::Stub;

constexpr std::chrono::seconds kRequestTimeout{30};

/// Takes results from all workers.
class Tally
{
public:
    void add(const grpc::Status& status, DurationNs latency)
    {
        const std::lock_guard lock(m_mutex);
        ++m_sent;
        if (status.ok())
            m_latencies.push_back(latency);
        else
            ++m_errors[status.error_message()];
    }

    LoadResult result(Clock::time_point begin) const
    {
        LoadResult r;
        std::vector<DurationNs> sorted;
        {
            const std::lock_guard lock(m_mutex);
            r.sent = m_sent;
            r.errors = m_errors;
            sorted = m_latencies;
        }
        r.ok = sorted.size();
        r.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
        r.requestsPerSecond = r.seconds > 0 ? static_cast<double>(r.ok) / r.seconds : 0;
        if (sorted.empty())
            return r;
        std::sort(sorted.begin(), sorted.end());
        const auto rank = [&](double p) { return sorted[static_cast<std::size_t>(std::ceil(p * static_cast<double>(sorted.size()))) - 1]; };
        r.p50 = rank(0.50);
        r.p90 = rank(0.90);
        r.p95 = rank(0.95);
        r.p99 = rank(0.99);
        r.max = sorted.back();
        double sum = 0;
        for (const DurationNs latency : sorted)
            sum += static_cast<double>(latency);
        r.mean = static_cast<DurationNs>(sum / static_cast<double>(sorted.size()));
        return r;
    }

private:
    mutable std::mutex m_mutex;
    std::uint64_t m_sent = 0;
    std::map<std::string, std::uint64_t> m_errors;
    std::vector<DurationNs> m_latencies;
};

/// Hands out the times at which requests leave: at once in a closed loop, at Poisson times in an open one.
class Departures
{
public:
    Departures(const LoadOptions& options, Clock::time_point begin) : m_options(options), m_begin(begin), m_next(begin), m_random(options.seed) {}

    /// Time of the next request; nothing when the load is over.
    std::optional<Clock::time_point> next()
    {
        const std::lock_guard lock(m_mutex);
        if (m_options.count > 0 && m_given >= m_options.count)
            return {};
        Clock::time_point at = Clock::now();
        if (m_options.ratePerSecond > 0) {
            at = m_next;
            m_next += std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::exponential_distribution<double>(m_options.ratePerSecond)(m_random)));
        }
        if (m_options.duration > 0 && at - m_begin >= std::chrono::nanoseconds(m_options.duration))
            return {};
        ++m_given;
        return at;
    }

private:
    const LoadOptions& m_options;
    Clock::time_point m_begin, m_next;
    std::mutex m_mutex;
    std::uint64_t m_given = 0;
    std::mt19937_64 m_random;
};

Result<inference::ModelInferRequest> makeRequest(Stub& stub, const LoadOptions& options)
{
    grpc::ClientContext context;
    context.set_wait_for_ready(true);
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(5));
    inference::ModelMetadataRequest metadataRequest;
    metadataRequest.set_name(options.model);
    inference::ModelMetadataResponse metadata;
    const grpc::Status status = stub.ModelMetadata(&context, metadataRequest, &metadata);
    if (!status.ok())
        return Error{status.error_code() == grpc::StatusCode::NOT_FOUND ? ErrorCode::NotFound : ErrorCode::Unreachable,
                     status.error_code() == grpc::StatusCode::NOT_FOUND ? status.error_message()
                                                                        : "no inference server answers at " + options.address + ": " + status.error_message(), {}};
    inference::ModelInferRequest request;
    request.set_model_name(options.model);
    std::mt19937_64 random(options.seed);
    for (const auto& input : metadata.inputs()) {
        auto* tensor = request.add_inputs();
        tensor->set_name(input.name());
        tensor->set_datatype(input.datatype());
        std::size_t elements = 1;
        for (int i = 0; i < input.shape_size(); ++i) {
            // The first open dimension of a batching model is the batch: one row a request.
            const std::int64_t dim = input.shape(i) >= 0 ? input.shape(i) : i == 0 ? 1 : options.sequenceLength;
            tensor->add_shape(dim);
            elements *= static_cast<std::size_t>(dim);
        }
        std::string data;
        const auto append = [&](auto value) { data.append(reinterpret_cast<const char*>(&value), sizeof value); };
        for (std::size_t i = 0; i < elements; ++i) {
            const std::uint64_t value = random() % 1000; // small: token ids stay within any vocabulary
            if (input.datatype() == "INT64")
                append(static_cast<std::int64_t>(value));
            else if (input.datatype() == "INT32")
                append(static_cast<std::int32_t>(value));
            else if (input.datatype() == "FP32")
                append(static_cast<float>(value) / 1000.0f);
            else
                return Error{ErrorCode::BadInput, "the load cannot make inputs of type " + input.datatype() + ": it knows INT32, INT64 and FP32", {}};
        }
        request.add_raw_input_contents(std::move(data));
    }
    return request;
}

void work(Stub& stub, inference::ModelInferRequest request, Departures& departures, Tally& tally, std::stop_token stop, int worker)
{
    std::mutex mutex;
    std::condition_variable_any wake;
    std::uint64_t sequence = 0;
    while (const auto at = departures.next()) {
        std::unique_lock lock(mutex);
        wake.wait_until(lock, stop, *at, [] { return false; });
        if (stop.stop_requested())
            return;
        request.set_id("load-" + std::to_string(worker) + "-" + std::to_string(sequence++));
        grpc::ClientContext context;
        context.set_deadline(std::chrono::system_clock::now() + kRequestTimeout);
        inference::ModelInferResponse response;
        const std::stop_callback cancel(stop, [&] { context.TryCancel(); }); // a server that hangs must not hold up the end
        const grpc::Status status = stub.ModelInfer(&context, request, &response);
        if (status.error_code() == grpc::StatusCode::CANCELLED && stop.stop_requested())
            return; // our doing, no error of the server
        tally.add(status, std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - *at).count());
    }
}

} // namespace

Result<LoadResult> runLoad(const LoadOptions& options, std::stop_token stop, const std::function<void(const LoadResult&)>& onSecond)
{
    if (options.duration <= 0 && options.count == 0)
        return Error{ErrorCode::BadInput, "a load needs an end: give it a duration or a count", {}};
    grpc::ChannelArguments arguments;
    arguments.SetMaxReceiveMessageSize(-1);
    const auto stub = inference::GRPCInferenceService::NewStub(grpc::CreateCustomChannel(options.address, grpc::InsecureChannelCredentials(), arguments));
    GANTRY_TRY(const auto request, makeRequest(*stub, options));
    const auto begin = Clock::now();
    Departures departures(options, begin);
    Tally tally;
    std::atomic<int> running{0};
    std::mutex mutex;
    std::condition_variable_any ended;
    std::vector<std::jthread> workers;
    for (int i = 0; i < std::max(1, options.concurrency); ++i) {
        ++running;
        workers.emplace_back([&, i] {
            work(*stub, request, departures, tally, stop, i);
            const std::lock_guard lock(mutex);
            --running;
            ended.notify_all();
        });
    }
    std::unique_lock lock(mutex);
    while (!ended.wait_for(lock, std::chrono::seconds(1), [&] { return running == 0; }))
        if (onSecond)
            onSecond(tally.result(begin));
    lock.unlock();
    workers.clear();
    return tally.result(begin);
}

} // namespace gantry::load
