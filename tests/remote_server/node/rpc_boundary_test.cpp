// What reaches the service from outside: callers without a right to, names that lead elsewhere, sizes that are not true.

#include "tests/remote_server/node/node_service_fixture.h"
#include "tests/remote_server/node/random_request.h"
#include "tests/remote_server/node/raw_call.h"
#include "tests/support/test_files.h"

#include <gmock/gmock.h>

#include <random>
#include <sys/stat.h>

namespace gantry::node {
namespace {

using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

class RpcBoundaryTest : public NodeServiceTest
{
protected:
    explicit RpcBoundaryTest(std::string token = {}) : NodeServiceTest(std::move(token)) {}

    test::RawCaller::Answer raw(const std::string& method, const std::string& message, const test::CallMetadata& metadata)
    {
        return test::RawCaller(channel).call(method, {message}, metadata, 20s);
    }
    /// Whether the service still answers as it should.
    bool isAlive()
    {
        v1::ListTargetsReply reply;
        return stub->ListTargets(call().get(), {}, &reply).ok();
    }
};

class RpcBoundaryWithTokenTest : public RpcBoundaryTest
{
protected:
    RpcBoundaryWithTokenTest() : RpcBoundaryTest(kToken) {}
};

TEST_F(RpcBoundaryWithTokenTest, EveryCallIsRefusedWithoutTheTokenAndWithEveryOtherOne)
{
    ASSERT_GT(test::nodeMethods().size(), 25U);
    const std::string token = kToken;
    const std::string refused[] = {"",
                                   "Bearer ",
                                   "Bearer wrong",
                                   "Bearer " + token.substr(1),
                                   "Bearer " + token + "0",
                                   "Bearer " + std::string(token.size(), '0'),
                                   "bearer " + token,
                                   token,
                                   "Basic " + token};
    for (const auto* method : test::nodeMethods())
        for (const std::string& authorization : refused) {
            test::CallMetadata metadata = test::versionMetadata();
            if (!authorization.empty())
                metadata.emplace(proto::kAuthorizationKey, authorization);
            const auto answer = raw(method->name(), "", metadata);
            EXPECT_EQ(answer.status.error_code(), grpc::StatusCode::PERMISSION_DENIED)
                << method->name() << " with \"" << authorization << "\"";
            EXPECT_EQ(answer.messages, 0U) << method->name();
            EXPECT_THAT(answer.status.error_message(), Not(HasSubstr(token)));
        }
}

TEST_F(RpcBoundaryWithTokenTest, EveryCallWithTheTokenIsLetInAndASecondTokenBesideItIsNot)
{
    for (const auto* method : test::nodeMethods()) {
        test::CallMetadata metadata = test::versionMetadata();
        metadata.emplace(proto::kAuthorizationKey, std::string("Bearer ") + kToken);
        const auto timeout = method->server_streaming() ? 200ms : 20'000ms; // some streams have no end
        const auto answer = test::RawCaller(channel).call(method->name(), {""}, metadata, timeout);
        EXPECT_NE(answer.status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method->name();
        for (const bool isRightFirst : {true, false}) {
            test::CallMetadata two = test::versionMetadata();
            two.emplace(proto::kAuthorizationKey, isRightFirst ? std::string("Bearer ") + kToken : "Bearer x");
            two.emplace(proto::kAuthorizationKey, isRightFirst ? "Bearer x" : std::string("Bearer ") + kToken);
            EXPECT_EQ(raw(method->name(), "", two).status.error_code(), grpc::StatusCode::PERMISSION_DENIED) << method->name();
        }
    }
}

TEST_F(RpcBoundaryTest, EveryCallButHelloIsRefusedToAnotherProtocol)
{
    for (const auto* method : test::nodeMethods())
        for (const char* version : {"", "99", "-1", "1e0", "999999999999999999999"}) {
            const auto answer =
                raw(method->name(), "", *version ? test::CallMetadata{{proto::kProtocolKey, version}} : test::CallMetadata{});
            const auto expected = method->name() == "Hello" ? grpc::StatusCode::OK : grpc::StatusCode::FAILED_PRECONDITION;
            EXPECT_EQ(answer.status.error_code(), expected) << method->name() << " of \"" << version << "\"";
        }
}

TEST_F(RpcBoundaryTest, NoNameLeadsOutOfTheReportFolder)
{
    const std::string secret = "what nobody may read";
    test::writeFile(folder / "outside.gantry", secret);
    std::filesystem::create_symlink(folder / "outside.gantry", folder / "reports" / "link.gantry");
    std::filesystem::create_directory(folder / "reports" / "folder.gantry");
    writeReport(".hidden.gantry", secret);
    const std::string names[] = {"../outside.gantry",
                                 "..",
                                 ".",
                                 "",
                                 "/etc/passwd",
                                 (folder / "outside.gantry").string(),
                                 "link.gantry",
                                 "folder.gantry",
                                 "folder.gantry/../../outside.gantry",
                                 ".hidden.gantry",
                                 std::string("a.gantry\0/x", 11),
                                 "..\\outside.gantry",
                                 "%2e%2e/outside.gantry",
                                 std::string(5000, 'a') + ".gantry",
                                 ".retention.json"};
    for (const std::string& name : names) {
        const Fetched fetched = fetch(name);
        EXPECT_FALSE(fetched.status.ok()) << name;
        EXPECT_EQ(fetched.data, "") << name;
        v1::DeleteReportRequest deleting;
        deleting.set_name(name);
        v1::DeleteReportReply deleted;
        EXPECT_FALSE(stub->DeleteReport(call().get(), deleting, &deleted).ok()) << name;
        v1::KeepReportRequest keeping;
        keeping.set_name(name);
        keeping.set_keep(true);
        v1::ReportInfo kept;
        EXPECT_FALSE(stub->KeepReport(call().get(), keeping, &kept).ok()) << name;
    }
    EXPECT_EQ(test::readFile(folder / "outside.gantry"), secret);
    EXPECT_TRUE(std::filesystem::exists(folder / "reports" / ".hidden.gantry"));
    EXPECT_TRUE(std::filesystem::is_symlink(folder / "reports" / "link.gantry"));
    v1::ListReportsReply list;
    ASSERT_TRUE(stub->ListReports(call().get(), {}, &list).ok());
    for (const v1::ReportInfo& report : list.reports())
        EXPECT_NE(report.size_bytes(), secret.size()) << report.name() << " is not one of this folder";
}

TEST_F(RpcBoundaryTest, AReportThatArrivesUnderANameThatLeadsElsewhereIsWrittenNowhereElse)
{
    const auto before = std::distance(std::filesystem::recursive_directory_iterator(folder.path()), {});
    for (const char* name : {"../../evil.nsys-rep", "/tmp/gantry-evil.nsys-rep", "..", "", "a/b.nsys-rep", "evil.nsys-rep\n"}) {
        const auto context = call();
        const auto messages = stub->ExportNsysReport(context.get());
        v1::NsysExportRequest request;
        *request.mutable_begin() = proto::toWire(proto::NsysExport{name, 3, "alice"});
        messages->Write(request);
        *request.mutable_chunk() = chunkOf(0, "abc", true);
        messages->Write(request);
        messages->WritesDone();
        for (v1::NsysExportReply reply; messages->Read(&reply);) {
        }
        EXPECT_FALSE(messages->Finish().ok()) << name;
    }
    EXPECT_FALSE(std::filesystem::exists("/tmp/gantry-evil.nsys-rep"));
    EXPECT_EQ(std::distance(std::filesystem::recursive_directory_iterator(folder.path()), {}), before) << "something was left";
}

TEST_F(RpcBoundaryTest, AReportWhoseFileLiesAboutItsSizeIsListedAndSentAsItIs)
{
    // An SQLite header that promises 2^31 pages, one that promises none, and one that is cut off.
    std::string header("SQLite format 3\0\x10\0\1\1\0\x40\x20\x20\0\0\0\1", 28);
    writeReport("large.gantry", header + "\x7f\xff\xff\xff" + std::string(4064, '\0'));
    writeReport("none.gantry", header + std::string(4, '\0') + std::string(4064, '\xff'));
    writeReport("cut.gantry", header);
    v1::ListReportsReply list;
    ASSERT_TRUE(stub->ListReports(call().get(), {}, &list).ok());
    ASSERT_EQ(list.reports_size(), 3);
    for (const v1::ReportInfo& report : list.reports()) {
        const auto size = std::filesystem::file_size(folder / "reports" / report.name());
        EXPECT_EQ(report.size_bytes(), size);
        const Fetched fetched = fetch(report.name());
        EXPECT_TRUE(fetched.status.ok()) << fetched.status.error_message();
        EXPECT_EQ(fetched.data.size(), size);
    }
}

TEST_F(RpcBoundaryTest, AReportThatShrinksWhileItIsFetchedEndsTheFetchWithAnError)
{
    writeReport("a.gantry", std::string(64 << 20, 'x'));
    const auto context = call();
    v1::FetchReportRequest request;
    request.set_name("a.gantry");
    const auto reader = stub->FetchReport(context.get(), request);
    v1::ReportChunk chunk;
    ASSERT_TRUE(reader->Read(&chunk));
    ASSERT_EQ(::truncate((folder / "reports" / "a.gantry").c_str(), 1 << 20), 0);
    bool hasLast = false;
    while (reader->Read(&chunk))
        hasLast = hasLast || chunk.last();
    EXPECT_FALSE(hasLast);
    EXPECT_FALSE(reader->Finish().ok());
    EXPECT_TRUE(isAlive());
}

TEST_F(RpcBoundaryTest, LongTextsInEveryFieldOfEveryRequestAreAnsweredAndEndNoConnection)
{
    const std::string text(1 << 20, 'A');
    for (const auto* method : test::nodeMethods()) {
        const auto request = test::requestOfText(*method->input_type(), text);
        const auto answer = test::RawCaller(channel).call(method->name(), {request->SerializeAsString()}, test::versionMetadata(), 5s);
        EXPECT_NE(answer.status.error_code(), grpc::StatusCode::UNAVAILABLE) << method->name() << ": the connection is gone";
        EXPECT_LT(answer.status.error_message().size(), 8U << 10) << method->name();
        ASSERT_TRUE(isAlive()) << method->name();
    }
}

TEST_F(RpcBoundaryTest, BytesThatAreNoMessageAreRefusedByEveryCall)
{
    for (const auto* method : test::nodeMethods())
        for (const std::string& bytes :
             {std::string("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), std::string("\x0a\xff\xff\xff\xff\x07zz")}) {
            const auto answer = raw(method->name(), bytes, test::versionMetadata());
            EXPECT_FALSE(answer.status.ok()) << method->name();
        }
    EXPECT_TRUE(isAlive());
}

TEST_F(RpcBoundaryTest, MethodsThatThereAreNoneOfAreUnimplemented)
{
    EXPECT_EQ(raw("Shutdown", "", test::versionMetadata()).status.error_code(), grpc::StatusCode::UNIMPLEMENTED);
}

} // namespace
} // namespace gantry::node
