#include "app/remote/ssh_config.h"

#include "app/remote/ssh_words.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <algorithm>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <sstream>
#include <sys/socket.h>
#include <unistd.h>

namespace gantry::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class SshConfig : public testing::Test
{
protected:
    void write(const std::string& text, const std::string& name = "config") { std::ofstream(m_folder / name) << text; }

    [[nodiscard]] SshConfigPlaces places() const { return SshConfigPlaces::ofThisUser((m_folder / "config").string()); }
    [[nodiscard]] SshHost resolved(const std::string& hop) const
    {
        auto host = resolveSshHost(places(), *SshHop::parse(hop));
        EXPECT_TRUE(host) << host.error().text();
        return host ? *host : SshHost{};
    }
    [[nodiscard]] Error failure(const std::string& hop) const
    {
        const auto host = resolveSshHost(places(), *SshHop::parse(hop));
        EXPECT_FALSE(host);
        return host ? Error{} : host.error();
    }

    test::TemporaryFolder m_folder;
};

/// What `ssh -G` says of a host: the last value of each keyword, and all of IdentityFile.
struct Oracle
{
    std::map<std::string, std::string> values;
    std::vector<std::string> identityFiles;
};

Oracle askSsh(const std::string& config, const std::string& host)
{
    const auto said = test::runProcess({"/usr/bin/ssh", "-F", config, "-G", host});
    EXPECT_EQ(said.exitStatus, 0) << said.err;
    Oracle oracle;
    std::istringstream lines(said.out);
    for (std::string line; std::getline(lines, line);) {
        const std::size_t blank = line.find(' ');
        if (blank == std::string::npos)
            continue;
        const std::string keyword = line.substr(0, blank), value = line.substr(blank + 1);
        oracle.values[keyword] = value;
        if (keyword == "identityfile")
            oracle.identityFiles.push_back(value.starts_with("~/") ? SshConfigPlaces::ofThisUser().home + value.substr(1) : value);
    }
    return oracle;
}

constexpr const char* kEverything = R"(# a comment
Host gpu-* !gpu-99
    User trainer
    IdentityFile ~/.ssh/gpu_key
  IdentityFile /keys/%h-%r-%p
Host gpu-07
    HostName=10.0.0.7
    Port = 2222
    ProxyJump hop@jump.example:2200,second
    UserKnownHostsFile /a/known "/b/with blank"
HOST gpu-08 other
    hostname %h.Cluster.Example
    ProxyCommand nc -X 5 '%h' %p
    ConnectTimeout 1m
Match originalhost gpu-09 user trainer
    Port 2209
Match host 10.0.0.7
    HashKnownHosts yes
    AddressFamily inet6
Match !user trainer
    Port 2299
Match exec "test %n = run-me"
    User executed
Host *
    User nobody
    Port 22
    IdentitiesOnly yes
)";

TEST_F(SshConfig, SaysWhatSshSays)
{
    if (::access("/usr/bin/ssh", X_OK) != 0)
        GTEST_SKIP() << "there is no ssh to compare with";
    write(kEverything);
    for (const char* name : {"gpu-07", "gpu-08", "gpu-09", "gpu-99", "GPU-07", "other", "run-me", "unknown.example", "trainer@other"}) {
        const Oracle oracle = askSsh((m_folder / "config").string(), name);
        const SshHost host = resolved(name);
        EXPECT_EQ(host.hostName, oracle.values.at("hostname")) << name;
        EXPECT_EQ(host.user, oracle.values.at("user")) << name;
        EXPECT_EQ(std::to_string(host.port), oracle.values.at("port")) << name;
        EXPECT_EQ(host.identitiesOnly, oracle.values.at("identitiesonly") == "yes") << name;
        EXPECT_EQ(host.hashKnownHosts, oracle.values.at("hashknownhosts") == "yes") << name;
        EXPECT_EQ(host.identitiesAreNamed, std::string(name).starts_with("gpu-") && std::string(name) != "gpu-99") << name;
    }
}

