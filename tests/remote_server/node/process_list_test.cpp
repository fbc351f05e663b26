#include "remote_server/node/process_list.h"

#include "remote_server/node/patient_disk_room.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <future>
#include <unistd.h>

namespace gantry::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

ProcessEntry entry(int pid, int parent, int group)
{
    ProcessEntry process;
    process.pid = pid;
    process.parent = parent;
    process.group = group;
    return process;
}

proto::Target target(const std::string& id, int pid)
{
    proto::Target result;
    result.id = id;
    result.pid = pid;
    result.state = proto::TargetState::Running;
    return result;
}

const proto::NodeProcess* find(const proto::ProcessList& list, int pid)
{
    const auto found = std::find_if(list.processes.begin(), list.processes.end(), [&](const auto& process) { return process.pid == pid; });
    return found == list.processes.end() ? nullptr : &*found;
}

/// The process that the fake NVML sees on a GPU, for as long as this lives.
class OnFakeGpu
{
public:
    explicit OnFakeGpu(int pid) { setenv("GANTRY_FAKE_NVML_PID", std::to_string(pid).c_str(), 1); }
    OnFakeGpu(const OnFakeGpu&) = delete;
    OnFakeGpu& operator=(const OnFakeGpu&) = delete;
    ~OnFakeGpu() { unsetenv("GANTRY_FAKE_NVML_PID"); }
};

TEST(ProcessTable, ReadsNamesWithBlanksAndParenthesesAndSkipsWhatHasEnded)
{
    const test::TemporaryFolder proc;
    const auto put = [&](const std::string& pid, const std::string& stat) {
        std::filesystem::create_directory(proc / pid);
        test::writeFile(proc / pid / "stat", stat);
    };
    put("7", "7 (a) (b) S) R 3 5 5 0 -1 0 1 1 1 1 150 50 0 0 20 0 1 0 900 1000 25 0");
    put("8", "8 (gone) Z 3 5 5 0 -1 0 1 1 1 1 0 0 0 0 20 0 1 0 900 1000 25 0");
    put("9", "9 (cut");
    put("self", "7 (a) S 1 1 1 0");
    test::writeFile(proc / "7" / "cmdline", std::string("python\0-m\0vllm\0", 15));
    const auto processes = readProcesses(proc.path());
    ASSERT_EQ(processes.size(), 1U);
    EXPECT_EQ(processes[0].name, "a) (b) S");
    EXPECT_EQ(processes[0].parent, 3);
    EXPECT_EQ(processes[0].group, 5);
    EXPECT_EQ(processes[0].cpuTicks, 200U);
    EXPECT_EQ(processes[0].startTicks, 900U);
    EXPECT_EQ(processes[0].residentBytes, 25U * static_cast<unsigned>(sysconf(_SC_PAGESIZE)));
    EXPECT_EQ(processes[0].owner, geteuid());
    EXPECT_THAT(commandLineOf(proc.path(), 7, 4096), ElementsAre("python", "-m", "vllm"));
    EXPECT_THAT(commandLineOf(proc.path(), 7, 8), ElementsAre("python", "-")) << "cut";
    EXPECT_TRUE(commandLineOf(proc.path(), 99, 4096).empty());
}

TEST(ProcessList, GivesEachProcessToTheTargetOfItsParentsOrOfItsGroup)
{
    std::vector<proto::Target> targets{target("t1", 10), target("t2", 20), target("t3", 30)};
    targets[2].state = proto::TargetState::Exited;
    targets.push_back(target("p40", 40));
    targets.back().adopted = true;
    targets.back().processes.push_back({40, "python", true, true});
    // A worker of a worker; one that left its parent; one of a group of its own; a loop of parents; one beside all targets.
    const auto owners =
        targetsOfProcesses({entry(1, 0, 1), entry(10, 1, 10), entry(11, 10, 10), entry(12, 11, 12), entry(13, 1, 10), entry(20, 1, 20),
                            entry(31, 30, 30), entry(40, 1, 40), entry(41, 40, 40), entry(50, 51, 50), entry(51, 50, 50), entry(60, 1, 60)},
                           targets);
    const std::map<int, std::string> expected{{10, "t1"}, {11, "t1"}, {12, "t1"}, {13, "t1"}, {20, "t2"}, {40, "p40"}, {41, "p40"}};
    EXPECT_EQ(owners, expected);
}

