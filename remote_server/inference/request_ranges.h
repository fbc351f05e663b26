#pragma once

#include <cstdint>
#include <string>

struct nvtxDomainRegistration_st;
struct nvtxStringRegistration_st;

namespace gantry::inference_server {

/// Tells NVTX about requests and batches by the convention of trace_model/records/request_phase.h. Any thread; costs a few
/// nanoseconds per call when no tool listens.
class RequestRanges
{
public:
    RequestRanges();

    /// Names a model's category; call once per model.
    void nameModel(std::uint32_t category, const std::string& modelAndVersion);
    void nameThisThread(const std::string& name);

    /// Start/end ranges; the id goes back to end().
    [[nodiscard]] std::uint64_t startRequest(std::uint64_t request, std::uint32_t category);
    [[nodiscard]] std::uint64_t startQueue(std::uint64_t request, std::uint32_t category);
    void end(std::uint64_t rangeId);
    void markClientId(std::uint64_t request, const std::string& clientId);
    void markFailed(std::uint64_t request);
    void markRequestDone(std::uint64_t request, std::uint32_t category);

    enum class Step { Execute, ComputeInput, ComputeInfer, ComputeOutput };
    void push(Step step, std::uint64_t batch, std::uint32_t category);
    /// The lookup of a request in the response cache.
    void pushCacheLookup(std::uint64_t request);
    void pop();
    void markMember(std::uint64_t request);
    /// At the end of an execution: markMemberDone() for each of its requests, then this.
    void markExecuteDone(std::uint64_t batch, std::uint32_t category);
    void markMemberDone(std::uint64_t request);

    /// A layer of a model, inside ComputeInfer.
    void pushLayer(int layer);

private:
    static constexpr int kMostLayers = 48;
    nvtxDomainRegistration_st* m_domain;
    nvtxStringRegistration_st *m_request, *m_queue, *m_cache, *m_failed, *m_requestDone, *m_member, *m_memberDone, *m_executeDone;
    nvtxStringRegistration_st* m_steps[4];
    nvtxStringRegistration_st* m_layers[kMostLayers];
};

} // namespace gantry::inference_server
