#pragma once

#include <QString>
#include <QStringList>

namespace gantry::desktop {

/// What the user says of a node: how it is called and what it belongs to.
struct NodeEntry
{
    QString address, name, group; ///< name and group may be empty
    QStringList tags;

    bool operator==(const NodeEntry&) const = default;
};

} // namespace gantry::desktop
