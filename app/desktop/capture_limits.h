#pragma once

#include "remote_server/proto/node_types.h"

#include <QString>

#include <array>

namespace gantry::desktop {

/// Why something cannot be had; both empty: it can.
struct Hindrance
{
    QString brief;    ///< beside the choice, a few words
    QString sentence; ///< with what to do

    [[nodiscard]] bool isNone() const { return sentence.isEmpty(); }
};

/// The engines in the order in which they are offered.
inline constexpr std::array kEngines = {proto::EngineKind::Native, proto::EngineKind::Nsys, proto::EngineKind::Kineto,
                                        proto::EngineKind::ServerTrace};

/// As a user knows it: "Gantry", "Nsight Systems".
[[nodiscard]] QString engineTitle(proto::EngineKind engine);

/// What a capture of a server on its node cannot be asked for.
struct CaptureLimits
{
    std::array<Hindrance, kEngines.size()> engines; ///< by EngineKind
    Hindrance profiler;                             ///< the server's own opens the window
    Hindrance gpuCounters;

    [[nodiscard]] const Hindrance& of(proto::EngineKind engine) const { return engines[static_cast<std::size_t>(engine)]; }
    /// Gantry's own, or else the first that can record the server; Gantry's own where none can.
    [[nodiscard]] proto::EngineKind usualEngine() const;
};

[[nodiscard]] CaptureLimits captureLimits(const proto::NodeInfo& node, const proto::Target& target);

} // namespace gantry::desktop
