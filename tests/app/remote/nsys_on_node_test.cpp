// Reports of Nsight Systems exported by a real gantryd with a script in nsys's stead.

#include "app/remote/nsys_on_node.h"

#include "tests/support/event_script.h"
#include "tests/support/fake_nsys.h"
#include "tests/support/node_fixture.h"
#include "trace_model/trace/trace_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdlib>
#include <stop_token>
#include <thread>

namespace gantry::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using test::NodeFixture;
using test::ProcessResult;
using testing::HasSubstr;
using testing::IsEmpty;

const test::Programs kPrograms{GANTRYD, {}, GANTRYCTL, {}};

constexpr const char* kEvents = "window 0..100000000\nprocess gantry-serve\nthread 12 bert_0\n"
                                "kernel gpu0/stream7 gemm 100000..140000 corr 1\nkernel gpu0/stream7 softmax 200000..250000 corr 2\n"
                                "memcpy gpu0/stream7 HtoD pageable 10000..20000 bytes 4096 corr 3\n"
                                "range 12 compute_infer 90000..140000\n";

class ExportingOnANode : public testing::Test
{
protected:
    void SetUp() override
    {
        // Of gantryctl, which some tests kill.
        ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
        ::setenv("TMPDIR", folder.path().c_str(), 1);
        nsys.install("copy");
        ASSERT_TRUE(test::writeEventScript(kEvents, nsys.exported()));
        node = std::make_unique<NodeFixture>(kPrograms, NodeFixture::Options{false, {}, nsys.program()});
        std::string content; // some chunks, each another
        for (int i = 0; i < 150'000; ++i)
            content += std::to_string(i) + ",";
        test::writeFile(report, test::nsysReport("2025@1@1@110-251135451612v0", content));
    }

    void TearDown() override { ::unsetenv("TMPDIR"); } // before the folder goes

    [[nodiscard]] Result<std::shared_ptr<const trace::Trace>>
    open(std::stop_token stop = {}, const std::string& clientName = "test@here: gantry", const trace::LoadProgress& progress = {}) const
    {
        trace::LoadOptions options;
        options.nsys = nsysOn(node->connect(clientName));
        options.stop = std::move(stop);
        options.progress = progress;
        const trace::LoadFile file{report, {}};
        return trace::loadTrace(std::span(&file, 1), options);
    }
    /// What gantryctl says of the report, exported there or not.
    [[nodiscard]] json infoOf(const fs::path& file) const
    {
        const ProcessResult result = node->gantryctl({"report", "info", file.string(), "--json"});
        EXPECT_EQ(result.exitStatus, 0) << result.err;
        return json::parse(result.out);
    }
    [[nodiscard]] std::vector<std::string> filesOnNode() const
    {
        std::vector<std::string> names;
        for (const auto& entry : fs::directory_iterator(node->reportFolder()))
            if (!entry.path().filename().string().starts_with(".history.db")) // what gantryd measured
                names.push_back(entry.path().filename());
        return names;
    }
    [[nodiscard]] bool nodeBecomesEmpty() const
    {
        return test::eventually([&] { return filesOnNode().empty(); });
    }

    test::TemporaryFolder folder;
    test::FakeNsys nsys{folder / "tools"};
    fs::path report = folder / "run one.nsys-rep";
    std::unique_ptr<NodeFixture> node;
};

TEST_F(ExportingOnANode, GivesTheTraceThatItsExportGives)
{
    const auto direct = trace::loadTrace(nsys.exported());
    ASSERT_TRUE(direct) << direct.error().text();
    std::vector<double> fractions;
    std::string stages;
    const auto loaded = open({}, "test@here: gantry", [&](double fraction, std::string_view stage) {
        fractions.push_back(fraction);
        stages += std::string(stage) + "\n";
    });
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_EQ((*loaded)->eventCount(), (*direct)->eventCount());
    EXPECT_EQ((*loaded)->time, (*direct)->time);
    EXPECT_THAT((*loaded)->imports.front().clock, HasSubstr("Read from an export made with nsys on " + node->connect()->hello().hostName));
    EXPECT_TRUE(std::is_sorted(fractions.begin(), fractions.end())) << "the bar never goes back";
    EXPECT_THAT(stages, HasSubstr("sending 0.9 of 0.9 MiB to "));
    EXPECT_THAT(stages, HasSubstr("nsys export on "));
    EXPECT_THAT(stages, HasSubstr("fetching "));
    EXPECT_THAT(filesOnNode(), IsEmpty());
}

TEST_F(ExportingOnANode, SendsTheReportAsItIsIntoAFileOfTheDaemonsUserAlone)
{
    nsys.install("keep");
    ASSERT_TRUE(open());
    EXPECT_TRUE(nsys.received() == test::readFile(report)) << "they differ";
    EXPECT_EQ(nsys.receivedMode(), "600\n");
    ASSERT_EQ(nsys.arguments().size(), 8u);
    EXPECT_TRUE(nsys.arguments().back().ends_with(".nsys-rep"));
}

TEST_F(ExportingOnANode, IsReadFromItsOwnExportWhereThatLiesBesideIt)
{
    for (const auto& file : test::sharedFiles("nsys_rep"))
        if (file.filename() == "NVIDIA_Fuser_report1.nsys-rep")
            report = folder / "real.nsys-rep", fs::copy_file(file, report);
    for (const auto& file : test::sharedFiles("nsys_sqlite"))
        if (file.filename().string().find("Fuser__report1") != std::string::npos)
            fs::copy_file(file, folder / "real.sqlite");
    if (!fs::exists(folder / "real.sqlite"))
        GTEST_SKIP() << "the shared reports are not here";
    const auto loaded = open();
    ASSERT_TRUE(loaded) << loaded.error().text();
    EXPECT_FALSE(nsys.wasRun());
}

TEST_F(ExportingOnANode, TheNodeSaysWhichNsysItHas)
{
    const auto client = node->connect();
    const auto info = client->nodeInfo();
    ASSERT_TRUE(info) << info.error().text();
    EXPECT_EQ(info->nsysPath, nsys.program());
    EXPECT_EQ(info->nsysVersion, "2025.1.1.110");
    EXPECT_THAT(node->gantryctl({"node", "info"}).out, HasSubstr("nsys      2025.1.1.110 · " + nsys.program().string()));
    fs::remove(nsys.program());
    EXPECT_EQ(client->nodeInfo()->nsysPath, "") << "asked for each time";
    EXPECT_EQ(json::parse(node->gantryctl({"node", "info", "--json"}).out).at("nsys_path"), json());
}

TEST_F(ExportingOnANode, SaysThatTheNodeHasNoNsys)
{
    fs::remove(nsys.program());
    const auto loaded = open();
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(loaded.error().message, HasSubstr("nsys is not installed on this node: install Nsight Systems there"));
    EXPECT_THAT(filesOnNode(), IsEmpty());
}

TEST_F(ExportingOnANode, SaysWhatNsysSaidWhenItFails)
{
    nsys.install("fail");
    const auto loaded = open();
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::BadInput);
    EXPECT_THAT(loaded.error().text(), HasSubstr("exporting on " + node->connect()->hello().hostName));
    EXPECT_THAT(loaded.error().message, HasSubstr("Processing events... / The report was made by a newer version."));
    EXPECT_THAT(filesOnNode(), IsEmpty());
}

