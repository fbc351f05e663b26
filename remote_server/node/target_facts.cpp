#include "remote_server/node/target_facts.h"

#include "remote_server/node/process_table.h"
#include "remote_server/node/small_file.h"
#include "trace_model/base/secret_words.h"
#include "trace_model/base/unique_fd.h"
#include "trace_model/report/meta_keys.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <linux/openat2.h>
#include <optional>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <system_error>
#include <unistd.h>
#include <vector>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostBytes = 64 * 1024; // of a command line, an environment or a configuration: more is no setting
constexpr std::size_t kMostEnvironmentBytes = 1024 * 1024; // pods have variables of each service of their namespace
constexpr std::size_t kMostModels = 64, kMostEntries = 1000;
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

/// Up to a number of bytes of what is open; nothing: it cannot be read.
std::optional<std::string> contentsOf(const UniqueFd& file, std::size_t mostBytes)
{
    std::string contents;
    std::array<char, 64 * 1024> piece;
    while (contents.size() < mostBytes) {
        const ssize_t got = ::read(file.get(), piece.data(), std::min(piece.size(), mostBytes - contents.size()));
        if (got < 0)
            return {};
        if (got == 0)
            break;
        contents.append(piece.data(), static_cast<std::size_t>(got));
    }
    return contents;
}

void takeEnvironment(std::map<std::string, std::string>& facts, const fs::path& proc, int pid)
{
    const auto environment = readSmallFile(proc / std::to_string(pid) / "environ", kMostEnvironmentBytes);
    if (!environment || environment->empty())
        return;
    const bool isWhole = environment->size() < kMostEnvironmentBytes;
    const std::string prefix = report::meta::kEnvironmentPrefix;
    if (isWhole)
        for (const std::string_view name : kAlways)
            facts[prefix + std::string(name)] = kNotSet;
    for (std::size_t at = 0; at < environment->size();) {
        const std::size_t end = environment->find('\0', at);
        if (end == std::string::npos && !isWhole)
            return; // it may be longer
        const std::string entry = environment->substr(at, end - at);
        at = std::min(end, environment->size() - 1) + 1;
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

/// A process's files as it sees them: whatever its links say, nothing outside of its root is opened, and nothing that would block.
class FilesOfProcess
{
public:
    explicit FilesOfProcess(const fs::path& process)
        : m_root(::open((process / "root").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)), m_process(process)
    {
    }

    /// Of a path that may be relative to where the process runs. Invalid: it cannot be opened, or this kernel cannot do it safely.
    [[nodiscard]] UniqueFd open(const fs::path& path, std::uint64_t flags) const
    {
        std::error_code unknown;
        const fs::path absolute = path.is_absolute() ? path : fs::read_symlink(m_process / "cwd", unknown) / path;
        open_how how{};
        how.flags = flags | O_RDONLY | O_NONBLOCK | O_CLOEXEC;
        how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS; // openat2(2)
        if (m_root.get() < 0 || unknown)
            return {};
        return UniqueFd(static_cast<int>(syscall(SYS_openat2, m_root.get(), absolute.c_str(), &how, sizeof how)));
    }

private:
    UniqueFd m_root;
    fs::path m_process;
};

/// The values of a configuration's quoted texts that may be secret are left out: those behind names that say so, and the value of a
/// parameter whose key does.
std::string withoutSecrets(const std::string& config)
{
    std::string result, field;
    bool isSecretKey = false; // of the map entry
    for (std::size_t at = 0; at < config.size();) {
        const char letter = config[at];
        if (std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '_') {
            const std::size_t end = std::find_if(config.begin() + static_cast<std::ptrdiff_t>(at), config.end(),
                                                 [](unsigned char c) { return std::isalnum(c) == 0 && c != '_'; }) -
                                    config.begin();
            field = config.substr(at, end - at);
            result += field;
            at = end;
        } else if (letter == '"' || letter == '\'') {
            std::size_t end = at + 1;
            while (end < config.size() && config[end] != letter)
                end += config[end] == '\\' ? 2 : 1;
            end = std::min(end, config.size());
            const std::string value = config.substr(at + 1, end - at - 1);
            const bool isSecret = isSecretName(field) || (isSecretKey && field == "string_value");
            isSecretKey = field == "key" ? isSecretName(value) : isSecretKey && !isSecret;
            result += letter + (isSecret ? std::string(kNotKept) : maskedLine(value)) + letter;
            at = end + 1;
        } else {
            result += letter;
            ++at;
        }
    }
    return result;
}

void takeConfigs(std::map<std::string, std::string>& facts, const FilesOfProcess& files, const fs::path& repository)
{
    const UniqueFd folder = files.open(repository, O_DIRECTORY);
    DIR* entries = folder.get() < 0 ? nullptr : ::fdopendir(::dup(folder.get()));
    std::size_t models = 0, seen = 0;
    for (const dirent* entry = nullptr; entries && models < kMostModels && seen < kMostEntries && (entry = ::readdir(entries)); ++seen) {
        const std::string name = entry->d_name;
        if (name.starts_with('.'))
            continue;
        const UniqueFd file = files.open(repository / name / "config.pbtxt", 0);
        struct stat status
        {
        };
        if (file.get() < 0 || ::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode))
            continue;
        const auto config = contentsOf(file, kMostBytes + 1);
        if (!config || config->size() > kMostBytes)
            continue; // half of one would be compared as if it were whole
        facts[report::meta::kModelConfigPrefix + name] = withoutSecrets(*config);
        ++models;
    }
    if (entries)
        ::closedir(entries);
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
    const FilesOfProcess files(proc / std::to_string(pid));
    for (const fs::path& repository : repositoriesOf(argv))
        takeConfigs(facts, files, repository);
    maskSecrets(argv);
    if (!argv.empty())
        facts[report::meta::kTargetCommand] = fmt::format("{}", fmt::join(argv, " "));
    if (pid > 0)
        takeEnvironment(facts, proc, pid);
    return facts;
}

} // namespace gantry::node
