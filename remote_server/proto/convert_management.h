#pragma once

#include "remote_server/proto/management_types.h"

#include "gantry/v1/node.pb.h"

/// What of node.proto is about a node itself, to and from plain structs; the rest is in convert.h.
namespace gantry::proto {

[[nodiscard]] v1::ReadinessReport toWire(const ReadinessReport& report);
[[nodiscard]] ReadinessReport fromWire(const v1::ReadinessReport& wire);
[[nodiscard]] v1::ListProcessesReply toWire(const ProcessList& list);
[[nodiscard]] ProcessList fromWire(const v1::ListProcessesReply& wire);
[[nodiscard]] v1::ReportPolicy toWire(const ReportPolicy& policy);
[[nodiscard]] ReportPolicy fromWire(const v1::ReportPolicy& wire);
[[nodiscard]] v1::ListReportsReply toWire(const ReportShelf& shelf);
[[nodiscard]] ReportShelf fromWire(const v1::ListReportsReply& wire);
[[nodiscard]] v1::LogLevel toWire(LogLevel level);
[[nodiscard]] LogLevel fromWire(v1::LogLevel level); ///< one that is not known here is Unknown

} // namespace gantry::proto
