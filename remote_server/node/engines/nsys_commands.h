#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gantry::node {

/// The switches that a command of an nsys has, as its help lists them: versions spell some in other ways, and lack others.
class NsysSwitches
{
public:
    NsysSwitches() = default; ///< of which nothing is known: it is taken to have all of them, in today's spelling
    [[nodiscard]] static NsysSwitches parse(std::string_view help);

    [[nodiscard]] bool has(const std::string& name) const { return m_values.empty() || m_values.contains(name); }
    /// Also true where the help lists no values.
    [[nodiscard]] bool takes(const std::string& name, const std::string& value) const;

private:
    std::map<std::string, std::set<std::string>> m_values; ///< "--trace" to what it may be
};

/// An nsys of a node.
struct NsysInstallation
{
    std::filesystem::path program;
    std::string version; ///< "2022.4.2.1"; empty: not known
    NsysSwitches launchSwitches, startSwitches;
};

/// Starts a program that can be captured in windows: nothing is collected yet. Errors: BadInput for what makes no sense, Unsupported
/// with the version where this nsys cannot.
[[nodiscard]] Result<std::vector<std::string>> nsysLaunchCommand(const NsysInstallation& nsys, const std::string& session,
                                                                 const proto::NsysLaunchOptions& options,
                                                                 const std::vector<std::string>& program);

/// Begins a window whose report will be `output` with an extension of nsys's choice. Errors: as above.
[[nodiscard]] Result<std::vector<std::string>> nsysStartCommand(const NsysInstallation& nsys, const std::string& session,
                                                                const proto::NsysWindowOptions& options,
                                                                const std::filesystem::path& output);

/// Ends it; the program goes on.
[[nodiscard]] std::vector<std::string> nsysStopCommand(const NsysInstallation& nsys, const std::string& session);

} // namespace gantry::node
