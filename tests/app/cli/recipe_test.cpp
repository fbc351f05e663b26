#include "app/cli/recipe.h"

#include "app/cli/recipe_example.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <sstream>

namespace gantry::cli {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

constexpr char kWhole[] = R"(# a comment
recipe: 1
name: rising
server:
  model_repository: /models
  program: /opt/gantry-serve
  flags: [--cpu-only]
  grpc_address: 127.0.0.1:9001
  metrics_url: http://127.0.0.1:9002/metrics
  environment: {OMP_NUM_THREADS: 2}
warm_up:
  requests: 10
load:
  models: {bert: 0.7, add_sub: 0.3}
  request_rate: 100:300:100
  distribution: constant
  for: 5s
  batch: 2
  shapes:
    IDS: [128]
  output_tokens: 64
  int_ranges: {all: 0:511, TOP_K: 1:40}
  input_data:
    - {IDS: [1, 2], TEXT: ["7", "x"]}
capture:
  after: 1s
  for: 2s
)";

std::string errorOf(const std::string& text)
{
    const auto recipe = parseRecipe(text, "r.yaml");
    return recipe ? "none" : recipe.error().text();
}

/// A recipe that is right but for one line of its load.
std::string withLoad(const std::string& line)
{
    return "server: {target: t1}\nload:\n  model: m\n  " + line + "\n";
}

