// The node bundle as a node would see it: unpacked elsewhere, with an empty environment. Reads the archive with the system's own
// tools (tar, readelf, ldd), not with the script that made it.

#include "trace_model/base/digest.h"

#include <gmock/gmock.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <vector>

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

namespace {

/// glibc of Ubuntu 22.04, the oldest that a node may have.
constexpr std::pair<int, int> kOldestGlibc{2, 35};

struct CommandResult
{
    int status = -1;
    std::string output; ///< standard output and error
};

CommandResult runCommand(const std::string& command)
{
    CommandResult result;
    FILE* pipe = popen((command + " 2>&1").c_str(), "r");
    if (!pipe)
        return result;
    std::array<char, 4096> buffer;
    while (const std::size_t size = fread(buffer.data(), 1, buffer.size(), pipe))
        result.output.append(buffer.data(), size);
    const int status = pclose(pipe);
    result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return result;
}

std::vector<std::string> matches(const std::string& text, const std::string& pattern)
{
    const std::regex regex(pattern);
    std::vector<std::string> found;
    for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
        found.push_back((*match)[1]);
    return found;
}

/// Libraries of the node itself: glibc, and the driver and cuBLAS that only the CUDA backend looks for.
bool isOfTheNode(const std::string& soname)
{
    static const std::regex kNode(
        R"((ld-linux-x86-64|libc|libm|libdl|libpthread|librt|libresolv|libutil|libanl|libmvec|libcuda|libcublas(Lt)?|libnvidia-[\w-]+)\.so.*)");
    return std::regex_match(soname, kNode);
}

std::string readFile(const fs::path& path)
{
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return std::move(text).str();
}

/// Unpacks the bundle once for all tests here.
class NodeBundle : public testing::Test
{
protected:
    static void SetUpTestSuite()
    {
        if (!fs::exists(GANTRY_NODE_BUNDLE))
            return;
        std::string pattern = (fs::temp_directory_path() / "gantry-bundle-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        s_folder = pattern;
        const CommandResult unpacked = runCommand("tar --zstd -xf '" GANTRY_NODE_BUNDLE "' -C '" + s_folder.string() + "'");
        ASSERT_EQ(unpacked.status, 0) << unpacked.output;
        for (const fs::directory_entry& entry : fs::directory_iterator(s_folder))
            s_root = entry.path();
    }

    static void TearDownTestSuite()
    {
        if (!s_folder.empty())
            fs::remove_all(s_folder);
        s_folder.clear();
    }

    void SetUp() override
    {
        if (s_folder.empty())
            GTEST_SKIP() << "no " GANTRY_NODE_BUNDLE ": build the target node-bundle first";
        ASSERT_TRUE(fs::exists(s_root / "manifest.json"));
    }

    static std::vector<fs::path> elfFiles()
    {
        std::vector<fs::path> files;
        for (const fs::directory_entry& entry : fs::recursive_directory_iterator(s_root)) {
            if (entry.is_regular_file() && readFile(entry.path()).starts_with("\177ELF"))
                files.push_back(entry.path());
        }
        return files;
    }

    /// Runs a program of the bundle as on a bare node: no environment, so no library path.
    static CommandResult runBare(const std::string& program, const std::string& arguments)
    {
        return runCommand("cd / && env -i LD_BIND_NOW=1 '" + (s_root / "bin" / program).string() + "' " + arguments);
    }

    static inline fs::path s_folder;
    static inline fs::path s_root;
};

} // namespace

TEST_F(NodeBundle, holdsTheProgramsTheCaptureLibraryAndTheDemoModels)
{
    for (const char* program : {"gantryd", "gantry-gpu-sampler", "gantry-serve", "gantryctl"})
        EXPECT_TRUE(fs::exists(s_root / "bin" / program)) << program;
    // Not built where there are no NVTX headers.
    EXPECT_EQ(fs::exists(s_root / "lib/libgantry_capture.so"), fs::exists(fs::path(GANTRY_BINARY_DIR) / "lib/libgantry_capture.so"));
    EXPECT_TRUE(fs::exists(s_root / "lib/gantry-python/sitecustomize.py"));
    EXPECT_FALSE(fs::is_empty(s_root / "share/gantry/models"));
}

TEST_F(NodeBundle, asksForNoGlibcNewerThan2_35)
{
    ASSERT_GE(elfFiles().size(), 4u);
    for (const fs::path& elf : elfFiles()) {
        // Only glibc defines versions named GLIBC_x.y, so each that appears in a file of the bundle is a need.
        const CommandResult versions = runCommand("readelf -VW '" + elf.string() + "'");
        ASSERT_EQ(versions.status, 0) << versions.output;
        for (const std::string& version : matches(versions.output, R"(Name: GLIBC_(\d+\.\d+))")) {
            const std::size_t dot = version.find('.');
            const std::pair<int, int> needed{std::stoi(version.substr(0, dot)), std::stoi(version.substr(dot + 1))};
            EXPECT_LE(needed, kOldestGlibc) << elf.filename() << " needs GLIBC_" << version << "; objdump -T shows the symbol";
        }
    }
}

TEST_F(NodeBundle, bringsEveryLibraryThatIsNotOfTheNode)
{
    for (const fs::path& elf : elfFiles()) {
        const CommandResult dynamic = runCommand("readelf -dW '" + elf.string() + "'");
        for (const std::string& soname : matches(dynamic.output, R"(\(NEEDED\).*\[(.+)\])"))
            EXPECT_TRUE(isOfTheNode(soname) || fs::exists(s_root / "lib" / soname)) << elf.filename() << " needs " << soname;
        EXPECT_THAT(dynamic.output, HasSubstr("$ORIGIN")) << elf.filename() << " has no rpath relative to itself";
        EXPECT_EQ(dynamic.output.find("(RUNPATH)"), std::string::npos) << elf.filename() << ": RUNPATH loses to LD_LIBRARY_PATH";
    }
}

TEST_F(NodeBundle, takesItsOwnLibrariesAndFindsEverySymbol)
{
    for (const char* program : {"gantryd", "gantry-gpu-sampler", "gantry-serve", "gantryctl"}) {
        const CommandResult linked = runCommand("env -i ldd -r '" + (s_root / "bin" / program).string() + "'");
        EXPECT_EQ(linked.status, 0) << linked.output;
        EXPECT_THAT(matches(linked.output, R"((undefined symbol.*|.*not found))"), IsEmpty()) << program;
        for (const std::string& path : matches(linked.output, R"(=> (/\S+))"))
            EXPECT_TRUE(path.starts_with(s_root.string()) || isOfTheNode(fs::path(path).filename())) << program << " takes " << path;
    }
}

TEST_F(NodeBundle, runsWithAnEmptyEnvironment)
{
    for (const char* program : {"gantryd", "gantry-gpu-sampler", "gantry-serve", "gantryctl"}) {
        const CommandResult help = runBare(program, "--help");
        EXPECT_EQ(help.status, 0) << help.output;
        EXPECT_THAT(help.output, HasSubstr("--")) << program;
    }
}

TEST_F(NodeBundle, hasAManifestThatNamesEveryFileWithItsSizeAndDigest)
{
    const nlohmann::json manifest = nlohmann::json::parse(readFile(s_root / "manifest.json"));
    EXPECT_EQ(manifest.at("version"), GANTRY_VERSION);
    EXPECT_EQ(manifest.at("architecture"), "x86_64");
    std::set<std::string> named;
    for (const nlohmann::json& file : manifest.at("files")) {
        const std::string path = file.at("path");
        named.insert(path);
        const gantry::Result<std::string> digest = gantry::sha256OfFile(s_root / path);
        ASSERT_TRUE(digest) << digest.error().text();
        EXPECT_EQ(file.at("sha256"), *digest) << path;
        EXPECT_EQ(file.at("size"), fs::file_size(s_root / path)) << path;
    }
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(s_root)) {
        const std::string path = fs::relative(entry.path(), s_root).string();
        if (entry.is_regular_file() && path != "manifest.json") {
            EXPECT_TRUE(named.contains(path)) << path << " is not in the manifest";
        }
    }
}
