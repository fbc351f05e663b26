#include "remote_server/inference/http_server.h"

#include "tests/remote_server/inference/raw_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <httplib.h>

namespace gantry::inference_server {
namespace {

using testing::StartsWith;

constexpr const char* kHalf = "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 4000\r\n\r\nthe rest of it comes";

/// A server that sends back what it gets.
std::unique_ptr<HttpServer> startEcho(std::chrono::milliseconds wholeRequest)
{
    auto server = HttpServer::start({.purpose = "a test", .wholeRequest = wholeRequest}, [](httplib::Server& routes) {
        routes.Post("/echo", [](const httplib::Request&, httplib::Response& response, const httplib::ContentReader& read) {
            std::string body;
            if (HttpConnection::readBody(read, body, response.status))
                response.set_content(body, "text/plain");
        });
    });
    if (!server)
        throw std::runtime_error(server.error().text());
    return std::move(*server);
}

// Each byte began the server's patience anew: 4000 of them kept its thread for as long as the client liked.
TEST(HttpServer, AClientThatDribblesIsToldThatItIsLate)
{
    const auto server = startEcho(std::chrono::milliseconds(50));
    const RawClient client(server->port());
    ASSERT_TRUE(client.send(kHalf));
    for (int bytes = 0; bytes < 3000 && !client.hasAnswer(5); ++bytes)
        if (!client.send("x"))
            break;
    EXPECT_THAT(client.receive(200, 20), testing::AllOf(StartsWith("HTTP/1.1 408"), testing::HasSubstr("not received whole in time")));
}

TEST(HttpServer, TheTimeOfARequestBeginsWithIt)
{
    const auto server = startEcho(std::chrono::seconds(20));
    httplib::Client client("127.0.0.1", server->port());
    client.set_keep_alive(true);
    for (int request = 0; request < 3; ++request) {
        const auto answer = client.Post("/echo", std::string(100'000, 'x'), "text/plain");
        ASSERT_TRUE(answer);
        EXPECT_EQ(answer->body.size(), 100'000u);
    }
}

// Each kept a thread until the client was silent for 30 s.
TEST(HttpServer, ALengthThatCannotBeIsRefusedAtOnce)
{
    const auto server = startEcho(std::chrono::hours(1));
    const auto answerTo = [&](const std::string& headers) {
        const RawClient client(server->port());
        EXPECT_TRUE(client.send("POST /echo HTTP/1.1\r\nHost: x\r\n" + headers + "\r\n"));
        return client.receive(4000, 20);
    };
    for (const char* length : {"-1", "abc", "5x", "1, 2", "1\r\nContent-Length: 2"})
        EXPECT_THAT(answerTo("Content-Length: " + std::string(length) + "\r\n"),
                    testing::AllOf(StartsWith("HTTP/1.1 400"), testing::HasSubstr("Content-Length must be one number")))
            << length;
    for (const char* length : {"67108865", "99999999999999999999999"})
        EXPECT_THAT(answerTo("Content-Length: " + std::string(length) + "\r\n"), StartsWith("HTTP/1.1 413")) << length;
}

TEST(HttpServer, HeadersWithoutEndAreRefusedAtOnce)
{
    const auto server = startEcho(std::chrono::hours(1));
    const RawClient line(server->port()), lines(server->port()), request(server->port());
    ASSERT_TRUE(line.send("POST /echo HTTP/1.1\r\nX: " + std::string(16 << 10, 'x')));
    EXPECT_THAT(line.receive(4000, 20), testing::AllOf(StartsWith("HTTP/1.1 431"), testing::HasSubstr("headers are longer")));
    ASSERT_TRUE(lines.send("POST /echo HTTP/1.1\r\n"));
    const std::string one = "X: " + std::string(4000, 'x') + "\r\n";
    for (int i = 0; i < 64 && !lines.hasAnswer(0); ++i)
        if (!lines.send(one))
            break;
    EXPECT_TRUE(lines.hasAnswer(20'000));
    ASSERT_TRUE(request.send(std::string((16 << 10) + 1, 'x')));
    EXPECT_THAT(request.receive(4000, 20), StartsWith("HTTP/1.1 431"));
}

TEST(HttpServer, EndsThoughHalfARequestHasCome)
{
    auto server = startEcho(std::chrono::hours(1));
    const RawClient inItsBody(server->port()), inItsHeaders(server->port());
    ASSERT_TRUE(inItsBody.send(kHalf));
    ASSERT_TRUE(inItsHeaders.send("POST /echo HTTP/1.1\r\nHo"));
    server.reset();
    EXPECT_TRUE(inItsHeaders.hasAnswer(0)) << "the end of the connection, at least";
    EXPECT_TRUE(inItsBody.hasAnswer(0));
}

} // namespace
} // namespace gantry::inference_server
