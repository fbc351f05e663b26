#include "remote_server/node/node_service.h"

#include "tests/remote_server/node/node_service_fixture.h"
#include "tests/support/child_process.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <numeric>

namespace gantry::node {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

/// Many series at once, to outrun a client.
class ManySeries : public SampleSource
{
public:
    explicit ManySeries(int count, const std::string& prefix = "series_")
    {
        for (int i = 0; i < count; ++i)
            m_names.push_back(prefix + std::to_string(i));
    }
    void sample(SampleRound& round) override
    {
        for (const std::string& name : m_names)
            round.report(name, {}, "count", metrics::SeriesKind::Gauge, "", 1);
    }

private:
    std::vector<std::string> m_names;
};

TEST_F(NodeServiceTest, AnswersHelloEvenToAnotherVersionAndSaysItsOwn)
{
    grpc::ClientContext context;
    v1::HelloRequest request;
    request.set_protocol_version(99);
    v1::HelloReply reply;
    const auto status = stub->Hello(&context, request, &reply);
    ASSERT_TRUE(status.ok()) << status.error_message();
    EXPECT_EQ(reply.protocol_version(), proto::kProtocolVersion);
    EXPECT_EQ(reply.daemon_version(), GANTRY_VERSION);
    EXPECT_FALSE(reply.host_name().empty());
    EXPECT_EQ(reply.boot_id().size(), 36U);
}

TEST_F(NodeServiceTest, RefusesOtherCallsOfAnotherVersionInASentenceThatNamesBoth)
{
    grpc::ClientContext context;
    context.AddMetadata(proto::kProtocolKey, "99");
    v1::NodeInfo reply;
    const auto status = stub->GetNodeInfo(&context, {}, &reply);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::FAILED_PRECONDITION);
    const Error error = proto::toError(status, context);
    EXPECT_EQ(error.code, ErrorCode::VersionMismatch);
    EXPECT_THAT(error.message, HasSubstr("99"));
    EXPECT_THAT(error.message, HasSubstr(std::to_string(proto::kProtocolVersion)));
    EXPECT_THAT(error.message, HasSubstr("upgrade"));
}

TEST_F(NodeServiceTest, RefusesCallsThatDoNotSayTheirVersion)
{
    grpc::ClientContext context;
    v1::ListTargetsReply reply;
    const auto status = stub->ListTargets(&context, {}, &reply);
    EXPECT_EQ(proto::toError(status, context).code, ErrorCode::VersionMismatch);
}

TEST_F(NodeServiceWithTokenTest, RefusesCallsWithoutTheTokenOrWithAnother)
{
    for (const char* authorization : {"", "Bearer wrong", "Bearer 0123456789abcdef0123456789abcdeX", "0123456789abcdef0123456789abcdef"}) {
        const auto context = call();
        if (*authorization)
            context->AddMetadata(proto::kAuthorizationKey, authorization);
        v1::HelloReply reply;
        const auto status = stub->Hello(context.get(), {}, &reply);
        EXPECT_EQ(proto::toError(status, *context).code, ErrorCode::NotPermitted) << authorization;
        EXPECT_THAT(status.error_message(), HasSubstr("token"));
        EXPECT_THAT(status.error_message(), testing::Not(HasSubstr(kToken)));
    }
}

TEST_F(NodeServiceWithTokenTest, AnswersCallsWithTheToken)
{
    const auto context = call();
    context->AddMetadata(proto::kAuthorizationKey, std::string("Bearer ") + kToken);
    v1::NodeInfo reply;
    EXPECT_TRUE(stub->GetNodeInfo(context.get(), {}, &reply).ok());
}

TEST_F(NodeServiceWithTokenTest, RefusesStreamsWithoutTheToken)
{
    const auto context = call();
    const auto reader = stub->StreamMetrics(context.get(), {});
    v1::MetricsBatch batch;
    EXPECT_FALSE(reader->Read(&batch));
    EXPECT_EQ(proto::toError(reader->Finish(), *context).code, ErrorCode::NotPermitted);
}

