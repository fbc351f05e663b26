#include "app/cli/recording_privacy.h"

#include "trace_model/base/secret_words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::cli {
namespace {

using testing::ElementsAre;

std::vector<std::string> masked(std::vector<std::string> argv)
{
    maskSecrets(argv);
    return argv;
}

TEST(RecordingPrivacy, TakesTheValuesOfSecretsOutOfArguments)
{
    EXPECT_THAT(masked({"vllm", "serve", "--api-key", "sk-1", "--port", "8000"}),
                ElementsAre("vllm", "serve", "--api-key", "***", "--port", "8000"));
    EXPECT_THAT(masked({"env", "HF_TOKEN=hf_1", "--hf-token=hf_2", "AWS_SECRET_ACCESS_KEY=x", "--password=y"}),
                ElementsAre("env", "HF_TOKEN=***", "--hf-token=***", "AWS_SECRET_ACCESS_KEY=***", "--password=***"));
    EXPECT_THAT(masked({"--repository", "https://me:pw@host/models", "s3://key@bucket", "http://host:80/a@b"}),
                ElementsAre("--repository", "https://me:***@host/models", "s3://***@bucket", "http://host:80/a@b"));
    EXPECT_THAT(masked({"--token", "--verbose", "x"}), ElementsAre("--token", "--verbose", "x")) << "it takes no value here";
}

TEST(RecordingPrivacy, LeavesWhatServersCallTokensAlone)
{
    const std::vector<std::string> argv{
        "--max-num-batched-tokens", "8192", "--tokenizer=auto", "--tokens=7", "--ssl-keyfile", "/k", "--key", "v"};
    EXPECT_EQ(masked(argv), argv);
}

TEST(RecordingPrivacy, TakesSecretsOutOfLinesOfLogs)
{
    EXPECT_EQ(maskedLine("args: Namespace(api_key='sk-1', port=8000)  took 3 ms"), "args: Namespace(api_key=***, port=8000)  took 3 ms");
    EXPECT_EQ(maskedLine("Authorization: Bearer abc"), "Authorization: Bearer ***");
    EXPECT_EQ(maskedLine("token: abc, tokens: 12"), "token: ***, tokens: 12");
    EXPECT_EQ(maskedLine("authorization: basic abc"), "authorization: basic ***");
    EXPECT_EQ(maskedLine("HF_TOKEN=\"a b c\" run"), "HF_TOKEN=*** *** *** run");
    EXPECT_EQ(maskedLine("redis://u:p@ss@host/0"), "redis://u:***@host/0");
    EXPECT_EQ(maskedLine("I0611 12:00 GPU 0: ready (model bert)"), "I0611 12:00 GPU 0: ready (model bert)");
}

TEST(RecordingPrivacy, KeepsNoCommandLinesOfOtherUsersAndOnlyThoseOfTheirProcessesThatUseAGpu)
{
    proto::NodeRecording recording;
    recording.node.userName = "me";
    const auto process = [](int pid, const char* user, bool usesGpu) {
        proto::NodeProcess made;
        made.pid = pid;
        made.user = user;
        made.executable = "/usr/bin/python3";
        made.argv = {"python3", "--password", "x"};
        if (usesGpu)
            made.gpus.push_back({});
        return made;
    };
    recording.processes = proto::ProcessList{{process(1, "me", false), process(2, "other", true), process(3, "other", false)}, "", ""};
    proto::Target target;
    target.argv = {"serve", "--token=x"};
    recording.targets.push_back(target);
    keepPrivate(recording);
    const auto& kept = recording.processes->processes;
    ASSERT_EQ(kept.size(), 2U);
    EXPECT_THAT(kept[0].argv, ElementsAre("python3", "--password", "***"));
    EXPECT_EQ(kept[1].pid, 2);
    EXPECT_THAT(kept[1].argv, ElementsAre());
    EXPECT_EQ(kept[1].executable, "/usr/bin/python3");
    EXPECT_THAT(recording.targets[0].argv, ElementsAre("serve", "--token=***"));
}

} // namespace
} // namespace gantry::cli
