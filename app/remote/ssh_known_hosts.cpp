#include "app/remote/ssh_known_hosts.h"

#include "app/remote/ssh_words.h"
#include "trace_model/base/unique_fd.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <optional>
#include <sys/stat.h>

namespace gantry::app {

namespace {

constexpr std::string_view kHashMark = "|1|"; // sshd(8): "hashed hostnames start with a '|' character"; 1 is HMAC-SHA1
constexpr std::size_t kSha1Bytes = 20;

/// A line that holds a key.
struct Entry
{
    std::string marker; ///< "@revoked", "@cert-authority" or empty
    std::string names;
    SshHostKey key;
    const std::filesystem::path* file = nullptr;
    int line = 0;
};

std::string lowerCase(std::string_view text)
{
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return result;
}

std::string base64Encoded(std::string_view bytes)
{
    std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0'); // and the zero that EVP_EncodeBlock(3) adds
    const int count = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()), reinterpret_cast<const unsigned char*>(bytes.data()),
                                      static_cast<int>(bytes.size()));
    text.resize(static_cast<std::size_t>(count));
    return text;
}

std::string hashOfName(std::string_view salt, std::string_view name)
{
    std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
    unsigned length = 0;
    HMAC(EVP_sha1(), salt.data(), static_cast<int>(salt.size()), reinterpret_cast<const unsigned char*>(name.data()), name.size(),
         digest.data(), &length);
    return std::string(reinterpret_cast<const char*>(digest.data()), length);
}

bool matchesHash(std::string_view hashed, std::string_view name)
{
    hashed.remove_prefix(kHashMark.size());
    const std::size_t bar = hashed.find('|');
    if (bar == std::string_view::npos)
        return false;
    const std::optional<std::string> salt = base64Decoded(hashed.substr(0, bar)), hash = base64Decoded(hashed.substr(bar + 1));
    return salt && hash && *hash == hashOfName(*salt, name);
}

/// Names are matched without regard to case, as ssh does, which lowers both.
bool isFor(const Entry& entry, const std::string& name)
{
    if (entry.names.starts_with(kHashMark))
        return matchesHash(entry.names, name);
    bool matches = false;
    for (const std::string& pattern : splitAtCommas(lowerCase(entry.names))) {
        const bool isNegated = pattern.starts_with('!');
        if (!matchesSshPattern(name, std::string_view(pattern).substr(isNegated ? 1 : 0)))
            continue;
        if (isNegated)
            return false;
        matches = true;
    }
    return matches;
}

std::string takeWord(std::string_view& text)
{
    text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
    const std::size_t end = std::min(text.find_first_of(" \t\r"), text.size());
    std::string word(text.substr(0, end));
    text.remove_prefix(end);
    return word;
}

/// Nothing for a comment, an empty line and one that is no entry: such a line decides nothing, for better or worse.
std::optional<Entry> parseLine(std::string_view text)
{
    Entry entry;
    std::string word = takeWord(text);
    if (word.empty() || word.front() == '#')
        return std::nullopt;
    if (word.front() == '@') {
        entry.marker = word;
        word = takeWord(text);
    }
    entry.names = std::move(word);
    entry.key.type = takeWord(text);
    entry.key.base64 = takeWord(text);
    const bool isMarkerKnown = entry.marker.empty() || entry.marker == "@revoked" || entry.marker == "@cert-authority";
    if (!isMarkerKnown || entry.key.base64.empty())
        return std::nullopt;
    return entry;
}

Result<void> forEachEntry(const std::vector<std::string>& files, const std::string& name, const std::function<void(const Entry&)>& onEntry)
{
    for (const std::string& path : files) {
        const std::filesystem::path file = path;
        errno = 0;
        std::ifstream stream(file);
        if (!stream && (errno == ENOENT || errno == ENOTDIR))
            continue;
        if (!stream)
            return errnoError(errno, fmt::format("cannot read the known host keys in {}", path));
        std::string line;
        for (int number = 1; std::getline(stream, line); ++number) {
            std::optional<Entry> entry = parseLine(line);
            if (!entry || !isFor(*entry, name))
                continue;
            entry->file = &file;
            entry->line = number;
            onEntry(*entry);
        }
    }
    return {};
}

std::string hashedName(const std::string& name)
{
    std::string salt(kSha1Bytes, '\0');
    if (RAND_bytes(reinterpret_cast<unsigned char*>(salt.data()), static_cast<int>(salt.size())) != 1)
        return name;
    return fmt::format("{}{}|{}", kHashMark, base64Encoded(salt), base64Encoded(hashOfName(salt, name)));
}

Error cannotAdd(int errnoValue, const std::string& path)
{
    Error error = errnoError(errnoValue, fmt::format("cannot add the host's key to {}", path));
    error.code = ErrorCode::CannotWrite;
    return error;
}

} // namespace

Result<SshHostKeyVerdict> SshKnownHosts::check(const std::string& name, const SshHostKey& key) const
{
    using Kind = SshHostKeyVerdict::Kind;
    SshHostKeyVerdict verdict;
    const auto decide = [&](Kind kind, const Entry& entry) {
        verdict.kind = kind;
        verdict.file = *entry.file;
        verdict.line = entry.line;
        verdict.knownType = entry.key.type;
    };
    GANTRY_CHECK(forEachEntry(m_files, name, [&](const Entry& entry) {
        const bool isThisKey = entry.key.base64 == key.base64;
        if (entry.marker == "@cert-authority") {
            verdict.hasAuthority = true;
        } else if (entry.marker == "@revoked") {
            // A revoked key stays revoked, whatever line before or behind says that it is the host's.
            if (isThisKey)
                decide(Kind::Revoked, entry);
        } else if (verdict.kind == Kind::Revoked || verdict.kind == Kind::Known) {
            return;
        } else if (isThisKey) {
            decide(Kind::Known, entry);
        } else if (entry.key.type == key.type) {
            if (verdict.kind != Kind::Changed)
                decide(Kind::Changed, entry);
        } else if (verdict.kind == Kind::Unknown) {
            decide(Kind::OtherType, entry);
        }
    }));
    return verdict;
}

std::vector<std::string> SshKnownHosts::keyTypes(const std::string& name) const
{
    std::vector<std::string> types;
    // A file that cannot be read is an error of check(), which follows.
    (void)forEachEntry(m_files, name, [&](const Entry& entry) {
        if (entry.marker.empty() && std::find(types.begin(), types.end(), entry.key.type) == types.end())
            types.push_back(entry.key.type);
    });
    return types;
}

Result<std::filesystem::path> SshKnownHosts::add(const std::string& name, const SshHostKey& key, bool isHashed) const
{
    if (m_files.empty())
        return Error{ErrorCode::CannotWrite, "UserKnownHostsFile names no file to keep the host's key in", {}};
    const std::filesystem::path path = m_files.front();
    if (::mkdir(path.parent_path().c_str(), 0700) != 0 && errno != EEXIST)
        return cannotAdd(errno, path.string());
    const UniqueFd file(::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0600));
    if (!file)
        return cannotAdd(errno, path.string());
    struct stat status
    {
    };
    char last = '\n';
    if (::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0)
        (void)!::pread(file.get(), &last, 1, status.st_size - 1);
    // In one write, so that two that add at once do not mix their lines.
    const std::string line =
        fmt::format("{}{} {} {}\n", last == '\n' ? "" : "\n", isHashed ? hashedName(name) : name, key.type, key.base64);
    if (::write(file.get(), line.data(), line.size()) != static_cast<ssize_t>(line.size()))
        return cannotAdd(errno, path.string());
    return path;
}

} // namespace gantry::app
