#pragma once

#include "remote_server/proto/live_types.h"

#include "gantry/v1/node.pb.h"

/// What of node.proto is about the history, the sources and the alerts of metrics, to and from plain structs.
namespace gantry::proto {

/// Columns as the history keeps and sends them.
void putColumns(const HistoryColumns& columns, v1::HistorySeries& series);
/// What they hold; none where their lengths differ.
[[nodiscard]] HistoryColumns columnsOf(const v1::HistorySeries& series);

[[nodiscard]] v1::ReadHistoryRequest toWire(const HistoryRequest& request);
[[nodiscard]] HistoryRequest fromWire(const v1::ReadHistoryRequest& wire);
[[nodiscard]] HistoryPart fromWire(const v1::HistoryPart& wire);
[[nodiscard]] v1::MetricSource toWire(const MetricSource& source);
[[nodiscard]] MetricSource fromWire(const v1::MetricSource& wire);
[[nodiscard]] v1::AlertRule toWire(const AlertRule& rule);
[[nodiscard]] AlertRule fromWire(const v1::AlertRule& wire);
[[nodiscard]] v1::AlertState toWire(const AlertState& state);
[[nodiscard]] AlertState fromWire(const v1::AlertState& wire);

} // namespace gantry::proto
