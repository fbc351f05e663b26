#pragma once

#include "tests/support/temporary_folder.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace gantry::test {

/// A node in this process on a socket of its own: answers as a gantryd would, or in the wrong way a test asks for.
class FakeNode
{
public:
    struct Behaviour
    {
        std::uint32_t protocolVersion;         ///< what Hello answers; default: ours
        std::string requiredToken;             ///< empty: none
        std::string reportName = "a.gantry";
        std::string reportData;
        std::size_t chunkBytes = 1000;
        int cutAfterChunks = -1;               ///< the first fetch breaks off after this many, without a last chunk
        std::int64_t damagedChunk = -1;        ///< number of the chunk, of the first fetch, whose CRC does not fit
        std::string announcedSha256;           ///< empty: the real one
        std::string captureError;              ///< ErrorCode name: the capture ends as failed
        bool endsMetrics = false;              ///< the metric stream ends at once, without a batch
        std::vector<double> exportProgress;    ///< told of an nsys export, which then ends without a chunk
        std::function<void()> onFetch;         ///< before each fetch answers
        std::int64_t clockOffsetNs = 3'600'000'000'000; ///< of the node's CLOCK_MONOTONIC and CLOCK_REALTIME to those of this machine
        int clockSetAfter = -1;                ///< after so many answers the clocks are set by a second; -1: never
        Behaviour();
    };

    explicit FakeNode(Behaviour behaviour = {});
    ~FakeNode();

    [[nodiscard]] std::string address() const;
    [[nodiscard]] std::string socketPath() const;
    [[nodiscard]] int fetches() const;
    [[nodiscard]] std::uint64_t lastFetchOffset() const;
    [[nodiscard]] std::string lastProtocol() const;      ///< metadata of the last call
    [[nodiscard]] std::string lastAuthorization() const;
    [[nodiscard]] std::string lastCaptureClient() const;
    struct Start
    {
        std::int64_t utcNs = 0; ///< on the node's clock
        std::string session;
        std::uint32_t sessionNodes = 0;
    };
    [[nodiscard]] Start lastStart() const; ///< of the last capture that was asked for

    /// Ends the server, as a killed daemon; the socket is gone.
    void stop();
    /// Listens on the same socket again.
    void start();

private:
    class Service;
    TemporaryFolder m_folder;
    std::unique_ptr<Service> m_service;
    struct Server;
    std::unique_ptr<Server> m_server;
};

} // namespace gantry::test
