#include "remote_server/inference/http_server.h"

#include "remote_server/inference/protocol_status.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <httplib.h>
#include <limits>
#include <mutex>
#include <optional>
#include <poll.h>
#include <pthread.h>
#include <string_view>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace gantry::inference_server {
namespace {

constexpr std::chrono::seconds kSocketPatience{30}; // for the next bytes of a request, or for room for an answer's
constexpr std::chrono::milliseconds kLook{100};     // how often a thread that waits for a client looks whether it is to end
constexpr std::chrono::seconds kIdleWhenOthersWait{1};
constexpr std::chrono::seconds kPatienceWithRefused{5}; // what they send meanwhile is thrown away
constexpr std::chrono::milliseconds kSilenceOfRefused{500};
constexpr std::size_t kMostHeaderBytes = 64 << 10, kMostLineBytes = 16 << 10;
constexpr std::chrono::seconds kPatienceAtTheEnd{1}; // of a server that ends: for the rest of a request, or for room for an answer's bytes

std::int64_t nowNs()
{
    return std::chrono::steady_clock::now().time_since_epoch().count();
}

/// What the thread of a connection is about.
struct ThisConnection
{
    int socket = -1;
    std::int64_t requestBegan = 0, answerBegan = 0;
    std::size_t mostBodyBytes = 0;
    bool mustClose = false; ///< the rest of the request is not read
    bool isLate = false;    ///< the request, which was not received in time
    bool hasHeaders = false;                    ///< they are read: what follows is the body
    std::size_t headerBytes = 0, lineBytes = 0; ///< that were read of the headers, and of the line that they are at
    std::optional<int> refusal;                 ///< status that the request is answered with, unread
    std::function<void(std::int64_t, std::int64_t)> whenSent;
};
thread_local ThisConnection t_connection;

bool waitFor(int socket, short events, std::chrono::milliseconds patience)
{
    pollfd wanted{socket, events, 0};
    return poll(&wanted, 1, static_cast<int>(patience.count())) > 0;
}

/// Threads that are made when they are needed, up to a bound. With all of them at work enqueue() waits, and with it the thread that accepts
/// connections: the kernel's queue holds those that come then.
class ConnectionThreads
{
public:
    explicit ConnectionThreads(std::size_t most) : m_most(most) {}
    ~ConnectionThreads() { end(); }

    [[nodiscard]] bool isSomebodyWaiting() const { return m_isWaiting; }

    void enqueue(std::function<void()> serve)
    {
        std::unique_lock lock(m_mutex);
        m_isWaiting = m_busy >= m_most;
        m_changed.wait(lock, [this] { return m_busy < m_most || isEnding(); });
        m_isWaiting = false;
        m_next.push_back(std::move(serve));
        ++m_busy;
        if (m_threads.size() < m_busy)
            m_threads.emplace_back([this] { run(); });
        else
            m_changed.notify_all();
    }

    /// Connections that wait for a request end, those that answer one finish it.
    void end()
    {
        const std::lock_guard lock(m_mutex);
        std::int64_t none = 0;
        m_endingSince.compare_exchange_strong(none, nowNs());
        m_changed.notify_all();
    }
    [[nodiscard]] bool isEnding() const { return m_endingSince != 0; }
    /// ns of CLOCK_MONOTONIC; 0: they do not end.
    [[nodiscard]] std::int64_t endingSince() const { return m_endingSince; }

    void join()
    {
        end();
        m_threads.clear();
    }

private:
    void run()
    {
        pthread_setname_np(pthread_self(), "http");
        std::unique_lock lock(m_mutex);
        for (;;) {
            m_changed.wait(lock, [this] { return !m_next.empty() || isEnding(); });
            if (m_next.empty())
                return;
            const auto serve = std::move(m_next.back());
            m_next.pop_back();
            lock.unlock();
            serve();
            lock.lock();
            --m_busy;
            m_changed.notify_all();
        }
    }

    const std::size_t m_most;
    std::atomic<bool> m_isWaiting{false};
    std::atomic<std::int64_t> m_endingSince{0};
    std::mutex m_mutex; ///< everything below
    std::condition_variable m_changed;
    std::vector<std::function<void()>> m_next;
    std::size_t m_busy = 0;
    std::vector<std::jthread> m_threads;
};

/// A socket as cpp-httplib reads and writes it, with a buffer: it reads headers byte by byte.
class ConnectionStream : public httplib::Stream
{
public:
    ConnectionStream(int socket, const ConnectionThreads& threads, std::chrono::nanoseconds wholeRequest)
        : m_socket(socket), m_threads(threads), m_wholeRequest(wholeRequest)
    {
    }

