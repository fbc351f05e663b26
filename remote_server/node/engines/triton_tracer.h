#pragma once

#include "remote_server/node/window_companion.h"
#include "trace_model/base/result.h"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {

/// A Triton server, by its gRPC endpoint.
struct TritonServer
{
    std::string grpcAddress;
    int pid = 0; ///< 0: unknown
};

/// The request tracer of a Triton server, which traces every request while this lives and what it was set to before afterwards. The server
/// writes what it traced, stamped with CLOCK_MONOTONIC, into a file that it was told at its start. Any thread.
class TritonTracer final : public WindowCompanion
{
public:
    /// Errors: Unreachable; Unsupported for a server without the trace extension, without a trace file, or with one that cannot be read
    /// here; each says what to do.
    [[nodiscard]] static Result<std::shared_ptr<TritonTracer>> begin(TritonServer server);
    /// Whether begin() would succeed, without a change to the server. Errors: as above.
    [[nodiscard]] static Result<void> check(const TritonServer& server);
    ~TritonTracer() override; ///< restores the settings

    /// Has the server write what it has traced. Value: that, and what the call before gave, for requests between the two.
    [[nodiscard]] Result<std::string> take();
    void addTo(WindowCapture& window) override;

private:
    using Settings = std::map<std::string, std::vector<std::string>>;

    TritonTracer(TritonServer server, Settings before, std::filesystem::path file);
    [[nodiscard]] static Result<Settings> exchange(const std::string& grpcAddress, const Settings& settings);
    [[nodiscard]] static Result<std::filesystem::path> traceFile(const TritonServer& server, const Settings& settings);
    [[nodiscard]] Result<void> switchOn() const;

    TritonServer m_server;
    Settings m_before;
    std::filesystem::path m_file;
    std::mutex m_mutex;       ///< everything below
    std::uint64_t m_read = 0; ///< bytes of the file
    std::string m_lastBytes;  ///< in front of m_read: others there mean that a new run of the server began the file anew
    std::string m_lastTaken;
};

} // namespace gantry::node
