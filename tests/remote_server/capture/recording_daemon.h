#pragma once

#include "remote_server/capture/control_protocol.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/records/chunk_reader.h"
#include "trace_model/records/nvtx_event.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::capture {

/// An NVTX event with its names looked up.
struct Event
{
    records::RecordType type;
    std::uint32_t tid;
    std::string domain, text;
    records::NvtxRecord record;
    std::int64_t timeMonotonicNs;
    bool isShort; ///< it came in a short record
    std::string extendedPayload;
};

/// What a window recorded.
struct Recording
{
    std::vector<Event> events; ///< in the order of each thread
    std::vector<records::ClockRecord> clocks;
    std::vector<std::pair<records::RecordType, std::vector<std::byte>>> others; ///< what is not of NVTX, in the order of each thread
    std::map<std::uint32_t, std::string> texts;                                 ///< of the window until now, by id
    std::map<std::uint32_t, std::string> threads;                               ///< by Linux thread id
    std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> streams;     ///< by device and stream
    std::map<std::pair<std::string, std::uint32_t>, std::string> categories;    ///< by domain and id

    /// The others of one type.
    template <typename Record>
    [[nodiscard]] std::vector<Record> all(records::RecordType type) const
    {
        std::vector<Record> found;
        for (const auto& [itsType, bytes] : others)
            if (const auto* record = itsType == type ? records::RecordView{itsType, bytes}.as<Record>() : nullptr)
                found.push_back(*record);
        return found;
    }

    std::vector<std::pair<std::uint32_t, std::string>> payloadSchemas; ///< domain, PayloadSchemaHeader and what follows
};

/// The daemon's end of the capture protocol, as little of it as a test needs. Throws std::runtime_error when the library does not
/// do its part within half a minute. One thread.
class RecordingDaemon
{
public:
    RecordingDaemon();
    RecordingDaemon(const RecordingDaemon&) = delete;
    RecordingDaemon& operator=(const RecordingDaemon&) = delete;
    ~RecordingDaemon();

    [[nodiscard]] std::string socketPath() const { return m_folder / "capture.sock"; }

    /// Waits for the library and takes its shared memory.
    HelloMessage accept();
    /// Goes away without a word, as a killed daemon does.
    void disconnect();

    /// Asks for a window and is gone before the answer.
    void openAndDie(std::uint32_t windowId);

    OpenedMessage open(std::uint32_t windowId, std::uint32_t content = ContentNvtx, std::int64_t durationNs = 0, bool isFollowed = false);
    /// From now on the process opens windows itself.
    ArmedMessage arm(const OpenMessage& trigger);
    /// Ends that, and the window of this id if it is open. Has no answer: returns when the library has taken it.
    void disarm(std::uint32_t windowId);
    /// Orders a window, and returns when the library has taken that.
    void order(std::uint32_t windowId);
    ClosedMessage close(std::uint32_t windowId);
    /// The next message, which must be of this type.
    template <typename Message>
    Message receive(MessageType type);

    /// Everything recorded into the window since the last call, and what names it used until now.
    Recording read(std::uint32_t windowId);
    [[nodiscard]] std::uint64_t loss(records::LossCounter counter) const { return m_region->loss(counter); }
    [[nodiscard]] std::uint64_t damagedChunks() const { return m_region->damagedChunks(); }
    [[nodiscard]] int regionSeals() const { return m_seals; }

private:
    template <typename Message>
    void send(const Message& message);
    void waitForInput(int fd) const;
    void waitUntilTaken() const;

    test::TemporaryFolder m_folder;
    int m_listener = -1, m_socket = -1, m_seals = 0;
    void* m_memory = nullptr;
    std::optional<records::RegionReader> m_region;
    std::map<std::uint32_t, std::string> m_texts, m_domains; ///< of the open window
    records::NvtxClock m_clock;
    std::uint32_t m_windowId = 0;
};

} // namespace gantry::capture
