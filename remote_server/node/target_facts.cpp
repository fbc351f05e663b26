#include "remote_server/node/target_facts.h"

#include "remote_server/node/process_table.h"
#include "trace_model/base/secret_words.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <system_error>
#include <vector>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 64 * 1024; // of a command line, an environment or a configuration: more is no setting
constexpr std::size_t kMostModels = 64;
constexpr std::string_view kNotKept = "(not kept)";
constexpr std::string_view kNotSet = "(not set)";

/// Variables that change how GPU servers run, by how their names begin.
constexpr std::string_view kPrefixes[] = {"CUDA_", "CUBLAS",  "CUDNN_", "NCCL_",   "NVIDIA_", "TORCH_", "PYTORCH_", "VLLM_",
                                          "TRTLLM_", "TLLM_", "SGLANG_", "TRITON_", "TF_GPU_", "TF_XLA_", "XLA_",   "OMP_",     "MKL_"};
/// What a capture itself sets: it is not the target's.
constexpr std::string_view kOfCapture[] = {"CUDA_INJECTION64_PATH", "CUDA_INJECTION32_PATH"};
/// Said whether they are set or not, so that a report without a variable can be told from one that says nothing.
constexpr std::string_view kAlways[] = {"CUDA_VISIBLE_DEVICES", "CUDA_LAUNCH_BLOCKING", "CUDA_DEVICE_MAX_CONNECTIONS", "CUDA_MODULE_LOADING"};

bool isWanted(std::string_view name)
{
    if (std::find(std::begin(kOfCapture), std::end(kOfCapture), name) != std::end(kOfCapture))
        return false;
    return std::any_of(std::begin(kPrefixes), std::end(kPrefixes), [&](std::string_view prefix) { return name.starts_with(prefix); });
}

/// The begin of a file; nothing: it cannot be read.
std::optional<std::string> contentsOf(const fs::path& path)
{
    std::ifstream file(path, std::ios::binary);
    if (!file)
        return {};
    std::string contents(kMostBytes, '\0');
    file.read(contents.data(), static_cast<std::streamsize>(contents.size()));
    contents.resize(static_cast<std::size_t>(file.gcount()));
    return contents;
}

void takeEnvironment(std::map<std::string, std::string>& facts, const fs::path& proc, int pid)
{
    const auto environment = contentsOf(proc / std::to_string(pid) / "environ");
    if (!environment || environment->empty())
        return;
    const std::string prefix = report::meta::kEnvironmentPrefix;
    for (const std::string_view name : kAlways)
        facts[prefix + std::string(name)] = kNotSet;
    for (std::size_t at = 0; at < environment->size();) {
        const std::size_t end = std::min(environment->find('\0', at), environment->size());
        const std::string entry = environment->substr(at, end - at);
        at = end + 1;
        const std::size_t equals = entry.find('=');
        if (equals == std::string::npos || !isWanted(entry.substr(0, equals)))
            continue;
        const std::string name = entry.substr(0, equals);
        facts[prefix + name] = isSecretName(name) ? std::string(kNotKept) : maskedLine(entry.substr(equals + 1));
    }
}

/// Folders that a command line names as model repositories, in the words of Triton and of gantry-serve.
std::vector<fs::path> repositoriesOf(const std::vector<std::string>& argv)
{
    std::vector<fs::path> folders;
    for (std::size_t i = 0; i < argv.size(); ++i)
        for (const std::string_view option : {"--model-repository", "--model-store"}) {
            if (argv[i] == option && i + 1 < argv.size())
                folders.emplace_back(argv[i + 1]);
            else if (argv[i].starts_with(std::string(option) + "="))
                folders.emplace_back(argv[i].substr(option.size() + 1));
        }
    return folders;
}

void takeConfigs(std::map<std::string, std::string>& facts, const fs::path& repository)
{
    std::error_code ignored;
    std::size_t models = 0;
    for (fs::directory_iterator entry(repository, fs::directory_options::skip_permission_denied, ignored), end; entry != end && models < kMostModels;
         entry.increment(ignored)) {
        if (ignored)
            return;
        if (const auto config = contentsOf(entry->path() / "config.pbtxt")) {
            facts[report::meta::kModelConfigPrefix + entry->path().filename().string()] = *config;
            ++models;
        }
    }
}

} // namespace

std::map<std::string, std::string> targetFacts(const proto::Target& target, const fs::path& proc)
{
    std::map<std::string, std::string> facts;
    // One that was started by hand is known by its processes alone.
    const int pid = target.pid > 0 || target.processes.empty() ? target.pid : target.processes.front().pid;
    std::vector<std::string> argv = target.argv;
    if (argv.empty() && pid > 0)
        argv = commandLineOf(proc, pid, kMostBytes);
    // Relative to where it runs, and as it sees them: it may be in a container.
    for (const fs::path& repository : repositoriesOf(argv)) {
        const fs::path process = proc / std::to_string(pid);
        takeConfigs(facts, repository.is_absolute() ? process / "root" / repository.relative_path() : process / "cwd" / repository);
    }
    maskSecrets(argv);
    if (!argv.empty())
        facts[report::meta::kTargetCommand] = fmt::format("{}", fmt::join(argv, " "));
    if (pid > 0)
        takeEnvironment(facts, proc, pid);
    return facts;
}

} // namespace gantry::node