    [[nodiscard]] bool hasBuffered() const { return m_begin < m_end; }
    bool is_readable() const override
    {
        if (hasBuffered() || wait(POLLIN, t_connection.requestBegan, t_connection.requestBegan + m_wholeRequest.count()))
            return true;
        t_connection.isLate = true;
        return false;
    }
    bool is_writable() const override { return wait(POLLOUT, nowNs(), std::numeric_limits<std::int64_t>::max()); }
    ssize_t read(char* data, std::size_t size) override
    {
        if (!hasBuffered()) {
            if (!is_readable())
                return -1;
            if (size >= m_buffer.size())
                return recv(m_socket, data, size, 0);
            const ssize_t count = recv(m_socket, m_buffer.data(), m_buffer.size(), 0);
            if (count <= 0)
                return count;
            m_begin = 0;
            m_end = static_cast<std::size_t>(count);
        }
        const std::size_t taken = std::min(size, m_end - m_begin);
        std::memcpy(data, m_buffer.data() + m_begin, taken);
        m_begin += taken;
        return areHeadersTooLong({data, taken}) ? -1 : static_cast<ssize_t>(taken);
    }
    ssize_t write(const char* data, std::size_t size) override
    {
        if (t_connection.answerBegan == 0)
            t_connection.answerBegan = nowNs();
        return is_writable() ? send(m_socket, data, size, MSG_NOSIGNAL | MSG_DONTWAIT) : -1;
    }
    void get_remote_ip_and_port(std::string&, int&) const override {} // of no use here
    void get_local_ip_and_port(std::string&, int&) const override {}
    socket_t socket() const override { return m_socket; }

private:
    /// A line without an end would be read as long as bytes come, and waited for.
    static bool areHeadersTooLong(std::string_view read)
    {
        if (t_connection.hasHeaders)
            return false;
        const std::size_t end = read.rfind('\n');
        t_connection.headerBytes += read.size();
        t_connection.lineBytes = end == std::string_view::npos ? t_connection.lineBytes + read.size() : read.size() - end - 1;
        if (t_connection.headerBytes <= kMostHeaderBytes && t_connection.lineBytes <= kMostLineBytes)
            return false;
        t_connection.refusal = 431;
        return true;
    }

    /// False: for too long nothing came, or there was no room; or it is `untilNs`; or the server ends, and kPatienceAtTheEnd has passed
    /// since then and since `fromNs`.
    [[nodiscard]] bool wait(short events, std::int64_t fromNs, std::int64_t untilNs) const
    {
        untilNs = std::min(untilNs, nowNs() + std::chrono::nanoseconds(kSocketPatience).count());
        for (;;) {
            if (const std::int64_t ending = m_threads.endingSince(); ending != 0)
                untilNs = std::min(untilNs, std::max(fromNs, ending) + std::chrono::nanoseconds(kPatienceAtTheEnd).count());
            const std::chrono::nanoseconds left(untilNs - nowNs());
            if (left.count() <= 0)
                return false;
            if (waitFor(m_socket, events, std::min(kLook, std::chrono::ceil<std::chrono::milliseconds>(left))))
                return true;
        }
    }

