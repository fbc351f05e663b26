#include "remote_server/node/capture_engine.h"

#include "remote_server/capture/control_protocol.h"
#include "remote_server/capture/descriptor_message.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/records/chunk_writer.h"
#include "trace_model/records/request_phase.h"
#include "trace_model/report/database.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/trace_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <fcntl.h>
#include <optional>
#include <poll.h>
#include <set>
#include <stdexcept>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::node {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr std::uint32_t kTid = 1;
constexpr std::uint32_t kDomain = 1, kRequestText = 10;

void check(bool good, const char* what)
{
    if (!good)
        throw std::runtime_error(std::string(what) + ": " + std::strerror(errno));
}

/// The library's end of the capture protocol in this process, which answers when the test says so. Throws std::runtime_error when
/// the engine does not do its part.
class FakeLibrary
{
public:
    FakeLibrary(const std::filesystem::path& socketPath, const std::string& targetId)
        : m_socket(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0))
    {
        const int memory = memfd_create("region", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        check(memory >= 0 && ftruncate(memory, records::kRegionSize) == 0 && fcntl(memory, F_ADD_SEALS, F_SEAL_SHRINK) == 0,
              "cannot make the region");
        m_memory = mmap(nullptr, records::kRegionSize, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
        check(m_memory != MAP_FAILED, "cannot map the region");
        region.emplace(m_memory);
        region->initialise();

        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        socketPath.native().copy(address.sun_path, sizeof address.sun_path - 1);
        check(connect(m_socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0, "cannot connect");
        capture::HelloMessage hello{capture::MessageType::Hello, capture::kControlVersion, getpid(), 0, 0, {}, "/bin/fake"};
        targetId.copy(hello.targetId, sizeof hello.targetId - 1);
        check(capture::sendWithDescriptor(m_socket, hello, memory), "cannot say hello");
        close(memory);
    }
    FakeLibrary(const FakeLibrary&) = delete;
    FakeLibrary& operator=(const FakeLibrary&) = delete;
    ~FakeLibrary()
    {
        munmap(m_memory, records::kRegionSize);
        close(m_socket);
    }

    /// Takes the Open and clears the counters, as the library does; answers unless told not to.
    void open(bool answers = true)
    {
        const auto message = receive<capture::OpenMessage>(capture::MessageType::Open);
        windowId = message.windowId;
        region->clearLosses();
        if (answers)
            sendOpened();
    }
    void sendOpened()
    {
        capture::OpenedMessage opened{};
        opened.type = capture::MessageType::Opened;
        opened.windowId = windowId;
        opened.openMonotonicNs = now();
        send(opened);
    }
    /// What a new process gets whose target nobody captures.
    void awaitWelcome() { (void)receive<capture::WelcomeMessage>(capture::MessageType::Welcome); }
    /// Takes the order to open windows by itself.
    capture::OpenMessage awaitTrigger()
    {
        const auto message = receive<capture::OpenMessage>(capture::MessageType::Open);
        EXPECT_NE(message.trigger, capture::Trigger::None);
        return message;
    }
    static std::int64_t now()
    {
        timespec t{};
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
    }
    /// Waits for the Close.
    void awaitClose() { (void)receive<capture::CloseMessage>(capture::MessageType::Close); }
    void sendClosed()
    {
        capture::ClosedMessage closed{capture::MessageType::Closed, windowId, now(), 0, {}};
        for (std::size_t i = 0; i < std::size(closed.losses); ++i)
            closed.losses[i] = region->header().losses[i].load();
        send(closed);
    }
    /// What is sent to this library from now on meets an error, as if it had just ended.
    void refuse() { shutdown(m_socket, SHUT_RD); }

    template <typename Record>
    void write(records::ThreadCursor& cursor, records::RecordType type, Record record, std::string_view text = {})
    {
        EXPECT_TRUE(cursor.append(*region, windowId, kTid, type, record, text));
    }
    void range(records::ThreadCursor& cursor, records::RecordType type, std::uint64_t id)
    {
        records::NvtxRecord record{};
        record.time = now();
        record.rangeId = id;
        if (type == records::RecordType::NvtxStart) {
            record.domain = kDomain;
            record.textId = kRequestText;
        }
        write(cursor, type, record);
    }
    /// A chunk that does not parse.
    void damage()
    {
        records::ChunkHeader* chunk = region->acquire(windowId, kTid);
        std::memset(reinterpret_cast<std::byte*>(chunk + 1), 0xFF, 64);
        chunk->used.store(64, std::memory_order_release);
        chunk->state.store(records::ChunkState::Ready, std::memory_order_release);
    }

    std::optional<records::RegionWriter> region;
    std::uint32_t windowId = 0;

private:
    template <typename Message>
    void send(const Message& message)
    {
        check(::send(m_socket, &message, sizeof message, MSG_NOSIGNAL) == sizeof message, "the engine is gone");
    }
    template <typename Message>
    Message receive(capture::MessageType type)
    {
        pollfd ready{m_socket, POLLIN, 0};
        check(poll(&ready, 1, 30'000) == 1, "the engine is silent");
        Message message{};
        check(recv(m_socket, &message, sizeof message, 0) == sizeof message && message.type == type, "the engine sent something else");
        return message;
    }

    int m_socket;
    void* m_memory = nullptr;
};

class CaptureEngineTest : public testing::Test
{
protected:
    void startEngine(CaptureEngine::Options options = {})
    {
        options.socketPath = folder / "capture.sock";
        options.reportFolder = folder.path();
        auto created = CaptureEngine::create(std::move(options));
        ASSERT_TRUE(created) << created.error().text();
        engine = std::move(*created);
    }

    /// A library that the engine knows.
    std::unique_ptr<FakeLibrary> attach(const std::string& targetId = "t1")
    {
        const std::size_t before = engine->processes().size();
        auto library = std::make_unique<FakeLibrary>(folder / "capture.sock", targetId);
        EXPECT_TRUE(test::eventually([&] { return engine->processes().size() == before + 1; }));
        library->awaitWelcome();
        return library;
    }

    static proto::CaptureRequest request(const std::string& targetId = "t1")
    {
        proto::CaptureRequest result;
        result.targetId = targetId;
        return result;
    }

    std::string start(const proto::CaptureRequest& request)
    {
        const auto started = engine->start(request);
        EXPECT_TRUE(started) << started.error().text();
        return started ? started->captureId : std::string();
    }
    bool waitForState(const std::string& id, proto::CaptureState state)
    {
        return test::eventually([&] { return engine->status(id)->state == state; });
    }
    proto::CaptureStatus finished(const std::string& id)
    {
        EXPECT_TRUE(test::eventually([&] { return engine->status(id)->isFinished(); }));
        return *engine->status(id);
    }
    /// A window from its start to its report, in which `body` writes.
    template <typename Body>
    proto::CaptureStatus capture(FakeLibrary& library, Body body)
    {
        const std::string id = start(request());
        library.open();
        EXPECT_TRUE(waitForState(id, proto::CaptureState::Capturing));
        body();
        EXPECT_TRUE(engine->stop(id));
        library.awaitClose();
        library.sendClosed();
        return finished(id);
    }

    std::shared_ptr<const trace::Trace> load(const proto::CaptureStatus& status)
    {
        const auto loaded = trace::loadTrace(folder / status.reportName);
        if (!loaded)
            throw std::runtime_error(loaded.error().text() + status.message);
        return *loaded;
    }
    std::string meta(const std::string& reportName, const char* key)
    {
        const auto report = report::Database::open(folder / reportName);
        auto rows = report.value().rows("META_DATA_CAPTURE", {"name", "value"});
        while (rows && rows->next())
            if (rows->text(0) == key)
                return std::string(rows->text(1));
        return {};
    }
    static std::uint64_t loss(const std::shared_ptr<const trace::Trace>& trace, const std::string& name)
    {
        for (const Loss& loss : trace->losses)
            if (loss.name == name)
                return loss.count;
        ADD_FAILURE() << "no counter " << name;
        return 0;
    }

    test::TemporaryFolder folder;
    std::unique_ptr<CaptureEngine> engine;
};

TEST_F(CaptureEngineTest, EndsAWindowAfterSoManyRequestsWhateverChunkTheirEndsAreIn)
{
    startEngine();
    const auto library = attach();
    auto wanted = request();
    wanted.maxRequests = 3;
    const std::string id = start(wanted);
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    // The engine reads chunks by their index: all ends first, then the starts, and last what their text is.
    records::ThreadCursor ends{}, starts{}, dictionary{};
    for (std::uint64_t range = 1; range <= 3; ++range)
        library->range(ends, records::RecordType::NvtxEnd, range);
    for (std::uint64_t range = 1; range <= 3; ++range)
        library->range(starts, records::RecordType::NvtxStart, range);
    using namespace records;
    library->write(dictionary, RecordType::Domain, NamedRecord{{}, 0, kDomain, sizeof nvtx_convention::kDomain - 1, 0},
                   nvtx_convention::kDomain);
    library->write(dictionary, RecordType::Text, TextRecord{{}, kRequestText, sizeof nvtx_convention::kRequest - 1},
                   nvtx_convention::kRequest);
    library->awaitClose();
    library->sendClosed();
    EXPECT_EQ(finished(id).state, proto::CaptureState::Done);
}

TEST_F(CaptureEngineTest, TellsOfDamageInTheReportOfItsWindowAndOfNoLaterOne)
{
    startEngine();
    const auto library = attach();
    const auto first = capture(*library, [&] { library->damage(); });
    EXPECT_EQ(loss(load(first), "chunk_damaged"), 1U);
    const auto second = capture(*library, [] {});
    EXPECT_EQ(loss(load(second), "chunk_damaged"), 0U);
}

TEST_F(CaptureEngineTest, DoesNotShowTheLossesOfTheLastWindowWhileTheNextOneOpens)
{
    startEngine();
    const auto library = attach();
    const auto first = capture(*library, [&] { library->region->count(records::LossCounter::NvtxNoChunk, 7); });
    EXPECT_EQ(loss(load(first), "nvtx_no_chunk"), 7U);

    const std::string id = start(request());
    records::ThreadCursor cursor{};
    ++library->windowId;                                       // it has not taken the Open yet
    library->range(cursor, records::RecordType::NvtxStart, 1); // its event shows that the engine has looked
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->events == 1; }));
    EXPECT_EQ(engine->status(id)->dropped, 0U);
}

TEST_F(CaptureEngineTest, DoesNotTakeAProcessThatIsSilentForOneThatHasEnded)
{
    CaptureEngine::Options options;
    options.closeGrace = 50ms;
    startEngine(std::move(options));
    const auto library = attach();
    const std::string id = start(request());
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    ASSERT_TRUE(engine->stop(id)); // a stopped process answers nothing
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_FALSE(status.targetExited);
    EXPECT_THAT(status.message, HasSubstr("did not answer"));
    const auto trace = load(status);
    EXPECT_FALSE(trace->meta.targetExited);
    EXPECT_EQ(loss(trace, "window_end_unanswered"), 1U);
}

TEST_F(CaptureEngineTest, SaysThatAProcessEndedInItsWindow)
{
    startEngine();
    auto library = attach();
    const std::string id = start(request());
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    library.reset();
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_TRUE(status.targetExited);
    const auto trace = load(status);
    EXPECT_TRUE(trace->meta.targetExited);
    EXPECT_EQ(loss(trace, "window_end_unanswered"), 0U);
}

TEST_F(CaptureEngineTest, MakesNoReportOfATargetThatEndedBeforeItRecorded)
{
    startEngine();
    auto library = attach();
    const std::string id = start(request());
    library->open(false);
    library.reset();
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Failed);
    EXPECT_EQ(status.error, name(ErrorCode::TargetGone));
    EXPECT_THAT(status.message, HasSubstr("before it began to record"));
    EXPECT_EQ(status.reportName, "");
}

