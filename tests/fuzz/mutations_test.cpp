#include "tests/fuzz/fuzz_target.h"
#include "tests/support/test_files.h"

#include <gtest/gtest.h>

#include <random>
#include <string_view>

namespace gantry::fuzz {
namespace {

constexpr int kMutations = 20'000;

/// Pieces that turn what a reader relies on into something else.
constexpr std::string_view kPieces[] = {
    "{",  "}",    "[",    "]",     "\"",   "\\",  ",",   ":",  "\n", "\r",         "\t",        " ", "%",        "#",       "-", "0", "9223372036854775807", "-9223372036854775808",
    "-1", "1e999", "null", "true", "NaN", "{\"", "\"}", "[[[[[[[[", "},{\"id\":1,", "\x1B[31m", "\xFF\xFE", "\xC3", "iter = ", "99:99:99", "12:00:00", "Avg ", "\"id\":", "\"ns\":",
};

void run(std::string_view bytes)
{
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
}

void mutate(std::string& bytes, std::mt19937& random)
{
    const auto place = [&] { return bytes.empty() ? 0 : random() % (bytes.size() + 1); };
    switch (random() % 6) {
    case 0:
        if (!bytes.empty())
            bytes[random() % bytes.size()] = static_cast<char>(random());
        break;
    case 1: bytes.erase(place(), random() % 32); break;
    case 2: bytes.insert(place(), kPieces[random() % std::size(kPieces)]); break;
    case 3: { // says something again
        const std::string piece = bytes.substr(place(), random() % 256);
        bytes.insert(place(), piece);
        break;
    }
    case 4: bytes.resize(place()); break;
    default: bytes.insert(place(), 1, '\0'); break;
    }
}

TEST(GANTRY_FUZZ_SUITE, EverySeedIsRead)
{
    ASSERT_FALSE(seeds().empty());
    for (const std::string& seed : seeds())
        run(seed);
}

TEST(GANTRY_FUZZ_SUITE, EverySeedCutAnywhereIsReadOrRefused)
{
    for (const std::string& seed : seeds())
        test::forEachTruncation(seed, run);
}

TEST(GANTRY_FUZZ_SUITE, MutatedSeedsAreReadOrRefused)
{
    const std::vector<std::string> all = seeds();
    std::mt19937 random(0x5A11);
    for (int mutation = 0; mutation < kMutations; ++mutation) {
        std::string bytes = all[random() % all.size()];
        for (std::size_t count = 1 + random() % 8; count > 0; --count)
            mutate(bytes, random);
        run(bytes);
    }
}

TEST(GANTRY_FUZZ_SUITE, WhatOnceCrashedStaysMended)
{
    std::error_code none;
    if (!std::filesystem::exists(GANTRY_FUZZ_CRASHERS, none))
        GTEST_SKIP() << "nothing has crashed this reader yet";
    for (const auto& entry : std::filesystem::directory_iterator(GANTRY_FUZZ_CRASHERS)) {
        SCOPED_TRACE(entry.path().filename().string());
        run(test::readFile(entry.path()));
    }
}

} // namespace
} // namespace gantry::fuzz
