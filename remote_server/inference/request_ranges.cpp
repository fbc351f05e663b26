#include "remote_server/inference/request_ranges.h"

#include "trace_model/records/request_phase.h"

#include <algorithm>
#include <nvtx3/nvToolsExt.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace gantry::inference_server {
namespace {

namespace convention = records::nvtx_convention;

nvtxEventAttributes_t attributes(nvtxStringHandle_t text, std::uint64_t payload, std::uint32_t category = 0)
{
    nvtxEventAttributes_t a{};
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.category = category;
    a.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64;
    a.payload.ullValue = payload;
    a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    a.message.registered = text;
    return a;
}

void mark(nvtxDomainHandle_t domain, nvtxStringHandle_t text, std::uint64_t payload, std::uint32_t category = 0)
{
    const auto a = attributes(text, payload, category);
    nvtxDomainMarkEx(domain, &a);
}

} // namespace

RequestRanges::RequestRanges() : m_domain(nvtxDomainCreateA(convention::kDomain))
{
    const auto text = [this](const char* value) { return nvtxDomainRegisterStringA(m_domain, value); };
    m_request = text(convention::kRequest);
    m_queue = text(convention::kQueue);
    m_cache = text(convention::kCache);
    m_failed = text(convention::kFailed);
    m_requestDone = text(convention::kRequestDone);
    m_member = text(convention::kMember);
    m_memberDone = text(convention::kMemberDone);
    m_executeDone = text(convention::kExecuteDone);
    m_steps[0] = text(convention::kExecute);
    m_steps[1] = text(convention::kComputeInput);
    m_steps[2] = text(convention::kComputeInfer);
    m_steps[3] = text(convention::kComputeOutput);
    for (int i = 0; i < kMostLayers; ++i)
        m_layers[i] = text(("layer " + std::to_string(i)).c_str());
}

void RequestRanges::nameModel(std::uint32_t category, const std::string& modelAndVersion)
{
    nvtxDomainNameCategoryA(m_domain, category, modelAndVersion.c_str());
}

void RequestRanges::nameThisThread(const std::string& name)
{
    nvtxNameOsThreadA(static_cast<std::uint32_t>(syscall(SYS_gettid)), name.c_str());
}

std::uint64_t RequestRanges::startRequest(std::uint64_t request, std::uint32_t category)
{
    const auto a = attributes(m_request, request, category);
    return nvtxDomainRangeStartEx(m_domain, &a);
}

std::uint64_t RequestRanges::startQueue(std::uint64_t request, std::uint32_t category)
{
    const auto a = attributes(m_queue, request, category);
    return nvtxDomainRangeStartEx(m_domain, &a);
}

void RequestRanges::end(std::uint64_t rangeId)
{
    nvtxDomainRangeEnd(m_domain, rangeId);
}

void RequestRanges::markClientId(std::uint64_t request, const std::string& clientId)
{
    const std::string text = convention::kClientIdPrefix + clientId.substr(0, 256);
    nvtxEventAttributes_t a = attributes(nullptr, request);
    a.messageType = NVTX_MESSAGE_TYPE_ASCII;
    a.message.ascii = text.c_str();
    nvtxDomainMarkEx(m_domain, &a);
}

void RequestRanges::markFailed(std::uint64_t request)
{
    mark(m_domain, m_failed, request);
}

void RequestRanges::markRequestDone(std::uint64_t request, std::uint32_t category)
{
    mark(m_domain, m_requestDone, request, category);
}

void RequestRanges::push(Step step, std::uint64_t batch, std::uint32_t category)
{
    const auto a = attributes(m_steps[static_cast<int>(step)], batch, category);
    nvtxDomainRangePushEx(m_domain, &a);
}

void RequestRanges::pushCacheLookup(std::uint64_t request)
{
    const auto a = attributes(m_cache, request);
    nvtxDomainRangePushEx(m_domain, &a);
}

void RequestRanges::pop()
{
    nvtxDomainRangePop(m_domain);
}

void RequestRanges::markMember(std::uint64_t request)
{
    mark(m_domain, m_member, request);
}

void RequestRanges::markMemberDone(std::uint64_t request)
{
    mark(m_domain, m_memberDone, request);
}

void RequestRanges::markExecuteDone(std::uint64_t batch, std::uint32_t category)
{
    mark(m_domain, m_executeDone, batch, category);
}

void RequestRanges::pushLayer(int layer)
{
    nvtxEventAttributes_t a{};
    a.version = NVTX_VERSION;
    a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    a.message.registered = m_layers[std::clamp(layer, 0, kMostLayers - 1)];
    nvtxDomainRangePushEx(m_domain, &a);
}

} // namespace gantry::inference_server
