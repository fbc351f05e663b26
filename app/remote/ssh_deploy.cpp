#include "app/remote/ssh_deploy.h"

#include "app/remote/node_bundle.h"
#include "app/remote/sftp_upload.h"
#include "app/remote/ssh_words.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

namespace gantry::app {

namespace {

constexpr const char* kIdleExit = "10m";
constexpr std::uint64_t kRoomNeeded = 400 << 20;   // the archive and what it holds, unpacked, with some air
constexpr std::size_t kHashDigits = 12;            // of the archive, in a folder's name: builds of one version differ
constexpr std::pair<int, int> kOldestGlibc{2, 35}; // cmake/node_bundle/node_bundle.py

// Exit statuses of the scripts below.
constexpr int kDamaged = 3, kCannotUnpack = 4, kCannotRun = 5, kDidNotStart = 6;

/// Unpacks, tries and puts into place. Variables come before it, quoted.
constexpr const char* kInstallScript = R"sh(
umask 077
mkdir -p "$base" || exit 1
trap 'rm -rf "$base/.unpack-$$"' EXIT
have=$(sha256sum "$part" | cut -d' ' -f1)
if [ "$have" != "$sha" ]; then rm -f "$part"; echo "SHA-256 $have instead of $sha" >&2; exit 3; fi
mkdir "$base/.unpack-$$" || exit 4
$unpack < "$part" | tar -xf - -C "$base/.unpack-$$" || exit 4
set -- "$base/.unpack-$$"/*/bin/gantryd
[ -x "$1" ] || { echo "there is no bin/gantryd in it" >&2; exit 4; }
"$1" --version >/dev/null || exit 5
new=${1%/bin/gantryd}
if [ ! -x "$folder/bin/gantryd" ]; then rm -rf "$folder"; mv "$new" "$folder" || [ -x "$folder/bin/gantryd" ] || exit 4; fi
rm -f "$part"
)sh";

/// What nothing has used for a day: no process runs from it or has its library loaded, and nobody has started it since.
constexpr const char* kCleanScript = R"sh(
touch "$folder"
for old in "$base"/*/ "$base"/.unpack-* "$base"/.upload-*; do
  old=${old%/}
  [ -e "$old" ] && [ "$old" != "$folder" ] || continue
  [ -n "$(find "$old" -prune -mtime +0 2>/dev/null)" ] || continue
  if grep -qsF "$old/" /proc/[0-9]*/maps; then continue; fi
  rm -rf "$old"
done
exit 0
)sh";

/// Starts gantryd, or sees that one listens already: the second of two ends at once, for the first holds the folder's lock.
constexpr const char* kStartScript = R"sh(
umask 077
mkdir -p "$state" || exit 6
[ ! -L "$state" ] && [ -O "$state" ] || { echo "$state belongs to somebody else" >&2; exit 6; }
chmod 700 "$state"
new="$state/ready.$$"
[ -s "$state/log" ] && [ "$(wc -c <"$state/log")" -gt 1000000 ] && : >"$state/log"
rm -f "$new"
detach=
command -v setsid >/dev/null 2>&1 && detach=setsid
cd /
$detach nohup "$folder/bin/gantryd" --idle-exit "$idle" --ready-file "$new" "$@" </dev/null >>"$state/log" 2>&1 &
pid=$!
tries=0
while [ $tries -lt 150 ]; do
  if [ -s "$new" ]; then mv "$new" "$state/ready"; break; fi
  if ! kill -0 $pid 2>/dev/null; then
    if [ -s "$state/ready" ] && tail -n 3 "$state/log" | grep -q 'already runs'; then break; fi
    tail -n 1 "$state/log" >&2
    exit 6
  fi
  sleep 0.1 2>/dev/null || sleep 1
  tries=$((tries + 1))
done
[ -s "$state/ready" ] || { echo "gantryd does not listen" >&2; exit 6; }
cat "$state/ready"
[ -s "$state/token" ] && cat "$state/token"
exit 0
)sh";

/// NAME='value' lines: what the scripts are told, never a part of their text.
std::string assignments(const std::map<std::string, std::string>& variables)
{
    std::string text;
    for (const auto& [name, value] : variables)
        text += name + "=" + shellCommand({value}) + "\n";
    return text;
}