TEST_F(CaptureEngineTest, RefusesAWindowThatNoProcessOfTheTargetTakes)
{
    startEngine();
    const auto library = attach();
    library->refuse();
    const auto started = engine->start(request());
    ASSERT_FALSE(started);
    EXPECT_EQ(started.error().code, ErrorCode::TargetGone);
    EXPECT_THAT(started.error().message, HasSubstr("t1"));
    EXPECT_EQ(engine->start(request("t2")).error().code, ErrorCode::NotFound) << "no window is open";
}

TEST_F(CaptureEngineTest, DoesNotTakeAnEmptyTargetForAllThatWereStartedByHand)
{
    startEngine();
    const auto library = attach("");
    EXPECT_EQ(engine->start(request("")).error().code, ErrorCode::BadInput);
    EXPECT_TRUE(engine->start(request("p" + std::to_string(getpid()))));
}

TEST_F(CaptureEngineTest, RecordsSeveralWindowsAsReportsOfOneSession)
{
    startEngine();
    const auto library = attach();
    auto wanted = request();
    wanted.windowCount = 3;
    wanted.durationNs = 1'000'000;
    const std::string id = start(wanted);
    for (int i = 0; i < 3; ++i) {
        library->open();
        library->awaitClose();
        library->sendClosed();
    }
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    ASSERT_EQ(status.reportNames.size(), 3U);
    EXPECT_EQ(std::set(status.reportNames.begin(), status.reportNames.end()).size(), 3U);
    for (const std::string& name : status.reportNames)
        EXPECT_TRUE(std::filesystem::exists(folder / name)) << name;
    EXPECT_EQ(meta(status.reportNames[1], report::meta::kSessionWindow), "2");
    EXPECT_EQ(meta(status.reportNames[1], report::meta::kSessionWindows), "3");
    EXPECT_EQ(meta(status.reportNames[1], report::meta::kSession), meta(status.reportNames[0], report::meta::kSession));
}

