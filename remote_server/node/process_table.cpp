#include "remote_server/node/process_table.h"

#include "remote_server/node/small_file.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <sstream>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::node {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostStatBytes = 4096;

/// "PID (NAME) STATE PPID …": the name may hold anything, also ')' and blanks.
bool parseStat(std::string_view text, ProcessEntry& entry)
{
    const std::size_t nameBegin = text.find('('), nameEnd = text.rfind(')');
    if (nameBegin == std::string_view::npos || nameEnd == std::string_view::npos || nameEnd < nameBegin)
        return false;
    entry.name = text.substr(nameBegin + 1, nameEnd - nameBegin - 1);
    std::istringstream fields{std::string(text.substr(nameEnd + 1))};
    char state = 0;
    std::string skipped;
    fields >> state >> entry.parent >> entry.group;
    for (int field = 6; field <= 13; ++field)
        fields >> skipped;
    std::uint64_t user = 0, system = 0, pages = 0;
    fields >> user >> system;
    for (int field = 16; field <= 21; ++field)
        fields >> skipped;
    fields >> entry.startTicks >> skipped >> pages;
    entry.cpuTicks = user + system;
    entry.residentBytes = pages * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    return static_cast<bool>(fields) && state != 'Z' && state != 'X';
}

} // namespace

std::optional<ProcessEntry> readProcess(const fs::path& proc, int pid)
{
    const fs::path folder = proc / std::to_string(pid);
    struct stat status
    {
    };
    const auto text = readSmallFile(folder / "stat", kMostStatBytes);
    ProcessEntry entry;
    if (!text || ::stat(folder.c_str(), &status) != 0 || !parseStat(*text, entry))
        return std::nullopt;
    entry.pid = pid;
    entry.owner = status.st_uid;
    return entry;
}

std::vector<ProcessEntry> readProcesses(const fs::path& proc)
{
    std::vector<ProcessEntry> entries;
    std::error_code error;
    for (fs::directory_iterator at(proc, error), end; !error && at != end; at.increment(error)) {
        const std::string name = at->path().filename().string();
        int pid = 0;
        const auto [rest, problem] = std::from_chars(name.data(), name.data() + name.size(), pid);
        if (problem != std::errc() || rest != name.data() + name.size())
            continue;
        if (auto entry = readProcess(proc, pid))
            entries.push_back(std::move(*entry));
    }
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.pid < b.pid; });
    return entries;
}

std::vector<std::string> commandLineOf(const fs::path& proc, int pid, std::size_t maxBytes)
{
    std::vector<std::string> words;
    const auto text = readSmallFile(proc / std::to_string(pid) / "cmdline", maxBytes);
    if (!text)
        return words;
    std::istringstream stream(*text);
    for (std::string word; std::getline(stream, word, '\0');)
        words.push_back(std::move(word));
    return words;
}

} // namespace gantry::node
