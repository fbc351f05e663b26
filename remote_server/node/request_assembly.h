#pragma once

#include "remote_server/node/nvtx_pairing.h"
#include "trace_model/report/report_writer.h"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::node {

/// How the spans of one process are read: their texts, categories and thread names.
struct NvtxNames
{
    std::function<std::string_view(const NvtxSpan&)> text;
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> categories; ///< by domain and category
    std::map<std::uint32_t, std::string> threads;                              ///< by thread id
};

struct RequestAssembly
{
    std::vector<report::RequestRow> requests;
    std::vector<report::ExecutionRow> executions;
};

/// The NVTX domain of a Triton server that is built with it.
inline constexpr char kTritonDomain[] = "Triton";

/// Requests and executions told by the spans of `domain` (the id of nvtx_convention::kDomain in this process), sorted by start. The
/// window begins at 0: an execution that was under way then begins there too. What else lies outside the window stays absent.
[[nodiscard]] RequestAssembly assembleRequests(const std::vector<NvtxSpan>& spans, std::uint32_t domain, const NvtxNames& names,
                                               std::uint64_t globalPid, report::ReportWriter& writer);

/// What the instances of a Triton server that is built with NVTX executed: its ranges "BackendThread <instance>" of `domain` (the id of
/// kTritonDomain), sorted by start and numbered from 1. They name no request, so that these executions have no members.
[[nodiscard]] std::vector<report::ExecutionRow> assembleTritonExecutions(const std::vector<NvtxSpan>& spans, std::uint32_t domain,
                                                                         const NvtxNames& names, std::uint64_t globalPid,
                                                                         report::ReportWriter& writer);

} // namespace gantry::node