TEST_F(CaptureEngineTest, LetsASecondClientQueueBehindTheFirstAndTellsBothWhoRecords)
{
    startEngine();
    const auto library = attach();
    auto first = request();
    first.clientName = "alice@desk";
    const std::string firstId = start(first);
    library->open();
    auto second = request();
    second.clientName = "bob@desk";
    const auto refused = engine->start(second);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, ErrorCode::Busy);
    EXPECT_THAT(refused.error().message, HasSubstr("alice@desk"));
    second.mayQueue = true;
    const std::string secondId = start(second);
    EXPECT_EQ(engine->status(secondId)->state, proto::CaptureState::Queued);
    EXPECT_EQ(engine->status(secondId)->waitsFor, "alice@desk");
    ASSERT_TRUE(engine->stop(firstId));
    library->awaitClose();
    library->sendClosed();
    library->open();
    EXPECT_TRUE(waitForState(secondId, proto::CaptureState::Capturing));
    EXPECT_EQ(finished(firstId).state, proto::CaptureState::Done);
}

TEST_F(CaptureEngineTest, BeginsAWindowWhenItIsDueAndLetsOthersRecordBefore)
{
    startEngine();
    const auto library = attach();
    auto later = request();
    later.delayNs = 3'600'000'000'000;
    const std::string laterId = start(later);
    EXPECT_EQ(engine->status(laterId)->state, proto::CaptureState::Waiting);
    EXPECT_GT(engine->status(laterId)->waitsNs, 3'000'000'000'000);
    EXPECT_EQ(capture(*library, [] {}).state, proto::CaptureState::Done);
    ASSERT_TRUE(engine->stop(laterId));
    EXPECT_EQ(finished(laterId).state, proto::CaptureState::Done) << "a capture that is called off has not failed";
    EXPECT_TRUE(finished(laterId).reportNames.empty());

    later.delayNs = 20'000'000;
    const std::string soonId = start(later);
    library->open();
    EXPECT_TRUE(waitForState(soonId, proto::CaptureState::Capturing));
}

