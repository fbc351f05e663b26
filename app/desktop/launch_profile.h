#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/result.h"

#include <QJsonObject>
#include <QString>

#include <cstddef>
#include <vector>

namespace gantry::desktop {

/// How a program is started on a node, as a person writes it down once and uses it again. In every text but the name, `{rank}` stands for
/// the place of the node among those that it is started on, from 0, `{ranks}` for how many they are, `{node}` for the node's host name and
/// `{first}` for that of the first.
struct LaunchProfile
{
    struct Variable
    {
        QString name, value;
        bool isSecret = false; ///< the value is not saved with the profile

        bool operator==(const Variable&) const = default;
    };

    QString name; ///< empty: it is not saved
    QString command;
    QString container; ///< before the command: "docker exec -i trainer", "apptainer exec --nv image.sif"
    QString wrapper;   ///< before both: "mpirun -np 8", "srun --ntasks=1"
    QString folder;    ///< to work in; empty: that of gantryd
    QString grpcAddress, metricsUrl;
    std::vector<Variable> environment;
    bool isInjected = true; ///< with the capture library

    bool operator==(const LaunchProfile&) const = default;
};

/// Which of the nodes that a program is started on it is.
struct LaunchPlace
{
    std::size_t rank = 0, ranks = 1;
    QString node, first; ///< host names
};

/// What gantryd is asked for. Errors: BadInput with what is to be mended: no command, an open quote, a variable without a name or with one
/// that holds '='.
[[nodiscard]] Result<proto::LaunchRequest> launchRequest(const LaunchProfile& profile, const LaunchPlace& place);

/// Without the values of secrets.
[[nodiscard]] QJsonObject toJson(const LaunchProfile& profile);
/// What is missing or of another kind is as in a new profile.
[[nodiscard]] LaunchProfile launchProfile(const QJsonObject& saved);

} // namespace gantry::desktop
