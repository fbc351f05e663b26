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