TEST(ProcessList, JoinsWhatTheDriverAndTheKernelSayOfAProcess)
{
    const OnFakeGpu onGpu(getpid());
    ProcessLister lister({"/proc", FAKE_NVML, 2s, &commandLineOf});
    const auto list = lister.list({target("t1", getpid())});
    EXPECT_EQ(list.noGpuUseReason, "");
    const proto::NodeProcess* self = find(list, getpid());
    ASSERT_TRUE(self);
    EXPECT_EQ(self->targetId, "t1");
    EXPECT_THAT(self->executable, HasSubstr("remote_server_node_test"));
    EXPECT_FALSE(self->argv.empty());
    EXPECT_GT(self->residentBytes.value_or(0), 1U << 20);
    EXPECT_NEAR(static_cast<double>(self->startedUtcNs), static_cast<double>(time(nullptr)) * 1e9, 600e9);
    ASSERT_EQ(self->gpus.size(), 1U) << "once, though it is in the lists of CUDA and of graphics";
    EXPECT_EQ(self->gpus[0].gpu, 0U);
    EXPECT_EQ(self->gpus[0].memoryBytes, 512U << 20);
    ASSERT_TRUE(self->gpus[0].smRatio);
    EXPECT_DOUBLE_EQ(*self->gpus[0].smRatio, 0.5) << "of 40 % and 60 %; what is out of range does not count";

    const proto::NodeProcess* first = find(list, 1);
    ASSERT_TRUE(first);
    EXPECT_FALSE(first->gpus.at(0).memoryBytes) << "not told is not zero";
    const proto::NodeProcess* elsewhere = find(list, 0x7FFFFFF0);
    ASSERT_TRUE(elsewhere) << "one that NVML names and /proc does not";
    EXPECT_EQ(elsewhere->executable, "");
    EXPECT_EQ(elsewhere->gpus.at(0).gpu, 1U);
}

TEST(ProcessList, TellsTheCpuTimeSinceItWasAskedLast)
{
    test::ChildProcess busy({"/bin/sh", "-c", "while :; do :; done"});
    ProcessLister lister({"/proc", "libnvidia-ml-that-is-not-there.so", 2s, &commandLineOf});
    const auto cores = [&] {
        const auto list = lister.list({target("t1", busy.pid())});
        const proto::NodeProcess* process = find(list, busy.pid());
        return process ? process->cpuCores : std::nullopt;
    };
    EXPECT_FALSE(cores()) << "nothing is known the first time";
    std::optional<double> measured;
    ASSERT_TRUE(test::eventually([&] { return (measured = cores()).has_value() && *measured > 0.02; }));
    EXPECT_LE(*measured, 1.5);
    EXPECT_EQ(cores(), measured) << "asked again at once, as by a second client, the last value stands";
}

TEST(ProcessList, SaysWhyNothingIsKnownOfGpusAndListsTargetsAllTheSame)
{
    ProcessLister lister({"/proc", "libnvidia-ml-that-is-not-there.so", 2s, &commandLineOf});
    const auto list = lister.list({target("t1", getpid())});
    EXPECT_THAT(list.noGpuUseReason, HasSubstr("no GPU: "));
    ASSERT_TRUE(find(list, getpid()));
    EXPECT_TRUE(find(list, getpid())->gpus.empty());
}

