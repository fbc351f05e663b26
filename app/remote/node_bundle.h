#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <stop_token>
#include <string>

namespace gantry::app {

/// How an archive is packed: what the node can unpack decides.
enum class BundlePacking
{
    Zstd, ///< as the build makes it
    Gzip,
    None
};

/// The node bundle as a file that a node's own tools can read.
struct NodeBundle
{
    std::filesystem::path file;
    std::string sha256; ///< of it
    BundlePacking packing = BundlePacking::Zstd;
};

/// The bundle of this version that came with this program: in share/gantry of an installation, or where the target node-bundle of a build
/// leaves it. Errors: NotFound with how to make one.
[[nodiscard]] Result<std::filesystem::path> findNodeBundle();

/// The bundle in another packing, made once and kept in the user's cache. Blocks, for seconds the first time. Errors: CannotWrite,
/// BadInput.
[[nodiscard]] Result<NodeBundle> packNodeBundle(const std::filesystem::path& bundle, BundlePacking packing, std::stop_token stop);

} // namespace gantry::app
