#pragma once

#include "trace_model/base/result.h"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gantry::node {

/// An HTTP request that an engine's own profiler takes.
struct ProfilerCall
{
    std::string method, path;
    std::string body; ///< JSON; empty: none
};

/// What is known of an inference engine (resources/target_profiles/README.md).
struct TargetProfile
{
    std::string name, title;
    std::vector<std::string> executables, modules; ///< by which its command line is known
    std::vector<std::string> iterationVariables;   ///< that take a range of iterations; empty: none does
    std::vector<std::string> launchArguments;      ///< without which it has no profiler to call
    std::optional<ProfilerCall> start, stop;       ///< that make it call cudaProfilerStart and cudaProfilerStop; both or none
    int port = 0;
    std::vector<std::string> portArguments;
    std::string portVariable;
    std::vector<std::string> notes;

    [[nodiscard]] bool isOf(const std::vector<std::string>& argv) const;
    /// Where its profiler listens on this machine.
    [[nodiscard]] int portOf(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) const;
    /// The command line with what is missing for its profiler.
    [[nodiscard]] std::vector<std::string> withArguments(std::vector<std::string> argv) const;
    /// The variables that make it profile iterations A to B. Errors: BadInput (not "A-B"), Unsupported (it has none).
    [[nodiscard]] Result<std::map<std::string, std::string>> iterationEnvironment(const std::string& range) const;
};

/// The profiles of the bundle. Any thread: read once.
class TargetProfiles
{
public:
    /// A file that cannot be read is left out with a line in the log; a folder that is not there has none.
    [[nodiscard]] static TargetProfiles read(const std::filesystem::path& folder);
    /// Errors: BadInput with the key that is wrong.
    [[nodiscard]] static Result<TargetProfile> parse(const std::string& json);

    [[nodiscard]] const std::vector<TargetProfile>& all() const { return m_profiles; } ///< by name
    /// By name, or "auto": of this command line. Errors: NotFound, says which there are.
    [[nodiscard]] Result<const TargetProfile*> find(const std::string& name, const std::vector<std::string>& argv) const;
    [[nodiscard]] const TargetProfile* detect(const std::vector<std::string>& argv) const; ///< null: none

private:
    std::vector<TargetProfile> m_profiles;
};

} // namespace gantry::node
