#include "remote_server/node/readiness/readiness.h"

#include "remote_server/capture/library_version.h"
#include "remote_server/node/readiness/cupti_check.h"
#include "tests/remote_server/node/lost_fake_gpu.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <future>
#include <sys/stat.h>

namespace gantry::node {
namespace {

using proto::ReadinessItem;
using proto::ReadinessLevel;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using namespace std::chrono_literals;

constexpr const char* kAllCapabilities = "000001ffffffffff";
constexpr const char* kNoCapabilities = "0000000000000000";

/// A node that is as it should be, made of files in a folder.
class ReadinessTest : public testing::Test
{
protected:
    ReadinessTest()
    {
        put("proc/1/stat", "1 (systemd) S 0 1 1 0 -1 4194560 1 1 1 1 10 20 0 0 20 0 1 0 5 1000 100 0");
        put("proc/self/cgroup", "0::/user.slice\n");
        put("proc/self/limits",
            "Limit                     Soft Limit  Hard Limit  Units\nMax locked memory         unlimited   unlimited   bytes\n");
        put("proc/self/timens_offsets", "monotonic           0         0\nboottime            0         0\n");
        put("proc/net/tcp",
            "  sl  local_address rem_address   st\n   0: 0100007F:1F90 00000000:0000 0A\n   1: 0100007F:15B3 0100007F:9999 01\n");
        put("proc/sys/kernel/perf_event_paranoid", "2\n");
        put("proc/driver/nvidia/params", "RmProfilingAdminOnly: 0\nOther: 1\n");
        put("sys/devices/system/clocksource/clocksource0/current_clocksource", "tsc\n");
        setCapabilities(kNoCapabilities);
        inputs.root = folder.path();
        inputs.nvmlLibrary = FAKE_NVML;
        inputs.reportFolder = folder / "reports";
        std::filesystem::create_directory(inputs.reportFolder);
        inputs.captureLibrary = folder / "libgantry_capture.so";
        writeLibrary(GANTRY_VERSION);
        inputs.gpuSampler = program("sampler", R"(echo '{"path":"/cuda/libcupti.so.12","version":26}')");
        inputs.nsysPlaces.program = program("nsys", "echo NVIDIA Nsight Systems version 2025.1.1.110-251135540420v0");
        inputs.contextSwitches = [] { return Result<void>(); };
        inputs.diskRoom = [](const std::filesystem::path&) {
            return Result<DiskRoom>(DiskRoom{std::uint64_t{50} << 30, std::uint64_t{100} << 30, false});
        };
        inputs.clock = [] { return Result<ClockState>(ClockState{true, 1200}); };
    }

    void put(const std::string& name, const std::string& text)
    {
        std::filesystem::create_directories((folder / name).parent_path());
        test::writeFile(folder / name, text);
    }
    void setCapabilities(const std::string& mask, const std::string& seccomp = "0")
    {
        put("proc/self/status", "Name:\tgantryd\nCapEff:\t" + mask + "\nSeccomp:\t" + seccomp + "\n");
    }
    void writeLibrary(const std::string& version)
    {
        std::string bytes = "\177ELF…" + std::string(capture::kVersionMark) + version;
        bytes.push_back('\0');
        test::writeFile(inputs.captureLibrary, bytes);
        ::chmod(inputs.captureLibrary.c_str(), 0755);
    }
    std::filesystem::path program(const std::string& name, const std::string& script)
    {
        test::writeFile(folder / name, "#!/bin/sh\n" + script + "\n");
        std::filesystem::permissions(folder / name, std::filesystem::perms::owner_all);
        return folder / name;
    }
    [[nodiscard]] proto::ReadinessReport report() const { return Readiness(inputs).check(); }
    static ReadinessItem itemOf(const proto::ReadinessReport& report, const std::string& topic)
    {
        const auto found = std::find_if(report.items.begin(), report.items.end(), [&](const auto& item) { return item.topic == topic; });
        return found == report.items.end() ? ReadinessItem{"no such line", ReadinessLevel::Unknown, {}, {}, {}} : *found;
    }
    [[nodiscard]] ReadinessItem item(const std::string& topic) const { return itemOf(report(), topic); }
    /// Not as it should be: there is an effect, and what to do.
    static void expectTrouble(const ReadinessItem& item, ReadinessLevel level, const std::string& finding, const std::string& fix)
    {
        EXPECT_EQ(name(item.level), std::string(name(level))) << item.topic << ": " << item.finding;
        EXPECT_THAT(item.finding, HasSubstr(finding));
        EXPECT_THAT(item.effect, Not(IsEmpty())) << item.topic;
        EXPECT_THAT(item.fix, HasSubstr(fix)) << item.topic;
    }

