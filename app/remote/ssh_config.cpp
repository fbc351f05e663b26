#include "app/remote/ssh_config.h"

#include "app/remote/ssh_config_file.h"
#include "app/remote/ssh_words.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <map>
#include <pwd.h>
#include <set>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ; // environ(7)

namespace gantry::app {

namespace {

constexpr int kDeepestInclude = 16; // as ssh(1)
constexpr std::size_t kMostJumps = 8;
constexpr const char* kSystemFolder = "/etc/ssh"; // where ssh_config(5) looks for what the system's file includes

std::filesystem::path userFolder(const SshConfigPlaces& places)
{
    return places.home + "/.ssh";
}

std::string lowerCase(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

std::string environmentOf(const char* name)
{
    const char* const value = std::getenv(name);
    return value ? value : "";
}

/// Keywords that change whom ssh(1) trusts or how it gets in, and that Gantry does not follow: silence would mislead.
const std::map<std::string, std::string>& unheededKeywords()
{
    static const std::map<std::string, std::string> kKeywords = {
        {"bindaddress", "connections start from the address that the system chooses"},
        {"bindinterface", "connections start from the address that the system chooses"},
        {"canonicalizehostname", "names are used as they stand"},
        {"gssapiauthentication", "Kerberos is not used"},
        {"hostbasedauthentication", "host-based authentication is not used"},
        {"knownhostscommand", "known host keys are read from files alone"},
        {"pkcs11provider", "keys of smart cards are used through the agent alone"},
        {"proxyusefdpass", "the proxy command is to carry the connection itself"},
        {"revokedhostkeys", "mark revoked keys with @revoked in known_hosts"},
        {"securitykeyprovider", "keys of security keys are used through the agent alone"},
        {"verifyhostkeydns", "host keys are not looked up in the DNS"},
    };
    return kKeywords;
}

bool runsWell(const std::string& command)
{
    const std::string shell = environmentOf("SHELL").empty() ? "/bin/sh" : environmentOf("SHELL");
    std::string flag = "-c", text = command, name = shell;
    char* const argv[] = {name.data(), flag.data(), text.data(), nullptr};
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO})
        ::posix_spawn_file_actions_addopen(&actions, fd, "/dev/null", O_RDWR, 0);
    pid_t pid = -1;
    const int failure = ::posix_spawn(&pid, shell.c_str(), &actions, nullptr, argv, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    int status = -1;
    while (failure == 0 && ::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
    return failure == 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool matchesCommaList(std::string_view name, std::string_view list)
{
    return matchesSshPatterns(name, splitAtCommas(list));
}

/// The lines that count for one host, first ones first, and what they come to.
class Reading
{
public:
    Reading(const SshConfigPlaces& places, const SshHop& wanted) : m_places(places), m_wanted(wanted) {}

    Result<SshHost> resolve()
    {
        GANTRY_CHECK(readFiles());
        if (m_hasFinal) {
            m_isFinal = true;
            GANTRY_CHECK(readFiles());
        }
        return build();
    }

private:
    Result<void> readFiles()
    {
        GANTRY_CHECK(readFile(m_places.userFile, m_places.isUserFileRequired, userFolder(m_places), true, 0));
        return readFile(m_places.systemFile, false, kSystemFolder, true, 0);
    }

    /// `folder`: of relative names in Include.
    Result<void> readFile(const std::filesystem::path& file, bool isRequired, const std::filesystem::path& folder, bool isActive, int depth)
    {
        if (file.empty())
            return {};
        bool active = isActive;
        Result<void> read = readSshConfigFile(file, [&](const SshConfigLine& line) -> Result<void> {
            if (line.keyword == "host") {
                active = isActive && matchesSshPatterns(m_wanted.host, line.arguments);
            } else if (line.keyword == "match") {
                GANTRY_TRY(const bool matches, matchHolds(line));
                active = isActive && matches;
            } else if (line.keyword == "include") {
                return include(line, folder, active, depth);
            } else if (active) {
                take(line);
            }
            return {};
        });
        // Not to be allowed to read /etc/ssh/ssh_config is not to have one.
        if (!read && !isRequired && read.error().code != ErrorCode::BadInput)
            return {};
        return read;
    }

    Result<void> include(const SshConfigLine& line, const std::filesystem::path& folder, bool isActive, int depth)
    {
        if (depth >= kDeepestInclude)
            return Error{
                ErrorCode::BadInput, fmt::format("{}: files include each other more than {} deep", line.where, kDeepestInclude), {}};
        for (const std::string& pattern : line.arguments)
            for (const std::filesystem::path& file : includedSshConfigFiles(pattern, folder, m_places.home))
                GANTRY_CHECK(readFile(file, false, folder, isActive, depth + 1));
        return {};
    }

    /// Of a Match line. A criterion that is not known makes the whole line unusable, as for ssh(1).
    Result<bool> matchHolds(const SshConfigLine& line)
    {
        bool holds = true;
        for (std::size_t i = 0; i < line.arguments.size(); ++i) {
            std::string criterion = lowerCase(line.arguments[i]);
            const bool isNegated = criterion.starts_with('!');
            if (isNegated)
                criterion.erase(0, 1);
            if (criterion == "all")
                continue;
            if (criterion == "canonical" || criterion == "final") {
                m_hasFinal = m_hasFinal || criterion == "final";
                holds = holds && m_isFinal != isNegated;
                continue;
            }
            if (++i >= line.arguments.size())
                return Error{ErrorCode::BadInput, fmt::format("{}: {} has no value", line.where, criterion), {}};
            GANTRY_TRY(const bool matches, criterionHolds(criterion, line.arguments[i], line.where, holds));
            holds = holds && matches != isNegated;
        }
        return holds;
    }

    Result<bool> criterionHolds(const std::string& criterion, const std::string& value, const std::string& where, bool isWorthRunning)
    {
        if (criterion == "host")
            return matchesCommaList(hostName(), value);
        if (criterion == "originalhost")
            return matchesCommaList(m_wanted.host, value);
        if (criterion == "user")
            return matchesCommaList(user(), value);
        if (criterion == "localuser")
            return matchesCommaList(m_places.localUser, value);
        if (criterion == "exec")
            return isWorthRunning && runsWell(expanded(value));
        return Error{ErrorCode::BadInput, fmt::format("{}: there is no criterion '{}' for Match", where, criterion), {}};
    }

    void take(const SshConfigLine& line)
    {
        if (line.keyword == "identityfile" || line.keyword == "certificatefile") {
            std::vector<std::string>& all = line.keyword == "identityfile" ? m_identityFiles : m_certificateFiles;
            if (std::find(all.begin(), all.end(), line.arguments[0]) == all.end())
                all.push_back(line.arguments[0]);
            return;
        }
        // Whichever of the two stands first decides how the host is reached.
        const bool isProxy = line.keyword == "proxyjump" || line.keyword == "proxycommand";
        m_lines.emplace(isProxy ? "proxy" : line.keyword, line);
    }

    [[nodiscard]] const SshConfigLine* find(const std::string& keyword) const
    {
        const auto found = m_lines.find(keyword);
        return found == m_lines.end() ? nullptr : &found->second;
    }
    [[nodiscard]] std::string value(const std::string& keyword, std::string otherwise = {}) const
    {
        const SshConfigLine* const line = find(keyword);
        return line ? line->arguments[0] : otherwise;
    }
    [[nodiscard]] bool isYes(const std::string& keyword, bool otherwise) const
    {
        const std::string text = lowerCase(value(keyword));
        return text.empty() ? otherwise : text == "yes" || text == "true";
    }

    [[nodiscard]] std::string hostName() const
    {
        // Only %h and %% here, and %h is the name as typed: ssh_config(5), TOKENS.
        return lowerCase(replaceTokens(value("hostname", "%h"), {{'h', m_wanted.host}}));
    }
    [[nodiscard]] std::string user() const { return m_wanted.user.empty() ? value("user", m_places.localUser) : m_wanted.user; }
    [[nodiscard]] std::string port() const { return m_wanted.port != 0 ? std::to_string(m_wanted.port) : value("port", "22"); }

    [[nodiscard]] std::string expanded(const std::string& text) const
    {
        const std::string shortHost = m_places.localHost.substr(0, m_places.localHost.find('.'));
        return replaceTokens(text, {{'d', m_places.home},
                                    {'h', hostName()},
                                    {'i', m_places.runtimeUserId},
                                    {'k', value("hostkeyalias", hostName())},
                                    {'l', m_places.localHost},
                                    {'L', shortHost},
                                    {'n', m_wanted.host},
                                    {'p', port()},
                                    {'r', user()},
                                    {'u', m_places.localUser}});
    }
    [[nodiscard]] std::string expandedPath(const std::string& text) const
    {
        const std::string path = replaceVariables(expanded(text));
        if (path == "~")
            return m_places.home;
        return path.starts_with("~/") ? m_places.home + path.substr(1) : path;
    }
    [[nodiscard]] std::vector<std::string> paths(const std::string& keyword, std::vector<std::string> otherwise) const
    {
        const SshConfigLine* const line = find(keyword);
        std::vector<std::string> result;
        for (const std::string& path : line ? line->arguments : otherwise)
            if (lowerCase(path) != "none")
                result.push_back(expandedPath(path));
        return result;
    }

    Result<SshHost> build()
    {
        SshHost host;
        host.alias = m_wanted.host;
        host.hostName = hostName();
        host.user = user();
        GANTRY_CHECK(checkSshHostName(host.hostName));
        GANTRY_CHECK(checkSshUserName(host.user));
        const std::optional<std::uint16_t> number = parseTcpPort(port());
        if (!number)
            return Error{ErrorCode::BadInput, fmt::format("{}: '{}' is not a port (1 to 65535)", whereIs("port"), port()), {}};
        host.port = *number;
        GANTRY_CHECK(buildProxy(host));
        buildKeys(host);
        GANTRY_CHECK(buildRest(host));
        buildNotes(host);
        return host;
    }

    [[nodiscard]] std::string whereIs(const std::string& keyword) const
    {
        const SshConfigLine* const line = find(keyword);
        return line ? line->where : keyword;
    }

    Result<void> buildProxy(SshHost& host) const
    {
        const SshConfigLine* const line = find("proxy");
        if (!line || lowerCase(line->rest) == "none")
            return {};
        if (line->keyword == "proxycommand") {
            host.proxyCommand = expanded(line->rest);
            return {};
        }
        for (const std::string& part : splitAtCommas(line->arguments[0])) {
            Result<SshHop> hop = SshHop::parse(part);
            if (!hop)
                return std::move(hop).context(line->where).error();
            host.jumps.push_back(std::move(*hop));
        }
        if (host.jumps.size() > kMostJumps)
            return Error{ErrorCode::BadInput, fmt::format("{}: more than {} hosts to jump over", line->where, kMostJumps), {}};
        return {};
    }

    void buildKeys(SshHost& host) const
    {
        host.identitiesAreNamed = !m_identityFiles.empty();
        std::vector<std::string> files = m_identityFiles;
        if (files.empty())
            files = {"~/.ssh/id_rsa", "~/.ssh/id_ecdsa", "~/.ssh/id_ecdsa_sk", "~/.ssh/id_ed25519", "~/.ssh/id_ed25519_sk"};
        for (const std::string& file : files)
            if (lowerCase(file) != "none")
                host.identityFiles.push_back(expandedPath(file));
        for (const std::string& file : m_certificateFiles)
            host.certificateFiles.push_back(expandedPath(file));
        host.identitiesOnly = isYes("identitiesonly", false);
        const std::string agent = value("identityagent", "SSH_AUTH_SOCK");
        if (agent == "SSH_AUTH_SOCK")
            host.identityAgent = m_places.agentSocket;
        else if (agent.starts_with('$') && !agent.starts_with("${"))
            host.identityAgent = environmentOf(agent.c_str() + 1);
        else if (lowerCase(agent) != "none")
            host.identityAgent = expandedPath(agent);
    }

    Result<void> buildRest(SshHost& host) const
    {
        host.hostKeyAlias = value("hostkeyalias");
        host.userKnownHosts = paths("userknownhostsfile", {"~/.ssh/known_hosts", "~/.ssh/known_hosts2"});
        host.globalKnownHosts = paths("globalknownhostsfile", {"/etc/ssh/ssh_known_hosts", "/etc/ssh/ssh_known_hosts2"});
        host.hashKnownHosts = isYes("hashknownhosts", false);
        host.usesPublicKeys = lowerCase(value("pubkeyauthentication")) != "no"; // else "unbound" or "host-bound"
        host.usesPasswords = isYes("passwordauthentication", true);
        host.usesKeyboardInteractive = isYes("kbdinteractiveauthentication", isYes("challengeresponseauthentication", true));
        const std::string family = lowerCase(value("addressfamily", "any"));
        host.addressFamily = family == "inet" ? AF_INET : family == "inet6" ? AF_INET6 : AF_UNSPEC;
        if (const std::string text = value("connecttimeout"); !text.empty() && lowerCase(text) != "none") {
            const std::optional<int> seconds = parseSshSeconds(text);
            if (!seconds)
                return Error{ErrorCode::BadInput, fmt::format("{}: '{}' is not a time", whereIs("connecttimeout"), text), {}};
            host.connectTimeoutSeconds = seconds;
        }
        return {};
    }

    void buildNotes(SshHost& host) const
    {
        const auto algorithms = [&](const std::string& keyword) {
            const std::string text = value(keyword);
            if (text.empty() || (text[0] != '+' && text[0] != '-' && text[0] != '^'))
                return text;
            host.notes.push_back(fmt::format("{}: {} {} is not followed: Gantry takes whole lists only", whereIs(keyword), keyword, text));
            return std::string();
        };
        host.ciphers = algorithms("ciphers");
        host.macs = algorithms("macs");
        host.keyExchanges = algorithms("kexalgorithms");
        host.hostKeyAlgorithms = algorithms("hostkeyalgorithms");
        for (const auto& [keyword, instead] : unheededKeywords())
            if (const SshConfigLine* const line = find(keyword); line && lowerCase(line->arguments[0]) != "no")
                host.notes.push_back(fmt::format("{}: {} is not followed: {}", line->where, keyword, instead));
        if (const SshConfigLine* const line = find("stricthostkeychecking"); line) {
            const std::string text = lowerCase(line->arguments[0]);
            if (text == "no" || text == "off" || text == "accept-new")
                host.notes.push_back(fmt::format(
                    "{}: stricthostkeychecking {} is not followed: a host key that is not known is always asked about", line->where, text));
        }
    }

    const SshConfigPlaces& m_places;
    const SshHop& m_wanted;
    std::map<std::string, SshConfigLine> m_lines;
    std::vector<std::string> m_identityFiles, m_certificateFiles;
    bool m_isFinal = false, m_hasFinal = false;
};

} // namespace

Result<SshHop> SshHop::parse(std::string_view text)
{
    SshHop hop;
    std::string_view rest = text;
    if (rest.starts_with("ssh://"))
        rest.remove_prefix(6);
    if (const std::size_t at = rest.rfind('@'); at != std::string_view::npos) {
        hop.user = rest.substr(0, at);
        rest.remove_prefix(at + 1);
        if (hop.user.empty())
            return Error{ErrorCode::BadInput, fmt::format("'{}': there is no user before the @", text), {}};
        GANTRY_CHECK(checkSshUserName(hop.user));
    }
    std::string_view port;
    const std::size_t bracket = rest.starts_with('[') ? rest.find(']') : std::string_view::npos;
    if (rest.starts_with('[') && bracket == std::string_view::npos)
        return Error{ErrorCode::BadInput, fmt::format("'{}': the [ of an IPv6 address is never closed", text), {}};
    const bool isAddress6 = bracket != std::string_view::npos || std::count(rest.begin(), rest.end(), ':') > 1;
    const std::size_t end = bracket != std::string_view::npos ? bracket + 1
                            : isAddress6                      ? rest.size()
                                                              : std::min(rest.find(':'), rest.size());
    hop.host = bracket != std::string_view::npos ? rest.substr(1, bracket - 1) : rest.substr(0, end);
    if (end < rest.size()) {
        if (rest[end] != ':')
            return Error{ErrorCode::BadInput, fmt::format("'{}': behind the host stands '{}'", text, rest.substr(end)), {}};
        port = rest.substr(end + 1);
        const std::optional<std::uint16_t> number = parseTcpPort(port);
        if (!number)
            return Error{ErrorCode::BadInput, fmt::format("'{}' is not a port (1 to 65535)", port), {}};
        hop.port = *number;
    }
    GANTRY_CHECK(checkSshHostName(hop.host));
    return hop;
}

std::string SshHop::text() const
{
    const bool isAddress6 = host.find(':') != std::string::npos;
    return fmt::format("{}{}{}{}", user, user.empty() ? "" : "@", isAddress6 && port != 0 ? "[" + host + "]" : host,
                       port != 0 ? fmt::format(":{}", port) : std::string());
}

std::string SshHost::text() const
{
    const std::string place = port == 22 ? hostName : SshHop{hostName, {}, port}.text();
    return place == alias ? alias : fmt::format("{} ({})", alias, place);
}

std::string SshHost::knownHostsName() const
{
    // ssh(1) does not add the port to an alias.
    if (!hostKeyAlias.empty())
        return lowerCase(hostKeyAlias);
    return port == 22 ? hostName : fmt::format("[{}]:{}", hostName, port);
}

SshConfigPlaces SshConfigPlaces::ofThisUser(const std::string& configFile)
{
    SshConfigPlaces places;
    // As ssh(1): the home of the password database, whatever HOME says. Without an entry there, HOME has to do.
    const passwd* const entry = ::getpwuid(::getuid());
    places.home = entry ? entry->pw_dir : environmentOf("HOME");
    places.localUser = entry ? entry->pw_name : environmentOf("USER");
    places.runtimeUserId = std::to_string(::getuid());
    char host[256] = {};
    ::gethostname(host, sizeof host - 1);
    places.localHost = host;
    places.agentSocket = environmentOf("SSH_AUTH_SOCK");
    if (configFile.empty()) {
        places.userFile = places.home + "/.ssh/config";
        places.systemFile = "/etc/ssh/ssh_config";
    } else if (lowerCase(configFile) != "none") {
        places.userFile = configFile;
        places.isUserFileRequired = true;
    }
    return places;
}

Result<SshHost> resolveSshHost(const SshConfigPlaces& places, const SshHop& wanted)
{
    return Reading(places, wanted).resolve();
}

std::vector<std::string> sshHostNames(const SshConfigPlaces& places)
{
    std::vector<std::string> names;
    std::set<std::string> seen;
    using Path = std::filesystem::path;
    const std::function<void(const Path&, const Path&, int)> read = [&](const Path& file, const Path& folder, int depth) {
        if (file.empty() || depth > kDeepestInclude)
            return;
        (void)readSshConfigFile(file, [&](const SshConfigLine& line) -> Result<void> {
            if (line.keyword == "include")
                for (const std::string& pattern : line.arguments)
                    for (const Path& included : includedSshConfigFiles(pattern, folder, places.home))
                        read(included, folder, depth + 1);
            if (line.keyword == "host")
                for (const std::string& name : line.arguments)
                    if (name.find_first_of("*?!") == std::string::npos && seen.insert(name).second)
                        names.push_back(name);
            return {};
        });
    };
    read(places.userFile, userFolder(places), 0);
    read(places.systemFile, kSystemFolder, 0);
    return names;
}

bool matchesSshPatterns(std::string_view name, const std::vector<std::string>& patterns)
{
    bool matches = false;
    for (const std::string& pattern : patterns) {
        const bool isNegated = pattern.starts_with('!');
        if (!matchesSshPattern(name, std::string_view(pattern).substr(isNegated ? 1 : 0)))
            continue;
        if (isNegated)
            return false;
        matches = true;
    }
    return matches;
}

} // namespace gantry::app