TEST_F(CaptureEngineTest, EndsAWindowAfterSoManyBytesOrIterations)
{
    startEngine();
    const auto library = attach();
    auto wanted = request();
    wanted.maxBytes = 4096;
    std::string id = start(wanted);
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    records::ThreadCursor cursor{};
    for (std::uint64_t range = 1; range <= 100; ++range)
        library->range(cursor, records::RecordType::NvtxStart, range);
    library->awaitClose();
    library->sendClosed();
    EXPECT_GE(finished(id).bytes, 4096U);

    wanted.maxBytes = 0;
    wanted.maxIterations = 2;
    wanted.iterationRange = "step";
    id = start(wanted);
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    for (std::uint64_t push = 1; push <= 2; ++push) {
        records::NvtxRecord step{};
        step.tid = kTid;
        step.rangeId = push;
        step.textLength = 4;
        library->write(cursor, records::RecordType::NvtxPush, step, "step");
        step.textLength = 0;
        library->write(cursor, records::RecordType::NvtxPop, step);
    }
    library->awaitClose();
    library->sendClosed();
    EXPECT_EQ(finished(id).state, proto::CaptureState::Done);
}

TEST_F(CaptureEngineTest, ARangeInOneProcessOpensTheWindowInItsSiblings)
{
    startEngine();
    const auto leader = attach(), sibling = attach();
    auto wanted = request();
    wanted.trigger = proto::CaptureTrigger::NvtxRange;
    wanted.triggerRange = "step@engine";
    wanted.windowCount = 2;
    const std::string id = start(wanted);
    EXPECT_EQ(engine->status(id)->state, proto::CaptureState::Armed);
    const auto armed = leader->awaitTrigger();
    EXPECT_STREQ(armed.triggerMessage, "step");
    EXPECT_STREQ(armed.triggerDomain, "engine");
    EXPECT_EQ(sibling->awaitTrigger().windowId, armed.windowId);
    for (std::uint32_t i = 0; i < 2; ++i) {
        leader->windowId = armed.windowId + i;
        leader->region->clearLosses();
        leader->sendOpened(); // the range begins
        records::ThreadCursor cursor{};
        leader->range(cursor, records::RecordType::NvtxStart, 1);
        leader->sendClosed(); // and is over before anybody else has begun
        sibling->open();
        EXPECT_EQ(sibling->windowId, armed.windowId + i);
        sibling->awaitClose();
        sibling->sendClosed();
    }
    const auto status = finished(id);
    EXPECT_EQ(status.state, proto::CaptureState::Done);
    EXPECT_EQ(status.windowsBegun, 2U);
    ASSERT_EQ(status.reportNames.size(), 2U);
    EXPECT_EQ(meta(status.reportNames[1], report::meta::kSessionWindow), "2");
}