    test::TemporaryFolder folder;
    ReadinessInputs inputs;
};

TEST_F(ReadinessTest, ANodeThatIsAsItShouldBeHasNothingToMendButItsSickGpu)
{
    const auto all = report();
    EXPECT_GT(all.checkedUtcNs, 0);
    for (const ReadinessItem& item : all.items) {
        EXPECT_THAT(item.finding, Not(IsEmpty())) << item.topic;
        if (item.topic == "gpu 1")
            continue;
        EXPECT_EQ(name(item.level), std::string("ok")) << item.topic << ": " << item.finding;
        EXPECT_THAT(item.fix, IsEmpty()) << item.topic;
    }
    for (const char* topic :
         {"driver", "gpu 0", "gpu 1", "gpu counters", "counter clients", "cupti", "injection", "capture library", "context switches",
          "memory lock", "disk", "shared memory", "clock source", "clock sync", "container", "time namespace", "nsys"})
        EXPECT_EQ(itemOf(all, topic).topic, topic);
    EXPECT_THAT(itemOf(all, "driver").finding, HasSubstr("580.65.06, for CUDA up to 13.0, with 2 GPUs"));
    EXPECT_THAT(itemOf(all, "cupti").finding, HasSubstr("CUDA 12.8 is in /cuda/libcupti.so.12. It fits"));
    EXPECT_THAT(itemOf(all, "nsys").finding, HasSubstr("2025.1.1.110"));
}

TEST_F(ReadinessTest, SaysWhatIsWrongWithAGpu)
{
    const ReadinessItem sick = item("gpu 1");
    expectTrouble(sick, ReadinessLevel::Limited, "Fake A2: 2 uncorrected memory errors since the driver was loaded.",
                  "nvidia-smi --gpu-reset -i 1");
    EXPECT_THAT(sick.finding, HasSubstr("wait to be remapped"));
    EXPECT_THAT(sick.finding, HasSubstr("held down by heat"));
    EXPECT_THAT(sick.finding, HasSubstr("400 W, below the default of 700 W"));
    EXPECT_THAT(sick.finding, HasSubstr("MIG"));
    EXPECT_THAT(sick.finding, HasSubstr("Not known: persistence mode"));
    EXPECT_THAT(sick.fix, HasSubstr("-pl 700"));
}

TEST_F(ReadinessTest, AGpuThatFellOffTheBusBlocksAndTheDriverIsNotFine)
{
    const test::LostFakeGpu lost;
    const auto all = report();
    expectTrouble(itemOf(all, "gpu 1"), ReadinessLevel::Blocked, "GPU 1 is lost: it does not answer: GPU is lost.",
                  "sudo nvidia-smi --gpu-reset -i 1");
    EXPECT_THAT(itemOf(all, "gpu 1").fix, HasSubstr("Xid"));
    EXPECT_THAT(itemOf(all, "gpu 1").fix, HasSubstr("reboot"));
    expectTrouble(itemOf(all, "driver"), ReadinessLevel::Limited, "with 2 GPUs, of which 1 no longer answers.", "lines of the GPUs");
    EXPECT_EQ(itemOf(all, "gpu 0").level, ReadinessLevel::Ok);
}

TEST_F(ReadinessTest, AGpuWithoutEccIsNotSaidToHaveNoMemoryErrors)
{
    EXPECT_THAT(item("gpu 0").finding, HasSubstr("no memory errors since the driver was loaded"));
    setenv("GANTRY_FAKE_NVML_NO_ECC", "1", 1);
    const ReadinessItem gpu = item("gpu 0");
    unsetenv("GANTRY_FAKE_NVML_NO_ECC");
    EXPECT_EQ(gpu.level, ReadinessLevel::Ok);
    EXPECT_THAT(gpu.finding, HasSubstr("memory errors are not counted (it has no ECC, or it is off)"));
    EXPECT_THAT(gpu.finding, Not(HasSubstr("no memory errors")));
}

TEST_F(ReadinessTest, WithoutADriverNothingOfTheGpuCanBeCapturedAndTheRestIsUnknownNotFine)
{
    inputs.nvmlLibrary = "libnvidia-ml-that-is-not-there.so";
    std::filesystem::remove_all(folder / "proc/driver");
    const auto all = report();
    expectTrouble(itemOf(all, "driver"), ReadinessLevel::Blocked, "No GPU: ", "install NVIDIA's driver");
    EXPECT_EQ(itemOf(all, "gpu counters").level, ReadinessLevel::Unknown);
    EXPECT_THAT(itemOf(all, "gpu counters").finding, HasSubstr("No such file"));
    EXPECT_EQ(itemOf(all, "cupti").level, ReadinessLevel::Unknown) << "whether it fits a driver that is not there";
    EXPECT_EQ(all.worst(), ReadinessLevel::Blocked);
}

TEST_F(ReadinessTest, WhatCannotBeReadIsUnknownAndSaysWhy)
{
    inputs.root = folder / "empty";
    inputs.gpuSampler.clear();
    inputs.diskRoom = [](const std::filesystem::path&) { return Result<DiskRoom>(errnoError(ESTALE, "statvfs")); };
    inputs.clock = [] { return Result<ClockState>(errnoError(EPERM, "adjtimex")); };
    const auto all = report();
    for (const char* topic :
         {"gpu counters", "counter clients", "cupti", "memory lock", "disk", "shared memory", "clock source", "clock sync", "container"}) {
        EXPECT_EQ(itemOf(all, topic).level, ReadinessLevel::Unknown) << topic << ": " << itemOf(all, topic).finding;
        EXPECT_THAT(itemOf(all, topic).finding, HasSubstr("cannot be looked at: ")) << topic;
    }
}

TEST_F(ReadinessTest, CountersAreLimitedForUsersAndOpenForAdministrators)
{
    put("proc/driver/nvidia/params", "RmProfilingAdminOnly: 1\n");
    expectTrouble(item("gpu counters"), ReadinessLevel::Limited, "administrators", "NVreg_RestrictProfilingToAdminUsers=0");
    setCapabilities("0000004000000000"); // CAP_PERFMON alone
    EXPECT_EQ(item("gpu counters").level, ReadinessLevel::Ok);
    setCapabilities(kAllCapabilities);
    EXPECT_EQ(item("gpu counters").level, ReadinessLevel::Ok);
    put("proc/driver/nvidia/params", "Other: 1\n");
    EXPECT_EQ(item("gpu counters").level, ReadinessLevel::Unknown);
}

TEST_F(ReadinessTest, CountersAreJudgedByTheRightsOfTargetsToo)
{
    put("proc/driver/nvidia/params", "RmProfilingAdminOnly: 1\n");
    setCapabilities(kAllCapabilities);
    put("proc/70/status", std::string("Name:\tserve\nUid:\t0\nCapEff:\t") + kAllCapabilities + "\n");
    put("proc/71/status", std::string("Name:\tserve\nUid:\t1000\nCapEff:\t") + kNoCapabilities + "\n");
    put("proc/72/status", std::string("Name:\tserve\nUid:\t0\nCapEff:\t") + kAllCapabilities + "\n");
    for (const auto& [process, space] : {std::pair{"self", "user:[1]"}, {"70", "user:[1]"}, {"72", "user:[2]"}}) {
        std::filesystem::create_directories(folder / "proc" / process / "ns");
        std::filesystem::create_symlink(space, folder / "proc" / process / "ns/user");
    }
    Readiness readiness(inputs);
    EXPECT_EQ(itemOf(readiness.check({{"t1", "serve", 70}}), "gpu counters").level, ReadinessLevel::Ok);
    const auto counters =
        itemOf(readiness.check({{"t1", "serve", 70}, {"t2", "user", 71}, {"t3", "rootless", 72}, {"t4", "gone", 73}}), "gpu counters");
    expectTrouble(
        counters, ReadinessLevel::Note,
        "Without the right themselves: target t2 (user, process 71), t3 (rootless, process 72), t4 (gone, process 73, not known).",
        "CAP_PERFMON");
    put("proc/driver/nvidia/params", "RmProfilingAdminOnly: 0\n");
    EXPECT_EQ(itemOf(readiness.check({{"t2", "user", 71}}), "gpu counters").level, ReadinessLevel::Ok) << "they are open to all";
}

TEST_F(ReadinessTest, FindsWhoMayHoldTheCounters)
{
    put("proc/77/stat", "77 (nv-hostengine) S 1 1 1 0 -1 0 1 1 1 1 10 20 0 0 20 0 1 0 5 1000 100 0");
    EXPECT_EQ(item("counter clients").level, ReadinessLevel::Note) << "from Hopper on both have them";
    EXPECT_THAT(item("counter clients").finding, HasSubstr("DCGM"));
    std::filesystem::remove_all(folder / "proc/77");
    put("proc/net/tcp6", "  sl  local rem st\n 0: 00000000000000000000000000000000:15B3 00000000000000000000000000000000:0000 0A\n");
    EXPECT_THAT(item("counter clients").finding, HasSubstr("DCGM")) << "that of another container, by its port";
    std::filesystem::remove(folder / "proc/net/tcp6");
    put("proc/78/stat", "78 (nsys) S 1 1 1 0 -1 0 1 1 1 1 10 20 0 0 20 0 1 0 5 1000 100 0");
    EXPECT_THAT(item("counter clients").finding, HasSubstr("nsys (78)"));
    put("proc/79/stat", "79 (nvidia-cuda-mps) S 1 1 1 0 -1 0 1 1 1 1 10 20 0 0 20 0 1 0 5 1000 100 0");
    EXPECT_EQ(item("mps").level, ReadinessLevel::Note);
}

TEST_F(ReadinessTest, DoesNotSayThatNobodyElseRecordsWhereOthersAreHidden)
{
    std::filesystem::remove_all(folder / "proc/1");
    EXPECT_EQ(item("counter clients").level, ReadinessLevel::Unknown);
    put("proc/1/stat", "1 (tini) S 0 1 1 0 -1 0 1 1 1 1 10 20 0 0 20 0 1 0 5 1000 100 0");
    put(".dockerenv", "");
    EXPECT_EQ(item("counter clients").level, ReadinessLevel::Note);
    EXPECT_THAT(item("counter clients").finding, HasSubstr("not seen from this container (docker)"));
    EXPECT_EQ(item("container").level, ReadinessLevel::Note);
}

TEST_F(ReadinessTest, SaysThatAnotherProfilerWouldTakeTheTargets)
{
    inputs.environment["NVTX_INJECTION64_PATH"] = inputs.captureLibrary;
    EXPECT_EQ(item("injection").level, ReadinessLevel::Ok) << "our own";
    inputs.environment["CUDA_INJECTION64_PATH"] = "/opt/other/libother.so";
    expectTrouble(item("injection"), ReadinessLevel::Limited, "/opt/other/libother.so", "unset CUDA_INJECTION64_PATH");
}

TEST_F(ReadinessTest, LooksForCuptiInAProgramThatMayCrashOrHang)
{
    inputs.gpuSampler = program("crashing", "kill -SEGV $$");
    EXPECT_EQ(item("cupti").level, ReadinessLevel::Unknown);
    EXPECT_THAT(item("cupti").finding, HasSubstr("ended with status 139"));
    inputs.gpuSampler = program("without", R"(echo '{"path":"","version":0}')");
    expectTrouble(item("cupti"), ReadinessLevel::Limited, "not among the libraries", "install CUPTI");
    inputs.gpuSampler = program("garbage", "echo hello");
    EXPECT_EQ(item("cupti").level, ReadinessLevel::Unknown);
    inputs.gpuSampler = program("liar", R"(echo '{"path":7,"version":"new"}')");
    EXPECT_EQ(item("cupti").level, ReadinessLevel::Unknown);
    inputs.gpuSampler =
        program("talkative", "echo 'a library warns {' >&2; echo '{\"path\":\"/c/libcupti.so.12\",\"version\":26}'; echo bye >&2");
    EXPECT_EQ(item("cupti").level, ReadinessLevel::Ok) << item("cupti").finding;
    inputs.patience = 300ms;
    inputs.gpuSampler = program("hanging", "echo $$ > " + (folder / "pid").string() + "\nexec sleep 600");
    EXPECT_EQ(item("cupti").level, ReadinessLevel::Unknown);
    const int pid = std::stoi(test::readFile(folder / "pid"));
    EXPECT_TRUE(test::eventually([&] { return !test::isRunning(pid); })) << "it is ended, not left behind";
}

TEST(Cupti, IsJudgedByTheDriverItNeedsAndByWhatIsKnownOfItsVersion)
{
    const auto level = [](std::uint32_t version, int driver) { return std::string(name(judgeCupti(version, "/l", driver).level)); };
    EXPECT_EQ(level(130001, 13000), "ok");
    EXPECT_EQ(level(26, 13000), "ok") << "CUPTI 12 runs on newer drivers";
    EXPECT_EQ(level(130001, 12080), "limited") << "CUPTI 13 needs R580";
    EXPECT_EQ(level(130000, 13000), "limited") << "its first version crashes targets";
    EXPECT_EQ(level(22, 12040), "note");
    EXPECT_EQ(level(130200, 13020), "note");
    EXPECT_EQ(level(130300, 13030), "ok");
    EXPECT_EQ(level(18, 13000), "limited");
    EXPECT_EQ(level(130001, 0), "unknown");
    EXPECT_THAT(judgeCupti(130001, "/l", 12080).finding,
                HasSubstr("CUDA 13.0 update 1 is in /l. It needs a driver for CUDA 13.0 (R580); this one is for CUDA up to 12.8"));
}

TEST_F(ReadinessTest, JudgesTheCaptureLibraryWithoutLoadingIt)
{
    writeLibrary("0.0.1");
    expectTrouble(item("capture library"), ReadinessLevel::Limited, "of version 0.0.1", "install the node bundle");
    writeLibrary(GANTRY_VERSION);
    ::chmod(inputs.captureLibrary.c_str(), 0777);
    expectTrouble(item("capture library"), ReadinessLevel::Limited, "can be changed by other users", "chmod go-w");
    test::writeFile(inputs.captureLibrary, "no library");
    EXPECT_EQ(item("capture library").level, ReadinessLevel::Blocked);
    std::filesystem::remove(inputs.captureLibrary);
    EXPECT_EQ(item("capture library").level, ReadinessLevel::Blocked);
    inputs.captureLibrary.clear();
    expectTrouble(item("capture library"), ReadinessLevel::Blocked, "not beside gantryd", "--capture-library");
}

TEST_F(ReadinessTest, JudgesTheRoomOnDisksAndWhetherItMayBeWritten)
{
    DiskRoom room{std::uint64_t{5} << 30, std::uint64_t{100} << 30, false};
    inputs.diskRoom = [&](const std::filesystem::path&) { return Result<DiskRoom>(room); };
    expectTrouble(item("disk"), ReadinessLevel::Note, "5.0 GiB of 100.0 GiB are free", "report policy");
    room.freeBytes = 100 << 20;
    expectTrouble(item("disk"), ReadinessLevel::Limited, "100 MiB", "report delete");
    room.isReadOnly = true;
    expectTrouble(item("disk"), ReadinessLevel::Blocked, "read-only", "--report-folder");
    room = {64 << 20, 64 << 20, false};
    expectTrouble(item("shared memory"), ReadinessLevel::Note, "64 MiB", "--shm-size");
    std::filesystem::remove(inputs.reportFolder);
    room = {std::uint64_t{50} << 30, std::uint64_t{100} << 30, false};
    expectTrouble(item("disk"), ReadinessLevel::Blocked, "cannot write", "chown");
}

TEST_F(ReadinessTest, JudgesClocksLimitsAndNamespaces)
{
    put("sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet\n");
    inputs.clock = [] { return Result<ClockState>(ClockState{false, 16'000'000}); };
    put("proc/self/timens_offsets", "monotonic      86400         0\n");
    put("proc/self/limits", "Max locked memory         65536                65536                bytes\n");
    inputs.contextSwitches = [] { return Result<void>(perfEventError(EACCES, 4)); };
    const auto all = report();
    expectTrouble(itemOf(all, "clock source"), ReadinessLevel::Limited, "hpet", "tsc");
    expectTrouble(itemOf(all, "clock sync"), ReadinessLevel::Note, "not synchronised", "timedatectl");
    expectTrouble(itemOf(all, "time namespace"), ReadinessLevel::Limited, "86400 s", "time namespace");
    expectTrouble(itemOf(all, "memory lock"), ReadinessLevel::Note, "64 KiB", "ulimit -l unlimited");
    expectTrouble(itemOf(all, "context switches"), ReadinessLevel::Limited, "perf_event_paranoid is 4", "perf_event_paranoid=2");
    setCapabilities(kAllCapabilities, "2");
    EXPECT_EQ(item("memory lock").level, ReadinessLevel::Ok) << "CAP_IPC_LOCK";
    EXPECT_THAT(item("container").finding, HasSubstr("seccomp"));
}

TEST_F(ReadinessTest, TellsXidErrorsOfTheKernelLogWhereItMayBeRead)
{
    put("dev/kmsg", "6,1,100,-;NVRM: Xid (PCI:0000:01:00): 31, pid=7, MMU Fault\n");
    EXPECT_EQ(item("xid").level, ReadinessLevel::Note) << "of a program";
    put("dev/kmsg",
        "6,1,100,-;NVRM: Xid (PCI:0000:01:00): 31, pid=7\n6,2,200,-;NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n");
    expectTrouble(item("xid"), ReadinessLevel::Limited,
                  "2 Xid errors since the node was booted: 1 of the hardware (last Xid 79), 1 of programs (last Xid 31).", "dmesg");
    put("dev/kmsg", "6,1,100,-;NVRM: Xid (PCI:0000:01:00): 63, Row Remapper: New row marked for remapping\n"
                    "6,2,200,-;NVRM: Xid (PCI:0000:01:00): 94, pid=7, Contained: SM (0x1)\n");
    EXPECT_EQ(item("xid").level, ReadinessLevel::Note) << "a remapped row and a contained error are no failure of the GPU";
    EXPECT_THAT(item("xid").finding, HasSubstr("1 of programs (last Xid 94), 1 for information (last Xid 63)"));
    put("dev/kmsg", "6,1,100,-;NVRM: Xid (PCI:0000:01:00): 63, Row Remapper: New row marked for remapping\n");
    expectTrouble(item("xid"), ReadinessLevel::Note, "1 for information (last Xid 63)", "none");
    put("dev/kmsg", "6,1,100,-;NVRM: Xid (PCI:0000:01:00): 95, Uncontained: FBHUB\n");
    EXPECT_EQ(item("xid").level, ReadinessLevel::Limited);
    put("dev/kmsg", "6,1,100,-;NVRM: Xid (PCI:0000\n6,1,100,-;NVRM: Xid (x): nothing");
    EXPECT_EQ(item("xid").topic, "no such line");
}

TEST_F(ReadinessTest, AnswersInTimeThoughAPartHangsAndDoesNotBeginItAgain)
{
    auto release = std::make_shared<std::promise<void>>();
    auto asked = std::make_shared<std::atomic<int>>(0);
    inputs.patience = 200ms;
    inputs.diskRoom = [asked, released = release->get_future().share()](const std::filesystem::path& path) -> Result<DiskRoom> {
        if (path.filename() == "reports") {
            ++*asked;
            released.wait(); // as statvfs() on a mount whose server is gone
        }
        return DiskRoom{std::uint64_t{50} << 30, std::uint64_t{100} << 30, false};
    };
    Readiness readiness(inputs);
    for (int i = 0; i < 3; ++i) {
        const auto begin = std::chrono::steady_clock::now();
        const auto all = readiness.check();
        EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
        EXPECT_EQ(itemOf(all, "disk").level, ReadinessLevel::Unknown);
        EXPECT_THAT(itemOf(all, "disk").finding, HasSubstr("no answer in 200 ms"));
        EXPECT_EQ(itemOf(all, "clock source").level, ReadinessLevel::Ok) << "the others are told";
    }
    EXPECT_EQ(*asked, 1);
    release->set_value();
    EXPECT_TRUE(test::eventually([&] { return itemOf(readiness.check(), "disk").level == ReadinessLevel::Ok; })) << "once it answers again";
}

TEST_F(ReadinessTest, APartThatThrowsIsUnknownAndTheOthersAreTold)
{
    inputs.clock = []() -> Result<ClockState> { throw std::runtime_error("a library failed"); };
    const auto all = report();
    EXPECT_EQ(itemOf(all, "clock sync").level, ReadinessLevel::Unknown);
    EXPECT_THAT(itemOf(all, "clock sync").finding, HasSubstr("a library failed"));
    EXPECT_EQ(itemOf(all, "clock source").level, ReadinessLevel::Ok);
}

} // namespace
} // namespace gantry::node
