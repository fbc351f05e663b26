#include "app/remote/node_address.h"

#include "app/remote/node_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <string>

namespace gantry::app {
namespace {

using testing::HasSubstr;

TEST(NodeAddress, EmptyTextIsTheDefaultSocket)
{
    const auto address = NodeAddress::parse("");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->transport, NodeAddress::Transport::UnixSocket);
    EXPECT_EQ(address->socketPath, defaultSocketPath());
    EXPECT_TRUE(address->socketPath.ends_with("/gantryd.sock"));
}

TEST(NodeAddress, UnixSocketsAreNamedWithAndWithoutScheme)
{
    for (const char* text : {"unix:/run/gantry/gantryd.sock", "/run/gantry/gantryd.sock"}) {
        const auto address = NodeAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->channelTarget(), "unix:/run/gantry/gantryd.sock");
        EXPECT_EQ(address->text(), "unix:/run/gantry/gantryd.sock");
    }
}

TEST(NodeAddress, LoopbackHasHostPortAndTokenFile)
{
    const auto address = NodeAddress::parse("grpc://127.0.0.1:8800?token-file=/home/a/my%26token");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->transport, NodeAddress::Transport::Tcp);
    EXPECT_EQ(address->host, "127.0.0.1");
    EXPECT_EQ(address->port, 8800);
    EXPECT_EQ(address->tokenFile, "/home/a/my&token");
    EXPECT_EQ(address->channelTarget(), "127.0.0.1:8800");
    EXPECT_EQ(address->text(), "grpc://127.0.0.1:8800");
}

TEST(NodeAddress, Ipv6KeepsItsBracketsInTheTargetOnly)
{
    const auto address = NodeAddress::parse("grpc://[::1]:8800");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->host, "::1");
    EXPECT_EQ(address->channelTarget(), "[::1]:8800");
}

TEST(NodeAddress, TlsTakesItsFiles)
{
    const auto address = NodeAddress::parse("grpcs://gpu-07.example:8800?ca=/a/ca.pem&cert=/a/c.pem&key=/a/k.pem&token-file=/a/t");
    ASSERT_TRUE(address);
    EXPECT_EQ(address->transport, NodeAddress::Transport::Tls);
    EXPECT_EQ(address->caFile, "/a/ca.pem");
    EXPECT_EQ(address->certificateFile, "/a/c.pem");
    EXPECT_EQ(address->keyFile, "/a/k.pem");
    EXPECT_EQ(address->tokenFile, "/a/t");
}

TEST(NodeAddress, PlainTextToAnotherMachineIsRefused)
{
    const auto address = NodeAddress::parse("grpc://gpu-07:8800?token-file=/t");
    ASSERT_FALSE(address);
    EXPECT_EQ(address.error().code, ErrorCode::BadInput);
    EXPECT_THAT(address.error().message, HasSubstr("not encrypted"));
}

TEST(NodeAddress, SshTakesWhatSshTakes)
{
    const auto address = NodeAddress::parse("ssh://me@gpu-07:2222");
    ASSERT_TRUE(address) << address.error().text();
    EXPECT_EQ(address->transport, NodeAddress::Transport::Ssh);
    EXPECT_EQ(address->user, "me");
    EXPECT_EQ(address->host, "gpu-07");
    EXPECT_EQ(address->port, 2222);
    EXPECT_TRUE(address->mayDeploy);
    EXPECT_EQ(address->text(), "ssh://me@gpu-07:2222");

    const auto ipv6 = NodeAddress::parse("ssh://[fe80::1%eth0]:22/?deploy=no&config=/home/me/a%20config");
    ASSERT_TRUE(ipv6) << ipv6.error().text();
    EXPECT_EQ(ipv6->host, "fe80::1%eth0");
    EXPECT_EQ(ipv6->port, 22);
    EXPECT_FALSE(ipv6->mayDeploy);
    EXPECT_EQ(ipv6->sshConfigFile, "/home/me/a config");
    EXPECT_EQ(ipv6->text(), "ssh://[fe80::1%eth0]:22");
}

