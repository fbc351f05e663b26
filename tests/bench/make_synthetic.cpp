// Writes a synthetic report of any size: what the benches measure, for a look at it in the desktop.

#include "tests/bench/synthetic_trace.h"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <string_view>

int main(int argc, char** argv)
{
    using namespace gantry;
    using namespace gantry::bench;

    const std::string_view format = argc == 4 ? argv[1] : "";
    const std::string_view number = argc == 4 ? argv[2] : "";
    std::uint64_t events = 0;
    const bool isNumber = std::from_chars(number.data(), number.data() + number.size(), events).ptr == number.data() + number.size();
    if ((format != "sqlite" && format != "kineto") || !isNumber || events == 0) {
        std::fprintf(stderr, "make_synthetic sqlite|kineto EVENTS FILE\n");
        return 64;
    }
    const Result<SyntheticSums> written = format == "sqlite" ? writeNsysSqlite(argv[3], events) : writeKinetoJson(argv[3], events);
    if (!written) {
        std::fprintf(stderr, "make_synthetic: %s\n", written.error().text().c_str());
        return exitStatus(written.error().code);
    }
    const auto print = [](const char* what, const SyntheticSum& sum) {
        std::printf("%-8s %12llu  start %20llu  duration %20llu  correlation %20llu\n", what, static_cast<unsigned long long>(sum.count),
                    static_cast<unsigned long long>(sum.start), static_cast<unsigned long long>(sum.duration),
                    static_cast<unsigned long long>(sum.correlation));
    };
    print("ranges", written->ranges);
    print("calls", written->calls);
    print("kernels", written->kernels);
    print("memcpys", written->memcpys);
    return 0;
}