std::string lastLine(const std::string& text)
{
    const std::size_t end = text.find_last_not_of("\r\n");
    if (end == std::string::npos)
        return {};
    const std::size_t begin = text.rfind('\n', end);
    return text.substr(begin == std::string::npos ? 0 : begin + 1, end - (begin == std::string::npos ? 0 : begin + 1) + 1).substr(0, 400);
}

std::optional<std::pair<int, int>> parseGlibc(const std::string& text)
{
    std::istringstream stream(text);
    int major = 0, minor = 0;
    char dot = 0;
    if (!(stream >> major >> dot >> minor) || dot != '.')
        return std::nullopt;
    return std::pair{major, minor};
}

Result<void> checkMachine(const SshSession& session, const SshNodeFacts& facts)
{
    const std::string host = session.host().text();
    const std::string byHand = "; build Gantry there and start gantryd yourself";
    if (facts.system != "Linux" || facts.machine != "x86_64")
        return Error{
            ErrorCode::Unsupported,
            fmt::format("{} is a {} {} machine, and the node bundle is for Linux x86_64{}", host, facts.system, facts.machine, byHand),
            {}};
    if (const auto glibc = parseGlibc(facts.glibc); !glibc || *glibc < kOldestGlibc)
        return Error{ErrorCode::Unsupported,
                     fmt::format("{} has {}, and the node bundle needs glibc {}.{} or newer{}", host,
                                 glibc ? "glibc " + facts.glibc : "another C library than glibc", kOldestGlibc.first, kOldestGlibc.second,
                                 byHand),
                     {}};
    if (!facts.hasTar || !facts.hasSha256)
        return Error{ErrorCode::Unsupported,
                     fmt::format("{} has no {} to {} the node bundle with; install it there", host, facts.hasTar ? "sha256sum" : "tar",
                                 facts.hasTar ? "check" : "unpack"),
                     {}};
    if (facts.home.empty())
        return Error{ErrorCode::Unsupported, fmt::format("{} has no home folder for {}", host, session.host().user), {}};
    if (facts.freeBytes != 0 && facts.freeBytes < kRoomNeeded)
        return Error{ErrorCode::CannotWrite,
                     fmt::format("{} has {} MiB free in {}, and the node bundle needs {}; make room there", host, facts.freeBytes >> 20,
                                 facts.home, kRoomNeeded >> 20),
                     {}};
    return {};
}

Error scriptError(const SshSession& session, const SshCommandResult& result, const std::string& doing)
{
    const ErrorCode code = result.exitStatus == kCannotRun ? ErrorCode::Unsupported : ErrorCode::CannotWrite;
    const std::string said = lastLine(result.err);
    return Error{code,
                 fmt::format("{} on {} failed{}{}", doing, session.host().text(), said.empty() ? "" : ": ",
                             said.empty() ? fmt::format(" with status {}", result.exitStatus) : said),
                 {}};
}

std::string amount(std::uint64_t bytes, std::uint64_t total)
{
    constexpr double kMebibyte = 1 << 20;
    return fmt::format("{:.1f} of {:.1f} MiB", static_cast<double>(bytes) / kMebibyte, static_cast<double>(total) / kMebibyte);
}

/// Sends the archive and has it unpacked. An upload that was continued from another's beginning is damaged: then once more from the start.
Result<void> sendAndUnpack(SshSession& session, const SshNodeFacts& facts, const NodeBundle& bundle, const std::string& folder,
                           const OnConnectStep& onStep, const std::stop_token& stop)
{
    const std::string part = fmt::format("{}/.upload-{}", facts.bundleFolder(), bundle.sha256);
    const char* const unpack = bundle.packing == BundlePacking::Zstd   ? "zstd -dc"
                               : bundle.packing == BundlePacking::Gzip ? "gzip -dc"
                                                                       : "cat";
    GANTRY_TRY(const SshCommandResult made, session.run({"mkdir", "-p", "-m", "700", facts.bundleFolder()}, {}, stop));
    if (made.exitStatus != 0)
        return scriptError(session, made, "making " + facts.bundleFolder());
    for (int attempt = 1;; ++attempt) {
        GANTRY_TRY(UniqueFd sftp, session.openSftp(stop));
        const auto progress = [&](std::uint64_t bytes, std::uint64_t total) { onStep(ConnectStep::Deploy, amount(bytes, total)); };
        GANTRY_CHECK(sftpUpload(std::move(sftp), bundle.file, part, progress, stop));
        onStep(ConnectStep::Deploy, "unpacking");
        const std::string script =
            assignments({{"base", facts.bundleFolder()}, {"part", part}, {"sha", bundle.sha256}, {"folder", folder}, {"unpack", unpack}}) +
            kInstallScript;
        GANTRY_TRY(const SshCommandResult installed, session.run({"sh"}, script, stop));
        if (installed.exitStatus == 0)
            return {};
        if (installed.exitStatus != kDamaged || attempt > 1)
            return scriptError(session, installed, installed.exitStatus == kCannotRun ? "running gantryd" : "unpacking the node bundle");
    }
}

} // namespace

