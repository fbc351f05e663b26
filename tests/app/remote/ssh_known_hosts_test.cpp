#include "app/remote/ssh_known_hosts.h"

#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"

#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <sstream>
#include <sys/stat.h>
#include <unistd.h>

namespace gantry::app {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Kind = SshHostKeyVerdict::Kind;

// Two keys of one type and one of another; nobody has their private halves.
const SshHostKey kKey{"ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"};
const SshHostKey kSecond{"ssh-ed25519", "AAAAC3NzaC1lZDI1NTE5AAAAIBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"};
const SshHostKey kOther{"ecdsa-sha2-nistp256", "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBA=="};

class SshKnownHostsFile : public testing::Test
{
protected:
    void write(const std::string& text) { std::ofstream(path()) << text; }
    [[nodiscard]] std::string path() const { return (m_folder / "known_hosts").string(); }
    [[nodiscard]] std::string text() const
    {
        std::ifstream file(path());
        return std::string(std::istreambuf_iterator<char>(file), {});
    }
    [[nodiscard]] SshKnownHosts hosts() const { return SshKnownHosts({path(), (m_folder / "none").string()}); }
    [[nodiscard]] SshHostKeyVerdict check(const std::string& name, const SshHostKey& key = kKey) const
    {
        const auto verdict = hosts().check(name, key);
        EXPECT_TRUE(verdict) << verdict.error().text();
        return verdict ? *verdict : SshHostKeyVerdict{};
    }
    static std::string line(const std::string& names, const SshHostKey& key = kKey)
    {
        return names + " " + key.type + " " + key.base64 + "\n";
    }

