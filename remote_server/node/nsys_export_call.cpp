#include "remote_server/node/nsys_export_call.h"

#include "remote_server/proto/convert.h"
#include "remote_server/proto/file_chunks.h"
#include "trace_model/base/silence_watch.h"

#include <atomic>
#include <chrono>
#include <filesystem>
#include <spdlog/spdlog.h>
#include <stop_token>
#include <thread>

namespace gantry::node {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::seconds kLongestSilence{60};
constexpr std::chrono::milliseconds kLook{50};  // how soon nsys is ended when the client is gone
constexpr std::chrono::seconds kTellAtLeast{1}; // node.proto

Error cut()
{
    return {ErrorCode::Cancelled, "the client ended the export", {}};
}

/// The call as its steps see it.
struct Call
{
    NsysExportStream& stream;
    const std::function<bool()>& goesOn;
    SilenceWatch& silence;

    [[nodiscard]] bool read(v1::NsysExportRequest& request)
    {
        const bool isThere = stream.Read(&request);
        silence.heard();
        return isThere && goesOn();
    }
    [[nodiscard]] bool write(const v1::NsysExportReply& reply)
    {
        const bool isTaken = stream.Write(reply);
        silence.heard();
        return isTaken;
    }
};

Result<void> receive(Call& call, NsysExports::Export& report, const std::string& name)
{
    proto::ChunkCheck check(name, 0, proto::Digest::Sha256);
    v1::NsysExportRequest request;
    while (!check.isComplete()) {
        if (!call.read(request))
            return cut();
        if (!request.has_chunk())
            return Error{ErrorCode::BadInput, "a chunk of the report was due", {}};
        GANTRY_CHECK(check.accept(request.chunk()));
        GANTRY_CHECK(report.append(request.chunk().data()));
    }
    return {};
}

Result<std::filesystem::path> runNsys(Call& call, NsysExports::Export& report)
{
    std::atomic<double> fraction{0};
    std::stop_source stop;
    std::jthread teller([&](const std::stop_token& ended) {
        double told = -1;
        Clock::time_point next;
        while (!ended.stop_requested() && !stop.stop_requested()) {
            if (const double now = fraction; now != told || Clock::now() >= next) {
                v1::NsysExportReply reply;
                reply.mutable_progress()->set_fraction_ratio(told = now);
                next = Clock::now() + kTellAtLeast;
                if (!call.write(reply) || !call.goesOn())
                    stop.request_stop();
            } else if (!call.goesOn()) {
                stop.request_stop();
            }
            std::this_thread::sleep_for(kLook);
        }
    });
    auto exported = report.run({[&](double done, std::string_view) { fraction = done; }, stop.get_token()});
    teller.request_stop();
    teller.join(); // from here on this thread writes
    return exported;
}

Result<void> send(Call& call, const std::filesystem::path& exported)
{
    std::error_code error;
    const std::uint64_t size = std::filesystem::file_size(exported, error);
    if (error)
        return errnoError(error.value(), "cannot read the export on the node");
    proto::FileChunks chunks(exported, 0, size, proto::Digest::Sha256);
    while (!chunks.isAtEnd()) {
        v1::NsysExportReply reply;
        GANTRY_TRY(*reply.mutable_chunk(), chunks.next());
        const bool isTaken = call.write(reply);
        if (!isTaken || (!chunks.isAtEnd() && !call.goesOn())) // who has the last chunk may be gone
            return cut();
    }
    return {};
}

} // namespace

Result<void> serveNsysExport(NsysExports& exports, grpc::ServerContext& context, NsysExportStream& stream,
                             const std::function<bool()>& goesOn)
{
    SilenceWatch silence(kLongestSilence, [&] { context.TryCancel(); });
    Call call{stream, goesOn, silence};
    v1::NsysExportRequest request;
    if (!call.read(request) || !request.has_begin())
        return Error{ErrorCode::BadInput, "an export begins with what is to be exported", {}};
    GANTRY_TRY(const auto report, exports.begin(proto::fromWire(request.begin())));
    const proto::NsysExport& announced = report->report();
    const auto done = [&]() -> Result<void> {
        GANTRY_CHECK(receive(call, *report, announced.fileName));
        GANTRY_TRY(const auto exported, runNsys(call, *report));
        return send(call, exported);
    }();
    spdlog::info("exporting {} for {}: {}", announced.fileName, announced.clientName, done ? "done" : done.error().text());
    return done;
}

} // namespace gantry::node
