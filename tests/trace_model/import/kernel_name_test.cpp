#include "trace_model/import/kernel_name.h"

#include "tests/support/test_files.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

namespace gantry::importing {
namespace {

TEST(KernelName, IsTheFunctionAlone)
{
    const std::pair<const char*, const char*> kNames[] = {
        {"void ns::foo<int, 4>(float*)", "foo"},
        {"foo(int)", "foo"},
        {"void at::native::(anonymous namespace)::cat<float>(int)", "cat"},
        {"void at::native::<unnamed>::cat<(unsigned int)4>(char *)", "cat"},
        {"void f<&ns::operator(), (4 > 3), a->b>(void (*)(int))", "f"},
        {"ns::type<int>::other<2> ns::run<int>(ns::type<int>) [clone .kd]", "run"},
        {"void ns::Class<float>::call<3>(int) const", "call"},
        {"void outer(int)::{lambda(float)#1}::operator()(float) const", "operator()"},
        {"bool ns::operator<< <int>(int)", "operator<<"},
        {"bool ns::operator==<int>(int)", "operator=="},
        {"void operator_norm<4>(int)", "operator_norm"},
        {"unsigned int kernel<4>", "kernel"},
    };
    for (const auto& [full, name] : kNames)
        EXPECT_EQ(shortKernelName(full), name) << full;
}

TEST(KernelName, OfWhatIsNoSignatureIsTheWholeText)
{
    for (const char* name : {"", "volta_sgemm_128x64_tn", "triton_poi_fused_add_0", "_ZN2ck4gemmILi1EEEvv", "loop fusion 5", "op (3)", "(",
                             "f<int(", "void ", "::", "x::(int)", "operator", "<>", "{{{{"})
        EXPECT_EQ(shortKernelName(name), name);
}

// What Nsight Systems made of the same names.
TEST(KernelName, IsThatOfNsightSystems)
{
    std::size_t compared = 0;
    for (const std::filesystem::path& file : test::sharedFiles("nsys_sqlite")) {
        const auto trace = trace::loadTrace(file.string());
        if (!trace)
            continue;
        for (const trace::KernelName& name : (*trace)->kernels.names.values()) {
            EXPECT_EQ(shortKernelName((*trace)->strings[name.demangledName]), (*trace)->strings[name.shortName]) << file;
            ++compared;
        }
    }
    if (compared == 0)
        GTEST_SKIP() << "the shared Nsight Systems exports are not here";
}

} // namespace
} // namespace gantry::importing
