#pragma once

#include "trace_model/exporting/text_output.h"

#include <array>
#include <string_view>

namespace gantry::exporting {

/// The row of a viewer that an event goes to.
struct EventPlace
{
    std::int64_t process = 0, thread = 0;
};

/// Writes Chrome trace events, one a line: an event begins, gets arguments, ends.
class JsonEvents
{
public:
    /// `origin`: the time that counts as 0.
    JsonEvents(TextOutput& out, TimestampNs origin) : m_out(out), m_origin(origin) {}

    void beginSlice(std::string_view category, std::string_view name, EventPlace place, TimeRange time);
    /// A range that ends nowhere in the file.
    void beginOpenSlice(std::string_view category, std::string_view name, EventPlace place, TimestampNs start);
    /// A range that may overlap others of its thread; `id` is its own in its category. Ended by endAsync(), or open without.
    void beginAsync(std::string_view category, std::string_view name, EventPlace place, TimestampNs start, std::uint64_t id);
    void endAsync(std::string_view category, std::string_view name, EventPlace place, TimestampNs end, std::uint64_t id);
    void beginInstant(std::string_view category, std::string_view name, EventPlace place, TimestampNs time);
    void beginCounter(std::string_view name, EventPlace place, TimestampNs time);
    /// "process_name", "thread_name", ...
    void beginMetadata(std::string_view what, EventPlace place);

    template <typename Value>
    void argument(std::string_view name, const Value& value)
    {
        m_out << (m_hasArguments ? ", \"" : "\"");
        m_hasArguments = true;
        escaped(name);
        m_out << "\": ";
        if constexpr (std::is_convertible_v<Value, std::string_view>)
            string(value);
        else
            m_out << value;
    }
    void argument(std::string_view name, const std::array<std::uint32_t, 3>& values);

    /// False: give up.
    [[nodiscard]] bool end();

    /// From the slice that holds `time` at this place to the one that a flow of the same id ends in. Between two events.
    void flowStart(std::uint64_t id, EventPlace place, TimestampNs time);
    void flowEnd(std::uint64_t id, EventPlace place, TimestampNs time);

    /// With its quotes.
    void string(std::string_view text);

private:
    void begin(char phase);
    void begin(char phase, std::string_view category, std::string_view name);
    void place(EventPlace place);
    void escaped(std::string_view text);
    void time(TimestampNs time) { microseconds(time - m_origin); }
    void microseconds(DurationNs time);
    void flow(char phase, std::uint64_t id, EventPlace place, TimestampNs time);

    TextOutput& m_out;
    TimestampNs m_origin;
    bool m_isFirst = true, m_hasArguments = false;
};

} // namespace gantry::exporting
