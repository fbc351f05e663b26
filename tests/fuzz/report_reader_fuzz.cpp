#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

#include <fstream>
#include <random>
#include <sstream>

namespace gantry::trace {
namespace {

constexpr int kMutations = 400;

constexpr char kScript[] = R"(
window 0..1000
process server
thread 12 bert_0
execution 3 thread 12 model bert:1 instance bert_0 80..150
request 7 model bert:1 0..200 queue 0..80 compute_infer 90..140 batch 3
range 12 execute 80..150 payload 3 domain gantry.serve
mark 12 note 50
api 12 cudaLaunchKernel 95..99 corr 1
kernel gpu0/stream7 gemm 100..130 corr 1
memcpy gpu0/stream7 HtoD pageable 84..88 bytes 4096 corr 2
memset gpu0/stream7 60..61 bytes 64 corr 3
)";

std::string validReport(const std::filesystem::path& path)
{
    if (!test::writeEventScript(kScript, path))
        return {};
    std::ostringstream bytes;
    bytes << std::ifstream(path, std::ios::binary).rdbuf();
    return bytes.str();
}

/// Reads a mutated report. A value and an error are both right; a crash, a hang or an error without words are not.
void read(const std::filesystem::path& path, const std::string& bytes, int mutation)
{
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
    const auto loaded = loadTrace(path);
    EXPECT_TRUE(loaded || !loaded.error().text().empty()) << "mutation " << mutation;
}

TEST(ReportReaderFuzz, MutatedBytesGiveAValueOrAnError)
{
    const test::TemporaryFolder folder;
    const std::string valid = validReport(folder / "valid.gantry");
    ASSERT_FALSE(valid.empty());
    std::mt19937 random(0x6A27);
    for (int mutation = 0; mutation < kMutations; ++mutation) {
        std::string bytes = valid;
        for (std::size_t flips = 1 + random() % 24; flips > 0; --flips) {
            // The header and schema pages decide most: a third of the mutations stay there.
            const std::size_t reach = random() % 3 == 0 ? std::min<std::size_t>(bytes.size(), 8192) : bytes.size();
            bytes[random() % reach] = static_cast<char>(random());
        }
        read(folder / "mutated.gantry", bytes, mutation);
    }
}

TEST(ReportReaderFuzz, SwappedAndCutPagesGiveAValueOrAnError)
{
    constexpr std::size_t kPage = 4096;
    const test::TemporaryFolder folder;
    const std::string valid = validReport(folder / "valid.gantry");
    ASSERT_GE(valid.size(), 4 * kPage);
    std::mt19937 random(0xB00C);
    for (int mutation = 0; mutation < kMutations / 4; ++mutation) {
        std::string bytes = valid;
        const std::size_t pages = bytes.size() / kPage;
        bytes.replace((random() % pages) * kPage, kPage, valid.substr((random() % pages) * kPage, kPage));
        if (random() % 4 == 0)
            bytes.resize(random() % bytes.size());
        read(folder / "mutated.gantry", bytes, mutation);
    }
}

} // namespace
} // namespace gantry::trace