TEST_F(SshConfig, JumpsAreReadInTheOrderTheyAreTaken)
{
    write(kEverything);
    const SshHost host = resolved("gpu-07");
    ASSERT_EQ(host.jumps.size(), 2u);
    EXPECT_EQ(host.jumps[0].text(), "hop@jump.example:2200");
    EXPECT_EQ(host.jumps[1].text(), "second");
    EXPECT_EQ(host.proxyCommand, "");
    EXPECT_THAT(host.userKnownHosts, ElementsAre("/a/known", "/b/with blank"));
    EXPECT_THAT(host.identityFiles, ElementsAre(places().home + "/.ssh/gpu_key", "/keys/10.0.0.7-trainer-2222"));
    EXPECT_EQ(host.addressFamily, AF_INET6);
    EXPECT_EQ(host.knownHostsName(), "[10.0.0.7]:2222");
    EXPECT_EQ(host.text(), "gpu-07 (10.0.0.7:2222)");
}

TEST_F(SshConfig, TheProxyCommandHasItsTokensReplaced)
{
    write(kEverything);
    const SshHost host = resolved("gpu-08");
    EXPECT_EQ(host.proxyCommand, "nc -X 5 'gpu-08.cluster.example' 22");
    EXPECT_EQ(host.connectTimeoutSeconds, 60);
}

TEST_F(SshConfig, WhicheverProxyStandsFirstCounts)
{
    write("Host a\n ProxyJump none\nHost b\n ProxyCommand none\nHost *\n ProxyJump j\n ProxyCommand c\n");
    EXPECT_THAT(resolved("a").jumps, IsEmpty());
    EXPECT_THAT(resolved("b").jumps, IsEmpty());
    EXPECT_EQ(resolved("c").jumps.at(0).host, "j");
    EXPECT_EQ(resolved("c").proxyCommand, "");
}

TEST_F(SshConfig, WhatIsTypedCountsBeforeTheConfiguration)
{
    write("Host *\n User config\n Port 1\n");
    const SshHost host = resolved("me@h:3");
    EXPECT_EQ(host.user, "me");
    EXPECT_EQ(host.port, 3);
}

TEST_F(SshConfig, FilesAreIncludedWhereTheyStand)
{
    write("Include " + (m_folder / "d").string() + "-*\nHost a\n Include " + (m_folder / "inner").string() + "\nHost *\n Port 9\n");
    write("Host a\n Port 5\n", "d-1");
    write("Host a\n Port 6\n User second\n", "d-2");
    write("Host *\n User late\n Ciphers aes128-ctr\n", "inner");
    const SshHost a = resolved("a");
    EXPECT_EQ(a.port, 5) << "the first value counts";
    EXPECT_EQ(a.user, "second");
    EXPECT_EQ(a.ciphers, "aes128-ctr");
    const SshHost b = resolved("b");
    EXPECT_EQ(b.port, 9);
    EXPECT_EQ(b.ciphers, "") << "a file included for another host says nothing of this one, whatever its Host lines match";
}

TEST_F(SshConfig, AFileThatIncludesItselfIsNotReadForever)
{
    write("Include " + (m_folder / "config").string() + "\n");
    EXPECT_THAT(failure("a").message, HasSubstr("include each other"));
}

TEST_F(SshConfig, FinalMatchesAreReadInASecondPass)
{
    write("Match final host full.example\n Port 7\nHost short\n HostName full.example\n");
    EXPECT_EQ(resolved("short").port, 7);
}

TEST_F(SshConfig, WhatIsWrongIsNamedWithItsLine)
{
    const std::pair<const char*, const char*> cases[] = {
        {"Host a\n Port 70000\n", "config line 2: '70000' is not a port"},
        {"Host a\n HostName -oProxyCommand=id\n", "'-oproxycommand=id' is not the name or address"},
        {"Host a\n HostName $(id)\n", "is not the name or address"},
        {"Host a\n User `id`\n", "is not the name of a user"},
        {"Port\n", "config line 1: port has no value"},
        {"User \"me\n", "config line 1: a \" is never closed"},
        {"Match colour red\n", "config line 1: there is no criterion 'colour'"},
        {"ConnectTimeout soon\n", "config line 1: 'soon' is not a time"},
        {"ProxyJump a:b\n", "config line 1: 'b' is not a port"},
        {"ProxyJump a,b,c,d,e,f,g,h,i\n", "more than 8 hosts"},
    };
    for (const auto& [text, problem] : cases) {
        write(text);
        const Error error = failure("a");
        EXPECT_EQ(error.code, ErrorCode::BadInput) << text;
        EXPECT_THAT(error.text(), HasSubstr(problem)) << text;
    }
}

