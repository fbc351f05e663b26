#pragma once

#include "trace_model/analysis/comparison_subjects.h"

#include <array>
#include <map>
#include <string>

namespace gantry::analysis {

/// A stream of a process's context.
using StreamKey = trace::GpuPlace;

/// The role of each stream.
using StreamRoles = std::map<StreamKey, std::string>;

/// What each stream that has work is for, by which streams of two reports are matched: their numbers differ from run to run. "bert_0" where
/// one instance of a model launches what it does, else the name that the program gave it ("'decode'"), else what is on it: "copies HtoD",
/// "copies", "compute", "memsets". Any thread; linear in the GPU work and the calls.
[[nodiscard]] StreamRoles streamRoles(const ComparedSide& side);

/// How long the streams of each role are busy for a completed request, or, where a side has none, which share of the time.
void takeStreams(std::array<Subjects, 2>& subjects, const std::array<ComparedSide, 2>& sides);

} // namespace gantry::analysis
