#include "trace_model/import/nsys_export.h"

#include "tests/support/fake_nsys.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"
#include "trace_model/import/child_program.h"
#include "trace_model/import/file_format.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <sstream>
#include <thread>

namespace gantry::importing {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

constexpr char kSession[] = "8851fc15-615b-42b0-8c66-0a44a273ed74";

void writeExport(const fs::path& path, const std::string& session)
{
    sqlite3* opened = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &opened), SQLITE_OK);
    const std::unique_ptr<sqlite3, decltype(&sqlite3_close)> database(opened, &sqlite3_close);
    const std::string sql = "CREATE TABLE META_DATA_CAPTURE (name TEXT, value TEXT); INSERT INTO META_DATA_CAPTURE VALUES ('OTHER', 'x'), ('PROFILING_SESSION_UUID', '" + session + "')";
    ASSERT_EQ(sqlite3_exec(opened, sql.c_str(), nullptr, nullptr, nullptr), SQLITE_OK);
}

class ExportingAReport : public testing::Test
{
protected:
    void SetUp() override
    {
        fs::create_directory(data);
        test::writeFile(report,
                        test::nsysReport("2025@1@1@110-251135451612v0", std::string(5000, 'x') + kSession + std::string(5000, 'y')));
        places.folders = {tools};
        places.installations = {folder / "installed"};
    }
    void installNsys(const std::string& mode)
    {
        nsys.install(mode);
        writeExport(nsys.exported(), "no other session here, 36 characters");
    }
    [[nodiscard]] Result<ExportedReport> exportIt() const { return exportNsysReport(report, {}, nsysOf(places)); }

    test::TemporaryFolder folder;
    test::FakeNsys nsys{folder / "tools"};
    fs::path tools = folder / "tools", data = folder / "data", report = data / "run one.nsys-rep";
    NsysPlaces places;
};

TEST_F(ExportingAReport, KnowsARecordingThatWasNotMadeIntoAReportAndSaysWhatToDo)
{
    const fs::path recording = data / "window.qdstrm";
    test::writeFile(recording, "U3w[END]NVIDIA Nsight Systems Stream 2022.4.2.1-df9881f!\n\x0A" + std::string(1000, 'x'));
    const auto info = inspectNsysReport(recording);
    ASSERT_TRUE(info);
    EXPECT_TRUE(info->isStream);
    EXPECT_EQ(info->version, "2022.4.2.1");
    EXPECT_FALSE(inspectNsysReport(report)->isStream);
    EXPECT_EQ(*recogniseFormat(recording), FileFormat::NsysReport);
}

TEST_F(ExportingAReport, ImportsARecordingWithTheImporterOfItsNsys)
{
    const fs::path installed = folder / "nsight", importer = installed / "host-linux-x64/QdstrmImporter";
    const test::FakeNsys installedNsys(installed / "target-linux-x64");
    installedNsys.install("keep");
    writeExport(installedNsys.exported(), "no other session here, 36 characters");
    fs::create_directories(importer.parent_path());
    test::writeFile(importer, "#!/bin/sh\n[ \"$1\" = --input-file ] && printf 'Processing [==50%%]\\r' && cp \"$2\" \"$4\"\n");
    fs::permissions(importer, fs::perms::owner_all);
    EXPECT_EQ(findNsysImporter(installedNsys.program()), importer);
    const fs::path recording = data / "window.qdstrm";
    const std::string content = "U3w[END]NVIDIA Nsight Systems Stream 2022.4.2.1-df9881f!\nevents";
    test::writeFile(recording, content);
    places.folders = {installed / "target-linux-x64"};
    ReadControl control;
    std::vector<std::string> stages;
    control.progress = [&](double fraction, std::string_view stage) {
        if (fraction == 0.5)
            stages.emplace_back(stage);
    };
    const auto exported = exportNsysReport(recording, control, nsysOf(places));
    ASSERT_TRUE(exported) << exported.error().text();
    EXPECT_EQ(installedNsys.received(), content) << "nsys got what the importer made";
    EXPECT_THAT(stages, ElementsAre("nsys import"));
}

TEST_F(ExportingAReport, ReadsTheVersionInTheHeader)
{
    EXPECT_EQ(inspectNsysReport(report)->version, "2025.1.1.110");
    test::writeFile(report, test::nsysReport("1", "content"));
    EXPECT_EQ(inspectNsysReport(report)->version, "") << "not written before 2023.3";
}

