#include "app/remote/load_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace gantry::app {
namespace {

using testing::HasSubstr;

std::string reached(const std::string& address, const char* node, bool isHere)
{
    const auto place = loadAddress({address, "gantry-serve", "gpu-07", *NodeAddress::parse(node), isHere});
    return place ? *place : place.error().text();
}

TEST(LoadAddress, AServerOfThisMachineIsReachedWhereItListens)
{
    EXPECT_EQ(reached("127.0.0.1:8001", "unix:/run/gantryd.sock", true), "127.0.0.1:8001");
    EXPECT_EQ(reached("0.0.0.0:8001", "unix:/run/gantryd.sock", true), "127.0.0.1:8001");
    EXPECT_EQ(reached("[::]:8001", "unix:/run/gantryd.sock", true), "127.0.0.1:8001");
    EXPECT_EQ(reached("unix:/tmp/serve.sock", "unix:/run/gantryd.sock", true), "unix:/tmp/serve.sock");
}

TEST(LoadAddress, AServerThatListensToTheNetworkIsReachedAtItsNode)
{
    EXPECT_EQ(reached("0.0.0.0:8001", "grpcs://gpu-07.lan:8800?ca=ca.pem", false), "gpu-07.lan:8001");
    EXPECT_EQ(reached("[::]:8001", "grpcs://[fd00::7]:8800?ca=ca.pem", false), "[fd00::7]:8001");
    EXPECT_EQ(reached("10.0.0.7:8001", "unix:/run/gantryd.sock", false), "10.0.0.7:8001");
}

TEST(LoadAddress, AServerThatListensToItsOwnMachineAloneIsNotReachedAndItSaysWhatToDo)
{
    const char* remote = "grpcs://gpu-07.lan:8800?ca=ca.pem";
    EXPECT_THAT(reached("127.0.0.1:8001", remote, false), HasSubstr("forward the port (ssh -N -L 8001:127.0.0.1:8001 gpu-07)"));
    EXPECT_THAT(reached("localhost:8001", remote, false), HasSubstr("or run gantryctl load on gpu-07"));
    EXPECT_THAT(reached("unix:/tmp/serve.sock", remote, false), HasSubstr("which only programs there reach"));
    // The tunnel's own end is at a loopback address: that is not the node's.
    EXPECT_THAT(reached("0.0.0.0:8001", "grpc://127.0.0.1:8800", false), HasSubstr("forward the port"));
    EXPECT_THAT(reached("0.0.0.0:8001", "ssh://alias", false), HasSubstr("ssh -N -L 8001:127.0.0.1:8001 alias)"));
    EXPECT_THAT(reached("", remote, false), HasSubstr("is not known: give its address"));
}

TEST(LoadAddress, ThisMachineIsKnownByItsBootId)
{
    std::string own;
    ASSERT_TRUE(std::getline(std::ifstream("/proc/sys/kernel/random/boot_id"), own));
    EXPECT_TRUE(isThisMachine(own));
    EXPECT_FALSE(isThisMachine("00000000-0000-0000-0000-000000000000"));
    EXPECT_FALSE(isThisMachine(""));
}

} // namespace
} // namespace gantry::app