TEST_F(SshConfig, AFileThatWasNamedMustBeThere)
{
    EXPECT_EQ(failure("a").code, ErrorCode::NotFound);
    EXPECT_THAT(failure("a").message, HasSubstr((m_folder / "config").string()));
}

TEST_F(SshConfig, WhatIsNotFollowedIsSaid)
{
    write("StrictHostKeyChecking no\nGSSAPIAuthentication yes\nCiphers +3des-cbc\nBindAddress 10.0.0.1\nHostbasedAuthentication no\n");
    const SshHost host = resolved("a");
    EXPECT_THAT(host.notes, Contains(HasSubstr("config line 1: stricthostkeychecking no is not followed")));
    EXPECT_THAT(host.notes, Contains(HasSubstr("Kerberos")));
    EXPECT_THAT(host.notes, Contains(HasSubstr("ciphers +3des-cbc is not followed")));
    EXPECT_THAT(host.notes, Contains(HasSubstr("config line 4: bindaddress")));
    EXPECT_EQ(host.notes.size(), 4u);
    EXPECT_EQ(host.ciphers, "");
}

TEST_F(SshConfig, NamesToPickFromAreThoseWithoutPatterns)
{
    write("Host b a !c\nHost *.example ?x\nInclude " + (m_folder / "more").string() + "\nHost a d\n");
    write("Host e\n", "more");
    EXPECT_THAT(sshHostNames(places()), ElementsAre("b", "a", "e", "d"));
}

TEST_F(SshConfig, TheAgentIsTheOneThatIsNamed)
{
    write("Host none\n IdentityAgent none\nHost path\n IdentityAgent /run/%r.sock\n User me\nHost var\n IdentityAgent "
          "$GANTRY_TEST_NO_AGENT\n");
    EXPECT_EQ(resolved("none").identityAgent, "");
    EXPECT_EQ(resolved("path").identityAgent, "/run/me.sock");
    EXPECT_EQ(resolved("var").identityAgent, "");
    SshConfigPlaces with = places();
    with.agentSocket = "/agent";
    EXPECT_EQ(resolveSshHost(with, {"other", "", 0})->identityAgent, "/agent");
}

TEST(SshWords, PatternsMatchAsInSsh)
{
    EXPECT_TRUE(matchesSshPattern("gpu-07", "gpu-??"));
    EXPECT_TRUE(matchesSshPattern("a.b.example", "*.example"));
    EXPECT_TRUE(matchesSshPattern("", "*"));
    EXPECT_FALSE(matchesSshPattern("gpu-7", "gpu-??"));
    EXPECT_FALSE(matchesSshPattern("gpu", "gpu?"));
    EXPECT_TRUE(matchesSshPatterns("a", {"*", "!b"}));
    EXPECT_FALSE(matchesSshPatterns("b", {"*", "!b"}));
    EXPECT_FALSE(matchesSshPatterns("c", {"!b"})) << "only negations match nothing";
    // In time proportional to the product of the lengths, where a backtracking matcher takes forever.
    EXPECT_FALSE(matchesSshPattern(std::string(2000, 'a'), std::string("*a*a*a*a*a*a*a*a*a*a*a*b")));
}

TEST(SshWords, ACommandLineRunsExactlyItsArguments)
{
    const std::vector<std::string> argv{"printf", "%s|", "it's", "$(id)", "`id`", "a b", "", "\"", "\\", "new\nline", "*", "~"};
    const auto run = test::runProcess({"/bin/sh", "-c", shellCommand(argv)});
    EXPECT_EQ(run.out, "it's|$(id)|`id`|a b||\"|\\|new\nline|*|~|");
}

TEST(SshWords, TimesAreThoseOfSsh)
{
    EXPECT_EQ(parseSshSeconds("90"), 90);
    EXPECT_EQ(parseSshSeconds("1m30s"), 90);
    EXPECT_EQ(parseSshSeconds("2h"), 7200);
    EXPECT_FALSE(parseSshSeconds(""));
    EXPECT_FALSE(parseSshSeconds("x"));
    EXPECT_FALSE(parseSshSeconds("99999999999999999999"));
    EXPECT_FALSE(parseSshSeconds("9999w"));
}

} // namespace
} // namespace gantry::app
