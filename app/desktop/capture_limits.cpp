#include "app/desktop/capture_limits.h"

#include "app/desktop/text.h"

#include <QCoreApplication>

#include <algorithm>

namespace gantry::desktop {

namespace {

using proto::EngineKind;

QString tr(const char* text)
{
    return QCoreApplication::translate("gantry::desktop::CaptureLimits", text);
}

/// Of an engine that records only what was started for it.
Hindrance notLaunchedFor(EngineKind engine, const QString& why)
{
    return {tr("the server was not launched for it"),
            tr("%1 Launch the server with `gantryctl target launch --engine %2`.").arg(why, QLatin1String(proto::name(engine)))};
}

} // namespace

QString engineTitle(EngineKind engine)
{
    switch (engine) {
    case EngineKind::Native:
        return tr("Gantry");
    case EngineKind::Nsys:
        return tr("Nsight Systems");
    case EngineKind::Kineto:
        return tr("PyTorch's profiler");
    case EngineKind::ServerTrace:
        return tr("Triton's request tracer");
    }
    return {};
}

EngineKind CaptureLimits::usualEngine() const
{
    const auto found = std::find_if(kEngines.begin(), kEngines.end(), [&](EngineKind engine) { return of(engine).isNone(); });
    return found == kEngines.end() ? EngineKind::Native : *found;
}

CaptureLimits captureLimits(const proto::NodeInfo& node, const proto::Target& target)
{
    CaptureLimits limits;
    const auto set = [&](EngineKind engine, Hindrance hindrance) {
        limits.engines[static_cast<std::size_t>(engine)] = std::move(hindrance);
    };
    if (target.engine == EngineKind::Nsys)
        set(EngineKind::Native, {tr("the server runs under nsys"), tr("The server was launched for Nsight Systems, which suffers no other "
                                                                      "tool beside it: launch it without --engine nsys.")});
    if (node.nsysPath.empty())
        set(EngineKind::Nsys, {tr("not installed on this node"), tr("Nsight Systems is not installed on this node: install it there, and "
                                                                    "launch the server with `gantryctl target launch --engine nsys`.")});
    else if (target.engine != EngineKind::Nsys)
        set(EngineKind::Nsys, notLaunchedFor(EngineKind::Nsys, tr("Nsight Systems cannot attach to a program that runs.")));
    if (target.engine != EngineKind::Kineto)
        set(EngineKind::Kineto,
            notLaunchedFor(EngineKind::Kineto, tr("PyTorch's profiler takes orders only of the daemon that it was started with.")));
    if (target.grpcAddress.empty())
        set(EngineKind::ServerTrace,
            {tr("no gRPC address is known"), tr("A Triton server is asked for its traces at its gRPC address, which is not known: launch "
                                                "it with `gantryctl target launch --grpc-address HOST:PORT`.")});
    if (target.profilerUrl.empty())
        limits.profiler = {tr("this server has none"),
                           tr("It has no profiler that can be asked: launch the server with --profile, or choose the clock.")};
    if (node.gpus.empty())
        limits.gpuCounters = {toQString(node.noGpuReason), tr("This node has no GPU to sample: choose off.")};
    return limits;
}

} // namespace gantry::desktop