TEST_F(ExportingAReport, SaysThatAReportIsTruncated)
{
    const std::string whole = test::readFile(report);
    test::forEachTruncation(whole, [&](std::string_view cut) {
        test::writeFile(report, cut);
        const auto info = inspectNsysReport(report);
        ASSERT_FALSE(info) << cut.size();
        EXPECT_EQ(info.error().code, cut.size() < 29 ? ErrorCode::NotAReport : ErrorCode::Truncated) << cut.size();
    });
    test::writeFile(report, whole.substr(0, whole.size() - 16) + std::string(8, '\xFF') + "U3w[END]");
    EXPECT_EQ(inspectNsysReport(report).error().code, ErrorCode::Truncated) << "the table of contents would lie behind the end";
    EXPECT_EQ(inspectNsysReport(data / "absent").error().code, ErrorCode::NotFound);
}

TEST_F(ExportingAReport, TakesTheExportOfTheSameSessionBesideIt)
{
    installNsys("fail");
    writeExport(data / "a.sqlite", "8851fc15-615b-42b0-8c66-000000000000");
    writeExport(data / "b.sqlite", kSession);
    test::writeFile(data / "c.sqlite", "no database");
    auto exported = exportIt();
    ASSERT_TRUE(exported) << exported.error().text();
    EXPECT_EQ(exported->path(), data / "b.sqlite");
    EXPECT_EQ(exported->origin(), "b.sqlite beside it");
    writeExport(data / "run one.sqlite", kSession);
    EXPECT_EQ(exportIt()->path(), data / "run one.sqlite") << "the one with its name is preferred";
    { const auto gone = *std::move(exported); }
    EXPECT_TRUE(fs::exists(data / "b.sqlite")) << "what lay there is not ours to remove";
}

TEST_F(ExportingAReport, FindsTheSessionWhereverItLies)
{
    writeExport(data / "b.sqlite", kSession);
    for (const std::size_t before : {std::size_t{0}, (std::size_t{1} << 20) - 60, (std::size_t{1} << 20) - 45, (std::size_t{2} << 20) - 50}) {
        test::writeFile(report, test::nsysReport("1", std::string(before, 'x') + kSession + std::string(100, 'y')));
        EXPECT_TRUE(exportIt()) << before;
    }
}

TEST_F(ExportingAReport, RunsNsysIntoAFolderThatIsRemovedAfterwards)
{
    installNsys("copy");
    fs::path target;
    {
        const auto exported = exportIt();
        ASSERT_TRUE(exported) << exported.error().text();
        target = exported->path();
        EXPECT_EQ(test::readFile(target), test::readFile(nsys.exported()));
        EXPECT_EQ(fs::status(target.parent_path()).permissions(), fs::perms::owner_all) << "nobody else reads it";
        EXPECT_THAT(exported->origin(), HasSubstr((tools / "nsys").string()));
    }
    EXPECT_FALSE(fs::exists(target.parent_path()));
    EXPECT_THAT(nsys.arguments(),
                ElementsAre("export", "--type", "sqlite", "--output", target.string(), "--force-overwrite", "true", report.string()));
}

TEST_F(ExportingAReport, ReportsThePercentagesThatNsysPrints)
{
    installNsys("percent");
    std::vector<double> fractions;
    const auto exported = exportNsysReport(report,
                                           {[&](double fraction, std::string_view stage) {
                                                fractions.push_back(fraction);
                                                EXPECT_EQ(stage, "nsys export");
                                            },
                                            {}},
                                           nsysOf(places));
    ASSERT_TRUE(exported) << exported.error().text();
    EXPECT_THAT(fractions, ElementsAre(0, 0.25, 0.6, 1.0)) << "never backwards";
}

TEST_F(ExportingAReport, SaysWhatNsysSaidWhenItFails)
{
    installNsys("fail");
    const auto exported = exportIt();
    ASSERT_FALSE(exported);
    EXPECT_EQ(exported.error().code, ErrorCode::BadInput);
    EXPECT_THAT(exported.error().message, HasSubstr("Processing events... / The report was made by a newer version."));
    EXPECT_THAT(exported.error().message, HasSubstr("which Nsight Systems 2025.1.1.110 wrote"));
    EXPECT_THAT(exported.error().message, HasSubstr("status 1"));
}

