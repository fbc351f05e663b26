#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::analysis {

/// What the name of a kernel has in common with that of the same kernel of another build: the function without template arguments, and of that
/// what is no tile size, stage count, alignment, architecture, hash or specialisation which an autotuner chose. Precision and layout stay:
/// "ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_64x3_tn" is of "fp16_s16816gemm_fp16_f2f_tn".
[[nodiscard]] std::string kernelFamily(std::string_view demangledName);

/// A call of CUDA without the version of its interface and its kind of default stream, which CUPTI puts behind it: "cudaMemcpyAsync_v3020"
/// and "cudaMemcpyAsync_ptsz_v7000" are of "cudaMemcpyAsync".
[[nodiscard]] std::string_view callFamily(std::string_view name);

/// A name whose numbers may differ from run to run: "request 17" is of "request #".
[[nodiscard]] std::string numberedFamily(std::string_view name);

/// Which row each name of A and of B belongs to: names that both have to themselves, the others to those of the same family on the other side,
/// under the family's name, or to themselves where there is none.
struct MatchedNames
{
    std::map<std::string, std::string> rowOfA, rowOfB;
};
[[nodiscard]] MatchedNames matchNames(const std::vector<std::string>& a, const std::vector<std::string>& b,
                                      std::string (*familyOf)(std::string_view));

} // namespace gantry::analysis