TEST(NodeAddress, ABareNameIsAHostOfSsh)
{
    for (const auto& [text, shown] : {std::pair{"gpu-07", "ssh://gpu-07"}, {"me@gpu-07.example", "ssh://me@gpu-07.example"}}) {
        const auto address = NodeAddress::parse(text);
        ASSERT_TRUE(address) << text;
        EXPECT_EQ(address->transport, NodeAddress::Transport::Ssh);
        EXPECT_EQ(address->port, 0) << "as the configuration says";
        EXPECT_EQ(address->text(), shown);
    }
}

TEST(NodeAddress, SshMayNameWhereGantrydListensOnTheNode)
{
    const auto socket = NodeAddress::parse("gpu-07?socket=/run/user/1000/gantry/gantryd.sock");
    ASSERT_TRUE(socket) << socket.error().text();
    EXPECT_EQ(socket->remoteSocket, "/run/user/1000/gantry/gantryd.sock");
    const auto tcp = NodeAddress::parse("ssh://gpu-07?tcp=127.0.0.1:8800&token-file=/home/me/token");
    ASSERT_TRUE(tcp) << tcp.error().text();
    EXPECT_EQ(tcp->remoteTcp, "127.0.0.1:8800");
    EXPECT_EQ(tcp->tokenFile, "/home/me/token");
}

TEST(NodeAddress, WhatIsWrongIsNamed)
{
    const std::pair<const char*, const char*> cases[] = {
        {"gpu-07:8800", "no known scheme"},
        {"~/gantryd.sock", "no known scheme"},
        {"-oProxyCommand=x", "no known scheme"},
        {"ssh://", "the host's name is missing"},
        {"ssh://-oProxyCommand=x", "is not the name or address of a host"},
        {"ssh://gpu$(id)", "is not the name or address of a host"},
        {"ssh://me;id@gpu", "is not the name of a user"},
        {"ssh://@gpu", "no user before the @"},
        {"ssh://gpu:0", "not a port"},
        {"ssh://fe80::1", "needs brackets"},
        {"ssh://gpu?socket=relative", "must be absolute"},
        {"ssh://gpu?socket=/a&tcp=h:1", "exclude each other"},
        {"ssh://gpu?tcp=8800", "is not HOST:PORT"},
        {"ssh://gpu?token-file=/a", "belongs to tcp"},
        {"ssh://gpu?deploy=maybe", "no parameter 'deploy'"},
        {"grpc://127.0.0.1", "port is missing"},
        {"grpc://:8800", "host is missing"},
        {"grpc://127.0.0.1:0", "not a port"},
        {"grpc://127.0.0.1:65536", "not a port"},
        {"grpc://127.0.0.1:88a", "not a port"},
        {"grpc://::1:8800", "brackets"},
        {"grpc://[::1:8800", "never closed"},
        {"unix:gantryd.sock", "absolute"},
        {"unix:/a?colour=red", "no parameter 'colour'"},
        {"unix:/a?token-file=", "'token-file' has no value"},
        {"unix:/a?token-file=%4", "broken % escape"},
        {"grpc://127.0.0.1:1?ca=/x", "no parameter 'ca'"},
        {"grpcs://h:1?cert=/x", "belong together"},
    };
    for (const auto& [text, problem] : cases) {
        const auto address = NodeAddress::parse(text);
        ASSERT_FALSE(address) << text;
        EXPECT_EQ(address.error().code, ErrorCode::BadInput) << text;
        EXPECT_THAT(address.error().message, HasSubstr(problem)) << text;
    }
}

TEST(NodeAddress, PathThatNoSocketCanHaveIsRefused)
{
    const auto address = NodeAddress::parse("unix:/" + std::string(120, 'x'));
    ASSERT_FALSE(address);
    EXPECT_THAT(address.error().message, HasSubstr("at most 107 bytes"));
}

TEST(NodeAddress, LoopbackIsTheWholeNetworkAndNothingElse)
{
    EXPECT_TRUE(isLoopback("localhost"));
    EXPECT_TRUE(isLoopback("127.0.0.1"));
    EXPECT_TRUE(isLoopback("127.8.9.10"));
    EXPECT_TRUE(isLoopback("::1"));
    EXPECT_FALSE(isLoopback("0.0.0.0"));
    EXPECT_FALSE(isLoopback("128.0.0.1"));
    EXPECT_FALSE(isLoopback("127.0.0.1.example.com"));
}

} // namespace
} // namespace gantry::app
