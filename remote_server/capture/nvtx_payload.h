#pragma once

#include "remote_server/capture/capture_state.h"
#include "remote_server/capture/nvtx_payload_types.h"
#include "trace_model/records/event_records.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

#define NVTX_NO_IMPL
#include <nvtx3/nvToolsExt.h>

/// Payloads of NVTX's payload extension: their schemas go into the dictionary, their bytes behind the events that have them.
namespace gantry::capture {

/// The payloads of one event as NVTX is given them.
struct ExtendedPayload
{
    const nvtx_payload::Data* data = nullptr;
    std::size_t count = 0;

    [[nodiscard]] bool isThere() const { return data && count > 0; }
};

/// What the attributes of an event point to; nothing where they hold no extended payload.
[[nodiscard]] ExtendedPayload extendedPayload(const nvtxEventAttributes_t& attributes);

/// Payloads as they are recorded (records::ExtendedPayloadHeader), bounded. On the stack of who records.
class PayloadBytes
{
public:
    /// Copies what the program gives. What does not fit is left out, and counted.
    void take(CaptureState& s, std::uint32_t domain, const ExtendedPayload& payload);
    [[nodiscard]] std::string_view bytes() const { return {m_bytes, m_size}; }

private:
    char m_bytes[records::kMaxExtendedPayload];
    std::size_t m_size = 0;
};

/// Writes a schema or an enumeration into the dictionary. Its id: the program's, or a new one. 0: there is no room.
std::uint64_t definePayloadSchema(std::uint32_t domain, const nvtx_payload::SchemaAttributes* attributes);
std::uint64_t definePayloadEnum(std::uint32_t domain, const nvtx_payload::EnumAttributes* attributes);

} // namespace gantry::capture
