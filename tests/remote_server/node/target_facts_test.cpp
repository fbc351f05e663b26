#include "remote_server/node/target_facts.h"

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/report/meta_keys.h"

#include <chrono>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <string>
#include <sys/stat.h>
#include <vector>

namespace gantry::node {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::Not;
using testing::Pair;

const std::string kEnvironment = report::meta::kEnvironmentPrefix;

class TargetFacts : public testing::Test
{
protected:
    void write(const std::filesystem::path& path, const std::string& contents) const
    {
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << contents;
    }
    [[nodiscard]] std::filesystem::path process() const { return folder / "proc" / "7"; }

    test::TemporaryFolder folder;
    proto::Target target = [] {
        proto::Target made;
        made.pid = 7;
        return made;
    }();
};

TEST_F(TargetFacts, HoldTheCommandLineAndWhatConcernsTheGpuOfTheEnvironment)
{
    using namespace std::string_literals;
    target.argv = {"vllm", "serve", "--api-key", "sk-1", "--tensor-parallel-size", "2"};
    write(process() / "environ", "HOME=/home/x\0CUDA_VISIBLE_DEVICES=1\0NCCL_DEBUG=INFO\0VLLM_API_KEY=sk-1\0CUDA_INJECTION64_PATH=/x.so\0"s);
    const auto facts = targetFacts(target, folder / "proc");
    EXPECT_EQ(facts.at(report::meta::kTargetCommand), "vllm serve --api-key *** --tensor-parallel-size 2");
    EXPECT_THAT(facts, Contains(Pair(kEnvironment + "CUDA_VISIBLE_DEVICES", "1")));
    EXPECT_THAT(facts, Contains(Pair(kEnvironment + "CUDA_LAUNCH_BLOCKING", "(not set)")));
    EXPECT_THAT(facts, Contains(Pair(kEnvironment + "NCCL_DEBUG", "INFO")));
    EXPECT_THAT(facts, Contains(Pair(kEnvironment + "VLLM_API_KEY", "(not kept)")));
    EXPECT_THAT(facts, Not(Contains(Key(kEnvironment + "HOME"))));
    EXPECT_THAT(facts, Not(Contains(Key(kEnvironment + "CUDA_INJECTION64_PATH")))); // the capture's own
}

TEST_F(TargetFacts, HoldTheConfigurationsOfTheModelRepositoryAsTheTargetSeesIt)
{
    write(process() / "root" / "models" / "bert" / "config.pbtxt", "max_batch_size: 8\n");
    std::filesystem::create_directories(process() / "root" / "models" / "no_config" / "1");
    for (const std::vector<std::string>& argv :
         {std::vector<std::string>{"tritonserver", "--model-repository=/models"}, std::vector<std::string>{"tritonserver", "--model-repository", "/models"}}) {
        target.argv = argv;
        const auto facts = targetFacts(target, folder / "proc");
        EXPECT_THAT(facts, Contains(Pair(std::string(report::meta::kModelConfigPrefix) + "bert", "max_batch_size: 8\n")));
        EXPECT_THAT(facts, Not(Contains(Key(HasSubstr("no_config")))));
    }
}

TEST_F(TargetFacts, LeaveOutWhatMayBeSecretInAConfigurationAndInTheLineOfAShell)
{
    target.argv = {"sh", "-c", "OMP_NUM_THREADS=4 HF_TOKEN=hf_x tritonserver", "--model-repository=/models"};
    write(
        process() / "root" / "models" / "llm" / "config.pbtxt",
        "parameters { key: \"api_key\" value { string_value: \"sk-1\" } }\nparameters { key: \"layers\" value { string_value: \"12\" } }\n"
        "parameters [{ key: 'source' value { string_value: 'https://me:pw@host/x' } }]\n");
    const auto facts = targetFacts(target, folder / "proc");
    EXPECT_EQ(facts.at(report::meta::kTargetCommand), "sh -c OMP_NUM_THREADS=4 HF_TOKEN=*** tritonserver --model-repository=/models");
    EXPECT_EQ(facts.at(std::string(report::meta::kModelConfigPrefix) + "llm"),
              "parameters { key: \"api_key\" value { string_value: \"(not kept)\" } }\nparameters { key: \"layers\" value { string_value: "
              "\"12\" } }\n"
              "parameters [{ key: 'source' value { string_value: 'https://me:***@host/x' } }]\n");
}

TEST_F(TargetFacts, NeverLeaveTheRootOfTheProcessAndDoNotWaitForAFifo)
{
    target.argv = {"tritonserver", "--model-repository=/models"};
    write(folder / "secret", "of the node");
    const auto models = process() / "root" / "models";
    for (const char* model : {"link", "fifo", "inside", "large"})
        std::filesystem::create_directories(models / model);
    std::filesystem::create_symlink(folder / "secret", models / "link" / "config.pbtxt");
    ASSERT_EQ(mkfifo((models / "fifo" / "config.pbtxt").c_str(), 0600), 0);
    write(process() / "root" / "shared.pbtxt", "max_batch_size: 4");
    std::filesystem::create_symlink("/shared.pbtxt", models / "inside" / "config.pbtxt"); // as the process sees it
    write(models / "large" / "config.pbtxt", std::string(70'000, ' '));
    const auto facts = targetFacts(target, folder / "proc");
    const std::string prefix = report::meta::kModelConfigPrefix;
    EXPECT_THAT(facts, Contains(Pair(prefix + "inside", "max_batch_size: 4")));
    for (const char* model : {"link", "fifo", "large"})
        EXPECT_THAT(facts, Not(Contains(Key(prefix + model))));
}

TEST_F(TargetFacts, OfAnEnvironmentThatIsTooLongDoNotSayWhatIsNotSet)
{
    write(process() / "environ",
          "NCCL_DEBUG=INFO" + std::string(1, '\0') + "A=" + std::string(2 << 20, 'x') + std::string(1, '\0') + "CUDA_VISIBLE_DEVICES=1");
    const auto facts = targetFacts(target, folder / "proc");
    EXPECT_THAT(facts, Contains(Pair(kEnvironment + "NCCL_DEBUG", "INFO")));
    EXPECT_THAT(facts, Not(Contains(Key(kEnvironment + "CUDA_VISIBLE_DEVICES"))));
}

TEST_F(TargetFacts, OfWhatCannotBeReadAreNone)
{
    EXPECT_TRUE(targetFacts(target, folder / "proc").empty());
    target.argv = {"tritonserver", "--model-repository"};
    EXPECT_EQ(targetFacts(target, folder / "proc").size(), 1u); // the command line
}

TEST_F(TargetFacts, AreReadOfARealProcess)
{
    test::ChildProcess::Options options;
    options.environment = {{"CUDA_VISIBLE_DEVICES", "3"}};
    const test::ChildProcess child({"/bin/sleep", "60"}, options);
    proto::Target real;
    real.pid = child.pid();
    // The child is this program, with its environment, until it has become the other one.
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    std::map<std::string, std::string> facts;
    while (facts[report::meta::kTargetCommand] != "/bin/sleep 60" && std::chrono::steady_clock::now() < deadline)
        facts = targetFacts(real);
    EXPECT_EQ(facts[kEnvironment + "CUDA_VISIBLE_DEVICES"], "3");
    EXPECT_EQ(facts[report::meta::kTargetCommand], "/bin/sleep 60");
}

} // namespace
} // namespace gantry::node
