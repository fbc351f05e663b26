#pragma once

#include "remote_server/capture/capture_state.h"
#include "trace_model/records/event_records.h"

#include <cstddef>
#include <cstdint>

struct CUpti_Activity_st;

namespace gantry::capture {

/// Turns CUPTI activity records into ours and appends them to a window. Keeps the dictionary of kernel names of that window.
/// Control thread.
class CuptiDecoder
{
public:
    /// `callbackName` is cuptiGetCallbackName: (domain, id, const char**) → 0 on success.
    using CallbackName = int (*)(int domain, std::uint32_t id, const char** name);

    /// `content`: bits of Content. The devices that are known by then are written into the window.
    void begin(CaptureState& state, std::uint32_t windowId, std::uint32_t content, CallbackName callbackName);
    void decode(const void* activity);

    /// Whether CUPTI has told the devices, in this window or an earlier one: they stay the same as long as the process lives.
    [[nodiscard]] bool knowsDevices() const { return m_deviceCount > 0; }

    /// Whether work of a CUDA graph has been recorded, ever.
    [[nodiscard]] bool hasSeenGraphs() const { return m_hasSeenGraphs; }

private:
    void addDevice(const records::DeviceRecord& device);
    std::uint32_t nameId(const char* name);
    void nameApi(std::uint32_t callbackId, bool isDriver);
    template <typename Record>
    void write(records::RecordType type, const Record& record);

    // Kernel names are few and owned by CUPTI, so their address is the key. Ids lie far above those of NVTX's strings.
    static constexpr std::uint32_t kNameSlots = 1u << 14;
    static constexpr std::uint32_t kFirstNameId = 1u << 30;
    static constexpr std::uint32_t kApiCount = 2048;
    static constexpr std::size_t kMostDevices = 64;

    CaptureState* m_state = nullptr;
    CallbackName m_callbackName = nullptr;
    std::uint32_t m_windowId = 0;
    std::uint32_t m_content = 0;
    std::uint32_t m_nextNameId = kFirstNameId;
    const char* m_names[kNameSlots] = {};
    std::uint32_t m_nameIds[kNameSlots] = {};
    bool m_apiNamed[2][kApiCount] = {};
    bool m_hasSeenGraphs = false;
    std::size_t m_deviceCount = 0;
    records::DeviceRecord m_devices[kMostDevices] = {};
};

} // namespace gantry::capture
