#pragma once

#include <QObject>
#include <QString>

#include <optional>
#include <vector>

namespace gantry::desktop {

/// How far one node is with what several do at once.
struct FleetStep
{
    enum class Kind
    {
        Waiting, ///< has not begun
        Running,
        Done,
        Failed
    };
    QString node;
    Kind kind = Kind::Waiting;
    QString text;                   ///< "recording, 0.4 of 2.0 s"; of one that failed, the reason
    std::optional<double> fraction; ///< 0..1, of what can be told
};

/// Something that several nodes do at once, as a person watches and ends it. UI thread.
class FleetTask : public QObject
{
    Q_OBJECT

public:
    using QObject::QObject;

    /// "Capture of 2 s", of the one that runs or ran last.
    [[nodiscard]] virtual QString title() const = 0;
    /// In the order in which the nodes were chosen; those of the last run stay.
    [[nodiscard]] virtual std::vector<FleetStep> steps() const = 0;
    [[nodiscard]] virtual bool isBusy() const = 0;
    /// It can be ended early with what there is until then.
    [[nodiscard]] virtual bool canStop() const { return false; }
    virtual void stop() {}
    /// Gives up what has no result yet.
    virtual void cancel() = 0;

signals:
    /// Title, steps or what can be done. At most some times a second.
    void changed();
};

} // namespace gantry::desktop