TEST(ProcessList, TellsWhatIsKnownThoughAProcessCannotBeReadAndDoesNotReadItAgainMeanwhile)
{
    test::ChildProcess stuck({"/bin/sleep", "600"}), fine({"/bin/sleep", "600"});
    auto release = std::make_shared<std::promise<void>>();
    auto asked = std::make_shared<std::atomic<int>>(0);
    ProcessLister::Options options{"/proc", "libnvidia-ml-that-is-not-there.so", 300ms, {}};
    options.commandLine = [asked, pid = stuck.pid(), released = release->get_future().share()](const auto& proc, int of, std::size_t most) {
        if (of == pid) {
            ++*asked;
            released.wait(); // as reading one whose memory is locked by something in the kernel
        }
        return commandLineOf(proc, of, most);
    };
    ProcessLister lister(options);
    auto hanging = target("t1", stuck.pid());
    hanging.argv = {"serve", "--big"};
    for (int i = 0; i < 3; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const auto list = lister.list({hanging, target("t2", fine.pid())});
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
        EXPECT_THAT(list.incompleteReason, HasSubstr("process " + std::to_string(stuck.pid()) + " hangs"));
        const proto::NodeProcess* process = find(list, stuck.pid());
        ASSERT_TRUE(process);
        EXPECT_EQ(process->targetId, "t1") << "gantryd launched it";
        EXPECT_THAT(process->argv, ElementsAre("serve", "--big"));
        ASSERT_TRUE(find(list, fine.pid()));
        EXPECT_EQ(find(list, fine.pid())->targetId, "t2");
    }
    EXPECT_EQ(*asked, 1) << "never are two threads stuck";
    release->set_value();
    EXPECT_TRUE(test::eventually([&] {
        const auto list = lister.list({hanging, target("t2", fine.pid())});
        return list.incompleteReason.empty() && find(list, fine.pid())->residentBytes;
    })) << "once it answers again";
}

TEST(ProcessList, ListsTargetsThoughTheDriverHangs)
{
    const test::TemporaryFolder folder;
    test::writeFile(folder / "hangs", "");
    setenv("GANTRY_FAKE_NVML_HANGS", (folder / "hangs").c_str(), 1);
    const OnFakeGpu onGpu(getpid());
    ProcessLister lister({"/proc", FAKE_NVML, 400ms, &commandLineOf});
    for (int i = 0; i < 2; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const auto list = lister.list({target("t1", getpid())});
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
        EXPECT_THAT(list.noGpuUseReason, HasSubstr("the driver does not answer"));
        EXPECT_EQ(list.incompleteReason, "");
        ASSERT_TRUE(find(list, getpid()));
        EXPECT_TRUE(find(list, getpid())->residentBytes);
    }
    std::filesystem::remove(folder / "hangs");
    EXPECT_TRUE(test::eventually([&] { return lister.list({}).noGpuUseReason.empty(); }));
    unsetenv("GANTRY_FAKE_NVML_HANGS");
}

TEST(PatientDiskRoom, SaysThatAFileSystemDoesNotAnswerAndAsksItOnceUntilItDoes)
{
    auto release = std::make_shared<std::promise<void>>();
    auto asked = std::make_shared<std::atomic<int>>(0);
    const PatientDiskRoom room(100ms, [asked, released = release->get_future().share()](const std::filesystem::path&) {
        if (++*asked == 1)
            released.wait(); // as statvfs() on a mount whose server is gone
        return Result<DiskRoom>(DiskRoom{7, 8, false});
    });
    const PatientDiskRoom copy = room;
    for (int i = 0; i < 3; ++i) {
        const auto answer = (i == 1 ? copy : room)("/mnt/reports");
        ASSERT_FALSE(answer);
        EXPECT_EQ(answer.error().code, ErrorCode::Unreachable);
        EXPECT_THAT(answer.error().message, HasSubstr("/mnt/reports does not answer"));
    }
    EXPECT_EQ(*asked, 1);
    release->set_value();
    EXPECT_TRUE(test::eventually([&] { return room("/mnt/reports").hasValue(); }));
}

} // namespace
} // namespace gantry::node
