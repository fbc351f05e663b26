#include "app/remote/sftp_upload.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <string_view>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace gantry::app {

namespace {

// Packet types and flags of the draft.
constexpr char kInit = 1, kVersion = 2, kOpen = 3, kClose = 4, kWrite = 6, kFstat = 8, kFsetstat = 10;
constexpr char kStatus = 101, kHandle = 102, kAttributes = 105;
constexpr std::uint32_t kForWriting = 0x02 | 0x08; // and made when it is not there
constexpr std::uint32_t kHasSize = 0x01, kHasPermissions = 0x04;
constexpr std::uint32_t kProtocol = 3;

constexpr std::size_t kMostPacket = 256 * 1024; // of OpenSSH's server; none of the answers comes near
constexpr std::size_t kWriteBytes = 64 * 1024;
constexpr std::size_t kMostWrites = 64; // on their way: 4 MiB

void put32(std::string& to, std::uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8)
        to += static_cast<char>(value >> shift & 0xff);
}
void put64(std::string& to, std::uint64_t value)
{
    put32(to, static_cast<std::uint32_t>(value >> 32));
    put32(to, static_cast<std::uint32_t>(value));
}
void putString(std::string& to, std::string_view text)
{
    put32(to, static_cast<std::uint32_t>(text.size()));
    to += text;
}

/// Reads a packet; what is not there reads as zero or empty and makes it bad.
class Reader
{
public:
    explicit Reader(std::string_view bytes) : m_bytes(bytes) {}
    [[nodiscard]] bool isBad() const { return m_isBad; }

    std::uint32_t take32()
    {
        std::uint32_t value = 0;
        for (const char c : take(4))
            value = value << 8 | static_cast<unsigned char>(c);
        return value;
    }
    std::uint64_t take64()
    {
        const std::uint64_t high = take32();
        return high << 32 | take32();
    }
    std::string_view takeString() { return take(take32()); }

private:
    std::string_view take(std::size_t count)
    {
        m_isBad = m_isBad || count > m_bytes.size();
        if (m_isBad)
            return {};
        const std::string_view part = m_bytes.substr(0, count);
        m_bytes.remove_prefix(count);
        return part;
    }
    std::string_view m_bytes;
    bool m_isBad = false;
};

struct Packet
{
    char type = 0;
    std::string body; ///< behind the type
};

/// Requests and answers over the stream.
class Sftp
{
public:
    Sftp(UniqueFd stream, std::stop_token stop)
        : m_stream(std::move(stream)), m_wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), m_wakeUp(std::move(stop), Wake{m_wake.get()})
    {
    }

    /// Bytes that wait to be sent.
    [[nodiscard]] std::size_t unsent() const { return m_out.size() - m_outBegin; }

    void send(char type, std::string_view body)
    {
        put32(m_out, static_cast<std::uint32_t>(body.size() + 1));
        m_out += type;
        m_out += body;
    }

    /// The next answer. Sends what waits meanwhile.
    Result<Packet> receive()
    {
        for (;;) {
            if (m_in.size() >= 4) {
                const std::size_t length = Reader(m_in).take32();
                if (length == 0 || length > kMostPacket)
                    return Error{
                        ErrorCode::BadInput, "the host's SFTP server answers with something else: does a login script print text?", {}};
                if (m_in.size() >= 4 + length) {
                    Packet packet{m_in[4], m_in.substr(5, length - 1)};
                    m_in.erase(0, 4 + length);
                    return packet;
                }
            }
            GANTRY_CHECK(exchange());
        }
    }

    /// One answer to one request.
    Result<Packet> ask(char type, std::string_view body)
    {
        send(type, body);
        return receive();
    }

private:
    struct Wake
    {
        int event;
        void operator()() const { (void)::eventfd_write(event, 1); }
    };

    Result<void> exchange()
    {
        pollfd waiting[] = {{m_stream.get(), static_cast<short>(unsent() > 0 ? POLLIN | POLLOUT : POLLIN), 0}, {m_wake.get(), POLLIN, 0}};
        if (::poll(waiting, 2, -1) < 0 && errno != EINTR)
            return errnoError(errno, "cannot wait for the host");
        if (waiting[1].revents != 0)
            return Error{ErrorCode::Cancelled, "sending to the host was cancelled; what arrived is kept", {}};
        if (unsent() > 0) {
            const ssize_t sent = ::send(m_stream.get(), m_out.data() + m_outBegin, unsent(), MSG_NOSIGNAL | MSG_DONTWAIT);
            m_outBegin += static_cast<std::size_t>(std::max<ssize_t>(sent, 0));
            if (m_outBegin == m_out.size()) {
                m_out.clear();
                m_outBegin = 0;
            }
        }
        char buffer[16 * 1024];
        const ssize_t count = ::recv(m_stream.get(), buffer, sizeof buffer, MSG_DONTWAIT);
        if (count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR))
            return Error{ErrorCode::Unreachable, "the host ended the connection to its SFTP server; what arrived is kept", {}};
        m_in.append(buffer, static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
        return {};
    }

    UniqueFd m_stream, m_wake;
    std::stop_callback<Wake> m_wakeUp;
    std::string m_out, m_in;
    std::size_t m_outBegin = 0;
};

