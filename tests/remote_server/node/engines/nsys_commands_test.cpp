#include "remote_server/node/engines/nsys_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::node {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// As nsys 2022.4 prints them, in parts.
constexpr const char* kStartHelp = R"(usage: nsys start [<args>]

	-b, --backtrace=

	   Possible values are 'lbr', 'fp', 'dwarf', or 'none'.
	   Default is 'lbr'.

	--cpuctxsw=

	   Possible values are 'process-tree', 'system-wide', or 'none'.
	   If CPU IP/backtrace sampling is enabled, --cpuctxsw equals the --sample setting.
	   For example, if --sample=process-tree, then --cpuctxsw=process-tree.

	-f, --force-overwrite=

	   Possible values are 'true' or 'false'.

	--gpu-metrics-device=

	   Collect GPU Metrics from specified devices.

	-o, --output=

	   Output report filename.

	-s, --sample=

	   Possible values are 'cpu' or 'none'.

	(Deprecated) --sampling-frequency=

	   WARNING: This switch is no longer supported.
)";

NsysInstallation oldOne()
{
    return {"/opt/nsys", "2022.4.2.1", {}, NsysSwitches::parse(kStartHelp)};
}

TEST(NsysSwitches, AreReadFromTheHelp)
{
    const NsysSwitches switches = NsysSwitches::parse(kStartHelp);
    EXPECT_TRUE(switches.has("--output"));
    EXPECT_TRUE(switches.has("--gpu-metrics-device"));
    EXPECT_FALSE(switches.has("--gpu-metrics-devices"));
    EXPECT_FALSE(switches.has("--sampling-frequency")) << "it does nothing any more";
    EXPECT_TRUE(switches.takes("--cpuctxsw", "system-wide"));
    EXPECT_FALSE(switches.takes("--cpuctxsw", "lbr"));
    EXPECT_FALSE(switches.takes("--sample", "process-tree"));
    EXPECT_TRUE(switches.takes("--output", "anything")) << "the help lists no values";
}

TEST(NsysCommands, StartAProgramWithoutCollectingAnything)
{
    const NsysInstallation nsys{"/usr/bin/nsys", "2025.1.1", {}, {}};
    const auto command = nsysLaunchCommand(nsys, "gantry-1-t1", {{"cuda", "osrt"}, "node", true, true}, {"./server", "--port", "1"});
    ASSERT_TRUE(command);
    EXPECT_THAT(*command,
                ElementsAre("/usr/bin/nsys", "launch", "--session-new=gantry-1-t1", "--trace=cuda,osrt", "--cuda-graph-trace=node",
                            "--cuda-memory-usage=true", "--trace-fork-before-exec=true", "--wait=primary", "./server", "--port", "1"));
}

TEST(NsysCommands, OpenAWindowAndCloseIt)
{
    const NsysInstallation nsys{"/usr/bin/nsys", "2025.1.1", {}, {}};
    const auto command = nsysStartCommand(nsys, "s", {"process-tree", "", "all", 20'000}, "/reports/100%/window");
    ASSERT_TRUE(command);
    EXPECT_THAT(*command,
                ElementsAre("/usr/bin/nsys", "start", "--session=s", "--output=/reports/100%%/window", "--force-overwrite=true",
                            "--sample=process-tree", "--cpuctxsw=none", "--gpu-metrics-devices=all", "--gpu-metrics-frequency=20000"))
        << "a per cent sign is doubled, or nsys would replace it";
    EXPECT_THAT(nsysStopCommand(nsys, "s"), ElementsAre("/usr/bin/nsys", "stop", "--session=s"));
}

TEST(NsysCommands, AreSpelledAsAnOlderNsysSpellsThem)
{
    const auto command = nsysStartCommand(oldOne(), "s", {"process-tree", "system-wide", "0,1", 0}, "/r/window");
    ASSERT_TRUE(command);
    EXPECT_THAT(*command, ElementsAre("/opt/nsys", "start", "--session=s", "--output=/r/window", "--force-overwrite=true", "--sample=cpu",
                                      "--cpuctxsw=system-wide", "--gpu-metrics-device=0,1"));
}

TEST(NsysCommands, SayWhichVersionLacksAnOption)
{
    const auto command = nsysStartCommand(oldOne(), "s", {"", "", "0", 100}, "/r/window");
    ASSERT_FALSE(command);
    EXPECT_EQ(command.error().code, ErrorCode::Unsupported);
    EXPECT_THAT(command.error().message, HasSubstr("/opt/nsys 2022.4.2.1 has no switch --gpu-metrics-frequency"));
    const auto systemWide = nsysStartCommand(oldOne(), "s", {"system-wide", "", "", 0}, "/r/window");
    ASSERT_FALSE(systemWide);
    EXPECT_THAT(systemWide.error().message, HasSubstr("does not take --sample=system-wide"));
}

TEST(NsysCommands, RefuseWhatMakesNoSense)
{
    const NsysInstallation nsys{"/usr/bin/nsys", {}, {}, {}};
    const auto refusal = [&](const proto::NsysWindowOptions& options) {
        const auto command = nsysStartCommand(nsys, "s", options, "/r/window");
        return !command && command.error().code == ErrorCode::BadInput ? command.error().message : std::string("it was taken");
    };
    EXPECT_THAT(refusal({"often", "", "", 0}), HasSubstr("none, process-tree or system-wide, not \"often\""));
    EXPECT_THAT(refusal({"", "cpu", "", 0}), HasSubstr("not \"cpu\""));
    EXPECT_THAT(refusal({"", "", "first", 0}), HasSubstr("all, or numbers such as 0,1"));
    EXPECT_THAT(refusal({"", "", "0", 5}), HasSubstr("10 Hz to 200 kHz"));
    const auto trace = nsysLaunchCommand(nsys, "s", {{"cuda", "rm -r"}, "", false, false}, {"x"});
    ASSERT_FALSE(trace);
    EXPECT_EQ(trace.error().code, ErrorCode::BadInput);
    const auto graph = nsysLaunchCommand(nsys, "s", {{}, "edge", false, false}, {"x"});
    ASSERT_FALSE(graph);
    EXPECT_THAT(graph.error().message, HasSubstr("by graph or by node"));
}

} // namespace
} // namespace gantry::node
