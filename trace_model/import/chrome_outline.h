#pragma once

#include "trace_model/base/result.h"
#include "trace_model/import/text_window.h"
#include "trace_model/import/trace_meta.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::importing {

/// Reads what stands around the list of events of a trace: an object with "traceEvents" and other keys before and after it, or
/// nothing but the list. One thread.
class ChromeOutline
{
public:
    /// Reads from the window's cursor to behind the bracket that opens a list of events. False: the text ends, or goes on with what
    /// is no trace. To be called again behind each list.
    Result<bool> findEvents(TextWindow& window);

    [[nodiscard]] bool isArray() const { return m_isArray; }
    /// Whether the outer brackets are all closed.
    [[nodiscard]] bool isClosed() const { return m_state == State::Closed; }
    /// Whether keys are there that only PyTorch's profiler writes.
    [[nodiscard]] bool isKineto() const;
    /// The program that wrote the file, where it says so.
    [[nodiscard]] std::string producer() const;
    /// Wall clock of ts 0, where the file says it.
    [[nodiscard]] std::optional<std::int64_t> baseTimeNs() const;
    [[nodiscard]] const std::vector<GpuInfo>& gpus() const { return m_gpus; }
    /// Values that are no lists and no objects, by key; those of objects by "key.key".
    [[nodiscard]] const std::map<std::string, std::string>& settings() const { return m_settings; }

private:
    enum class State : std::uint8_t
    {
        Start,
        Members,
        InArray,
        Closed,
        Broken
    };
    Result<bool> skipSpace(TextWindow& window);
    Result<std::optional<std::string>> readString(TextWindow& window);
    Result<bool> readValue(TextWindow& window, const std::string& key);
    void takeScalar(const std::string& key, std::string_view value, bool isString);
    void takeContainer(const std::string& key, std::string_view text);

    State m_state = State::Start;
    bool m_isArray = false;
    std::map<std::string, std::string> m_settings;
    std::vector<GpuInfo> m_gpus;
};

} // namespace gantry::importing
