#include "app/remote/ssh_node.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <set>
#include <sstream>
#include <string_view>

namespace gantry::app {

namespace {

constexpr const char* kGreeting = "gantry-node-facts 1";
constexpr std::size_t kMostListed = 100;

/// In /tmp anybody could have put a socket there first: only what is the user's own counts. For sh(1) of any system, and nothing of ours in
/// it but the version. Read from standard input, so that the user's shell, whichever it is, only sees the one word `sh`.
std::string factsScript()
{
    return fmt::format(R"sh(echo '{}'
uid=$(id -u)
echo "uid $uid"
echo "home $HOME"
tmp=${{TMPDIR:-/tmp}}
case "$tmp" in /*) [ ${{#tmp}} -le 50 ] && [ -d "$tmp" ] || tmp=/tmp ;; *) tmp=/tmp ;; esac
echo "tmp $tmp"
echo "system $(uname -s)"
echo "machine $(uname -m)"
echo "glibc $(getconf GNU_LIBC_VERSION 2>/dev/null)"
echo "free $(df -Pk "$HOME" 2>/dev/null | tail -n 1)"
for tool in tar gzip zstd sha256sum setsid; do command -v $tool >/dev/null 2>&1 && echo "has $tool"; done
for s in "$tmp/gantry-$uid-{}/gantryd.sock" "$XDG_RUNTIME_DIR/gantry/gantryd.sock" /run/user/$uid/gantry/gantryd.sock \
    /tmp/gantry-$uid/gantryd.sock; do
  [ -S "$s" ] && [ -O "$s" ] && [ -O "${{s%/*}}" ] && echo "socket $s"
done
for v in "$HOME"/.cache/gantry/*/bin/gantryd; do [ -x "$v" ] && echo "version $v"; done
echo end
)sh",
                       kGreeting, GANTRY_VERSION);
}

bool isDigits(std::string_view text)
{
    return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// df -P: "Filesystem 1024-blocks Used Available Capacity Mounted on".
std::uint64_t availableBytes(const std::string& line)
{
    std::istringstream words(line);
    std::string device;
    std::uint64_t total = 0, used = 0, available = 0;
    return words >> device >> total >> used >> available ? available * 1024 : 0;
}

/// Of ".../0.1.0/bin/gantryd" the "0.1.0".
std::string versionOf(const std::string& path)
{
    constexpr std::string_view kProgram = "/bin/gantryd";
    if (!path.ends_with(kProgram))
        return {};
    const std::string folder = path.substr(0, path.size() - kProgram.size());
    return folder.substr(folder.rfind('/') + 1);
}

void take(SshNodeFacts& facts, const std::string& key, const std::string& value)
{
    if (key == "uid" && isDigits(value))
        facts.userId = value;
    else if (key == "home" && value.starts_with('/'))
        facts.home = value;
    else if (key == "tmp" && value.starts_with('/'))
        facts.temporary = value;
    else if (key == "system")
        facts.system = value;
    else if (key == "machine")
        facts.machine = value;
    else if (key == "glibc" && value.starts_with("glibc "))
        facts.glibc = value.substr(6);
    else if (key == "free")
        facts.freeBytes = availableBytes(value);
    else if (key == "has" && value == "tar")
        facts.hasTar = true;
    else if (key == "has" && value == "gzip")
        facts.hasGzip = true;
    else if (key == "has" && value == "zstd")
        facts.hasZstd = true;
    else if (key == "has" && value == "sha256sum")
        facts.hasSha256 = true;
    else if (key == "has" && value == "setsid")
        facts.hasSetsid = true;
    else if (key == "socket" && value.starts_with('/') && facts.sockets.size() < kMostListed &&
             std::find(facts.sockets.begin(), facts.sockets.end(), value) == facts.sockets.end())
        facts.sockets.push_back(value);
    else if (const std::string version = versionOf(value); key == "version" && !version.empty() && facts.versions.size() < kMostListed)
        facts.versions.push_back(version);
}

} // namespace

std::string SshNodeFacts::stateFolder() const
{
    return fmt::format("{}/gantry-{}-{}", temporary, userId, GANTRY_VERSION);
}

Result<SshNodeFacts> parseSshNodeFacts(const std::string& answer)
{
    std::istringstream lines(answer);
    SshNodeFacts facts;
    bool hasBegun = false, hasEnded = false;
    // A login script may have printed something of its own before.
    for (std::string line; std::getline(lines, line);) {
        if (!hasBegun) {
            hasBegun = line == kGreeting;
            continue;
        }
        hasEnded = hasEnded || line == "end";
        const std::size_t blank = std::min(line.find(' '), line.size());
        take(facts, line.substr(0, blank), line.substr(std::min(blank + 1, line.size())));
    }
    if (!hasEnded || facts.userId.empty())
        return Error{
            ErrorCode::BadInput, "the host does not answer as a Linux machine does: does the login run a shell there, and not a menu?", {}};
    return facts;
}

Result<SshNodeFacts> readSshNodeFacts(SshSession& session, std::stop_token stop)
{
    GANTRY_TRY(const SshCommandResult answer, session.run({"sh"}, factsScript(), std::move(stop)));
    Result<SshNodeFacts> facts = parseSshNodeFacts(answer.out);
    if (!facts && !answer.err.empty())
        return std::move(facts).context("the host says: " + answer.err.substr(0, answer.err.find('\n'))).error();
    return facts;
}

} // namespace gantry::app