TEST_F(CaptureEngineTest, AProcessThatStartsInsideOfAWindowTakesPart)
{
    startEngine();
    const auto first = attach();
    const std::string id = start(request());
    first->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    FakeLibrary late(folder / "capture.sock", "t1");
    late.open();
    records::ThreadCursor cursor{};
    late.range(cursor, records::RecordType::NvtxStart, 1);
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->events == 1; }));
    EXPECT_EQ(engine->status(id)->processes, 2U);
    ASSERT_TRUE(engine->stop(id));
    for (FakeLibrary* library : {first.get(), &late}) {
        library->awaitClose();
        library->sendClosed();
    }
    EXPECT_EQ(finished(id).state, proto::CaptureState::Done);
}

TEST_F(CaptureEngineTest, AWindowThatAwaitsItsTargetBeginsWithItsFirstProcess)
{
    startEngine();
    auto wanted = request("t7");
    wanted.awaitNs = 60'000'000'000;
    const std::string id = start(wanted);
    EXPECT_EQ(engine->status(id)->state, proto::CaptureState::Waiting);
    FakeLibrary library(folder / "capture.sock", "t7");
    library.open(); // its first word from the daemon
    EXPECT_TRUE(waitForState(id, proto::CaptureState::Capturing));
}

TEST_F(CaptureEngineTest, ARingKeepsWhatJustHappenedAndSavesItWhileItGoesOn)
{
    startEngine();
    const auto library = attach();
    auto wanted = request();
    wanted.ringNs = 60'000'000'000;
    const std::string id = start(wanted);
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    records::ThreadCursor cursor{};
    for (std::uint64_t saves = 1; saves <= 2; ++saves) {
        records::NvtxRecord mark{};
        mark.time = FakeLibrary::now();
        mark.textLength = 4;
        library->write(cursor, records::RecordType::NvtxMark, mark, "mark");
        const auto saved = engine->save(id, 0, "slow again");
        ASSERT_TRUE(saved) << saved.error().text();
        ASSERT_TRUE(test::eventually([&] { return engine->status(id)->reportNames.size() == saves; }));
        auto status = *engine->status(id);
        EXPECT_EQ(status.state, proto::CaptureState::Capturing);
        EXPECT_EQ(load(status)->eventCount(), saves) << "all that the ring holds, each time";
    }
    ASSERT_TRUE(engine->save(id, 1, "")); // of the last ns
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->reportNames.size() == 3; }));
    EXPECT_EQ(load(*engine->status(id))->eventCount(), 0U) << "what ended before is left out";
    ASSERT_TRUE(engine->stop(id));
    library->awaitClose();
    library->sendClosed();
    EXPECT_EQ(finished(id).reportNames.size(), 3U) << "only what was saved is written";
}