TEST_F(NodeServiceTest, DescribesTheNode)
{
    v1::NodeInfo info;
    ASSERT_TRUE(stub->GetNodeInfo(call().get(), {}, &info).ok());
    EXPECT_FALSE(info.host_name().empty());
    EXPECT_THAT(info.kernel(), HasSubstr("Linux"));
    EXPECT_GT(info.cpu_count(), 0U);
    EXPECT_GT(info.memory_total_bytes(), 0U);
    EXPECT_GT(info.disk_free_bytes(), 0U);
    EXPECT_EQ(info.report_folder(), (folder / "reports").string());
    EXPECT_EQ(info.gpus_size(), 0);
    EXPECT_EQ(info.no_gpu_reason(), "no GPU: none in this test");
}

TEST_F(NodeServiceTest, LaunchesListsAndStopsATarget)
{
    const v1::Target launched = launch({"/bin/sleep", "60"});
    v1::ListTargetsReply list;
    ASSERT_TRUE(stub->ListTargets(call().get(), {}, &list).ok());
    ASSERT_EQ(list.targets_size(), 1);
    EXPECT_EQ(list.targets(0).id(), launched.id());
    EXPECT_EQ(list.targets(0).argv(1), "60");

    v1::StopTargetRequest request;
    request.set_id(launched.id());
    v1::Target stopped;
    ASSERT_TRUE(stub->StopTarget(call().get(), request, &stopped).ok());
    EXPECT_EQ(stopped.state(), v1::TARGET_STATE_KILLED);
    EXPECT_EQ(stopped.exit_signal(), SIGTERM);

    request.set_id("t999");
    const auto context = call();
    const auto status = stub->StopTarget(context.get(), request, &stopped);
    EXPECT_EQ(proto::toError(status, *context).code, ErrorCode::NotFound);
}

TEST_F(NodeServiceTest, TailsTheOutputOfATarget)
{
    const v1::Target launched = launch({"/usr/bin/printf", "one\ntwo\nthree\n"});
    const auto context = call();
    v1::TailLogRequest request;
    request.set_target_id(launched.id());
    request.set_last_lines(100);
    const auto reader = stub->TailLog(context.get(), request);
    std::vector<std::string> texts;
    for (v1::LogLine line; texts.size() < 3 && reader->Read(&line);)
        texts.push_back(line.text());
    EXPECT_THAT(texts, testing::ElementsAre("one", "two", "three"));
    context->TryCancel();
    reader->Finish();
}

TEST_F(NodeServiceTest, TailsItsOwnLogAndFollowsIt)
{
    log.add("before");
    const auto context = call();
    v1::TailLogRequest request;
    request.set_last_lines(1);
    const auto reader = stub->TailLog(context.get(), request);
    v1::LogLine line;
    ASSERT_TRUE(reader->Read(&line));
    EXPECT_EQ(line.text(), "before");
    log.add("after");
    ASSERT_TRUE(reader->Read(&line));
    EXPECT_EQ(line.text(), "after");
    context->TryCancel();
    reader->Finish();
}

TEST_F(NodeServiceTest, HasNoLogOfATargetThatItDoesNotKnow)
{
    const auto context = call();
    v1::TailLogRequest request;
    request.set_target_id("t77");
    const auto reader = stub->TailLog(context.get(), request);
    v1::LogLine line;
    EXPECT_FALSE(reader->Read(&line));
    EXPECT_EQ(proto::toError(reader->Finish(), *context).code, ErrorCode::NotFound);
}