TEST(Recipe, EverythingOfAYamlRecipeIsRead)
{
    const auto recipe = parseRecipe(kWhole, "folder/r.yaml");
    ASSERT_TRUE(recipe) << recipe.error().text();
    EXPECT_EQ(recipe->name, "rising");
    EXPECT_EQ(recipe->text, kWhole);
    EXPECT_THAT(recipe->server.launch.argv, ElementsAre("/opt/gantry-serve", "--model-repository", "/models", "--grpc-port", "9001",
                                                        "--metrics-port", "9002", "--cpu-only"));
    EXPECT_EQ(recipe->server.launch.environment.at("OMP_NUM_THREADS"), "2");
    EXPECT_EQ(recipe->warmUpCount, 10u);
    ASSERT_EQ(recipe->load.models.size(), 2u);
    EXPECT_EQ(recipe->load.models[0].share, 0.7);
    EXPECT_EQ(recipe->load.address, "127.0.0.1:9001") << "that of the server";
    ASSERT_EQ(recipe->levels.size(), 3u);
    EXPECT_TRUE(recipe->levels[2].isRate);
    EXPECT_EQ(recipe->levels[2].value, 300);
    EXPECT_EQ(recipe->load.distribution, load::Distribution::Constant);
    EXPECT_EQ(recipe->load.duration, 5'000'000'000);
    EXPECT_EQ(recipe->load.input.batch, 2);
    EXPECT_THAT(recipe->load.input.shape.at("IDS"), ElementsAre(128));
    EXPECT_EQ(recipe->load.input.outputTokens, 64);
    EXPECT_EQ(recipe->load.input.ranges.at("").high, 511);
    EXPECT_EQ(recipe->load.input.ranges.at("TOP_K").low, 1);
    EXPECT_EQ(recipe->load.input.dataText, R"({"data":[{"IDS":[1,2],"TEXT":["7","x"]}]})") << "what is quoted is a text";
    ASSERT_TRUE(recipe->capture);
    EXPECT_EQ(recipe->capture->delayNs, 1'000'000'000);
    EXPECT_EQ(recipe->capture->durationNs, 2'000'000'000);
    EXPECT_EQ(recipe->capture->label, "rising");
}

TEST(Recipe, JsonIsReadAsWell)
{
    const auto recipe = parseRecipe("{\n\t\"server\": {\"command\": \"serve 'a b'\", \"grpc_address\": \"h:1\"},\n"
                                    "\t\"load\": {\"model\": \"m\", \"concurrency\": 3},\n\t\"capture\": {\"requests\": 100}\n}",
                                    "dir/demo.json");
    ASSERT_TRUE(recipe) << recipe.error().text();
    EXPECT_EQ(recipe->name, "demo") << "of the file, where it has none of its own";
    EXPECT_THAT(recipe->server.launch.argv, ElementsAre("serve", "a b"));
    EXPECT_EQ(recipe->levels.front().value, 3);
    EXPECT_TRUE(recipe->loadsUntilCaptured);
    EXPECT_EQ(recipe->capture->maxRequests, 100u);
}

TEST(Recipe, WithoutACaptureTheLoadEndsWhenItsWindowsAgree)
{
    const auto recipe = parseRecipe(withLoad("concurrency: 2"), "r.yaml");
    ASSERT_TRUE(recipe) << recipe.error().text();
    EXPECT_FALSE(recipe->loadsUntilCaptured);
    EXPECT_TRUE(recipe->load.rule);
    EXPECT_FALSE(recipe->capture);
}

TEST(Recipe, DataFilesAreRelativeToTheRecipe)
{
    const auto recipe = parseRecipe(withLoad("input_data: data.json"), "some/where/r.yaml");
    ASSERT_TRUE(recipe);
    EXPECT_EQ(recipe->load.input.dataFile, "some/where/data.json");
    EXPECT_TRUE(parseRecipe(withLoad("input_data: zero"), "r.yaml")->load.input.isZero);
    EXPECT_THAT(parseRecipe(withLoad("input_data: random"), "r.yaml")->load.input.dataFile, IsEmpty());
}

TEST(Recipe, ErrorsNameFileLineAndKey)
{
    EXPECT_THAT(errorOf(withLoad("concurency: 4")), StartsWith("r.yaml:4: load.concurency: there is no such key; there are: concurrency"));
    EXPECT_THAT(errorOf(withLoad("concurrency: 0")), StartsWith("r.yaml:4: load.concurrency: '0' is no range"));
    EXPECT_THAT(errorOf(withLoad("for: 5")), StartsWith("r.yaml:4: load.for: '5' is not a length of time"));
    EXPECT_THAT(errorOf(withLoad("batch: two")), StartsWith("r.yaml:4: load.batch: 'two' is no whole number"));
    EXPECT_THAT(errorOf(withLoad("shapes: {A: [3, x]}")), StartsWith("r.yaml:4: load.shapes.A: "));
    EXPECT_THAT(errorOf(withLoad("model: n")), StartsWith("r.yaml:4: load.model: this key is there twice"));
    EXPECT_THAT(errorOf(withLoad("models: [n]")), StartsWith("r.yaml:3: load.model: name one model"));
    EXPECT_THAT(errorOf(withLoad("request_rate: [1]")), StartsWith("r.yaml:4: load.request_rate: this has to be one value"));
    EXPECT_THAT(errorOf("load: {model: m}\n"), StartsWith("r.yaml:1: server: this is missing"));
    EXPECT_THAT(errorOf("server: {target: t1, command: x}\nload: {model: m}\n"), StartsWith("r.yaml:1: server: it takes one of"));
    EXPECT_THAT(errorOf("server: {target: t1}\n"), StartsWith("r.yaml:1: load: this is missing"));
    EXPECT_THAT(errorOf("server:\n  command: x\nload: {model: m}\n"), StartsWith("r.yaml:3: load.address: this is missing"));
    EXPECT_THAT(errorOf("server:\n  target: t1\n  flags: [a]\nload: {model: m}\n"),
                StartsWith("r.yaml:3: server.flags: this is for a server"));
    EXPECT_THAT(errorOf("server: {model_repository: /m, grpc_address: host}\nload: {model: m}\n"),
                StartsWith("r.yaml:1: server.grpc_address: "));
    EXPECT_THAT(errorOf(withLoad("for: 1s") + "capture: {after: 1s}\n"), StartsWith("r.yaml:5: capture: say when the window ends"));
    EXPECT_THAT(errorOf(withLoad("for: 1s") + "capture: {for: 20m}\n"), StartsWith("r.yaml:5: capture: a window is at most"));
    EXPECT_THAT(errorOf("name: ../x\n" + withLoad("for: 1s")), StartsWith("r.yaml:1: name: "));
    EXPECT_THAT(errorOf("recipe: 2\n" + withLoad("for: 1s")), StartsWith("r.yaml:1: recipe: "));
}

TEST(Recipe, WhatIsNeitherYamlNorJsonIsSaidWithItsLine)
{
    EXPECT_THAT(errorOf("server: [\n"), HasSubstr("this is no YAML"));
    EXPECT_THAT(errorOf("{\n\"server\": {},\n}"), StartsWith("r.yaml:3: this is no JSON"));
    EXPECT_THAT(errorOf(""), StartsWith("r.yaml:1: a recipe is a mapping"));
    EXPECT_THAT(errorOf("- a\n"), StartsWith("r.yaml:1: a recipe is a mapping"));
}

TEST(Recipe, AFileThatIsNotThereIsNamed)
{
    const auto recipe = readRecipe("/nowhere/r.yaml");
    ASSERT_FALSE(recipe);
    EXPECT_EQ(recipe.error().code, ErrorCode::NotFound);
}

TEST(Recipe, TheExampleIsARecipeAndSoIsEachKeyThatItShowsAsAComment)
{
    const auto example = parseRecipe(std::string(recipeExample()), "example.yaml");
    ASSERT_TRUE(example) << example.error().text();
    EXPECT_TRUE(example->capture);
    // Those that say something else than another key are left out.
    const std::set<std::string> alternatives{
        "command",    "target", "models",  "request_rate",         "distribution",         "max_in_flight",
        "input_data", "for",    "count",   "measurement_interval", "stability_percentage", "max_trials",
        "iterations", "size",   "requests"};
    std::istringstream lines{std::string(recipeExample())};
    std::string text;
    for (std::string line; std::getline(lines, line);) {
        const std::size_t sign = line.find("# ");
        const std::size_t colon = line.find(": ");
        const bool isKey = sign != std::string::npos && sign <= 2 && colon != std::string::npos && line.find(' ', sign + 2) == colon + 1;
        text += (isKey && !alternatives.contains(line.substr(sign + 2, colon - sign - 2)) ? line.substr(0, sign) + line.substr(sign + 2)
                                                                                          : line) +
                "\n";
    }
    EXPECT_THAT(text, HasSubstr("\n  wait_ready: 60s"));
    const auto whole = parseRecipe(text, "example.yaml");
    EXPECT_TRUE(whole) << whole.error().text() << text;
}

// They were kept in every report.
TEST(Recipe, ValuesOfVariablesThatAreSecretsByTheirNamesAreNotInItsText)
{
    const auto textOf = [](const std::string& environment) {
        const auto recipe = parseRecipe("server:\n  command: serve\n  grpc_address: 127.0.0.1:1\n  environment: " + environment +
                                            "\nload: {model: m, count: 1} # end\n",
                                        "r");
        return recipe ? recipe->text : recipe.error().text();
    };
    const std::string plain = textOf("{HF_TOKEN: s3cret, THREADS: 2, db_password: 'pass word', API_KEY: \"k\"}");
    EXPECT_THAT(plain, HasSubstr("{HF_TOKEN: \"(not kept)\", THREADS: 2, db_password: \"(not kept)\", API_KEY: \"(not kept)\"}"));
    EXPECT_THAT(plain, HasSubstr("# end"));
    const std::string escaped = textOf("{MY_SECRET: \"s3\\u0063ret\", THREADS: 2}");
    EXPECT_THAT(escaped, testing::Not(HasSubstr("s3")));
    EXPECT_THAT(escaped, HasSubstr("THREADS: 2"));
    const auto recipe =
        parseRecipe("server: {command: serve, grpc_address: 127.0.0.1:1, environment: {A_KEY: x1}}\nload: {model: m, count: 1}", "r");
    ASSERT_TRUE(recipe);
    EXPECT_EQ(recipe->server.launch.environment.at("A_KEY"), "x1") << "the server gets it";
}

} // namespace
} // namespace gantry::cli
