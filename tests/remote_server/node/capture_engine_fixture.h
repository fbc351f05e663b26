#pragma once

#include "remote_server/capture/control_protocol.h"
#include "remote_server/capture/descriptor_message.h"
#include "remote_server/node/capture_engine.h"
#include "tests/support/child_process.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/records/chunk_writer.h"
#include "trace_model/report/database.h"
#include "trace_model/trace/trace_loader.h"

#include <gtest/gtest.h>

#include <cstring>
#include <fcntl.h>
#include <memory>
#include <optional>
#include <poll.h>
#include <stdexcept>
#include <string>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace gantry::node {

inline constexpr std::uint32_t kTid = 1;
inline constexpr std::uint32_t kDomain = 1, kRequestText = 10;

inline void check(bool good, const char* what)
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
        ::close(memory);
    }
    FakeLibrary(const FakeLibrary&) = delete;
    FakeLibrary& operator=(const FakeLibrary&) = delete;
    ~FakeLibrary()
    {
        munmap(m_memory, records::kRegionSize);
        ::close(m_socket);
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
    void sendArmed(std::uint32_t id)
    {
        send(capture::ArmedMessage{capture::MessageType::Armed, id, capture::OpenOutcome::Capturing, 0, {}});
    }
    static std::int64_t now()
    {
        timespec t{};
        clock_gettime(CLOCK_MONOTONIC, &t);
        return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
    }
    /// Takes the Close and answers it.
    void close()
    {
        awaitClose();
        sendClosed();
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
    void mark(records::ThreadCursor& cursor, std::string_view text = {})
    {
        records::NvtxRecord record{};
        record.time = now();
        record.textLength = static_cast<std::uint16_t>(text.size());
        write(cursor, records::RecordType::NvtxMark, record, text);
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
        if (options.reportFolder.empty())
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
    /// A capture whose window this library has opened.
    std::string opened(const proto::CaptureRequest& request, FakeLibrary& library)
    {
        const std::string id = start(request);
        library.open();
        EXPECT_TRUE(waitForState(id, proto::CaptureState::Capturing));
        return id;
    }
    /// A window from its start to its report, in which `body` writes.
    template <typename Body>
    proto::CaptureStatus capture(FakeLibrary& library, Body body)
    {
        const std::string id = opened(request(), library);
        body();
        EXPECT_TRUE(engine->stop(id));
        library.close();
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

} // namespace gantry::node
