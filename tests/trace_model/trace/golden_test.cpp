#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/trace_dump.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace gantry::test {
namespace {

std::string readFile(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

std::vector<std::string> goldenNames()
{
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(GANTRY_SOURCE_DIR "/tests/golden")) {
        if (entry.path().extension() == ".events")
            names.push_back(entry.path().stem().string());
    }
    std::sort(names.begin(), names.end());
    return names;
}

class Golden : public testing::TestWithParam<std::string>
{
};

/// GANTRY_REBASELINE=1 writes the answers as the new expectation: read the difference before committing it.
TEST_P(Golden, AnswersAsExpected)
{
    const std::filesystem::path base = std::filesystem::path(GANTRY_SOURCE_DIR "/tests/golden") / GetParam();
    const std::string script = readFile(base.string() + ".events");
    const TemporaryFolder folder;
    const auto written = writeEventScript(script, folder / "golden.gantry");
    ASSERT_TRUE(written) << written.error().text();
    const auto loaded = trace::loadTrace(folder / "golden.gantry");
    ASSERT_TRUE(loaded) << loaded.error().text();

    std::string actual;
    std::istringstream lines(script);
    for (std::string line; std::getline(lines, line);) {
        if (line.starts_with("-> "))
            actual += line + "\n" + answer(**loaded, line.substr(3));
    }
    if (std::getenv("GANTRY_REBASELINE"))
        std::ofstream(base.string() + ".expected") << actual;
    EXPECT_EQ(actual, readFile(base.string() + ".expected"));
}

INSTANTIATE_TEST_SUITE_P(Scripts, Golden, testing::ValuesIn(goldenNames()), [](const auto& parameter) { return parameter.param; });

} // namespace
} // namespace gantry::test