    int m_socket;
    const ConnectionThreads& m_threads;
    const std::chrono::nanoseconds m_wholeRequest;
    std::array<char, 16 << 10> m_buffer{};
    std::size_t m_begin = 0, m_end = 0;
};

/// What cpp-httplib owns while it listens.
class ThreadsOfServer : public httplib::TaskQueue
{
public:
    explicit ThreadsOfServer(ConnectionThreads& threads) : m_threads(threads) {}
    void enqueue(std::function<void()> serve) override { m_threads.enqueue(std::move(serve)); }
    void shutdown() override { m_threads.join(); }

private:
    ConnectionThreads& m_threads;
};

constexpr std::string_view kTooLong = "HTTP/1.1 431 Request Header Fields Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// cpp-httplib's server, but for how connections are kept: its own loop tells handlers nothing of their socket, and keeps a thread
/// with a silent client while others wait.
class BoundedServer : public httplib::Server
{
public:
    explicit BoundedServer(const HttpOptions& options) : m_options(options), m_threads(options.mostConnections)
    {
        new_task_queue = [this] { return new ThreadsOfServer(m_threads); }; // the library deletes it
        set_payload_max_length(options.mostBodyBytes);
        set_tcp_nodelay(true); // an answer goes out in several writes
        // The port may not be shared (SO_REUSEPORT, the library's default): a second server would quietly take half of the requests.
        set_socket_options([](socket_t socket) {
            const int on = 1;
            setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        });
        set_error_handler([](const httplib::Request&, httplib::Response& response) {
            if (t_connection.isLate)
                response.status = 408;
            else if (t_connection.refusal)
                response.status = *t_connection.refusal;
            if (response.body.empty())
                response.set_content(errorJson(sentenceOf(response.status)), "application/json");
        });
        set_pre_routing_handler([](const httplib::Request&, httplib::Response& response) {
            if (!t_connection.refusal)
                return HandlerResponse::Unhandled;
            response.status = *t_connection.refusal;
            return HandlerResponse::Handled;
        });
        set_exception_handler([](const httplib::Request&, httplib::Response& response, const std::exception_ptr& problem) {
            response.status = 500;
            try {
                std::rethrow_exception(problem);
            } catch (const std::exception& error) {
                response.set_content(errorJson(std::string("the server failed with this request: ") + error.what()), "application/json");
            } catch (...) {
                response.set_content(errorJson("the server failed with this request"), "application/json");
            }
        });
    }

    /// The library's five connections that may wait to be accepted are too few for clients that open dozens at once: the kernel then
    /// refuses some.
    void lengthenQueue() { ::listen(svr_sock_, SOMAXCONN); }

    void end()
    {
        stop();
        m_threads.end();
    }

private:
    static std::string sentenceOf(int status)
    {
        switch (status) {
        case 400:
            return t_connection.refusal ? "Content-Length must be one number that is not negative" : "Bad Request";
        case 404:
            return "Not Found";
        case 405:
            return "Method Not Allowed";
        case 408:
            return "the request was not received whole in time";
        case 413:
            return "the request's body is larger than the server takes (--http-max-input-size)";
        case 414:
            return "the request's address is too long";
        case 431:
            return "the request's headers are longer than the server takes: 64 KiB, and 8 KiB a line";
        case 415:
            return "Unsupported compression type";
        default:
            return "HTTP status " + std::to_string(status);
        }
    }

    bool process_and_close_socket(socket_t socket) override
    {
        const int on = 1;
        setsockopt(socket, IPPROTO_TCP, 1 /* TCP_NODELAY, tcp(7) */, &on, sizeof on);
        ConnectionStream stream(socket, m_threads, m_options.wholeRequest);
        bool isKept = true, isRefused = false;
        while (isKept && (stream.hasBuffered() || waitForRequest(socket))) {
            t_connection = {};
            t_connection.socket = socket;
            t_connection.requestBegan = nowNs();
            t_connection.mostBodyBytes = m_options.mostBodyBytes;
            bool isClosed = false;
            isKept = process_request(stream, m_threads.isEnding(), isClosed, takeHeaders) && !isClosed && !t_connection.mustClose &&
                     !t_connection.isLate && !t_connection.refusal;
            if (t_connection.refusal && t_connection.answerBegan == 0) // the library answers no request without a first line
                static_cast<void>(stream.write(kTooLong.data(), kTooLong.size()));
            isRefused = t_connection.refusal.has_value();
            if (t_connection.whenSent)
                t_connection.whenSent(t_connection.answerBegan, nowNs());
            t_connection = {};
        }
        if (isRefused)
            readOn(socket);
        ::shutdown(socket, SHUT_RDWR);
        close(socket);
        return true;
    }

    /// Closed with bytes unread a connection is reset, and a client that still sends has no answer: it is read on for a while.
    void readOn(int socket) const
    {
        ::shutdown(socket, SHUT_WR);
        std::array<char, 64 << 10> ignored;
        const std::int64_t until = nowNs() + std::chrono::nanoseconds(kPatienceWithRefused).count();
        while (nowNs() < until && !m_threads.isEnding() && waitFor(socket, POLLIN, kSilenceOfRefused) &&
               recv(socket, ignored.data(), ignored.size(), MSG_DONTWAIT) > 0) {
        }
    }