    test::TemporaryFolder m_folder;
};

TEST_F(SshKnownHostsFile, NamesPortsPatternsAndNegationsAreReadAsSshReadsThem)
{
    write("# comment\n\n" + line("gpu-07,10.0.0.7") + line("[gpu-08]:2222") + line("*.example,!bad.example") + line("GPU-09"));
    EXPECT_EQ(check("gpu-07").kind, Kind::Known);
    EXPECT_EQ(check("gpu-07").line, 3);
    EXPECT_EQ(check("10.0.0.7").kind, Kind::Known);
    EXPECT_EQ(check("[gpu-08]:2222").kind, Kind::Known);
    EXPECT_EQ(check("gpu-08").kind, Kind::Unknown) << "a key of another port";
    EXPECT_EQ(check("a.example").kind, Kind::Known);
    EXPECT_EQ(check("bad.example").kind, Kind::Unknown);
    EXPECT_EQ(check("gpu-09").kind, Kind::Known);
    EXPECT_EQ(check("gpu-1").kind, Kind::Unknown);
}

TEST_F(SshKnownHostsFile, AnotherKeyOfTheTypeIsAChange)
{
    write(line("other") + line("gpu-07", kOther) + line("gpu-07", kSecond));
    const SshHostKeyVerdict verdict = check("gpu-07");
    EXPECT_EQ(verdict.kind, Kind::Changed);
    EXPECT_EQ(verdict.file, path());
    EXPECT_EQ(verdict.line, 3);
    EXPECT_EQ(check("gpu-07", kSecond).kind, Kind::Known);
}

TEST_F(SshKnownHostsFile, SeveralKeysOfOneTypeMayBeKnown)
{
    write(line("gpu-07", kSecond) + line("gpu-07"));
    EXPECT_EQ(check("gpu-07").kind, Kind::Known);
}

TEST_F(SshKnownHostsFile, AHostKnownByOtherTypesAloneIsNotUnknown)
{
    write(line("gpu-07", kOther));
    const SshHostKeyVerdict verdict = check("gpu-07");
    EXPECT_EQ(verdict.kind, Kind::OtherType);
    EXPECT_EQ(verdict.knownType, kOther.type);
    EXPECT_EQ(verdict.line, 1);
}

TEST_F(SshKnownHostsFile, ARevokedKeyIsRevokedWhateverOtherLinesSay)
{
    write(line("gpu-07") + "@revoked * " + kKey.type + " " + kKey.base64 + "\n" + line("gpu-07"));
    const SshHostKeyVerdict verdict = check("gpu-07");
    EXPECT_EQ(verdict.kind, Kind::Revoked);
    EXPECT_EQ(verdict.line, 2);
    EXPECT_EQ(check("gpu-07", kSecond).kind, Kind::Changed);
}

TEST_F(SshKnownHostsFile, AnAuthorityIsNoKeyOfTheHost)
{
    write("@cert-authority *.example " + kKey.type + " " + kKey.base64 + "\n");
    const SshHostKeyVerdict same = check("a.example");
    EXPECT_EQ(same.kind, Kind::Unknown) << "the authority's key does not make a host known that shows it";
    EXPECT_TRUE(same.hasAuthority);
    EXPECT_EQ(check("a.example", kSecond).kind, Kind::Unknown) << "and is no change either";
    EXPECT_FALSE(check("elsewhere").hasAuthority);
    EXPECT_THAT(hosts().keyTypes("a.example"), ElementsAre());
}

TEST_F(SshKnownHostsFile, LinesThatAreNoEntriesDecideNothing)
{
    write("gpu-07\ngpu-07 ssh-ed25519\n@unknown gpu-07 " + kKey.type + " " + kKey.base64 +
          "\n|1|broken ssh-ed25519 AAAA\n|1|a|b ssh-ed25519 AAAA\n");
    EXPECT_EQ(check("gpu-07").kind, Kind::Unknown);
}

TEST_F(SshKnownHostsFile, AFileThatCannotBeReadIsAnErrorAndNoUnknownHost)
{
    std::filesystem::create_symlink(path(), path()); // ELOOP, for root too
    const auto verdict = hosts().check("gpu-07", kKey);
    ASSERT_FALSE(verdict);
    EXPECT_THAT(verdict.error().message, HasSubstr(path()));
}

TEST_F(SshKnownHostsFile, HashedNamesAreThoseOfSshKeygen)
{
    if (::access("/usr/bin/ssh-keygen", X_OK) != 0)
        GTEST_SKIP() << "there is no ssh-keygen";
    write(line("gpu-07,10.0.0.7") + line("[gpu-08]:2222", kSecond));
    ASSERT_EQ(test::runProcess({"/usr/bin/ssh-keygen", "-H", "-f", path()}).exitStatus, 0);
    EXPECT_THAT(text(), testing::Not(HasSubstr("gpu-07")));
    EXPECT_EQ(check("gpu-07").kind, Kind::Known);
    EXPECT_EQ(check("10.0.0.7").kind, Kind::Known);
    EXPECT_EQ(check("[gpu-08]:2222", kSecond).kind, Kind::Known);
    EXPECT_EQ(check("[gpu-08]:2222").kind, Kind::Changed);
    EXPECT_EQ(check("gpu-08").kind, Kind::Unknown);
}

TEST_F(SshKnownHostsFile, WhatIsAddedIsFoundBySshAndByUs)
{
    if (::access("/usr/bin/ssh-keygen", X_OK) != 0)
        GTEST_SKIP() << "there is no ssh-keygen";
    write("old ssh-ed25519 AAAA"); // and no end of the line
    for (const bool isHashed : {false, true}) {
        const std::string name = isHashed ? "[hashed.example]:2222" : "plain.example";
        ASSERT_TRUE(hosts().add(name, kKey, isHashed));
        EXPECT_EQ(check(name).kind, Kind::Known);
        EXPECT_THAT(test::runProcess({"/usr/bin/ssh-keygen", "-F", name, "-f", path()}).out, HasSubstr(kKey.base64)) << name;
    }
    EXPECT_THAT(text(), HasSubstr("old ssh-ed25519 AAAA\nplain.example ssh-ed25519 "));
    EXPECT_THAT(text(), testing::Not(HasSubstr("hashed.example")));
}

TEST_F(SshKnownHostsFile, AFirstKeyMakesAFileThatOnlyItsUserReads)
{
    const SshKnownHosts fresh({(m_folder / "ssh").string() + "/known_hosts"});
    ASSERT_TRUE(fresh.add("gpu-07", kKey, false));
    struct stat status
    {
    };
    ASSERT_EQ(::stat(((m_folder / "ssh").string() + "/known_hosts").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    ASSERT_EQ(::stat((m_folder / "ssh").c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0700u);
    EXPECT_EQ(fresh.check("gpu-07", kKey)->kind, Kind::Known);
}

TEST_F(SshKnownHostsFile, TheTypesThatAreKnownAreToldOnceEach)
{
    write(line("gpu-07", kOther) + line("gpu-07", kSecond) + line("gpu-07") + "@revoked gpu-07 ssh-rsa AAAA\n");
    EXPECT_THAT(hosts().keyTypes("gpu-07"), ElementsAre("ecdsa-sha2-nistp256", "ssh-ed25519"));
}

} // namespace
} // namespace gantry::app
