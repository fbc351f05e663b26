#pragma once

#include "remote_server/node/sampling/nvml.h"
#include "remote_server/proto/node_types.h"

#include <filesystem>
#include <map>
#include <string>

namespace gantry::node {

/// What this machine is: host, CPU, memory, GPUs (`gpus` null: `noGpuReason` says why); not the free disk, which may take its time to tell.
[[nodiscard]] proto::NodeInfo describeNode(const Nvml* gpus, const std::string& noGpuReason, const std::filesystem::path& reportFolder);

/// The same as META_DATA_CAPTURE rows of a report.
[[nodiscard]] std::map<std::string, std::string> snapshotRows(const proto::NodeInfo& info);

[[nodiscard]] std::string hostName();

/// /proc/sys/kernel/random/boot_id.
[[nodiscard]] std::string bootId();

} // namespace gantry::node
