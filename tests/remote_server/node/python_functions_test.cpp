#include "remote_server/node/python_functions.h"

#include "tests/support/temporary_folder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace gantry::node {
namespace {

using testing::HasSubstr;

std::string errorOf(const std::string& json)
{
    const auto functions = parsePythonFunctions(json);
    if (functions)
        return "accepted";
    EXPECT_EQ(functions.error().code, ErrorCode::BadInput);
    return functions.error().message;
}

TEST(PythonFunctions, TakesEveryVariantOfTheFile)
{
    const auto functions = parsePythonFunctions(R"([
        {"_comment": "said nothing of", "module": "cupy", "color": "black", "functions": ["random.random", "dot"]},
        {"domain": "Env", "color": "0x9C27B0", "category": "steps", "module": "isaac.envs", "functions": [
            {"function": "Env.__init__"}, {"function": "Env.step", "color": "#80AB47BC", "domain": "Step", "category": 7}]},
        {"module": "__main__", "color": 255, "functions": ["train"]}])");
    ASSERT_TRUE(functions) << functions.error().text();
    EXPECT_EQ(pythonFunctionLines(*functions), "cupy\trandom.random\tPython\t\tff000000\n"
                                               "cupy\tdot\tPython\t\tff000000\n"
                                               "isaac.envs\tEnv.__init__\tEnv\tsteps\tff9c27b0\n"
                                               "isaac.envs\tEnv.step\tStep\t7\t80ab47bc\n"
                                               "__main__\ttrain\tPython\t\tff0000ff\n");
}

TEST(PythonFunctions, GivesAFunctionWithoutAColorNone)
{
    const auto functions = parsePythonFunctions(R"([{"module": "m", "functions": ["f"]}])");
    ASSERT_TRUE(functions);
    EXPECT_EQ(functions->front().color, 0u);
}

TEST(PythonFunctions, SaysWhatIsWrongAndWhere)
{
    EXPECT_THAT(errorOf("[\n{\"module\": }]"), HasSubstr("line 2, column 12"));
    EXPECT_THAT(errorOf(""), HasSubstr("no JSON"));
    EXPECT_THAT(errorOf("{}"), HasSubstr("must be a list"));
    EXPECT_THAT(errorOf("[]"), HasSubstr("must be a list"));
    EXPECT_THAT(errorOf("[3]"), HasSubstr("object 1 must be an object"));
    EXPECT_THAT(errorOf(R"([{"module": "m", "functions": ["f"]}, {"functions": ["f"]}])"), HasSubstr("object 2 has no module"));
    EXPECT_THAT(errorOf(R"([{"module": "m"}])"), HasSubstr("object 1 (module m) needs functions"));
    EXPECT_THAT(errorOf(R"([{"module": "m", "functions": []}])"), HasSubstr("needs functions"));
    EXPECT_THAT(errorOf(R"([{"module": "m", "functions": ["f", 3]}])"), HasSubstr("function 2: function must be a text, not 3"));
    EXPECT_THAT(errorOf(R"([{"module": "m", "functions": [{"color": "red"}]}])"), HasSubstr("function 1 has no function"));
    EXPECT_THAT(errorOf(R"j([{"module": "m", "functions": ["f()"]}])j"), HasSubstr("\"f()\""));
    EXPECT_THAT(errorOf(R"([{"module": "m", "functions": [".f"]}])"), HasSubstr("\".f\""));
    EXPECT_THAT(errorOf(R"([{"module": "m", "functions": ["a..f"]}])"), HasSubstr("\"a..f\""));
    EXPECT_THAT(errorOf(R"([{"module": "a b", "functions": ["f"]}])"), HasSubstr("module must be a name"));
    EXPECT_THAT(errorOf(R"([{"module": "m", "color": "reddish", "functions": ["f"]}])"), HasSubstr("not \"reddish\""));
    EXPECT_THAT(errorOf(R"([{"module": "m", "color": "0x123456789", "functions": ["f"]}])"), HasSubstr("color"));
    EXPECT_THAT(errorOf(R"([{"module": "m", "color": -1, "functions": ["f"]}])"), HasSubstr("color"));
    EXPECT_THAT(errorOf("[{\"module\": \"m\", \"domain\": \"a\\tb\", \"functions\": [\"f\"]}]"), HasSubstr("one line"));
    EXPECT_THAT(errorOf(R"([{"module": "m", "category": [], "functions": ["f"]}])"), HasSubstr("category must be a text"));
    EXPECT_THAT(errorOf("[{\"module\": \"\xff\", \"functions\": [\"f\"]}]"), HasSubstr("Python functions: "));
}

TEST(PythonFunctions, BoundsTheFile)
{
    std::string names = "\"f\"";
    for (int i = 0; i < 10'000; ++i)
        names += ",\"f\"";
    EXPECT_THAT(errorOf(R"([{"module": "m", "functions": [)" + names + "]}]"), HasSubstr("at most 10000 functions"));
    EXPECT_THAT(errorOf(std::string((1 << 20) + 1, ' ')), HasSubstr("larger than 1 MiB"));
}

TEST(PythonFunctions, ComeBeforeThePathThatTheTargetHas)
{
    const test::TemporaryFolder folder;
    std::filesystem::create_directories(folder / "lib/gantry-python");
    std::ofstream(folder / "lib/gantry-python/sitecustomize.py") << "pass\n";
    std::map<std::string, std::string> environment{{"PYTHONPATH", "/own:/other"}};
    ASSERT_TRUE(addPythonFunctions(environment, folder / "lib/libgantry_capture.so", "/run/functions"));
    EXPECT_EQ(environment["PYTHONPATH"], (folder / "lib/gantry-python").string() + ":/own:/other");
    EXPECT_EQ(environment["GANTRY_PYTHON_FUNCTIONS"], "/run/functions");
    environment.clear();
    ASSERT_TRUE(addPythonFunctions(environment, folder / "lib/libgantry_capture.so", "/run/functions"));
    EXPECT_EQ(environment["PYTHONPATH"], (folder / "lib/gantry-python").string()) << "an empty part would be the working directory";

    const auto refused = addPythonFunctions(environment, "/nowhere/libgantry_capture.so", "/run/functions");
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Unsupported);
}

} // namespace
} // namespace gantry::node
