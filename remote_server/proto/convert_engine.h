#pragma once

#include "remote_server/proto/node_types.h"

#include "gantry/v1/node.pb.h"

/// What of node.proto is about engines beside the native one, to and from plain structs; the rest is in convert.h.
namespace gantry::proto {

[[nodiscard]] v1::CaptureEngine toWire(EngineKind engine);
[[nodiscard]] EngineKind fromWire(v1::CaptureEngine engine); ///< one that is not known here is the native one
[[nodiscard]] v1::NsysLaunchOptions toWire(const NsysLaunchOptions& options);
[[nodiscard]] NsysLaunchOptions fromWire(const v1::NsysLaunchOptions& wire);
[[nodiscard]] v1::NsysWindowOptions toWire(const NsysWindowOptions& options);
[[nodiscard]] NsysWindowOptions fromWire(const v1::NsysWindowOptions& wire);

} // namespace gantry::proto
