#pragma once

#include "trace_model/base/result.h"
#include "trace_model/base/unique_fd.h"

#include <cstdint>
#include <filesystem>
#include <functional>
#include <stop_token>
#include <string>

namespace gantry::app {

/// Sends a file to `remote` over a stream to an SFTP server (draft-ietf-secsh-filexfer-02, version 3), many writes at a time so that a long
/// way costs one round trip and not one for each. A file that is there already is taken for the beginning of this one and continued:
/// whoever asks checks the whole. Blocks; `progress` has (bytes there, all). Errors: CannotWrite with the server's words, Unreachable,
/// Cancelled, BadInput for an answer that is none.
[[nodiscard]] Result<void> sftpUpload(UniqueFd stream, const std::filesystem::path& local, const std::string& remote,
                                      const std::function<void(std::uint64_t, std::uint64_t)>& progress, std::stop_token stop);

} // namespace gantry::app
