#pragma once

#include "trace_model/trace/trace.h"

#include <QString>

#include <cstdint>

namespace gantry::widgets {

/// What is written on an event's box: its name; on a request's first phase also the request's number.
[[nodiscard]] QString eventLabel(const trace::Trace& trace, trace::EventId event);

/// Equal for events whose labels are equal; no two labels of one trace share a key. Costs a look-up, no text.
[[nodiscard]] std::uint64_t labelKey(const trace::Trace& trace, trace::EventId event);

/// What a tooltip says about an event, as rich text: name, start and duration, and what its kind adds (bytes and throughput,
/// grid and block, the request).
[[nodiscard]] QString eventToolTip(const trace::Trace& trace, trace::EventId event);

/// "Kernel", "Memcpy", "CUDA API call": the kind as a heading.
[[nodiscard]] QString kindTitle(trace::EventKind kind);

/// The same of one event: what its producer calls it. "HIP API call", "Operator".
[[nodiscard]] QString eventTitle(const trace::Trace& trace, trace::EventId event);

/// "Queue", "Compute input": a phase as a heading.
[[nodiscard]] QString phaseTitle(records::RequestPhase phase);

/// Where an event ran: "Stream 22", "bert_base_0_1 (4711)", "bert_base:1"; empty when its columns do not say.
[[nodiscard]] QString placeText(const trace::Trace& trace, trace::EventId event);

/// "42 (client id 7f3a)" or "42".
[[nodiscard]] QString requestName(const trace::Trace& trace, trace::RequestIndex request);

} // namespace gantry::widgets
