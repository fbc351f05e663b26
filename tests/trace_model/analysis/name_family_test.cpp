#include "trace_model/analysis/name_family.h"

#include <gtest/gtest.h>

namespace gantry::analysis {
namespace {

TEST(KernelFamily, LeavesOutWhatAnAutotunerChose)
{
    EXPECT_EQ(kernelFamily("ampere_fp16_s16816gemm_fp16_128x64_ldg8_f2f_stages_64x3_tn"), "fp16_s16816gemm_fp16_f2f_tn");
    EXPECT_EQ(kernelFamily("ampere_fp16_s16816gemm_fp16_64x64_sliced1x2_ldg8_f2f_stages_64x5_tn"), "fp16_s16816gemm_fp16_sliced1x2_f2f_tn");
    EXPECT_EQ(kernelFamily("cutlass_80_tensorop_h16816gemm_128x128_32x4_tn_align8"), "cutlass_tensorop_h16816gemm_tn");
    EXPECT_EQ(kernelFamily("nvjet_sm90_hsh_64x8_64x16_1x4_h_bz_NNT"), kernelFamily("nvjet_sm90_hsh_72x64_64x12_2x4_h_bz_NNT"));
    EXPECT_EQ(kernelFamily("triton_poi_fused_add_relu_0d1d2de"), "triton_poi_fused_add_relu");
}

TEST(KernelFamily, LeavesOutTemplateArgumentsAndParameters)
{
    EXPECT_EQ(kernelFamily("void ns::softmax<float, 4, true>(float const*, int)"), kernelFamily("void ns::softmax<float, 8, true>(float const*, int)"));
    EXPECT_EQ(kernelFamily("addBiasGelu"), "addBiasGelu");
}

TEST(KernelFamily, KeepsPrecisionAndLayoutApart)
{
    EXPECT_NE(kernelFamily("ampere_fp16_s16816gemm_fp16_128x64_tn"), kernelFamily("ampere_bf16_s16816gemm_bf16_128x64_tn"));
    EXPECT_NE(kernelFamily("cutlass_80_gemm_128x128_tn"), kernelFamily("cutlass_80_gemm_128x128_nn"));
}

TEST(KernelFamily, IsTheNameItselfWhereNothingWouldBeLeft)
{
    EXPECT_EQ(kernelFamily("128x64"), "128x64");
    EXPECT_EQ(kernelFamily(""), "");
}

TEST(CallFamily, LeavesOutTheVersionOfTheInterfaceAndTheKindOfDefaultStream)
{
    EXPECT_EQ(callFamily("cudaMemcpyAsync_v3020"), "cudaMemcpyAsync");
    EXPECT_EQ(callFamily("cudaMemcpyAsync_ptsz_v7000"), "cudaMemcpyAsync");
    EXPECT_EQ(callFamily("cuMemAlloc_v2"), "cuMemAlloc");
    for (const char* whole : {"cudaLaunchKernel", "_v", "_v2", "my_value", "a_v2b", ""})
        EXPECT_EQ(callFamily(whole), whole);
}

TEST(MatchNames, MatchesByFamilyOnlyWhatHasNoCounterpartOfItsOwnName)
{
    const MatchedNames matched = matchNames({"gemm_64x64_tn", "gemm_128x64_tn", "old"}, {"gemm_64x64_tn", "gemm_256x64_tn", "new"}, &kernelFamily);
    EXPECT_EQ(matched.rowOfA.at("gemm_64x64_tn"), "gemm_64x64_tn");
    EXPECT_EQ(matched.rowOfA.at("gemm_128x64_tn"), "gemm_tn");
    EXPECT_EQ(matched.rowOfB.at("gemm_256x64_tn"), "gemm_tn");
    EXPECT_EQ(matched.rowOfA.at("old"), "old");
    EXPECT_EQ(matched.rowOfB.at("new"), "new");
}

TEST(MatchNames, KeepsNamesOfOneSideApartThatTheOtherHasNothingFor)
{
    const MatchedNames matched = matchNames({"gemm_64x64_tn", "gemm_128x64_tn"}, {"softmax"}, &kernelFamily);
    EXPECT_EQ(matched.rowOfA.at("gemm_64x64_tn"), "gemm_64x64_tn");
    EXPECT_EQ(matched.rowOfA.at("gemm_128x64_tn"), "gemm_128x64_tn");
}

TEST(NumberedFamily, PutsRangesTogetherThatAreNumbered)
{
    EXPECT_EQ(numberedFamily("request 17 of 200"), "request # of #");
    EXPECT_EQ(numberedFamily("forward"), "forward");
}

} // namespace
} // namespace gantry::analysis