TEST_F(ExportingOnANode, ATruncatedReportIsNotSent)
{
    test::writeFile(report, test::readFile(report).substr(0, 3000));
    EXPECT_EQ(open().error().code, ErrorCode::Truncated);
    EXPECT_FALSE(nsys.wasRun());
}

class EndingAnExport : public ExportingOnANode, public testing::WithParamInterface<const char*>
{
};

TEST_P(EndingAnExport, ByCancellingEndsNsysAndLeavesNothing)
{
    nsys.install(GetParam());
    std::stop_source stop;
    std::vector<pid_t> pids;
    const std::jthread canceller([&] {
        pids = nsys.waitForProcesses();
        stop.request_stop();
    });
    const auto loaded = open(stop.get_token());
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().code, ErrorCode::Cancelled);
    ASSERT_EQ(pids.size(), 2u);
    EXPECT_TRUE(test::allEnd(pids));
    EXPECT_TRUE(nodeBecomesEmpty());
    nsys.install("copy");
    EXPECT_TRUE(open()) << "the place is free again";
}

TEST_P(EndingAnExport, ByACutConnectionLeavesNothing)
{
    nsys.install(GetParam());
    test::ChildProcess client({GANTRYCTL, "report", "info", report.string(), "--node", node->address()});
    const std::vector<pid_t> pids = nsys.waitForProcesses();
    ASSERT_EQ(pids.size(), 2u) << client.errorText();
    client.kill();
    EXPECT_TRUE(test::allEnd(pids));
    EXPECT_TRUE(nodeBecomesEmpty());
}

