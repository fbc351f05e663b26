#include "remote_server/node/work_folder.h"

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <gtest/gtest.h>

#include <optional>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

class WorkFolders : public testing::Test
{
protected:
    /// As a killed daemon leaves one: without the lock.
    [[nodiscard]] fs::path leftBehind()
    {
        auto made = WorkFolder::make(folder.path());
        EXPECT_TRUE(made);
        const fs::path path = made->path(), kept = folder / "kept";
        fs::rename(path, kept);
        {
            const WorkFolder gone = *std::move(made);
        }
        fs::rename(kept, path);
        return path;
    }

    test::TemporaryFolder folder;
};

TEST_F(WorkFolders, ArePrivateAndRemovedWithWhatTheyHold)
{
    fs::path path;
    {
        const auto made = WorkFolder::make(folder.path());
        ASSERT_TRUE(made) << made.error().text();
        path = made->path();
        test::writeFile(path / "report", "bytes");
        EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_all);
    }
    EXPECT_FALSE(fs::exists(path));
    EXPECT_EQ(WorkFolder::make(folder / "none").error().code, ErrorCode::CannotWrite);
}

TEST_F(WorkFolders, ThatNobodyUsesAreSweptAndNoOthers)
{
    const auto used = WorkFolder::make(folder.path());
    ASSERT_TRUE(used);
    const fs::path left = leftBehind();
    ASSERT_TRUE(fs::exists(left));
    test::writeFile(folder / "a.gantry", "a report");
    WorkFolder::sweep(folder.path());
    EXPECT_FALSE(fs::exists(left));
    EXPECT_TRUE(fs::exists(used->path())) << "another daemon works there";
    EXPECT_TRUE(fs::exists(folder / "a.gantry"));
}

TEST_F(WorkFolders, AreSweptWithTheExportsThatStillWorkInThemAndNothingElse)
{
    const fs::path left = leftBehind();
    const std::string file = (left / "report.nsys-rep").string(), nsys = (folder / "nsys").string();
    test::writeFile(nsys, "sleep 1000\n:\n");
    const auto ownGroup = [] { ::setpgid(0, 0); };
    test::ChildProcess worker({"/bin/sh", nsys, "export", file}, {{}, ownGroup});
    test::ChildProcess elsewhere({"/bin/sh", nsys, "export", (folder / "report.nsys-rep").string()}, {{}, ownGroup});
    test::ChildProcess reader({"/bin/sh", "-c", "sleep 1000; :", file}, {{}, ownGroup});
    test::ChildProcess script({"/bin/sh", "-c", R"(/bin/sh "$0" export "$1"; :)", nsys, file}, {{}, ownGroup});
    const auto shows = [&](const test::ChildProcess& process, const std::string& text) {
        return test::eventually(
            [&] { return test::readFile("/proc/" + std::to_string(process.pid()) + "/cmdline").find(text) != std::string::npos; });
    };
    ASSERT_TRUE(shows(worker, file) && shows(reader, file) && shows(script, file) && shows(elsewhere, "report.nsys-rep"));
    WorkFolder::sweep(folder.path());
    const auto end = worker.wait();
    ASSERT_TRUE(end);
    EXPECT_EQ(end->signal, SIGKILL);
    EXPECT_TRUE(elsewhere.isRunning());
    EXPECT_TRUE(reader.isRunning()) << "somebody looks at a file of it";
    EXPECT_TRUE(script.isRunning()) << "the export is a part of what somebody else leads";
}

} // namespace
} // namespace gantry::node
