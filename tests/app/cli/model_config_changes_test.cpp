#include "app/cli/model_config_changes.h"

#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

constexpr const char* kConfig = R"(name: "bert" # "count: 9 {"
max_batch_size: 8
instance_group [ { count: 4 kind: KIND_GPU }, { kind: KIND_CPU } ]
dynamic_batching {
  max_queue_delay_microseconds: 500
  default_queue_policy { max_queue_size: 512 }
}
parameters { key: "layers" value { string_value: "max_batch_size: 3" } }
)";

std::string changed(const std::string& text, const ModelConfigChanges& changes)
{
    const auto config = changedConfig(text, changes);
    return config ? *config : config.error().message;
}

std::string replaced(std::string text, const std::string& from, const std::string& to)
{
    return text.replace(text.find(from), from.size(), to);
}

TEST(ModelConfigChanges, EachGroupGetsTheNumberOfInstances)
{
    ModelConfigChanges changes;
    changes.instances = 2;
    EXPECT_EQ(changed(kConfig, changes),
              replaced(replaced(kConfig, "count: 4", "count: 2"), "{ kind: KIND_CPU }", "{ kind: KIND_CPU  count: 2\n}"));
    EXPECT_EQ(changed("name: \"m\"\n", changes), "name: \"m\"\ninstance_group { count: 2 }\n");
    EXPECT_EQ(changed("instance_group {\n  count: 1\n}\ninstance_group {\n  count: 3\n}\n", changes),
              "instance_group {\n  count: 2\n}\ninstance_group {\n  count: 2\n}\n");
}

TEST(ModelConfigChanges, TheBatchSizeOfTheModelIsChangedAndNotWhatLooksLikeIt)
{
    ModelConfigChanges changes;
    changes.maxBatchSize = 1;
    EXPECT_EQ(changed(kConfig, changes), replaced(kConfig, "max_batch_size: 8", "max_batch_size: 1"));
    EXPECT_EQ(changed("name: \"m\"", changes), "name: \"m\" max_batch_size: 1\n");
    const std::string preferring = changed("max_batch_size: 8\ndynamic_batching {\n  preferred_batch_size: [ 4, 8 ]\n  "
                                           "preferred_batch_size: 8\n  preserve_ordering: true\n}\n",
                                           changes);
    EXPECT_EQ(preferring.find("preferred"), std::string::npos) << preferring;
    EXPECT_NE(preferring.find("preserve_ordering: true"), std::string::npos) << preferring;
}

TEST(ModelConfigChanges, DynamicBatchingIsSwitchedOffAndOn)
{
    ModelConfigChanges off, on, delay;
    off.dynamicBatching = false;
    on.dynamicBatching = true;
    delay.queueDelay = 2'000'000;
    const std::string without = changed(kConfig, off);
    EXPECT_EQ(without.find("dynamic_batching"), std::string::npos) << without;
    EXPECT_NE(without.find("parameters { key: \"layers\""), std::string::npos);
    EXPECT_EQ(changed(kConfig, on), kConfig);
    EXPECT_EQ(changed("name: \"m\"\n", on), "name: \"m\"\ndynamic_batching { }\n");
    EXPECT_EQ(changed(kConfig, delay), replaced(kConfig, "microseconds: 500", "microseconds: 2000"));
    EXPECT_EQ(changed("name: \"m\"\n", delay), "name: \"m\"\ndynamic_batching { max_queue_delay_microseconds: 2000 }\n");
}

TEST(ModelConfigChanges, ATextWhoseBracesDoNotMatchIsRefused)
{
    ModelConfigChanges changes;
    changes.instances = 2;
    EXPECT_EQ(changed("instance_group [ { count: 1 }", changes), "the configuration of the model ends within a block");
    EXPECT_EQ(changed("instance_group [ { count: 1 ]", changes), "a ']' of the model's configuration closes nothing");
    EXPECT_EQ(changed("}", changes), "the model's configuration has a '}' where a name should be");
}

} // namespace
} // namespace gantry::cli
