#pragma once

#include "trace_model/base/result.h"

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <string>

namespace httplib {
class ContentReader;
class Server;
}

namespace gantry::inference_server {

/// How an HTTP server of this program is bound and bounded.
struct HttpOptions
{
    std::string address = "127.0.0.1";
    int port = 0;                                         ///< 0 takes a free one
    std::string purpose;                                  ///< for the sentence when the port is taken: "metrics"
    std::size_t mostConnections = 128;                    ///< each has a thread; more wait to be accepted
    std::size_t mostBodyBytes = 64 << 20;                 ///< a larger body is answered with 413
    std::chrono::seconds idle = std::chrono::seconds(60); ///< a connection on which nothing comes is closed
    /// From a request's first byte to its last; 408 is the answer to a slower one, and its connection is closed.
    std::chrono::milliseconds wholeRequest = std::chrono::minutes(5);
};

/// An HTTP server on cpp-httplib: a thread for each connection, as many as are bounded by the options. Connections that are idle are
/// closed earlier when others wait. Any thread.
class HttpServer
{
public:
    /// `route` adds the handlers. Errors: CannotWrite when the port is taken.
    [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(const HttpOptions& options,
                                                                   const std::function<void(httplib::Server&)>& route);
    /// Answers the requests that are being answered, and ends. A request whose rest does not come within a second is given up.
    ~HttpServer();

    [[nodiscard]] int port() const;

private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> m_impl;
};

/// Of the request that this thread, one of an HttpServer, is answering.
struct HttpConnection
{
    /// Takes the body of the request, unpacked; false: `status` says why not. The library bounds only what a request announces, not what
    /// comes in chunks or out of gzip; the connection of one that is too large ends with the answer.
    [[nodiscard]] static bool readBody(const httplib::ContentReader& read, std::string& body, int& status);
    /// Whether the client has closed the connection or is gone: nobody will read the answer.
    [[nodiscard]] static bool isGone();
    /// When the request's first bytes had come, ns of CLOCK_MONOTONIC.
    [[nodiscard]] static std::int64_t requestBegan();
    /// To be called once when the answer has been written, or could not be; on this thread, with the time.
    static void whenSent(std::function<void(std::int64_t startNs, std::int64_t endNs)> callback);
};

} // namespace gantry::inference_server