TEST_F(NodeServiceTest, TellsASecondClientWhoHoldsTheWindow)
{
    v1::StartCaptureRequest request;
    request.set_target_id("t1");
    request.set_duration_ns(2'000'000'000);
    request.set_client_name("alice@desk: gantry");
    v1::CaptureStatus reply;
    ASSERT_TRUE(stub->StartCapture(call().get(), request, &reply).ok());
    EXPECT_EQ(reply.holder(), "alice@desk: gantry");
    EXPECT_EQ(engine.request().durationNs, 2'000'000'000);
    EXPECT_TRUE(engine.request().content.kernels) << "absent content is everything";

    const auto context = call();
    request.set_client_name("bob");
    const auto status = stub->StartCapture(context.get(), request, &reply);
    EXPECT_EQ(status.error_code(), grpc::StatusCode::RESOURCE_EXHAUSTED);
    EXPECT_EQ(proto::toError(status, *context).code, ErrorCode::Busy);
    EXPECT_THAT(status.error_message(), HasSubstr("alice@desk"));
}

TEST_F(NodeServiceTest, StreamsTheStatusOfACaptureUntilItIsDone)
{
    v1::StartCaptureRequest request;
    request.set_target_id("t1");
    v1::CaptureStatus status;
    ASSERT_TRUE(stub->StartCapture(call().get(), request, &status).ok());

    const auto context = call();
    v1::WatchCaptureRequest watch;
    watch.set_capture_id(status.capture_id());
    const auto reader = stub->WatchCapture(context.get(), watch);
    ASSERT_TRUE(reader->Read(&status)) << "the first status comes at once";
    EXPECT_EQ(status.state(), v1::CAPTURE_STATE_CAPTURING);
    engine.capture(500);
    bool sawEvents = false, done = false;
    v1::StopCaptureRequest stop;
    while (reader->Read(&status)) {
        if (status.events() == 500 && !sawEvents) {
            sawEvents = true;
            v1::CaptureStatus reply;
            EXPECT_TRUE(stub->StopCapture(call().get(), stop, &reply).ok());
        }
        done = status.state() == v1::CAPTURE_STATE_DONE;
    }
    EXPECT_TRUE(reader->Finish().ok());
    EXPECT_TRUE(sawEvents);
    EXPECT_TRUE(done);
    EXPECT_EQ(status.report_name(), "r.gantry");
}

TEST_F(NodeServiceTest, SendsAReportInCheckedChunks)
{
    std::string content(600'000, '\0');
    std::iota(content.begin(), content.end(), '\0');
    writeReport("a.gantry", content);
    const Fetched fetched = fetch("a.gantry");
    ASSERT_TRUE(fetched.status.ok()) << fetched.status.error_message();
    EXPECT_EQ(fetched.data, content);
    ASSERT_EQ(fetched.chunks.size(), 3U);
    const auto sha = sha256OfFile(folder / "reports" / "a.gantry");
    EXPECT_EQ(fetched.chunks.front().sha256(), *sha);
    EXPECT_EQ(fetched.chunks[1].sha256(), "");
    EXPECT_EQ(fetched.chunks.back().sha256(), *sha);
    EXPECT_EQ(fetched.chunks.front().total_bytes(), content.size());
    EXPECT_FALSE(fetched.chunks[1].last());
    EXPECT_TRUE(fetched.chunks.back().last());
}

TEST_F(NodeServiceTest, ResumesAFetchWhereItWasCut)
{
    std::string content(600'000, 'x');
    content[300'000] = 'y';
    writeReport("a.gantry", content);
    const std::string sha = *sha256OfFile(folder / "reports" / "a.gantry");
    const Fetched rest = fetch("a.gantry", 262'144, sha);
    ASSERT_TRUE(rest.status.ok());
    EXPECT_EQ(rest.data, content.substr(262'144));
    EXPECT_EQ(rest.chunks.front().sha256(), sha);

    const Fetched nothingLeft = fetch("a.gantry", 600'000, sha);
    ASSERT_TRUE(nothingLeft.status.ok());
    ASSERT_EQ(nothingLeft.chunks.size(), 1U);
    EXPECT_TRUE(nothingLeft.chunks[0].last());

    EXPECT_EQ(fetch("a.gantry", 600'001, sha).error.code, ErrorCode::BadInput);
}

TEST_F(NodeServiceTest, DoesNotCallAFetchDoneThatItsOwnEndCutShort)
{
    // Bigger than what gRPC keeps in flight. An OK without the last chunk would look like the whole report.
    writeReport("a.gantry", "");
    std::filesystem::resize_file(folder / "reports" / "a.gantry", 64 << 20);
    const auto context = call();
    v1::FetchReportRequest request;
    request.set_name("a.gantry");
    const auto reader = stub->FetchReport(context.get(), request);
    v1::ReportChunk chunk;
    ASSERT_TRUE(reader->Read(&chunk));
    service->shutDown();
    while (reader->Read(&chunk))
        EXPECT_FALSE(chunk.last());
    const auto status = reader->Finish();
    EXPECT_EQ(proto::toError(status, *context).code, ErrorCode::Unreachable);
    EXPECT_THAT(status.error_message(), HasSubstr("shutting down"));
}

TEST_F(NodeServiceTest, RefusesToResumeAReportThatIsAnotherOneNow)
{
    writeReport("a.gantry", "the second version");
    const Fetched fetched = fetch("a.gantry", 3, std::string(64, '0'));
    EXPECT_TRUE(fetched.chunks.empty());
    EXPECT_EQ(fetched.error.code, ErrorCode::BadInput);
    EXPECT_THAT(fetched.error.message, HasSubstr("from the start"));
}

TEST_F(NodeServiceTest, SendsAnEmptyReportAsOneLastChunk)
{
    writeReport("empty.gantry", "");
    const Fetched fetched = fetch("empty.gantry");
    ASSERT_TRUE(fetched.status.ok());
    ASSERT_EQ(fetched.chunks.size(), 1U);
    EXPECT_TRUE(fetched.chunks[0].last());
    EXPECT_EQ(fetched.chunks[0].sha256().size(), 64U);
}

TEST_F(NodeServiceTest, ReachesNoFileOutsideTheReportFolder)
{
    std::ofstream(folder / "secret") << "secret";
    for (const char* name : {"../secret", "/etc/hostname", "..", ""}) {
        EXPECT_EQ(fetch(name).error.code, ErrorCode::BadInput) << name;
        const auto context = call();
        v1::DeleteReportRequest request;
        request.set_name(name);
        v1::DeleteReportReply reply;
        EXPECT_FALSE(stub->DeleteReport(context.get(), request, &reply).ok()) << name;
    }
    EXPECT_EQ(fetch("absent.gantry").error.code, ErrorCode::NotFound);
    EXPECT_TRUE(std::filesystem::exists(folder / "secret"));
}

TEST_F(NodeServiceTest, DeletesAReport)
{
    writeReport("a.gantry", "x");
    v1::ListReportsReply list;
    ASSERT_TRUE(stub->ListReports(call().get(), {}, &list).ok());
    EXPECT_EQ(list.reports_size(), 1);
    v1::DeleteReportRequest request;
    request.set_name("a.gantry");
    v1::DeleteReportReply reply;
    EXPECT_TRUE(stub->DeleteReport(call().get(), request, &reply).ok());
    EXPECT_FALSE(std::filesystem::exists(folder / "reports" / "a.gantry"));
}

TEST_F(NodeServiceTest, StreamsDefinitionsBeforeSamples)
{
    sampler.addSource("many", std::make_unique<ManySeries>(3));
    const auto context = call();
    const auto reader = stub->StreamMetrics(context.get(), {});
    std::set<std::uint32_t> defined;
    std::size_t samples = 0;
    std::uint64_t lastSequence = 0;
    for (v1::MetricsBatch batch; samples < 30 && reader->Read(&batch);) {
        EXPECT_GT(batch.sequence(), lastSequence);
        lastSequence = batch.sequence();
        EXPECT_GT(batch.node_mono_ns(), 0);
        for (const auto& definition : batch.definitions())
            defined.insert(definition.id());
        for (const auto& sample : batch.samples()) {
            EXPECT_TRUE(defined.contains(sample.series_id()));
            EXPECT_LE(sample.mono_ns(), batch.node_mono_ns());
            ++samples;
        }
    }
    EXPECT_GE(samples, 30U);
    EXPECT_EQ(defined.size(), 3U);
    context->TryCancel();
    reader->Finish();
}

TEST_F(NodeServiceTest, SendsNoMoreBatchesASecondThanAskedForAndLosesNothingByThat)
{
    sampler.addSource("many", std::make_unique<ManySeries>(1));
    const auto context = call();
    v1::StreamMetricsRequest request;
    request.set_max_rate_hz(4);
    const auto reader = stub->StreamMetrics(context.get(), request);
    v1::MetricsBatch batch;
    ASSERT_TRUE(reader->Read(&batch));
    const auto begin = std::chrono::steady_clock::now();
    int samples = 0;
    for (int i = 0; i < 3; ++i) {
        ASSERT_TRUE(reader->Read(&batch));
        samples += batch.samples_size();
    }
    EXPECT_GE(std::chrono::steady_clock::now() - begin, 700ms);
    EXPECT_GT(samples, 10) << "a batch holds all rounds since the one before";
    EXPECT_EQ(batch.dropped_samples(), 0U);
    context->TryCancel();
    reader->Finish();
}

TEST_F(NodeServiceTest, TellsASlowClientHowManySamplesItLost)
{
    for (int i = 0; i < 10; ++i) // names of their own: a source has so many series and no more
        sampler.addSource("many_" + std::to_string(i), std::make_unique<ManySeries>(2'000, "source_" + std::to_string(i) + "_"));
    const auto context = call(60s);
    const auto reader = stub->StreamMetrics(context.get(), {});
    v1::MetricsBatch batch;
    // gRPC's own buffers fill while nobody reads; then the queue does.
    std::uint64_t dropped = 0;
    ASSERT_TRUE(test::eventually(
        [&] {
            std::this_thread::sleep_for(300ms); // the slow client
            EXPECT_TRUE(reader->Read(&batch));
            EXPECT_GE(batch.dropped_samples(), dropped) << "a total never falls";
            dropped = batch.dropped_samples();
            return dropped > 0;
        },
        40s));
    context->TryCancel();
    reader->Finish();
}

TEST_F(NodeServiceTest, StampsTheClockBetweenReceivingAndSending)
{
    v1::ClockPing ping;
    ping.set_sequence(5);
    v1::ClockPong pong;
    timespec before{}, after{};
    clock_gettime(CLOCK_MONOTONIC, &before);
    ASSERT_TRUE(stub->SampleClock(call().get(), ping, &pong).ok());
    clock_gettime(CLOCK_MONOTONIC, &after);
    EXPECT_EQ(pong.sequence(), 5U);
    EXPECT_LE(before.tv_sec * 1'000'000'000LL + before.tv_nsec, pong.receive_mono_ns());
    EXPECT_LE(pong.receive_mono_ns(), pong.send_mono_ns());
    EXPECT_LE(pong.send_mono_ns(), after.tv_sec * 1'000'000'000LL + after.tv_nsec);
}

TEST_F(NodeServiceTest, RefusesAReportThatTheDiskHasNoRoomFor)
{
    const Error error = exportError(std::uint64_t{1} << 60, {});
    EXPECT_EQ(error.code, ErrorCode::CannotWrite);
    EXPECT_THAT(error.message, HasSubstr("the report takes 1099511627776 MiB and " + (folder / "reports").string() + " on the node has "));
    EXPECT_THAT(error.message, HasSubstr("free space there"));
}

TEST_F(NodeServiceTest, RefusesAReportThatArrivesOtherwiseThanItWasSent)
{
    EXPECT_EQ(exportError(4, {chunkOf(0, "report", false)}).code, ErrorCode::BadInput) << "longer than announced";
    EXPECT_EQ(exportError(6, {chunkOf(1, "eport", true)}).code, ErrorCode::Truncated) << "not from its beginning";
    v1::ReportChunk damaged = chunkOf(0, "report", true);
    damaged.set_data("rePort");
    EXPECT_THAT(exportError(6, {damaged}).message, HasSubstr("arrived damaged (CRC-32)"));
    v1::ReportChunk exchanged = chunkOf(0, "report", true);
    exchanged.set_sha256(std::string(64, '0'));
    EXPECT_THAT(exportError(6, {exchanged}).message, HasSubstr("run.nsys-rep arrived damaged (SHA-256)"));
    EXPECT_EQ(exportError(6, {chunkOf(0, "rep", false)}).code, ErrorCode::Cancelled) << "not to its end";
}

TEST_F(NodeServiceTest, RefusesToExportWhatIsNoReportOfNsightSystems)
{
    v1::ReportChunk chunk = chunkOf(0, "report", true);
    Sha256 digest;
    digest.update(std::as_bytes(std::span(chunk.data())));
    chunk.set_sha256(digest.finishHex());
    EXPECT_EQ(exportError(6, {chunk}).code, ErrorCode::NotAReport);
}

TEST_F(NodeServiceTest, ShowsNamesThatClientsGaveOnOneLineAndShort)
{
    std::ofstream(folder / "nsys") << "#!/bin/sh\n";
    std::filesystem::permissions(folder / "nsys", std::filesystem::perms::owner_all);
    std::string longName = "run";
    for (int i = 0; i < 1000; ++i)
        longName += "ü";
    const auto begun = nsysExports.begin({longName, 6, "alice\n[info] bob\x1b"});
    ASSERT_TRUE(begun) << begun.error().text();
    EXPECT_EQ((*begun)->report().clientName, "alice [info] bob ");
    EXPECT_EQ((*begun)->report().fileName, longName.substr(0, 199) + "…") << "not cut within a character";
}

TEST_F(NodeServiceWithTokenTest, ExportsNothingWithoutTheToken)
{
    EXPECT_EQ(exportError(6, {chunkOf(0, "report", true)}).code, ErrorCode::NotPermitted);
}

TEST_F(NodeServiceTest, LosesNoStreamToAnException)
{
    engine.breakDown();
    for (int i = 0; i < NodeService::kMostStreams + 1; ++i) {
        const auto context = call();
        const auto reader = stub->WatchCapture(context.get(), {});
        v1::CaptureStatus status;
        EXPECT_FALSE(reader->Read(&status));
        ASSERT_EQ(proto::toError(reader->Finish(), *context).code, ErrorCode::Internal) << "stream " << i;
    }
}

TEST_F(NodeServiceTest, AnswersCallsWhileTheMostStreamsRunAndRefusesOneMore)
{
    std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
    std::vector<std::unique_ptr<grpc::ClientReader<v1::LogLine>>> readers;
    log.add("a line");
    v1::TailLogRequest request;
    request.set_last_lines(1);
    v1::LogLine line;
    for (int i = 0; i < NodeService::kMostStreams; ++i) {
        contexts.push_back(call());
        readers.push_back(stub->TailLog(contexts.back().get(), request));
        ASSERT_TRUE(readers.back()->Read(&line)) << "stream " << i;
    }
    v1::NodeInfo info;
    EXPECT_TRUE(stub->GetNodeInfo(call().get(), {}, &info).ok());

    const auto context = call();
    const auto oneMore = stub->TailLog(context.get(), request);
    EXPECT_FALSE(oneMore->Read(&line));
    EXPECT_EQ(proto::toError(oneMore->Finish(), *context).code, ErrorCode::Busy);

    for (std::size_t i = 0; i < readers.size(); ++i) {
        contexts[i]->TryCancel();
        readers[i]->Finish();
    }
    EXPECT_TRUE(test::eventually([&] {
        const auto again = call();
        const auto reader = stub->TailLog(again.get(), request);
        const bool open = reader->Read(&line);
        again->TryCancel();
        reader->Finish();
        return open;
    })) << "an ended stream makes room";
}

TEST_F(NodeServiceTest, IsNotIdleWhileAStreamIsOpen)
{
    v1::NodeInfo info;
    ASSERT_TRUE(stub->GetNodeInfo(call().get(), {}, &info).ok());
    EXPECT_TRUE(test::eventually([&] { return service->idleTime() > 20ms; }));
    const auto context = call();
    log.add("a line");
    v1::TailLogRequest request;
    request.set_last_lines(1);
    const auto reader = stub->TailLog(context.get(), request);
    v1::LogLine line;
    ASSERT_TRUE(reader->Read(&line));
    EXPECT_EQ(service->idleTime(), 0ns);
    context->TryCancel();
    reader->Finish();
    EXPECT_TRUE(test::eventually([&] { return service->idleTime() > 0ns; }));
}

TEST_F(NodeServiceTest, EndsItsStreamsWhenItShutsDown)
{
    log.add("a line");
    const auto context = call();
    v1::TailLogRequest request;
    request.set_last_lines(1);
    const auto reader = stub->TailLog(context.get(), request);
    v1::LogLine line;
    ASSERT_TRUE(reader->Read(&line));
    service->shutDown();
    EXPECT_FALSE(reader->Read(&line));
    reader->Finish();
    const auto late = call();
    v1::NodeInfo info;
    EXPECT_EQ(proto::toError(stub->GetNodeInfo(late.get(), {}, &info), *late).code, ErrorCode::Unreachable);
}

} // namespace
} // namespace gantry::node
