#include "remote_server/inference/model.h"

#include "tests/remote_server/inference/serving_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::inference_server {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

constexpr char kMinimal[] = R"(
backend: "add_sub"
max_batch_size: 4
input { name: "A" data_type: TYPE_FP32 dims: 4 }
output { name: "B" data_type: TYPE_FP32 dims: 4 }
)";

ModelDescription described(const std::string& config, const std::vector<std::string>& versions = {"1"})
{
    TestRepository repository;
    repository.add("m", config, versions);
    const auto models = readModelRepository(repository.path());
    return models && models->size() == 1 ? models->front() : ModelDescription{};
}

std::string problemWith(const std::string& more)
{
    return described(kMinimal + more).problem;
}

TEST(ModelConfig, ReadsBatchingInstancesAndParameters)
{
    const ModelDescription model = described(std::string(kMinimal) + R"(
        instance_group [ { count: 3 kind: KIND_CPU } ]
        dynamic_batching { preferred_batch_size: [ 4, 2 ] max_queue_delay_microseconds: 500 default_queue_policy { max_queue_size: 9 } }
        optimization { output_pinned_memory { enable: true } }
        parameters { key: "layers" value { string_value: "7" } })");
    ASSERT_EQ(model.problem, "");
    EXPECT_EQ(model.name, "m");
    EXPECT_EQ(model.config.name(), "m") << "the folder's name where the file gives none";
    EXPECT_EQ(model.config.max_batch_size(), 4);
    EXPECT_EQ(model.config.instance_group(0).count(), 3);
    EXPECT_THAT(model.config.dynamic_batching().preferred_batch_size(), testing::ElementsAre(4, 2));
    EXPECT_EQ(model.config.dynamic_batching().max_queue_delay_microseconds(), 500u);
    EXPECT_EQ(model.config.dynamic_batching().default_queue_policy().max_queue_size(), 9u);
    EXPECT_TRUE(model.config.optimization().output_pinned_memory().enable());
    EXPECT_EQ(parameterOf(model.config, "layers", 1), 7);
    EXPECT_EQ(parameterOf(model.config, "absent", 5), 5);
}

TEST(ModelConfig, SkipsFieldsItDoesNotKnow)
{
    EXPECT_EQ(problemWith("no_such_field: 1 another { deep: \"x\" }"), "") << "a configuration made for Triton must load";
}

TEST(ModelConfig, NamesFileAndLineOfASyntaxError)
{
    EXPECT_THAT(described("backend: \"add_sub\"\nmax_batch_size: \"four\"\n").problem, HasSubstr("m/config.pbtxt: line 2: "));
    EXPECT_THAT(described("input {").problem, HasSubstr("m/config.pbtxt: line 1: "));
    EXPECT_THAT(described(std::string("\x00\xff\x7f", 3)).problem, HasSubstr("m/config.pbtxt: line 1: "));
}

TEST(ModelConfig, SaysWhatIsMissingOrCannotBe)
{
    EXPECT_THAT(described("max_batch_size: 1").problem, EndsWith("it needs at least one input and one output"));
    EXPECT_THAT(described("input { name: \"A\" data_type: TYPE_FP32 dims: 1 } output { name: \"B\" data_type: TYPE_FP32 dims: 1 }").problem,
                EndsWith("the field backend is missing"));
    EXPECT_THAT(described("max_batch_size: -1").problem, EndsWith("max_batch_size is negative"));
    EXPECT_THAT(problemWith("instance_group { count: 1000 }"), EndsWith("instance_group.count must lie between 1 and 64"));
    EXPECT_THAT(problemWith("name: \"other\""), EndsWith("its name \"other\" is not that of its folder"));
    EXPECT_THAT(problemWith("input { data_type: TYPE_FP32 dims: 4 }"), EndsWith("an input lacks its name"));
    EXPECT_THAT(problemWith("input { name: \"C\" dims: 4 }"), EndsWith("input \"C\" lacks its data_type"));
}

// These loaded, and every request for them was then refused or answered with numbers of another type.
TEST(ModelConfig, ChecksOutputsAndDimensionsToo)
{
    EXPECT_THAT(problemWith("output { dims: 4 }"), EndsWith("an output lacks its name"));
    EXPECT_THAT(problemWith("output { name: \"C\" dims: 4 }"), EndsWith("output \"C\" lacks its data_type"));
    EXPECT_THAT(problemWith("input { name: \"A\" data_type: TYPE_FP32 dims: 4 }"), EndsWith("input \"A\" is declared twice"));
    EXPECT_THAT(problemWith("input { name: \"C\" data_type: TYPE_FP32 dims: 0 }"),
                EndsWith("input \"C\": a dimension must be positive, or -1 for any"));
    EXPECT_THAT(problemWith("output { name: \"C\" data_type: TYPE_FP32 dims: [ 4, -2 ] }"),
                EndsWith("output \"C\": a dimension must be positive, or -1 for any"));
}

TEST(ModelRepository, DescribesGoodAndBadModelsSideBySide)
{
    TestRepository repository;
    repository.add("good", kMinimal, {"1", "3", "notes"});
    repository.add("broken", "max_batch_size: oops");
    repository.add("unversioned", kMinimal, {});
    std::filesystem::create_directories(repository.path() / "empty" / "1");
    const auto models = readModelRepository(repository.path());
    ASSERT_TRUE(models);
    ASSERT_EQ(models->size(), 4u);
    EXPECT_THAT((*models)[0].problem, HasSubstr("broken/config.pbtxt: line 1"));
    EXPECT_THAT((*models)[1].problem, EndsWith("empty/config.pbtxt cannot be read"));
    EXPECT_EQ((*models)[2].problem, "");
    EXPECT_EQ((*models)[2].version, "3") << "the newest version is the one that is served";
    EXPECT_THAT((*models)[3].problem, EndsWith("unversioned has no version folder such as 1/"));
}

TEST(ModelRepository, IsNotFoundWhenTheFolderIsMissing)
{
    const auto models = readModelRepository("/dev/null/nonexistent/models");
    ASSERT_FALSE(models);
    EXPECT_EQ(models.error().code, ErrorCode::NotFound);
    EXPECT_EQ(models.error().text(), "there is no model repository /dev/null/nonexistent/models");
}

TEST(ModelRepository, ReadsTheDemonstrationModels)
{
    const auto models = readModelRepository(GANTRY_SOURCE_DIR "/resources/models");
    ASSERT_TRUE(models);
    ASSERT_EQ(models->size(), 2u);
    for (const ModelDescription& model : *models)
        EXPECT_EQ(model.problem, "") << model.name;
}

TEST(Datatypes, HaveTheNamesOfTheProtocolBothWays)
{
    EXPECT_EQ(datatypeName(inference::TYPE_FP32), "FP32");
    EXPECT_EQ(datatypeName(inference::TYPE_STRING), "BYTES");
    EXPECT_EQ(datatypeName(inference::TYPE_INVALID), "");
    for (int type = inference::TYPE_BOOL; type <= inference::TYPE_BF16; ++type)
        EXPECT_EQ(datatypeFromName(datatypeName(static_cast<inference::DataType>(type))), type);
    EXPECT_EQ(datatypeFromName("FP31"), inference::TYPE_INVALID);
    EXPECT_EQ(datatypeFromName(""), inference::TYPE_INVALID);
    EXPECT_EQ(elementBytes(inference::TYPE_FP16), 2u);
    EXPECT_EQ(elementBytes(inference::TYPE_INT64), 8u);
    EXPECT_EQ(elementBytes(inference::TYPE_STRING), 0u);
}

} // namespace
} // namespace gantry::inference_server
