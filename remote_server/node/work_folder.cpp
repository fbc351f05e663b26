#include "remote_server/node/work_folder.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <iterator>
#include <string>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>
#include <vector>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kPrefix = ".gantryd-work-";

/// The lock of a folder, or nothing when somebody else has it or removed it meanwhile.
UniqueFd lockOf(const fs::path& folder)
{
    // A file, for a folder on NFS takes no lock: flock(2).
    UniqueFd lock(open((folder / "lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
    struct stat status
    {
    };
    if (!lock || flock(lock.get(), LOCK_EX | LOCK_NB) != 0 || fstat(lock.get(), &status) != 0 || status.st_nlink == 0)
        return {};
    return lock;
}

std::vector<std::string> argumentsOf(const fs::path& process)
{
    std::vector<std::string> arguments;
    std::ifstream file(process / "cmdline", std::ios::binary);
    for (std::string argument; std::getline(file, argument, '\0');)
        arguments.push_back(std::move(argument));
    return arguments;
}

/// Whether this is `nsys export` of a file in the folder. An nsys that is a script stands behind its interpreter.
bool isExport(const std::vector<std::string>& arguments, std::string_view nsys, const fs::path& folder)
{
    const auto verb = std::find(arguments.begin(), arguments.end(), "export");
    const std::string inside = folder.string() + "/";
    return verb != arguments.begin() && verb != arguments.end() && fs::path(*std::prev(verb)).filename() == nsys &&
           std::any_of(verb, arguments.end(), [&](const std::string& argument) { return argument.starts_with(inside); });
}

void killExportsIn(const fs::path& folder, std::string_view nsys)
{
    std::error_code error;
    for (fs::directory_iterator process("/proc", error), end; !error && process != end; process.increment(error)) {
        const std::string name = process->path().filename().string();
        if (!std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; }))
            continue;
        const auto pid = static_cast<pid_t>(std::atoi(name.c_str()));
        struct stat status
        {
        };
        // It leads a group of its own: importing::runProgram().
        if (pid > 1 && getpgid(pid) == pid && pid != getpgrp() && stat(process->path().c_str(), &status) == 0 &&
            status.st_uid == geteuid() && isExport(argumentsOf(process->path()), nsys, folder))
            kill(-pid, SIGKILL);
    }
}

} // namespace

Result<WorkFolder> WorkFolder::make(const fs::path& parent)
{
    constexpr int kAttempts = 3; // a daemon that starts just now may sweep the folder before it is locked
    for (int attempt = 0; attempt < kAttempts; ++attempt) {
        std::string path = (parent / (std::string(kPrefix) + "XXXXXX")).string();
        if (!mkdtemp(path.data()))
            return Error{
                ErrorCode::CannotWrite, errnoError(errno, "cannot make a folder in " + parent.string() + " on the node").message, {}};
        if (UniqueFd lock = lockOf(path))
            return WorkFolder(path, std::move(lock));
        std::error_code ignored;
        fs::remove_all(path, ignored);
    }
    return Error{
        ErrorCode::CannotWrite, "cannot lock a folder in " + parent.string() + " on the node: does its file system have locks?", {}};
}

WorkFolder::WorkFolder(WorkFolder&& other) noexcept : m_path(std::exchange(other.m_path, {})), m_lock(std::move(other.m_lock)) {}

WorkFolder::~WorkFolder()
{
    std::error_code ignored;
    if (!m_path.empty())
        fs::remove_all(m_path, ignored);
}

void WorkFolder::sweep(const fs::path& parent, std::string_view nsys)
{
    std::error_code error;
    for (fs::directory_iterator entry(parent, error), end; !error && entry != end; entry.increment(error)) {
        std::error_code ignored;
        if (!entry->path().filename().string().starts_with(kPrefix) || !fs::is_directory(entry->symlink_status(ignored)))
            continue;
        if (const UniqueFd lock = lockOf(entry->path())) {
            killExportsIn(entry->path(), nsys);
            fs::remove_all(entry->path(), ignored);
        }
    }
}

} // namespace gantry::node
