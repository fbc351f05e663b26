#include "remote_server/inference/model_repository.h"

#include "tests/remote_server/inference/serving_fixture.h"
#include "tests/support/test_files.h"

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

RepositoryModel described(const std::string& config, const std::vector<std::string>& versions = {"1"})
{
    TestRepository repository;
    repository.add("m", config, versions);
    const auto models = readModelRepository(repository.path());
    return models && models->size() == 1 ? models->front() : RepositoryModel{};
}

std::string problemWith(const std::string& more)
{
    return described(kMinimal + more).problem;
}

TEST(ModelConfig, ReadsBatchingInstancesAndParameters)
{
    const RepositoryModel read = described(std::string(kMinimal) + R"(
        instance_group [ { count: 3 kind: KIND_CPU } ]
        dynamic_batching { preferred_batch_size: [ 4, 2 ] max_queue_delay_microseconds: 500 default_queue_policy { max_queue_size: 9 } }
        optimization { output_pinned_memory { enable: true } }
        parameters { key: "layers" value { string_value: "7" } })");
    ASSERT_EQ(read.problem, "");
    const ModelDescription& model = read.versions.at(0);
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

// A field that Triton does not have was a warning in the repository and refused over the wire; Triton refuses both.
TEST(ModelConfig, RefusesAFieldThatTritonDoesNotHaveAndSaysWhere)
{
    EXPECT_THAT(described(std::string(kMinimal) + "no_such_field: 1\n").problem, HasSubstr("m/config.pbtxt:6:1: no_such_field: "));
    EXPECT_THAT(described(std::string(kMinimal) + "dynamic_batching {\n  deep: \"x\" }").problem,
                HasSubstr("m/config.pbtxt:7:3: dynamic_batching.deep: "));
}

// The place was that of the next field, and each of these hid behind another sentence.
TEST(ModelConfig, NamesTheFieldThatIsWrongAndNotAnother)
{
    EXPECT_THAT(described("backend: \"identity\"\ninput { name: \"A\" data_type: FP32 dims: 4 }").problem,
                HasSubstr("m/config.pbtxt:2:19: input.data_type: "));
    EXPECT_THAT(
        described("\n backend: \"onnxruntime\"").problem,
        EndsWith("m/config.pbtxt:2:2: backend: there is no backend \"onnxruntime\": gantry-serve has add_sub, bert, decoder, identity"));
    EXPECT_THAT(problemWith("name: \"other\""), HasSubstr("m/config.pbtxt:6:1: name: "));
    EXPECT_THAT(problemWith("dynamic_batching {\n preferred_batch_size: [ 4, 8 ] }"),
                HasSubstr("m/config.pbtxt:7:2: dynamic_batching.preferred_batch_size[1]: "));
    EXPECT_THAT(problemWith("\nversion_policy { specific { versions: 7 } }"), HasSubstr("m/config.pbtxt:7:1: version_policy: "));
}

// "abc" was 0.
TEST(ModelConfig, RefusesAParameterThatIsNoNumberWhereItsBackendNeedsOne)
{
    const std::string identity = "backend: \"identity\" input { name: \"A\" data_type: TYPE_FP32 dims: 4 }\n";
    const auto parameter = [&](const std::string& name, const std::string& value) {
        return described(identity + "parameters { key: \"note\" value { string_value: \"x\" } }\nparameters { key: \"" + name +
                         "\" value { string_value: \"" + value + "\" } }")
            .problem;
    };
    EXPECT_EQ(parameter("execute_delay_ms", "12"), "");
    EXPECT_EQ(parameter("anything", "abc"), "");
    EXPECT_THAT(parameter("execute_delay_ms", "abc"),
                EndsWith(":3:1: parameters[\"execute_delay_ms\"]: \"abc\" is no whole number from 0 on"));
    EXPECT_THAT(parameter("responses", "-1"), HasSubstr("parameters[\"responses\"]: "));
    EXPECT_THAT(parameter("execute_delay_us", "5ms"), HasSubstr("parameters[\"execute_delay_us\"]: "));
    EXPECT_THAT(parameter("cold_start", "yes"), EndsWith("\"yes\" is neither true nor false"));
}

TEST(ModelConfig, NamesFileLineColumnAndFieldOfASyntaxError)
{
    EXPECT_THAT(described("backend: \"add_sub\"\nmax_batch_size: \"four\"\n").problem,
                HasSubstr("m/config.pbtxt:2:17: max_batch_size: Expected integer"));
    EXPECT_THAT(described("input {\n\tname: \"A\"\n\tdata_type: TYPE_FP31\n}").problem, HasSubstr("m/config.pbtxt:3:9: input.data_type: "));
    EXPECT_THAT(described("input [ { name: \"A\" # } { [\n dims: [ 1, x ] } ]").problem, HasSubstr("m/config.pbtxt:2:13: input.dims: "));
    EXPECT_THAT(described("parameters { key: \"a{\" value { string_value: 3 } }").problem, HasSubstr("parameters.value.string_value: "));
    EXPECT_THAT(described("input {").problem, HasSubstr("m/config.pbtxt:1:8: input: "));
    EXPECT_THAT(described(std::string("\x00\xff\x7f", 3)).problem, HasSubstr("m/config.pbtxt:1:1: "));
}

// The parser of protobuf 3.21 calls itself for each of them when it skips a field.
TEST(ModelConfig, RefusesWhatIsNestedDeeperThanAnyField)
{
    std::string deep;
    for (int i = 0; i < 100'000; ++i)
        deep += "a{";
    EXPECT_THAT(described(deep).problem, HasSubstr("m/config.pbtxt:1:200000: messages are nested 100000 deep"));
    EXPECT_THAT(described(std::string(2 << 20, ' ')).problem, EndsWith("2097152 bytes are no configuration"));
}

TEST(ModelConfig, SaysWhereAndWhatIsMissingOrCannotBe)
{
    EXPECT_THAT(described("backend: \"identity\"").problem, EndsWith("config.pbtxt:1:1: it needs at least one input and one output"));
    EXPECT_THAT(described("input { name: \"A\" data_type: TYPE_FP32 dims: 1 } output { name: \"B\" data_type: TYPE_FP32 dims: 1 }").problem,
                EndsWith("the field backend is missing"));
    EXPECT_THAT(described("\n  max_batch_size: -1").problem, EndsWith("config.pbtxt:2:3: max_batch_size: it is negative"));
    EXPECT_THAT(problemWith("instance_group { count: 1 }\ninstance_group { count: 1000 }"),
                EndsWith("config.pbtxt:7:18: instance_group[1].count: it must lie between 1 and 64"));
    EXPECT_THAT(problemWith("instance_group { kind: KIND_CPU gpus: [ 0 ] }"), HasSubstr(":6:33: instance_group[0].gpus[0]: "));
    EXPECT_THAT(problemWith("name: \"other\""), EndsWith("name: \"other\" is not the name of its folder, \"m\""));
    EXPECT_THAT(problemWith("input { data_type: TYPE_FP32 dims: 4 }"), EndsWith("config.pbtxt:6:1: input[1]: an input lacks its name"));
    EXPECT_THAT(problemWith("input { name: \"C\" dims: 4 }"), EndsWith("input[1]: input \"C\" lacks its data_type"));
}

// These loaded, and every request for them was then refused or answered with numbers of another type.
TEST(ModelConfig, ChecksOutputsAndDimensionsToo)
{
    EXPECT_THAT(problemWith("output { dims: 4 }"), EndsWith("an output lacks its name"));
    EXPECT_THAT(problemWith("output { name: \"C\" dims: 4 }"), EndsWith("output \"C\" lacks its data_type"));
    EXPECT_THAT(problemWith("input { name: \"A\" data_type: TYPE_FP32 dims: 4 }"), EndsWith("input \"A\" is declared twice"));
    EXPECT_THAT(problemWith("input { name: \"C\" data_type: TYPE_FP32 dims: 0 }"),
                EndsWith("input[1].dims[0]: input \"C\": a dimension must be positive, or -1 for any"));
    EXPECT_THAT(problemWith("output { name: \"C\" data_type: TYPE_FP32 dims: [ 4, -2 ] }"),
                EndsWith("output[1].dims[1]: output \"C\": a dimension must be positive, or -1 for any"));
    EXPECT_THAT(problemWith("output { name: \"C\" data_type: TYPE_FP32 dims: [ 4, 2 ] reshape { shape: [ 7 ] } }"),
                HasSubstr("output[1].reshape: output \"C\": the shape must have as many elements as dims"));
    EXPECT_EQ(problemWith("output { name: \"C\" data_type: TYPE_FP32 dims: [ 1 ] reshape { shape: [ ] } }"), "");
}

TEST(ModelConfig, ChecksWhatTheSchedulerIsToldToDo)
{
    const auto batching = [](const std::string& fields) { return problemWith("dynamic_batching { " + fields + " }"); };
    EXPECT_THAT(batching("preferred_batch_size: [ 2, 5 ]"),
                EndsWith("preferred_batch_size[1]: it must lie between 1 and max_batch_size, 4"));
    EXPECT_THAT(batching("priority_levels: 2"), EndsWith("default_priority_level must lie between 1 and priority_levels, 2"));
    EXPECT_THAT(batching("priority_levels: 2 default_priority_level: 3"), HasSubstr("dynamic_batching.default_priority_level: "));
    EXPECT_EQ(batching("priority_levels: 2 default_priority_level: 2 priority_queue_policy { key: 1 value { max_queue_size: 3 } }"), "");
    EXPECT_THAT(batching("priority_levels: 2 default_priority_level: 2 priority_queue_policy { key: 3 value { } }"),
                EndsWith("there is no priority level 3"));
    EXPECT_THAT(problemWith("dynamic_batching { preserve_ordering: true } model_transaction_policy { decoupled: true }"),
                HasSubstr("dynamic_batching.preserve_ordering: "));
    EXPECT_THAT(problemWith("sequence_batching { }"), HasSubstr("sequence_batching: gantry-serve has no sequence batcher: "));
    EXPECT_THAT(problemWith("ensemble_scheduling { }"), HasSubstr("ensemble_scheduling: gantry-serve has no ensembles: "));
    EXPECT_THAT(problemWith("version_policy { latest { num_versions: 0 } }"), EndsWith("num_versions must be at least 1"));
    EXPECT_THAT(problemWith("response_cache { enable: true } model_transaction_policy { decoupled: true }"), HasSubstr("response_cache: "));
    EXPECT_THAT(problemWith("instance_group { rate_limiter { resources [ { name: \"R\" } ] } }"),
                EndsWith("a resource needs a name and a count"));
}

TEST(ModelConfig, ChecksSamplesOfTheWarmUp)
{
    const auto warmUp = [](const std::string& more,
                           const std::string& input = "key: \"A\" value { data_type: TYPE_FP32 dims: 4 zero_data: true }") {
        return problemWith("model_warmup { name: \"w\" inputs { " + input + " } " + more + " }");
    };
    EXPECT_EQ(warmUp("batch_size: 4"), "");
    EXPECT_THAT(warmUp("batch_size: 5"), EndsWith("model_warmup[0].batch_size: it is larger than max_batch_size, 4"));
    EXPECT_THAT(warmUp("", "key: \"B\" value { data_type: TYPE_FP32 dims: 4 zero_data: true }"), EndsWith("input \"A\" is missing"));
    EXPECT_THAT(warmUp("", "key: \"A\" value { data_type: TYPE_FP32 dims: -1 zero_data: true }"),
                HasSubstr("each of its dims must be a number"));
    EXPECT_THAT(warmUp("", "key: \"A\" value { data_type: TYPE_INT8 dims: 4 zero_data: true }"), HasSubstr("another data_type"));
    EXPECT_THAT(warmUp("", "key: \"A\" value { data_type: TYPE_FP32 dims: 4 }"), HasSubstr("zero_data, random_data or input_data_file"));
}

TEST(ModelConfig, HasTritonsDefaultsWhereItSaysNothing)
{
    const inference::ModelConfig config =
        described(std::string(kMinimal) + "dynamic_batching { } instance_group { }").versions.at(0).config;
    EXPECT_THAT(config.dynamic_batching().preferred_batch_size(), testing::ElementsAre(4));
    EXPECT_EQ(config.version_policy().latest().num_versions(), 1u);
    ASSERT_EQ(config.instance_group_size(), 1);
    EXPECT_EQ(config.instance_group(0).name(), "m_0");
    EXPECT_EQ(config.instance_group(0).count(), 1);
}

TEST(ModelConfig, TakesWhatItLeavesOutFromItsBackend)
{
    const inference::ModelConfig bert =
        described("backend: \"bert\" parameters { key: \"hidden\" value { string_value: \"24\" } }").versions.at(0).config;
    ASSERT_EQ(bert.input_size(), 2);
    EXPECT_EQ(bert.input(0).name(), "input_ids");
    EXPECT_TRUE(bert.input(1).optional());
    ASSERT_EQ(bert.output_size(), 1);
    EXPECT_THAT(bert.output(0).dims(), testing::ElementsAre(-1, 24));
    EXPECT_EQ(bert.max_batch_size(), 4);
    EXPECT_TRUE(bert.has_dynamic_batching());

    const inference::ModelConfig single = described("backend: \"bert\" max_batch_size: 0").versions.at(0).config;
    EXPECT_EQ(single.max_batch_size(), 0) << "0 was said";

    const inference::ModelConfig identity =
        described("backend: \"identity\" input { name: \"X\" data_type: TYPE_STRING dims: [ -1, 2 ] }").versions.at(0).config;
    ASSERT_EQ(identity.output_size(), 1);
    EXPECT_EQ(identity.output(0).name(), "OUTPUT0");
    EXPECT_EQ(identity.output(0).data_type(), inference::TYPE_STRING);
    EXPECT_THAT(identity.output(0).dims(), testing::ElementsAre(-1, 2));

    const auto asItStands = parseModelConfig("backend: \"bert\"", "m", "config.pbtxt", AutoComplete::Off);
    ASSERT_FALSE(asItStands);
    EXPECT_EQ(asItStands.error().text(), "config.pbtxt:1:1: it needs at least one input and one output");
}

TEST(ModelConfig, IsCompletedAndCheckedWithoutATextToo)
{
    inference::ModelConfig config;
    config.set_backend("bert");
    const auto completed = completeModelConfig(config, "m", AutoComplete::On);
    ASSERT_TRUE(completed);
    EXPECT_EQ(completed->name(), "m");
    EXPECT_EQ(completed->input_size(), 2);
    config.mutable_instance_group()->Add()->set_count(99);
    const auto refused = completeModelConfig(config, "m", AutoComplete::On);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().text(), "instance_group[0].count: it must lie between 1 and 64");
}

std::vector<std::string> versionsOf(const std::string& policy, const std::vector<std::string>& folders)
{
    std::vector<std::string> versions;
    for (const ModelDescription& version : described(kMinimal + policy, folders).versions)
        versions.push_back(version.version);
    return versions;
}

TEST(ModelRepository, ServesTheVersionsThatThePolicyWants)
{
    const std::vector<std::string> folders{"1", "2", "10", "02", "x3", "notes"};
    EXPECT_THAT(versionsOf("", folders), testing::ElementsAre("10")) << "the newest, by number";
    EXPECT_THAT(versionsOf("version_policy { latest { num_versions: 2 } }", folders), testing::ElementsAre("2", "10"));
    EXPECT_THAT(versionsOf("version_policy { latest { num_versions: 9 } }", folders), testing::ElementsAre("1", "2", "10"));
    EXPECT_THAT(versionsOf("version_policy { all { } }", folders), testing::ElementsAre("1", "2", "10"));
    EXPECT_THAT(versionsOf("version_policy { specific { versions: [ 2, 7 ] } }", folders), testing::ElementsAre("2"));
    EXPECT_THAT(described(std::string(kMinimal) + "version_policy { specific { versions: 7 } }").problem,
                EndsWith("m/config.pbtxt:6:1: version_policy: it wants none of the versions that there are: 1"));
}

TEST(ModelRepository, FingerprintsChangeWithAModelsFiles)
{
    TestRepository repository;
    repository.add("m", kMinimal);
    const auto print = [&] { return readModel(repository.path(), "m", AutoComplete::On)->fingerprint; };
    const std::uint64_t first = print();
    EXPECT_EQ(print(), first);
    repository.add("m", std::string(kMinimal) + "# longer");
    const std::uint64_t second = print();
    EXPECT_NE(second, first);
    repository.add("m", std::string(kMinimal) + "# longer", {"1", "2"});
    EXPECT_NE(print(), second);
}

TEST(ModelRepository, TakesNoNameThatLeadsOutOfIt)
{
    TestRepository repository;
    repository.add("m", kMinimal);
    for (const char* name : {"../m", "..", ".", "", "m/1", "unknown"}) {
        const auto model = readModel(repository.path(), name, AutoComplete::On);
        ASSERT_FALSE(model) << name;
        EXPECT_EQ(model.error().code, ErrorCode::NotFound);
    }
}

TEST(ModelRepository, KeepsAModelsFilesAsLongAsSomebodyDescribesIt)
{
    inference::ModelConfig config;
    config.set_backend("add_sub");
    std::filesystem::path folder;
    {
        const auto model = modelOfFiles("m", config, {{"1/weights.bin", "abc"}, {"3/weights.bin", ""}}, AutoComplete::On);
        ASSERT_TRUE(model) << model.error().text();
        ASSERT_EQ(model->versions.size(), 1u);
        EXPECT_EQ(model->versions[0].version, "3");
        folder = model->versions[0].folder;
        EXPECT_EQ(test::readFile(folder / "1" / "weights.bin"), "abc");
    }
    EXPECT_FALSE(std::filesystem::exists(folder));
    for (const char* path : {"../evil", "/etc/evil", "1/../../evil", "", "1/"}) {
        const auto refused = modelOfFiles("m", config, {{path, "x"}}, AutoComplete::On);
        ASSERT_FALSE(refused) << path;
        EXPECT_THAT(refused.error().text(), HasSubstr("is no path in its folder"));
    }
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
    EXPECT_THAT((*models)[0].problem, HasSubstr("broken/config.pbtxt:1:17: max_batch_size: "));
    EXPECT_THAT((*models)[1].problem, EndsWith("empty/config.pbtxt cannot be read"));
    EXPECT_EQ((*models)[2].problem, "");
    ASSERT_EQ((*models)[2].versions.size(), 1u);
    EXPECT_EQ((*models)[2].versions[0].version, "3") << "the newest version is the one that is served";
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
    ASSERT_EQ(models->size(), 4u);
    for (const RepositoryModel& model : *models)
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
