#include "remote_server/proto/convert_management.h"

#include "remote_server/proto/convert.h"

#include <gtest/gtest.h>

namespace gantry::proto {
namespace {

TEST(ConvertManagement, KeepsEveryItemOfAReadinessReport)
{
    const ReadinessReport report{{{"driver", ReadinessLevel::Ok, "580.159.04", "", ""},
                                  {"gpu counters", ReadinessLevel::Limited, "Only root may read them.", "No PM sampling.", "Set …=0."},
                                  {"disk", ReadinessLevel::Unknown, "It does not answer.", "", ""}},
                                 1'700'000'000'000'000'001};
    const ReadinessReport back = fromWire(toWire(report));
    EXPECT_EQ(back.items, report.items);
    EXPECT_EQ(back.checkedUtcNs, report.checkedUtcNs);
    EXPECT_EQ(back.worst(), ReadinessLevel::Limited);
}

TEST(ConvertManagement, RanksWhatCouldNotBeLookedAtBetweenANoteAndALimit)
{
    ReadinessReport report{{{"a", ReadinessLevel::Note, "", "", ""}, {"b", ReadinessLevel::Unknown, "", "", ""}}, 0};
    EXPECT_EQ(report.worst(), ReadinessLevel::Unknown);
    report.items.push_back({"c", ReadinessLevel::Limited, "", "", ""});
    EXPECT_EQ(report.worst(), ReadinessLevel::Limited);
    EXPECT_EQ(ReadinessReport{}.worst(), ReadinessLevel::Ok);
}

TEST(ConvertManagement, KeepsWhatIsAbsentOfAProcessApartFromZero)
{
    ProcessList list;
    list.processes.push_back(
        {77, "alice", "/usr/bin/python3", {"python3", "serve.py"}, 5, 0, 0.0, {{0, 0, 0.0}, {1, std::nullopt, std::nullopt}}, "t1"});
    list.processes.push_back({78, "", "", {}, 0, std::nullopt, std::nullopt, {}, ""});
    list.noGpuUseReason = "no driver";
    const ProcessList back = fromWire(toWire(list));
    EXPECT_EQ(back, list);
    EXPECT_EQ(back.processes[0].gpus[0].memoryBytes, 0U);
    EXPECT_FALSE(back.processes[0].gpus[1].memoryBytes.has_value());
}

TEST(ConvertManagement, KeepsTheReportsOfANodeAndTheirPolicy)
{
    ReportShelf shelf;
    shelf.reports.push_back({"a.gantry", 10, "5a", 20, "bert", 30, "warm", "s1", true});
    shelf.policy = {1, 2, 3};
    shelf.totalBytes = 10;
    shelf.diskFreeBytes = 11;
    const ReportShelf back = fromWire(toWire(shelf));
    EXPECT_EQ(back.reports, shelf.reports);
    EXPECT_EQ(back.policy, shelf.policy);
    EXPECT_EQ(back.totalBytes, 10U);
    EXPECT_EQ(back.diskFreeBytes, 11U);
}

TEST(ConvertManagement, ReadsALevelOfANewerPeerAsUnknown)
{
    EXPECT_EQ(fromWire(static_cast<v1::LogLevel>(99)), LogLevel::Unknown);
    EXPECT_EQ(fromWire(toWire(LogLevel::Warning)), LogLevel::Warning);
    v1::ReadinessReport wire;
    wire.add_items()->set_level(static_cast<v1::ReadinessLevel>(-5));
    EXPECT_EQ(fromWire(wire).items.at(0).level, ReadinessLevel::Unknown);
}

} // namespace
} // namespace gantry::proto
