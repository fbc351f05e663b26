#include "app/remote/secret_file.h"

#include "tests/support/temporary_folder.h"

#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sys/stat.h>

namespace gantry::app {
namespace {

std::string fileWith(const test::TemporaryFolder& folder, const std::string& text)
{
    const std::string path = (folder / "secret").string();
    std::filesystem::remove(path);
    std::ofstream(path) << text;
    std::filesystem::permissions(path, std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    return path;
}

TEST(SecretFile, TheFirstLineIsTheSecret)
{
    const test::TemporaryFolder folder;
    const auto secret = readSecretFile(fileWith(folder, "a pass word \r\nmore\n"));
    ASSERT_TRUE(secret) << secret.error().text();
    EXPECT_EQ(secret->text(), "a pass word ");
}

TEST(SecretFile, OneThatOthersCanReadIsNotUsed)
{
    const test::TemporaryFolder folder;
    const std::string path = fileWith(folder, "hidden");
    std::filesystem::permissions(path, std::filesystem::perms::others_read, std::filesystem::perm_options::add);
    const auto secret = readSecretFile(path);
    ASSERT_FALSE(secret);
    EXPECT_EQ(secret.error().code, ErrorCode::NotPermitted);
    EXPECT_NE(secret.error().message.find("chmod 600"), std::string::npos);
    EXPECT_EQ(secret.error().message.find("hidden"), std::string::npos);
}

TEST(SecretFile, WhatHoldsNoSecretIsRefused)
{
    const test::TemporaryFolder folder;
    EXPECT_EQ(readSecretFile((folder / "none").string()).error().code, ErrorCode::NotFound);
    EXPECT_EQ(readSecretFile(folder.path().string()).error().code, ErrorCode::BadInput);
    for (const std::string& text : {std::string(), std::string("\nx"), std::string("a\tb"), std::string(1024, 'x')})
        EXPECT_EQ(readSecretFile(fileWith(folder, text)).error().code, ErrorCode::BadInput) << text;
    const std::string pipe = (folder / "pipe").string();
    ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
    EXPECT_EQ(readSecretFile(pipe).error().code, ErrorCode::BadInput) << "and nobody waits for its writer";
}

} // namespace
} // namespace gantry::app