    /// A request that announces no body has none (RFC 9112, section 6.3); the library would read until the connection ends. A body that
    /// cannot be or is too large is not waited for.
    static void takeHeaders(httplib::Request& request)
    {
        t_connection.hasHeaders = true;
        if (const std::size_t lengths = request.get_header_value_count("Content-Length"); lengths > 0) {
            const std::string text = request.get_header_value("Content-Length");
            std::uint64_t length = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), length);
            const bool isNumber = end == text.data() + text.size() && error != std::errc::invalid_argument;
            if (lengths > 1 || !isNumber)
                t_connection.refusal = 400;
            else if (error == std::errc::result_out_of_range || length > t_connection.mostBodyBytes)
                t_connection.refusal = 413;
        }
        if (!request.has_header("Content-Length") && !request.has_header("Transfer-Encoding"))
            request.set_header("Content-Length", "0");
    }

    [[nodiscard]] bool waitForRequest(int socket) const
    {
        const auto began = std::chrono::steady_clock::now();
        for (;;) {
            if (waitFor(socket, POLLIN, kLook))
                return true;
            const auto idle = std::chrono::steady_clock::now() - began;
            if (m_threads.isEnding() || idle > m_options.idle || (m_threads.isSomebodyWaiting() && idle > kIdleWhenOthersWait))
                return false;
        }
    }

    const HttpOptions m_options;
    ConnectionThreads m_threads;
};

} // namespace

class HttpServer::Impl
{
public:
    explicit Impl(const HttpOptions& options) : m_server(options), m_options(options) {}
    ~Impl()
    {
        if (!m_thread.joinable())
            return;
        // stop() does nothing to a server that does not run yet, and the thread would then never end.
        while (!m_server.is_running() && !m_ended)
            std::this_thread::yield();
        m_server.end();
    }

    [[nodiscard]] bool begin()
    {
        const char* address = m_options.address.c_str();
        port = m_options.port == 0                              ? m_server.bind_to_any_port(address)
               : m_server.bind_to_port(address, m_options.port) ? m_options.port
                                                                : -1;
        if (port < 0)
            return false;
        m_server.lengthenQueue();
        m_thread = std::jthread([this] {
            m_server.listen_after_bind();
            m_ended = true;
        });
        return true;
    }
    httplib::Server& server() { return m_server; }
    int port = -1;

private:
    BoundedServer m_server;
    const HttpOptions m_options;
    std::atomic<bool> m_ended{false};
    std::jthread m_thread;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : m_impl(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(const HttpOptions& options, const std::function<void(httplib::Server&)>& route)
{
    auto impl = std::make_unique<Impl>(options);
    route(impl->server());
    if (!impl->begin())
        return Error{ErrorCode::CannotWrite,
                     "cannot listen on port " + std::to_string(options.port) + " for " + options.purpose + ": is it in use?",
                     {}};
    return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

int HttpServer::port() const
{
    return m_impl->port;
}

bool HttpConnection::readBody(const httplib::ContentReader& read, std::string& body, int& status)
{
    const bool isRead = read([&](const char* data, std::size_t size) {
        t_connection.mustClose = size > t_connection.mostBodyBytes - body.size();
        if (!t_connection.mustClose)
            body.append(data, size);
        return !t_connection.mustClose;
    });
    if (!isRead && (t_connection.mustClose || status < 400)) // else the library has said why
        status = t_connection.mustClose ? 413 : 400;
    return isRead;
}

bool HttpConnection::isGone()
{
    // The end of its bytes is all that is seen of a client that closed the connection. One that only ends its sending side looks the same;
    // other servers take that for the end too.
    pollfd wanted{t_connection.socket, POLLRDHUP, 0};
    return t_connection.socket >= 0 && poll(&wanted, 1, 0) > 0 && (wanted.revents & (POLLRDHUP | POLLERR | POLLHUP)) != 0;
}

std::int64_t HttpConnection::requestBegan()
{
    return t_connection.requestBegan;
}

void HttpConnection::whenSent(std::function<void(std::int64_t startNs, std::int64_t endNs)> callback)
{
    t_connection.whenSent = std::move(callback);
}

} // namespace gantry::inference_server
