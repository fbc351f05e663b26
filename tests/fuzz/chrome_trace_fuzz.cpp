#include "tests/support/collecting_sink.h"
#include "trace_model/import/chrome_event.h"
#include "trace_model/import/chrome_layout.h"
#include "trace_model/import/chrome_trace.h"
#include "trace_model/import/json_text.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <sys/mman.h>
#include <unistd.h>

#if !defined(GANTRY_LIBFUZZER)
#include <gtest/gtest.h>
#endif

// The reader of Chrome traces on any bytes. Built with libFuzzer it looks for new ones; as a test it goes through the corpus and a
// fixed number of mutations of it.

namespace gantry::importing {
namespace {

void require(bool condition, const char* what)
{
    if (condition)
        return;
    std::fprintf(stderr, "does not hold: %s\n", what);
    std::abort();
}

/// What every trace that was read must hold.
void checkTrace(test::CollectingSink& sink)
{
    for (const TableTally& tally : sink.report().tables) {
        std::uint64_t sum = tally.kept;
        for (const SkippedRows& skipped : tally.skipped)
            sum += skipped.count;
        require(sum == tally.rows, "every row is kept or skipped");
    }
    const auto checkTimes = [](const auto& rows) {
        for (const auto& row : rows)
            require(areEventTimes(row.start, row.end), "times are in order and in range");
    };
    for (const test::CollectedRows& part : sink.parts) {
        checkTimes(part.kernels);
        checkTimes(part.memcpys);
        checkTimes(part.memsets);
        checkTimes(part.synchronizations);
        checkTimes(part.overheads);
        checkTimes(part.calls);
        checkTimes(part.gpuRanges);
        for (const RangeRow& row : part.ranges) {
            require(areEventTimes(row.start, row.end.value_or(row.start)), "times are in order and in range");
            require(sink.text(row.textId).size() < std::size_t{1} << 30, "texts are known");
        }
        for (const CounterSample& sample : part.samples)
            require(sample.counter < sink.counters.size(), "counters are defined");
    }
}

void readBytes(std::string_view bytes, const ChromeReadOptions& options)
{
    const int fd = ::memfd_create("trace", 0);
    require(fd >= 0 && ::write(fd, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size()), "memory for the file");
    test::CollectingSink sink;
    if (const auto result = readChromeTrace("/proc/self/fd/" + std::to_string(fd), sink, {}, options))
        checkTrace(sink);
    else
        require(!result.error().text().empty(), "errors have words");
    ::close(fd);
}

/// A learned layout reads an event just as the parser does, or not at all.
void compareLayouts(std::string_view bytes)
{
    std::string text(bytes);
    text.append(json::kPadding, json::kPaddingByte);
    const char* const end = text.data() + bytes.size();
    constexpr EventInterest kEverything{static_cast<std::uint32_t>((std::uint64_t{1} << kNumberCount) - 1), (std::uint32_t{1} << kTextCount) - 1};
    EventLayouts layouts, bareLayouts;
    EventParser parser;
    TraceEvent guessed, parsed;
    for (const char* p = text.data(); p < end; ++p) {
        if (*p != '{')
            continue;
        const char* guessedEnd = p;
        const bool isGuessed = layouts.read(guessedEnd, end, guessed) != EventLayouts::kNoTag;
        const char* bareEnd = p;
        TraceEvent bare;
        const bool isBareGuessed = bareLayouts.read(bareEnd, end, bare) != EventLayouts::kNoTag;
        const char* parsedEnd = p;
        const auto outcome = parser.parse(parsedEnd, end, Quotes::Escaped, parsed);
        if (outcome != EventParser::Outcome::Whole) {
            require(!isGuessed, "what is no event is not read");
            continue;
        }
        if (isBareGuessed)
            require(bareEnd == parsedEnd, "events end where they end");
        if (isGuessed) {
            require(guessedEnd == parsedEnd, "events end where they end");
            require(guessed.numbersPresent == parsed.numbersPresent, "the same numbers are there");
            require(guessed.textsPresent == parsed.textsPresent, "the same texts are there");
            require(guessed.textsEscaped == parsed.textsEscaped, "the same texts have escapes");
            for (std::size_t i = 0; i < kNumberCount; ++i)
                require(!parsed.has(static_cast<Number>(i)) || guessed.numbers[i] == parsed.numbers[i], "numbers are equal");
            for (std::size_t i = 0; i < kTextCount; ++i)
                require(guessed.text(static_cast<Text>(i)) == parsed.text(static_cast<Text>(i)), "texts are equal");
        }
        layouts.learn(p, parsedEnd, parser, kEverything, 1);
        bareLayouts.learn(p, parsedEnd, parser, {}, 1);
        p = parsedEnd - 1;
    }
}

void fuzzOnce(std::string_view bytes)
{
    readBytes(bytes, {.limits = {1 << 20, 20}, .threads = 1});
    readBytes(bytes, {.limits = {1 << 20, 20}, .parallelFrom = 1, .partBytes = 64, .threads = 2});
    compareLayouts(bytes);
}

} // namespace
} // namespace gantry::importing

#if defined(GANTRY_LIBFUZZER)

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size)
{
    gantry::importing::fuzzOnce({reinterpret_cast<const char*>(data), size});
    return 0;
}

#else

namespace gantry::importing {
namespace {

std::vector<std::string> corpus()
{
    std::vector<std::filesystem::path> paths;
    for (const auto& entry : std::filesystem::directory_iterator(GANTRY_SOURCE_DIR "/tests/fuzz/corpus/chrome_trace"))
        paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<std::string> files;
    for (const auto& path : paths) {
        std::ifstream file(path, std::ios::binary);
        files.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
    }
    return files;
}

TEST(ChromeTraceFuzz, EveryFileOfTheCorpusGivesATraceOrAnError)
{
    const std::vector<std::string> files = corpus();
    ASSERT_GE(files.size(), 10u);
    for (const std::string& file : files)
        fuzzOnce(file);
}

TEST(ChromeTraceFuzz, MutationsOfTheCorpusGiveATraceOrAnError)
{
    const std::vector<std::string> files = corpus();
    std::mt19937 random(0xC4A0);
    for (int mutation = 0; mutation < 1500; ++mutation) {
        std::string bytes = files[random() % files.size()];
        for (std::size_t changes = 1 + random() % 6; changes > 0 && !bytes.empty(); --changes) {
            constexpr std::string_view kHot = "\"\\{}[],:0123456789.-eE\n n";
            const std::size_t at = random() % bytes.size();
            switch (random() % 4) {
            case 0:
                bytes[at] = kHot[random() % kHot.size()];
                break;
            case 1:
                bytes[at] = static_cast<char>(random());
                break;
            case 2:
                bytes.erase(at, 1 + random() % 8);
                break;
            default:
                bytes.insert(at, bytes.substr(random() % bytes.size(), random() % 64));
                break;
            }
        }
        fuzzOnce(bytes);
    }
}

} // namespace
} // namespace gantry::importing

#endif