Result<std::string> installNodeBundle(SshSession& session, const SshNodeFacts& facts, const std::filesystem::path& bundle,
                                      const OnConnectStep& onStep, std::stop_token stop)
{
    onStep(ConnectStep::Deploy, "node bundle");
    GANTRY_CHECK(checkMachine(session, facts));
    const BundlePacking packing = facts.hasZstd ? BundlePacking::Zstd : facts.hasGzip ? BundlePacking::Gzip : BundlePacking::None;
    GANTRY_TRY(const NodeBundle source, packNodeBundle(bundle, BundlePacking::Zstd, stop));
    // By the hash of the bundle itself, however it is packed for the way.
    const std::string version = fmt::format("{}-{}", GANTRY_VERSION, source.sha256.substr(0, kHashDigits));
    const std::string folder = facts.bundleFolder() + "/" + version;
    if (std::find(facts.versions.begin(), facts.versions.end(), version) == facts.versions.end()) {
        GANTRY_TRY(const NodeBundle packed, packNodeBundle(bundle, packing, stop));
        GANTRY_CHECK(sendAndUnpack(session, facts, packed, folder, onStep, stop));
    }
    // Not being able to clean up is no reason not to work.
    (void)session.run({"sh"}, assignments({{"base", facts.bundleFolder()}, {"folder", folder}}) + kCleanScript, stop);
    return folder;
}

Result<StartedNode> startNode(SshSession& session, const SshNodeFacts& facts, const std::string& folder, bool byTcp,
                              const OnConnectStep& onStep, std::stop_token stop)
{
    onStep(ConnectStep::Start, byTcp ? "gantryd on a port" : "gantryd");
    const std::string state = facts.stateFolder() + (byTcp ? "-tcp" : "");
    const std::string socket = state + "/gantryd.sock";
    std::vector<std::string> arguments{"--socket", socket};
    if (byTcp)
        arguments = {"--listen", "127.0.0.1:0", "--socket", socket, "--token-file", state + "/token"};
    const std::string script = assignments({{"state", state}, {"folder", folder}, {"idle", kIdleExit}}) + "set -- " +
                               shellCommand(arguments) + "\n" + kStartScript;
    GANTRY_TRY(const SshCommandResult started, session.run({"sh"}, script, std::move(stop)));
    if (started.exitStatus != 0)
        return Error{ErrorCode::Unreachable,
                     fmt::format("gantryd does not start on {}: {}; its log there is {}/log", session.host().text(),
                                 started.exitStatus == kDidNotStart && !started.err.empty() ? lastLine(started.err)
                                                                                            : fmt::format("status {}", started.exitStatus),
                                 state),
                     {}};
    if (!byTcp)
        return StartedNode{socket, {}, {}};
    std::istringstream lines(started.out);
    std::string ready, token;
    std::getline(lines, ready);
    std::getline(lines, token);
    const nlohmann::json said = nlohmann::json::parse(ready, nullptr, false);
    if (!said.is_object() || !said.value("address", nlohmann::json()).is_string() || token.empty())
        return Error{ErrorCode::BadInput, fmt::format("gantryd on {} does not say where it listens", session.host().text()), {}};
    return StartedNode{{}, said["address"].get<std::string>(), token};
}

} // namespace gantry::app
