#include "trace_model/analysis/leading_changes.h"

#include "tests/support/simulated_server.h"
#include "trace_model/analysis/comparison.h"

#include <functional>
#include <gtest/gtest.h>
#include <map>

namespace gantry::analysis {
namespace {

using test::ServerSetup;

/// What is named first, and how often, of 20 pairs of windows of which the second one is of a server that `change` was done to.
std::map<std::string, int> namedFirst(const std::function<void(ServerSetup&)>& change)
{
    std::map<std::string, int> names;
    for (unsigned i = 0; i < 20; ++i) {
        ServerSetup a, b;
        a.seed = 5000 + 2 * i;
        b.seed = a.seed + 1;
        change(b);
        const Comparison comparison = compare(*test::traceOfServer(a), *test::traceOfServer(b));
        ++names[comparison.leading.empty() ? "(none)" : comparison.leading.front().name];
    }
    return names;
}

std::string listed(const std::map<std::string, int>& names)
{
    std::string text;
    for (const auto& [name, count] : names)
        text += name + " " + std::to_string(count) + "; ";
    return text;
}

TEST(LeadingChanges, NameAKernelFirstThatTakesATenthLonger)
{
    const auto names = namedFirst([](ServerSetup& server) { server.slower["gemm_qkv"] = 1.1; });
    EXPECT_GE(names.contains("gemm_qkv") ? names.at("gemm_qkv") : 0, 19) << listed(names);
}

TEST(LeadingChanges, NameCopiesFirstThatBecamePageable)
{
    const auto names = namedFirst([](ServerSetup& server) { server.isPageable = true; });
    const char* kName = "host memory of DtoH copies";
    EXPECT_GE(names.contains(kName) ? names.at(kName) : 0, 19) << listed(names);
}

TEST(LeadingChanges, NameAnInstanceFirstThatIsGone)
{
    const auto names = namedFirst([](ServerSetup& server) { server.instances = 1; });
    const char* kName = "instances of bert that executed";
    EXPECT_GE(names.contains(kName) ? names.at(kName) : 0, 19) << listed(names);
}

TEST(LeadingChanges, NameBatchingFirstThatWasSwitchedOff)
{
    const auto names = namedFirst([](ServerSetup& server) { server.largestBatch = 1; });
    const char* kName = "batching of bert";
    EXPECT_GE(names.contains(kName) ? names.at(kName) : 0, 19) << listed(names);
}

TEST(LeadingChanges, NameAClockFirstThatWasHeldDown)
{
    const auto names = namedFirst([](ServerSetup& server) { server.clock = 0.8; });
    EXPECT_GE(names.contains("SM clock") ? names.at("SM clock") : 0, 19) << listed(names);
}

TEST(LeadingChanges, AreNoneOfAServerAndItself)
{
    const auto trace = test::traceOfServer({});
    EXPECT_TRUE(compare(*trace, *trace).leading.empty());
}

} // namespace
} // namespace gantry::analysis
