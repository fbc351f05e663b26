#include "tests/fuzz/fuzz_target.h"
#include "tests/fuzz/node_under_fuzz.h"
#include "tests/remote_server/node/random_request.h"

#include <google/protobuf/message.h>

namespace gantry {
namespace {

constexpr int kCallsBetweenChecks = 500;

fuzz::NodeUnderFuzz& node()
{
    static fuzz::NodeUnderFuzz s_node;
    return s_node;
}

} // namespace

/// Requests of each method, with its number before them.
std::vector<std::string> fuzz::seeds()
{
    std::vector<std::string> all;
    for (std::size_t i = 0; i < node().methods().size(); ++i) {
        const auto& method = *node().methods()[i];
        all.push_back(std::string(1, static_cast<char>(i)) + test::requestOfText(*method.input_type(), "/no")->SerializeAsString());
        if (const std::string good = NodeUnderFuzz::goodRequest(method); !good.empty())
            all.push_back(std::string(1, static_cast<char>(i)) + good);
    }
    return all;
}

} // namespace gantry

/// The first byte chooses the method, the others are its request.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size)
{
    using namespace gantry;
    static std::string s_last;
    static int s_calls = 0;
    const std::string input(reinterpret_cast<const char*>(data), size);
    if (input.empty() || input == s_last) // as where a short text is cut at every thousandth of its length
        return 0;
    s_last = input;
    const auto& methods = node().methods();
    node().call(*methods[static_cast<std::uint8_t>(input[0]) % methods.size()], input.substr(1));
    if (++s_calls % kCallsBetweenChecks == 0)
        node().check();
    return 0;
}