TEST_P(EndingAnExport, ByTheEndOfTheDaemonLeavesNothing)
{
    nsys.install(GetParam());
    test::ChildProcess client({GANTRYCTL, "report", "info", report.string(), "--node", node->address()});
    const std::vector<pid_t> pids = nsys.waitForProcesses();
    ASSERT_EQ(pids.size(), 2u) << client.errorText();
    const fs::path reports = node->reportFolder();
    node->killDaemon();
    const auto ended = client.wait();
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->exitStatus, 69);
    EXPECT_FALSE(filesOnNode().empty()) << "the next daemon has something to sweep";
    node->startDaemon();
    EXPECT_THAT(filesOnNode(), IsEmpty());
    EXPECT_TRUE(test::allEnd(pids));
}

TEST_P(EndingAnExport, ByShuttingTheDaemonDownEndsNsysFirst)
{
    nsys.install(GetParam());
    test::ChildProcess client({GANTRYCTL, "report", "info", report.string(), "--node", node->address()});
    const std::vector<pid_t> pids = nsys.waitForProcesses();
    ASSERT_EQ(pids.size(), 2u) << client.errorText();
    node.reset(); // SIGTERM, and waits for its end
    for (const pid_t pid : pids)
        EXPECT_FALSE(test::isRunning(pid));
    const auto ended = client.wait();
    ASSERT_TRUE(ended);
    EXPECT_EQ(ended->exitStatus, 69);
    EXPECT_THAT(ended->err, HasSubstr("gantryd is shutting down: export the report when it runs again"));
}

INSTANTIATE_TEST_SUITE_P(ThatWaits, EndingAnExport, testing::Values("hang", "stubborn"));

TEST_F(ExportingOnANode, IsOneAtATimeForEachClient)
{
    nsys.install("hang");
    std::stop_source stop;
    std::jthread first([&] { static_cast<void>(open(stop.get_token(), "alice@desk: gantry")); });
    const std::vector<pid_t> pids = nsys.waitForProcesses();
    ASSERT_EQ(pids.size(), 2u);
    nsys.install("copy");
    const auto second = open({}, "alice@desk: gantry");
    EXPECT_TRUE(open({}, "bob@desk: gantry")) << "another client's";
    stop.request_stop();
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, ErrorCode::Busy);
    EXPECT_THAT(second.error().message, HasSubstr("this node already exports run one.nsys-rep for alice@desk: gantry"));
    first.join();
    EXPECT_TRUE(nodeBecomesEmpty());
}

TEST_F(ExportingOnANode, GantryctlDoesWithItWhatItDoesWithItsExport)
{
    const json exported = infoOf(nsys.exported()), there = infoOf(report);
    EXPECT_EQ(there.at("counts"), exported.at("counts"));
    EXPECT_EQ(there.at("counts").at("kernels"), 2);
    EXPECT_EQ(there.at("time_range_ns"), exported.at("time_range_ns"));
    EXPECT_EQ(node->gantryctl({"report", "stats", report.string(), "--json"}).out,
              node->gantryctl({"report", "stats", nsys.exported().string(), "--json"}).out);
    const fs::path csv = folder / "kernels.csv";
    const ProcessResult converted =
        node->gantryctl({"report", "convert", report.string(), "--to", "csv", "--table", "kernels", "-o", csv.string()});
    EXPECT_EQ(converted.exitStatus, 0) << converted.err;
    EXPECT_THAT(test::readFile(csv), HasSubstr("200000,250000,50000,softmax"));
}

TEST_F(ExportingOnANode, GantryctlOpensItAgainWithoutTheNode)
{
    const json first = infoOf(report);
    node->killDaemon();
    const ProcessResult again = node->gantryctl({"report", "info", report.string(), "--json"});
    EXPECT_EQ(again.exitStatus, 0) << again.err;
    EXPECT_EQ(json::parse(again.out).at("counts"), first.at("counts"));
}

} // namespace
} // namespace gantry::app