TEST_F(ExportingAReport, SaysThatNsysWroteNoExport)
{
    installNsys("lie");
    EXPECT_THAT(exportIt().error().message, HasSubstr("wrote no SQLite export: it said nothing"));
    test::writeFile(tools / "nsys", "this is no program");
    fs::permissions(tools / "nsys", fs::perms::owner_all);
    EXPECT_EQ(exportIt().error().code, ErrorCode::Unsupported) << "it cannot be started";
}

TEST_F(ExportingAReport, ShowsTheCommandWhereNsysIsMissing)
{
    const auto exported = exportIt();
    ASSERT_FALSE(exported);
    EXPECT_EQ(exported.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(exported.error().message, HasSubstr("`nsys export --type sqlite --output 'run one.sqlite' --force-overwrite true 'run one.nsys-rep'`"));
    EXPECT_THAT(exported.error().message,
                HasSubstr("install Nsight Systems (version 2025.1.1.110 or newer), open the report with a node that has it"));
}

TEST_F(ExportingAReport, ATruncatedReportIsNotExported)
{
    installNsys("copy");
    test::writeFile(report, test::readFile(report).substr(0, 3000));
    EXPECT_EQ(exportIt().error().code, ErrorCode::Truncated);
    EXPECT_FALSE(nsys.wasRun());
}

class CancellingAnExport : public ExportingAReport, public testing::WithParamInterface<const char*>
{
};

TEST_P(CancellingAnExport, EndsNsysAndWhatItStarted)
{
    installNsys(GetParam());
    std::stop_source stop;
    fs::path target;
    std::vector<pid_t> pids;
    {
        const std::jthread canceller([&] {
            pids = nsys.waitForProcesses();
            stop.request_stop();
        });
        const auto exported = exportNsysReport(report, {{}, stop.get_token()}, nsysOf(places));
        ASSERT_FALSE(exported);
        EXPECT_EQ(exported.error().code, ErrorCode::Cancelled);
    }
    ASSERT_EQ(pids.size(), 2u);
    EXPECT_TRUE(test::allEnd(pids));
    for (const std::string& line : nsys.arguments())
        if (line.ends_with("report.sqlite"))
            target = line;
    ASSERT_FALSE(target.empty());
    EXPECT_FALSE(fs::exists(target.parent_path()));
}

INSTANTIATE_TEST_SUITE_P(ThatWaits, CancellingAnExport, testing::Values("hang", "stubborn"));

TEST_F(ExportingAReport, ChoosesAnNsysThatIsNewEnough)
{
    const auto install = [&](const std::string& version, const std::string& place) {
        const fs::path nsys = places.installations.front() / version / place;
        fs::create_directories(nsys.parent_path());
        test::writeFile(nsys, "#!/bin/sh\n");
        fs::permissions(nsys, fs::perms::owner_all);
        return nsys;
    };
    EXPECT_EQ(findNsys(places, ""), "");
    const auto old = install("2023.4.1", "bin/nsys"), middle = install("2025.1.1", "target-linux-x64/nsys"), newest = install("2025.10.1", "bin/nsys");
    test::writeFile(places.installations.front() / "2026.1.1", "a file");
    EXPECT_EQ(findNsys(places, "2025.1.1.110"), newest) << "10 is more than 5";
    fs::create_symlink(old, tools / "nsys");
    EXPECT_EQ(findNsys(places, "2022.1.1.1"), tools / "nsys") << "the one in PATH, where it will do";
    EXPECT_EQ(findNsys(places, "2025.1.1.110"), newest);
    EXPECT_EQ(findNsys(places, "2030.1.1.1"), newest) << "none will do: the newest says so";
    fs::remove_all(newest);
    EXPECT_EQ(findNsys(places, "2025.1.1.110"), middle);
}

TEST_F(ExportingAReport, LooksInPathThenInInstallationsThenInToolkitsUnlessToldWhich)
{
    const auto install = [&](const fs::path& nsys) {
        fs::create_directories(nsys.parent_path());
        test::writeFile(nsys, "#!/bin/sh\n");
        fs::permissions(nsys, fs::perms::owner_all);
        return nsys;
    };
    places.installations = {folder / "nsight-systems", folder / "nsight-systems-cli"};
    places.lastFolders = {folder / "cuda/bin"};
    const auto ofToolkit = install(folder / "cuda/bin/nsys");
    EXPECT_EQ(findNsys(places, ""), ofToolkit);
    const auto plain = install(folder / "nsight-systems/2024.1.1/bin/nsys"), cli = install(folder / "nsight-systems-cli/2025.1.1/bin/nsys");
    EXPECT_EQ(findNsys(places, ""), cli) << "the newest of all installations";
    const auto inPath = install(tools / "nsys");
    EXPECT_EQ(findNsys(places, ""), inPath);
    places.program = plain;
    EXPECT_EQ(findNsys(places, "2030.1.1"), plain);
    places.program = folder / "none";
    EXPECT_EQ(findNsys(places, ""), "") << "no other one is taken in its stead";
}

TEST_F(ExportingAReport, AsksNsysForItsVersion)
{
    installNsys("copy");
    EXPECT_EQ(nsysVersion(tools / "nsys"), "2025.1.1.110");
    EXPECT_EQ(nsysVersion(folder / "none"), "");
    test::writeFile(tools / "nsys", "#!/bin/sh\nexec sleep 1000\n");
    EXPECT_EQ(nsysVersion(tools / "nsys", std::chrono::milliseconds(50)), "") << "it is not waited for for ever";
}

TEST_F(ExportingAReport, TheRealReportsAreFramedAsExpected)
{
    const auto files = test::sharedFiles("nsys_rep");
    if (files.empty())
        GTEST_SKIP() << "the shared reports are not here";
    std::vector<std::string> versions;
    for (const auto& file : files) {
        const auto info = inspectNsysReport(file);
        ASSERT_TRUE(info) << info.error().text();
        versions.push_back(info->version);
    }
    EXPECT_THAT(versions, ElementsAre("2025.1.1.110", "", "2025.5.1.121"));
}

TEST_F(ExportingAReport, TheRealReportFindsItsExport)
{
    for (const auto& file : test::sharedFiles("nsys_sqlite"))
        fs::copy_file(file, data / file.filename());
    std::vector<std::string> origins;
    for (const auto& file : test::sharedFiles("nsys_rep")) {
        fs::copy_file(file, data / file.filename());
        const auto exported = exportNsysReport(data / file.filename(), {}, nsysOf(places));
        origins.push_back(exported ? exported->origin() : "none");
    }
    if (origins.empty())
        GTEST_SKIP() << "the shared reports are not here";
    EXPECT_THAT(origins, ElementsAre("2025.1.1.110__NVIDIA__Fuser__report1.sqlite beside it", "none", "none"));
}

TEST(RunningAProgram, GivesItsStatusAndTheEndOfItsOutput)
{
    std::string all;
    const auto end = runProgram({"/bin/sh", "-c", "i=0; while [ $i -lt 3000 ]; do echo line $i; i=$((i+1)); done; echo last >&2; exit 7"}, [&](std::string_view text) { all += text; }, {});
    ASSERT_TRUE(end) << end.error().text();
    EXPECT_EQ(end->exitStatus, 7);
    EXPECT_TRUE(all.starts_with("line 0\n"));
    EXPECT_TRUE(all.ends_with("line 2999\nlast\n"));
    EXPECT_TRUE(all.ends_with(end->lastText));
    EXPECT_LE(end->lastText.size(), 3u * 4096);
    EXPECT_EQ(runProgram({"/bin/sh", "-c", "kill -9 $$"}, [](std::string_view) {}, {})->exitStatus, 128 + 9);
    EXPECT_EQ(runProgram({"/no/such/program"}, [](std::string_view) {}, {}).error().code, ErrorCode::Unsupported);
}

TEST(RunningAProgram, EndsWithItEvenWhereAChildKeepsItsOutputOpen)
{
    std::string all;
    const auto end = runProgram({"/bin/sh", "-c", "sleep 1000 & echo $!"}, [&](std::string_view text) { all += text; }, {});
    ASSERT_TRUE(end);
    EXPECT_EQ(end->exitStatus, 0);
    const pid_t child = std::stoi(all);
    EXPECT_TRUE(test::eventually([&] { return !test::isRunning(child); })) << "what it left behind is ended too";
}

} // namespace
} // namespace gantry::importing
