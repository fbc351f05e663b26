#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <vector>

namespace gantry::bench {

/// Takes "`option` N" out of the arguments, where it is among them. False: N is no number or less than `least`.
template <typename Number>
[[nodiscard]] bool takeNumber(int& argc, char** argv, std::string_view option, Number& value, Number least)
{
    char** const last = argv + argc;
    char** const found = std::find(argv + 1, last, option);
    if (last - found < 2)
        return true;
    const std::string_view number = found[1];
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    std::copy(found + 2, last, found);
    argc -= 2;
    return error == std::errc() && end == number.data() + number.size() && value >= least;
}

/// Hands the rest of the arguments to Google Benchmark, which shows its counters as a table. False: it does not know one of them, and has
/// said so.
[[nodiscard]] inline bool initialiseTabular(int argc, char** argv)
{
    std::vector<char*> arguments(argv, argv + argc);
    char tabular[] = "--benchmark_counters_tabular=true";
    arguments.push_back(tabular);
    int count = static_cast<int>(arguments.size());
    benchmark::Initialize(&count, arguments.data());
    return !benchmark::ReportUnrecognizedArguments(count, arguments.data());
}

} // namespace gantry::bench