Error statusError(const Packet& packet, const std::string& doing)
{
    Reader reader(packet.body);
    (void)reader.take32(); // id
    const std::uint32_t code = reader.take32();
    const std::string said(reader.takeString().substr(0, 200));
    if (packet.type != kStatus || reader.isBad())
        return Error{ErrorCode::BadInput, fmt::format("the host's SFTP server answers out of turn while {}", doing), {}};
    return Error{ErrorCode::CannotWrite,
                 fmt::format("the host fails at {}: {} (SFTP status {}); is its disk full, or its home read-only?", doing,
                             said.empty() ? "no reason given" : said, code),
                 {}};
}

bool isOk(const Packet& packet)
{
    Reader reader(packet.body);
    (void)reader.take32();
    return packet.type == kStatus && reader.take32() == 0 && !reader.isBad();
}

/// An open file on the host.
class RemoteFile
{
public:
    static Result<RemoteFile> open(Sftp& sftp, const std::string& path)
    {
        std::string version;
        put32(version, kProtocol);
        GANTRY_TRY(const Packet greeting, sftp.ask(kInit, version));
        if (greeting.type != kVersion)
            return statusError(greeting, "greeting");
        RemoteFile file(sftp, path);
        std::string request;
        put32(request, 0);
        putString(request, path);
        put32(request, kForWriting);
        put32(request, kHasPermissions);
        put32(request, 0600);
        GANTRY_TRY(const Packet opened, sftp.ask(kOpen, request));
        Reader reader(opened.body);
        (void)reader.take32();
        file.m_handle = reader.takeString();
        if (opened.type != kHandle || reader.isBad())
            return statusError(opened, "opening " + path);
        return file;
    }

    Result<std::uint64_t> size()
    {
        GANTRY_TRY(const Packet answer, m_sftp.ask(kFstat, request()));
        Reader reader(answer.body);
        (void)reader.take32();
        const std::uint32_t flags = reader.take32();
        const std::uint64_t bytes = (flags & kHasSize) != 0 ? reader.take64() : 0;
        if (answer.type != kAttributes || reader.isBad())
            return statusError(answer, "looking at " + m_path);
        return bytes;
    }

    Result<void> empty()
    {
        std::string body = request();
        put32(body, kHasSize);
        put64(body, 0);
        return expectOk(m_sftp.ask(kFsetstat, body), "emptying " + m_path);
    }

    void beginWrite(std::uint64_t offset, std::string_view data)
    {
        std::string body = request();
        put64(body, offset);
        putString(body, data);
        m_sftp.send(kWrite, body);
    }
    /// Writes are answered in the order in which they were asked for, or not; all that counts is how many.
    Result<void> endWrite() { return expectOk(m_sftp.receive(), "writing " + m_path); }

    Result<void> close() { return expectOk(m_sftp.ask(kClose, request()), "closing " + m_path); }

private:
    RemoteFile(Sftp& sftp, std::string path) : m_sftp(sftp), m_path(std::move(path)) {}

    [[nodiscard]] std::string request()
    {
        std::string body;
        put32(body, ++m_id);
        putString(body, m_handle);
        return body;
    }
    static Result<void> expectOk(Result<Packet> answer, const std::string& doing)
    {
        if (!answer)
            return std::move(answer).error();
        return isOk(*answer) ? Result<void>() : Result<void>(statusError(*answer, doing));
    }

    Sftp& m_sftp;
    std::string m_path, m_handle;
    std::uint32_t m_id = 0;
};

} // namespace

Result<void> sftpUpload(UniqueFd stream, const std::filesystem::path& local, const std::string& remote,
                        const std::function<void(std::uint64_t, std::uint64_t)>& progress, std::stop_token stop)
{
    const UniqueFd file(::open(local.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat status
    {
    };
    if (!file || ::fstat(file.get(), &status) != 0)
        return errnoError(errno, fmt::format("cannot read {}", local.string()));
    const auto total = static_cast<std::uint64_t>(status.st_size);

    Sftp sftp(std::move(stream), std::move(stop));
    GANTRY_TRY(RemoteFile target, RemoteFile::open(sftp, remote));
    GANTRY_TRY(std::uint64_t next, target.size());
    if (next > total) {
        GANTRY_CHECK(target.empty());
        next = 0;
    }
    std::uint64_t done = next;
    std::string block(kWriteBytes, '\0');
    for (std::size_t onTheirWay = 0; next < total || onTheirWay > 0;) {
        while (next < total && onTheirWay < kMostWrites) {
            const ssize_t count = ::pread(file.get(), block.data(), block.size(), static_cast<off_t>(next));
            if (count <= 0)
                return errnoError(count < 0 ? errno : EIO, fmt::format("cannot read {}", local.string()));
            target.beginWrite(next, std::string_view(block.data(), static_cast<std::size_t>(count)));
            next += static_cast<std::uint64_t>(count);
            ++onTheirWay;
        }
        GANTRY_CHECK(target.endWrite());
        --onTheirWay;
        done = std::max(done, next - std::min<std::uint64_t>(next, onTheirWay * kWriteBytes));
        if (progress)
            progress(done, total);
    }
    return target.close();
}

} // namespace gantry::app
