#include "remote_server/proto/node_recording.h"

#include "tests/support/temporary_folder.h"

#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

namespace gantry::proto {
namespace {

NodeRecording someRecording()
{
    NodeRecording recording;
    recording.title = "H100, a test, 2026-11-22";
    recording.recordedUtcNs = 1'795'000'000'123'456'789;
    recording.lengthNs = 1'000'000'000;
    recording.node.hostName = "gpu-07";
    recording.node.gpus = {{0, "NVIDIA H100 80GB HBM3", "GPU-1", "00000000:01:00.0", 85'899'345'920, 9, 0, ""}};
    recording.readiness = ReadinessReport{{{"driver", ReadinessLevel::Ok, "driver 580", "", ""}}, 17};
    recording.processes = ProcessList{{}, "no GPU"};
    Target target;
    target.id = "t1";
    target.name = "gantry-serve";
    target.argv = {"gantry-serve", "--model-repository", "/models with blanks"};
    target.state = TargetState::Running;
    target.processes = {{17, "/bin/gantry-serve", true, true}};
    recording.targets = {target};
    recording.models = {{"t1", {"bert", "1", "READY", {}, {}}, ModelConfigText{"name: \"bert\"", false}},
                        {"t1", {"other", "", "UNAVAILABLE", {}, "unloaded"}, {}}};
    recording.series = {{3, "gpu_power_w", "W", metrics::SeriesKind::Gauge, {{"gpu", "0"}}, "Power"},
                        {4, "requests", "count", metrics::SeriesKind::Counter, {}, ""}};
    recording.samples = {{3, 0, 246.306}, {4, 0, 1e15 + 1}, {3, 200'000'001, 0.1}};
    recording.log = {{5, "t1", "model \"bert\" is \xff ready"}, {6, "", "info a line of gantryd"}};
    return recording;
}

class NodeRecordingTest : public testing::Test
{
protected:
    /// The sentence of the error of reading what has been written with a file replaced.
    std::string errorWith(const std::string& file, const std::string& text)
    {
        EXPECT_TRUE(writeRecording(folder.path(), someRecording()));
        std::ofstream(folder / file, std::ios::trunc) << text;
        const auto read = readRecording(folder.path());
        return read ? "it was read" : read.error().text();
    }

    test::TemporaryFolder folder;
};

TEST_F(NodeRecordingTest, IsReadableByItsOwnerAlone)
{
    const auto modeOf = [&](const std::filesystem::path& path) {
        return static_cast<unsigned>(std::filesystem::status(path).permissions() & std::filesystem::perms::mask);
    };
    ASSERT_TRUE(writeRecording(folder / "new", someRecording()));
    EXPECT_EQ(modeOf(folder / "new"), 0700U);
    for (const auto& entry : std::filesystem::directory_iterator(folder / "new"))
        EXPECT_EQ(modeOf(entry.path()), 0600U) << entry.path();
}

TEST_F(NodeRecordingTest, WritesNothingThatItWouldNotRead)
{
    const auto refusal = [&](auto change) {
        NodeRecording recording = someRecording();
        change(recording);
        const auto written = writeRecording(folder / "refused", recording);
        return written ? "it was written" : written.error().text();
    };
    const auto has = [](const std::string& text, const char* what) { return text.find(what) != std::string::npos; };
    EXPECT_TRUE(has(refusal([](NodeRecording& r) { r.samples.assign(kMostRecordedSamples + 1, {3, 0, 1.0}); }), "too many samples"));
    EXPECT_TRUE(has(refusal([](NodeRecording& r) { r.log.assign(kMostRecordedLines + 1, {0, "t1", "x"}); }), "too many lines"));
    EXPECT_TRUE(has(refusal([](NodeRecording& r) { r.log.assign(8, {0, "t1", std::string(8 << 20, 'x')}); }), "too much text"));
    EXPECT_TRUE(has(refusal([](NodeRecording& r) { r.lengthNs = kLongestRecordingNs + 1; }), "a length"));
    EXPECT_TRUE(has(refusal([](NodeRecording& r) { r.title = " "; }), "no title"));
    EXPECT_FALSE(std::filesystem::exists(folder / "refused"));
    EXPECT_EQ(refusal([](NodeRecording& r) { r.log.assign(4, {0, "t1", std::string(8 << 20, '\x01')}); }), "it was written");
    EXPECT_TRUE(readRecording(folder / "refused")) << "though each byte takes six";
}

TEST_F(NodeRecordingTest, ReadsWhatItWrites)
{
    const NodeRecording written = someRecording();
    ASSERT_TRUE(writeRecording(folder / "new/folder", written));
    const auto read = readRecording(folder / "new/folder");
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->title, written.title);
    EXPECT_EQ(read->recordedUtcNs, written.recordedUtcNs);
    EXPECT_EQ(read->lengthNs, written.lengthNs);
    EXPECT_EQ(read->node.gpus.at(0).memoryTotalBytes, 85'899'345'920U);
    EXPECT_EQ(read->readiness.value().items, written.readiness->items);
    EXPECT_EQ(read->processes, written.processes);
    EXPECT_EQ(read->targets.at(0).argv, written.targets[0].argv);
    EXPECT_EQ(read->targets.at(0).processes.at(0).pid, 17);
    ASSERT_EQ(read->models.size(), 2U);
    EXPECT_EQ(read->models[0].config.value().text, "name: \"bert\"");
    EXPECT_FALSE(read->models[1].config);
    ASSERT_EQ(read->series.size(), 2U);
    EXPECT_EQ(read->series[0].labels.at("gpu"), "0");
    EXPECT_EQ(read->series[1].kind, metrics::SeriesKind::Counter);
    ASSERT_EQ(read->samples.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        EXPECT_EQ(read->samples[i].seriesId, written.samples[i].seriesId);
        EXPECT_EQ(read->samples[i].time, written.samples[i].time);
        EXPECT_EQ(read->samples[i].value, written.samples[i].value);
    }
    ASSERT_EQ(read->log.size(), 2U);
    EXPECT_EQ(read->log[0].text, "model \"bert\" is \xEF\xBF\xBD ready"); // JSON is UTF-8
    EXPECT_EQ(read->log[1].offsetNs, 6);
}

TEST_F(NodeRecordingTest, FindsReportsThatWerePackedAfterTheRecording)
{
    NodeRecording recording = someRecording();
    recording.reports = {{"reports/a.gantry", "gantry-serve"}};
    ASSERT_TRUE(writeRecording(folder.path(), recording));
    const auto missing = readRecording(folder.path());
    ASSERT_FALSE(missing);
    EXPECT_EQ(missing.error().code, ErrorCode::NotFound);
    EXPECT_NE(missing.error().text().find("a.gantry"), std::string::npos) << missing.error().text();
    std::filesystem::create_directories(folder / "reports");
    std::ofstream(folder / "reports/a.gantry.zst") << "x";
    const auto read = readRecording(folder.path());
    ASSERT_TRUE(read) << read.error().text();
    EXPECT_EQ(read->reports.at(0).file, "reports/a.gantry.zst");
}

TEST_F(NodeRecordingTest, SaysThatAFolderIsNoRecordingAndHowOneIsMade)
{
    const auto read = readRecording(folder.path());
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().code, ErrorCode::NotFound);
    EXPECT_NE(read.error().text().find("gantryctl node record"), std::string::npos) << read.error().text();
}

TEST_F(NodeRecordingTest, RefusesAnotherVersion)
{
    const std::string error = errorWith("recording.json", R"({"format":"gantry-node-recording","version":2})");
    EXPECT_NE(error.find("has version 2, this program reads 1"), std::string::npos) << error;
}

TEST_F(NodeRecordingTest, NamesTheFileAndLineOfWhatCannotBeRead)
{
    EXPECT_NE(errorWith("recording.json", "{").find("recording.json cannot be read"), std::string::npos);
    EXPECT_NE(errorWith("metrics.jsonl.gz", "{\"t_ns\":0,\"v\":[]}\n{\"t_ns\":\n").find("in line 2"), std::string::npos);
    EXPECT_NE(errorWith("log.jsonl.gz", "{\"t_ns\":\"no number\"}\n").find("log.jsonl.gz cannot be read in line 1"), std::string::npos);
}

TEST_F(NodeRecordingTest, RefusesSamplesOutOfOrderOrOfNoSeries)
{
    EXPECT_NE(errorWith("metrics.jsonl.gz", "{\"t_ns\":9,\"v\":[[3,1]]}\n{\"t_ns\":8,\"v\":[[3,1]]}\n").find("out of order"),
              std::string::npos);
    EXPECT_NE(errorWith("metrics.jsonl.gz", "{\"t_ns\":2000000000,\"v\":[[3,1]]}\n").find("out of order"), std::string::npos);
    EXPECT_NE(errorWith("metrics.jsonl.gz", "{\"t_ns\":9,\"v\":[[77,1]]}\n").find("does not define"), std::string::npos);
}

} // namespace
} // namespace gantry::proto
