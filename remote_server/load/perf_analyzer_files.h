#pragma once

#include "remote_server/load/load_options.h"
#include "remote_server/load/load_result.h"

#include <string>
#include <vector>

/// The files that perf_analyzer writes, in its columns and keys, so that what reads those reads these.
namespace gantry::load {

/// `-f`: a row a level, times in µs. "Client Send" is from when a request was meant to leave to when it was in its wire form, "Client Recv"
/// the reading of the answer; "Network+Server Send/Recv" is the remainder. A cell is empty where the value cannot be told. The columns of
/// the cache are there where one was asked. Of decoupled models there is perf_analyzer's "Response Throughput", and behind its columns
/// those of the times to the first response and between responses, which it has no columns for.
[[nodiscard]] std::string csvText(const std::vector<LoadResult>& levels);

/// `--profile-export-file`: every request of every level that LoadResult::requests has, from when it was meant to leave, and the
/// boundaries of the measurement windows, ns since 1970. A decoupled model's has the time of each response. Without an answer the list of
/// responses is empty. A level that was interrupted has "partial": true.
[[nodiscard]] std::string profileText(const std::vector<LoadResult>& levels, const std::vector<ModelShare>& models,
                                      const std::string& address, const std::string& version);

} // namespace gantry::load
