#include "trace_model/base/new_file.h"

#include "tests/support/child_process.h"
#include "tests/support/forked_process.h"
#include "tests/support/small_files.h"
#include "tests/support/temporary_folder.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <fstream>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

namespace gantry {
namespace {

std::string contentOf(const std::filesystem::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
}

std::ptrdiff_t entriesIn(const std::filesystem::path& folder)
{
    return std::distance(std::filesystem::directory_iterator(folder), std::filesystem::directory_iterator());
}

TEST(NewFile, ReplacesTheOldOneWhenItIsPublishedAndNotBefore)
{
    const test::TemporaryFolder folder;
    const std::filesystem::path path = folder / "a.json";
    std::ofstream(path) << "old";
    auto file = NewFile::create(path);
    ASSERT_TRUE(file) << file.error().text();
    ASSERT_TRUE(file->write("new"));
    EXPECT_EQ(contentOf(path), "old");
    ASSERT_TRUE(file->publish());
    EXPECT_EQ(contentOf(path), "new");
    EXPECT_EQ(entriesIn(folder.path()), 1);
    struct stat status
    {
    };
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << "others may read it";
}

TEST(NewFile, IsReadableByOthersWhereTheUserAskedForItAndTheUmaskLetsThem)
{
    const test::TemporaryFolder folder;
    const mode_t before = ::umask(022);
    auto file = NewFile::create(folder / "a.json", FileAccess::ByUmask);
    ::umask(before);
    ASSERT_TRUE(file && file->publish());
    struct stat status
    {
    };
    ASSERT_EQ(::stat((folder / "a.json").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0644u);
}

TEST(NewFile, IsWrittenWhereALinkLeads)
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "target") << "old";
    std::filesystem::create_symlink("target", folder / "link");
    std::filesystem::create_symlink(folder / "link", folder / "link to it");
    std::filesystem::create_symlink("not there yet", folder / "dangling");
    for (const auto& [name, target] : {std::pair("link to it", "target"), std::pair("dangling", "not there yet")}) {
        auto file = NewFile::create(folder / name);
        ASSERT_TRUE(file) << file.error().text();
        ASSERT_TRUE(file->write("new") && file->publish());
        EXPECT_TRUE(std::filesystem::is_symlink(folder / name));
        EXPECT_EQ(contentOf(folder / target), "new");
    }
    std::filesystem::create_symlink("circle", folder / "circle");
    EXPECT_FALSE(NewFile::create(folder / "circle"));
}

TEST(NewFile, LeavesNothingWhenItIsNotPublished)
{
    const test::TemporaryFolder folder;
    for (const auto create : {&NewFile::create, &NewFile::createNamed}) {
        auto file = create(folder / "a.json", FileAccess::OwnerOnly);
        ASSERT_TRUE(file);
        NewFile moved = std::move(*file);
        ASSERT_TRUE(moved.write("new"));
        EXPECT_EQ(entriesIn(folder.path()), moved.temporaryPath().empty() ? 0 : 1);
    }
    EXPECT_EQ(entriesIn(folder.path()), 0);
}

TEST(NewFile, HasANameForLibrariesThatWantOne)
{
    const test::TemporaryFolder folder;
    for (const char* before : {"", "old"}) {
        if (*before)
            std::ofstream(folder / "a.json") << before;
        auto file = NewFile::createNamed(folder / "a.json");
        ASSERT_TRUE(file) << file.error().text();
        std::ofstream(file->temporaryPath()) << "new";
        ASSERT_TRUE(file->publish());
        EXPECT_EQ(contentOf(folder / "a.json"), "new");
        EXPECT_EQ(entriesIn(folder.path()), 1);
    }
}

// It stayed under a hidden name, of the size that it had come to.
TEST(NewFile, LeavesNothingWhenTheProcessIsKilled)
{
    const test::TemporaryFolder folder;
    if (!test::hasNamelessFiles(folder.path()))
        GTEST_SKIP() << "the file system of " << folder.path() << " has no files without a name";
    test::ForkedProcess writer([&] {
        auto file = NewFile::create(folder / "a.json");
        if (file && file->write(std::string(100'000, 'x')))
            ::pause();
        return 1;
    });
    ASSERT_TRUE(test::eventually([&] { return test::isWritingIn(writer.pid(), folder.path()); }));
    writer.kill();
    EXPECT_EQ(entriesIn(folder.path()), 0);
}

TEST(NewFile, IsRefusedWhereSomethingElseThanAFileIs)
{
    const test::TemporaryFolder folder;
    for (const std::filesystem::path& path : {folder.path(), std::filesystem::path("/dev/null"), folder / "no/such/folder/a.json"}) {
        const auto file = NewFile::create(path);
        ASSERT_FALSE(file) << path;
        EXPECT_EQ(file.error().code, ErrorCode::CannotWrite);
        EXPECT_NE(file.error().text().find(path.string()), std::string::npos) << file.error().text();
    }
}

TEST(NewFile, SaysThatItCannotBeWrittenAndLeavesNothing)
{
    const test::TemporaryFolder folder;
    {
        auto file = NewFile::create(folder / "a.json");
        ASSERT_TRUE(file);
        const test::SmallFiles small(1000);
        const auto written = file->write(std::string(2000, 'x'));
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().code, ErrorCode::CannotWrite);
    }
    EXPECT_EQ(entriesIn(folder.path()), 0);
}

TEST(NewFile, TellsWhatToDoAboutAFullDisk)
{
    const Error error = NewFile::writeError(ENOSPC, "/data/reports/a.gantry", "write");
    EXPECT_EQ(error.code, ErrorCode::CannotWrite);
    EXPECT_EQ(error.text(), "no space left on /data/reports: free some and try again");
}

} // namespace
} // namespace gantry
