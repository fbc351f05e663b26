#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

/// Reads bytes that may be anything, as libFuzzer calls it (llvm.org/docs/LibFuzzer.html). Ends the program where what must hold
/// does not.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace gantry::fuzz {

/// Small inputs that the reader accepts: mutations begin with these.
[[nodiscard]] std::vector<std::string> seeds();

} // namespace gantry::fuzz

/// Ends the program, visibly to a fuzzer, when the condition does not hold.
#define GANTRY_FUZZ_CHECK(condition)                                                                                   \
    do {                                                                                                               \
        if (!(condition))                                                                                              \
            __builtin_trap();                                                                                          \
    } while (false)
