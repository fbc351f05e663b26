#include "app/cli/recipe_sweep.h"

#include "app/cli/recipe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;

constexpr const char* kServer = "server: {model_repository: /models}\n";

Result<Recipe> recipeWith(const std::string& sweep, const std::string& load = "{model: bert}", const std::string& server = kServer)
{
    return parseRecipe(server + "load: " + load + "\ncapture: {for: 1s}\nsweep: " + sweep + "\n", "bert.yaml");
}

std::string errorOf(const std::string& sweep, const std::string& load = "{model: bert}", const std::string& server = kServer)
{
    const auto recipe = recipeWith(sweep, load, server);
    return recipe ? "none" : recipe.error().message;
}

std::vector<std::string> titles(const Result<Recipe>& recipe)
{
    std::vector<std::string> all;
    if (recipe)
        for (const Combination& one : combinationsOf(*recipe))
            all.push_back(one.title());
    else
        all.push_back(recipe.error().text());
    return all;
}

TEST(RecipeSweep, TheLoadChangesFastestSoThatAServerServesAllLevels)
{
    EXPECT_THAT(titles(recipeWith("{instances: [1, 2], concurrency: [1, 4]}")),
                ElementsAre("instances 1, concurrency 1", "instances 1, concurrency 4", "instances 2, concurrency 1",
                            "instances 2, concurrency 4"));
    EXPECT_THAT(titles(recipeWith("{instances: 2}", "{model: bert, request_rate: \"10:30:10\"}")),
                ElementsAre("instances 2, request rate 10", "instances 2, request rate 20", "instances 2, request rate 30"));
}

TEST(RecipeSweep, ADelayOfTheQueueIsOfDynamicBatchingAlone)
{
    EXPECT_THAT(titles(recipeWith("{dynamic_batching: [false, true], queue_delay: [0us, 500us], max_batch_size: 8}")),
                ElementsAre("max batch size 8, dynamic batching off, concurrency 4",
                            "max batch size 8, dynamic batching on, queue delay 0 µs, concurrency 4",
                            "max batch size 8, dynamic batching on, queue delay 500 µs, concurrency 4"));
}

TEST(RecipeSweep, FilesAreNamedByTheValues)
{
    const auto recipe = recipeWith("{max_batch_size: [8], queue_delay: [500us], request_rate: [1.5]}");
    ASSERT_TRUE(recipe) << recipe.error().text();
    EXPECT_EQ(combinationsOf(*recipe).front().fileName("bert"), "bert-max_batch_size-8-queue_delay-500_us-request_rate-1.5");
}

TEST(RecipeSweep, AServerWhoseModelChangesIsStartedToBeTold)
{
    const auto changing = recipeWith("{instances: [1, 2]}"), loading = recipeWith("{concurrency: [1, 2]}");
    ASSERT_TRUE(changing && loading);
    EXPECT_THAT(changing->server.launch.argv, testing::IsSupersetOf({"--model-control-mode", "explicit", "--load-model", "bert"}));
    EXPECT_THAT(loading->server.launch.argv, testing::Not(testing::Contains("explicit")));
    EXPECT_TRUE(changing->loadsUntilCaptured);
}

TEST(RecipeSweep, WhatCannotBeMeasuredIsSaidBeforeAnythingStarts)
{
    EXPECT_EQ(errorOf("{instances: [0]}"), "bert.yaml:4: sweep.instances: '0' is no whole number from 1 to 1024");
    EXPECT_EQ(errorOf("{instances: [1, 1]}"), "bert.yaml:4: sweep.instances: 1 is there twice");
    EXPECT_EQ(errorOf("{concurrency: [\"1:4:1\", \"4:16:4\"]}"), "bert.yaml:4: sweep.concurrency: 4 is there twice");
    EXPECT_NE(
        errorOf("{instances: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], concurrency: [\"1:1000:1\"]}").find("these are 4096 combinations or more"),
        std::string::npos);
    EXPECT_THAT(errorOf("{instance: [1]}"), HasSubstr("there is no such key; there are: instances"));
    EXPECT_THAT(errorOf("{instances: []}"), HasSubstr("this is empty"));
    EXPECT_THAT(errorOf("{concurrency: [1], request_rate: [2]}"), HasSubstr("closed loop"));
    EXPECT_THAT(errorOf("{concurrency: [1]}", "{model: bert, request_rate: 10}"), HasSubstr("levels of the other kind"));
    EXPECT_THAT(errorOf("{instances: [1]}", "{models: {a: 1, b: 1}}"), EndsWith("the load has several"));
    EXPECT_THAT(errorOf("{instances: [1]}", "{model: bert}", "server: {target: t1}\n"), HasSubstr("a target may have other users"));
    EXPECT_THAT(errorOf("{instances: [1]}", "{model: bert}", "server: {model_repository: /models, keep_running: true}\n"),
                HasSubstr("leave keep_running out"));
    EXPECT_THAT(errorOf("{concurrency: \"1:300\"}"), HasSubstr("these are 300 combinations, and a sweep has 256 at most"));
    EXPECT_EQ(errorOf("{concurrency: [1, 2]}", "{model: bert}", "server: {target: t1}\n"), "none");
}

} // namespace
} // namespace gantry::cli
