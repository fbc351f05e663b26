// Many nodes at once, as one desktop has them: gantryds that play a recording, a NodeClient each, live metrics at 10 Hz. Guards two
// figures: that a hundred rehearsal nodes are cheap enough for tests on a laptop, and what a connected node costs its client. usage:
// rehearsal_nodes_bench [NODES [SECONDS [RECORDING]]]

#include "app/remote/node_client.h"
#include "tests/bench/process_cost.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

namespace gantry::bench {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

struct Node
{
    std::unique_ptr<test::ChildProcess> daemon;
    std::shared_ptr<app::NodeClient> client;
    std::jthread stream;
};

std::filesystem::path start(Node& node, const std::filesystem::path& folder, const std::string& recording)
{
    std::filesystem::create_directory(folder);
    std::filesystem::permissions(folder, std::filesystem::perms::owner_all);
    node.daemon = std::make_unique<test::ChildProcess>(std::vector<std::string>{GANTRYD, "--socket", folder / "d.sock", "--report-folder",
                                                                                folder / "reports", "--ready-file", folder / "ready",
                                                                                "--rehearse", recording});
    return folder / "ready";
}

double total(const std::vector<Node>& nodes, const std::function<double(pid_t)>& value)
{
    double sum = 0;
    for (const Node& node : nodes)
        sum += value(node.daemon->pid());
    return sum;
}

void run(std::size_t count, int seconds, const std::string& recording)
{
    const test::TemporaryFolder folder;
    std::vector<Node> nodes(count);
    for (std::size_t i = 0; i < count; ++i) {
        const auto ready = start(nodes[i], folder / std::to_string(i), recording);
        if (!test::eventually([&] { return std::filesystem::exists(ready); }))
            throw std::runtime_error("a gantryd is not ready: " + nodes[i].daemon->errorText());
    }
    const double before = kilobytesOf(getpid(), "Private_Dirty");
    std::atomic<std::uint64_t> batches{0}, samples{0};
    for (std::size_t i = 0; i < count; ++i) {
        auto client = app::NodeClient::connect("unix:" + (folder / std::to_string(i) / "d.sock").string(), "bench", 30s);
        if (!client)
            throw std::runtime_error(client.error().text());
        nodes[i].client = *client;
        nodes[i].stream = std::jthread([&, client = *client](const std::stop_token& stop) {
            (void)client->streamMetrics(
                10,
                [&](const proto::MetricsBatch& batch) {
                    ++batches;
                    samples += batch.samples.size();
                },
                stop);
        });
    }
    std::this_thread::sleep_for(2s); // definitions of all series come first
    const double cpuBefore = cpuSecondsOf(getpid()), daemonsBefore = total(nodes, cpuSecondsOf);
    const std::uint64_t batchesBefore = batches, samplesBefore = samples;
    const auto begin = Clock::now();
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    const double length = std::chrono::duration<double>(Clock::now() - begin).count();
    const double n = static_cast<double>(count);
    const auto privateOf = [](pid_t pid) { return kilobytesOf(pid, "Private_Dirty") + kilobytesOf(pid, "Private_Clean"); };
    std::printf("{\"nodes\": %zu, \"batches_per_s_and_node\": %.1f, \"samples_per_s_and_node\": %.0f, "
                "\"daemon_cpu_percent_each\": %.2f, \"daemon_pss_mib_each\": %.1f, \"daemon_private_mib_each\": %.1f, "
                "\"client_cpu_percent_of_a_core\": %.1f, \"client_private_mib_each\": %.2f}\n",
                count, static_cast<double>(batches - batchesBefore) / length / n, static_cast<double>(samples - samplesBefore) / length / n,
                (total(nodes, cpuSecondsOf) - daemonsBefore) / length / n * 100,
                total(nodes, [](pid_t pid) { return kilobytesOf(pid, "Pss"); }) / n / 1024, total(nodes, privateOf) / n / 1024,
                (cpuSecondsOf(getpid()) - cpuBefore) / length * 100, (kilobytesOf(getpid(), "Private_Dirty") - before) / n / 1024);
    for (Node& node : nodes)
        node.stream.request_stop();
}

} // namespace
} // namespace gantry::bench

int main(int argc, char** argv)
{
    try {
        gantry::bench::run(argc > 1 ? std::stoul(argv[1]) : 100, argc > 2 ? std::stoi(argv[2]) : 10,
                           argc > 3 ? argv[3] : GANTRY_SOURCE_DIR "/resources/rehearsal/session");
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "rehearsal_nodes_bench: %s\n", failure.what());
        return 1;
    }
    return 0;
}