TEST_F(CaptureEngineTest, ARingGivesWayToAWindowAndBeginsAnewAfterIt)
{
    startEngine();
    const auto library = attach();
    auto ring = request();
    ring.ringNs = 60'000'000'000;
    const std::string ringId = start(ring);
    library->open();
    ASSERT_TRUE(waitForState(ringId, proto::CaptureState::Capturing));
    const std::string windowId = start(request());
    library->awaitClose();
    library->sendClosed();
    library->open();
    ASSERT_TRUE(waitForState(windowId, proto::CaptureState::Capturing));
    EXPECT_EQ(engine->status(ringId)->state, proto::CaptureState::Queued);
    EXPECT_EQ(engine->save(ringId, 0, "").error().code, ErrorCode::Busy);
    ASSERT_TRUE(engine->stop(windowId));
    library->awaitClose();
    library->sendClosed();
    library->open();
    EXPECT_TRUE(waitForState(ringId, proto::CaptureState::Capturing));
}

TEST_F(CaptureEngineTest, ARingStaysWithinItsBytesAndCountsWhatMadeRoom)
{
    startEngine();
    const auto library = attach();
    auto wanted = request();
    wanted.ringNs = 60'000'000'000;
    wanted.ringBytes = 4 << 20;
    const std::string id = start(wanted);
    library->open();
    ASSERT_TRUE(waitForState(id, proto::CaptureState::Capturing));
    records::ThreadCursor cursor{};
    constexpr std::uint64_t kMarks = 100'000; // of 80 bytes: twice the ring
    for (std::uint64_t i = 0; i < kMarks; ++i) {
        records::NvtxRecord mark{};
        mark.time = FakeLibrary::now();
        library->write(cursor, records::RecordType::NvtxMark, mark);
    }
    ASSERT_TRUE(test::eventually([&] { return engine->status(id)->events == kMarks; }));
    const auto status = *engine->status(id);
    EXPECT_LE(status.bytes, wanted.ringBytes);
    EXPECT_GT(status.ringOverwritten, kMarks / 4);
    EXPECT_EQ(status.dropped, 0U);
}

TEST_F(CaptureEngineTest, RefusesWhatCannotBe)
{
    startEngine();
    const auto library = attach();
    const auto refused = [&](auto change) {
        auto wanted = request();
        change(wanted);
        const auto started = engine->start(wanted);
        return started ? std::string("it was started") : std::string(name(started.error().code));
    };
    EXPECT_EQ(refused([](auto& r) { r.windowCount = 10'001; }), name(ErrorCode::BadInput));
    EXPECT_EQ(refused([](auto& r) { r.periodNs = -1; }), name(ErrorCode::BadInput));
    EXPECT_EQ(refused([](auto& r) { r.trigger = proto::CaptureTrigger::NvtxRange; }), name(ErrorCode::BadInput));
    EXPECT_EQ(refused([](auto& r) { r.ringNs = 3'600'000'000'000; }), name(ErrorCode::BadInput));
    EXPECT_EQ(engine->save("c99", 0, "").error().code, ErrorCode::NotFound);
}

TEST_F(CaptureEngineTest, OutlivesAnExceptionAndFailsTheWindow)
{
    std::atomic<bool> throws = true;
    CaptureEngine::Options options;
    options.nodeSnapshot = [&]() -> std::map<std::string, std::string> {
        if (throws)
            throw std::runtime_error("no memory");
        return {};
    };
    startEngine(std::move(options));
    const auto library = attach();
    const auto failed = capture(*library, [] {});
    EXPECT_EQ(failed.state, proto::CaptureState::Failed);
    EXPECT_THAT(failed.message, HasSubstr("no memory"));
    throws = false;
    EXPECT_EQ(capture(*library, [] {}).state, proto::CaptureState::Done);
}

} // namespace
} // namespace gantry::node
