#include "tests/fuzz/node_under_fuzz.h"
#include "tests/remote_server/node/random_request.h"

#include <google/protobuf/message.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>
#include <random>

namespace gantry::fuzz {
namespace {

constexpr int kRequests = 8'000;

/// A fixed number from a fixed seed; GANTRY_FUZZ_SECONDS=600 goes on for so long, from a seed of its own.
TEST(NodeRequests, OfAnyValuesAreAnsweredAndLeaveTheNodeAsItWas)
{
    const char* seconds = std::getenv("GANTRY_FUZZ_SECONDS");
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds ? std::atoi(seconds) : 0);
    const auto seed = seconds ? std::random_device()() : 0x5A12U;
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    NodeUnderFuzz node;
    int calls = 0;
    for (; calls < kRequests || std::chrono::steady_clock::now() < end; ++calls) {
        const auto& method = *node.methods()[random() % node.methods().size()];
        node.call(method,
                  test::randomRequest(*method.input_type(), random, node.names(), NodeUnderFuzz::goodRequest(method))->SerializeAsString());
        if (calls % 500 == 0)
            node.check();
    }
    node.check();
    // Not all were refused at the door.
    for (const char* method :
         {"StartCapture", "StopCapture", "ListCaptures", "RestartTarget", "StopTarget", "KeepReport", "SetReportPolicy", "DeleteReport",
          "CheckReadiness", "ListProcesses", "CheckModelConfig", "LaunchTarget", "SampleClock"})
        EXPECT_TRUE(node.answered().contains(method)) << method;
}

} // namespace
} // namespace gantry::fuzz
