#pragma once

#include "app/jobs/job_slot.h"
#include "app/remote/node_client.h"
#include "remote_server/proto/management_types.h"
#include "trace_model/base/result.h"

#include <QObject>

#include <memory>
#include <optional>

namespace gantry::desktop {

/// What of Gantry works on one node, as it was told last. UI thread; the question takes the node some seconds and is asked by a job.
class ReadinessCheck : public QObject
{
    Q_OBJECT

public:
    explicit ReadinessCheck(jobs::JobRunner& runner, QObject* parent = nullptr);

    /// Asks again; what was told before is kept until there is an answer.
    void run(std::shared_ptr<app::NodeClient> client);
    /// The connection is gone: nothing is waited for.
    void cancel();

    [[nodiscard]] bool isRunning() const { return m_slot.isRunning(); }
    /// Of the last answer; absent: there was none yet.
    [[nodiscard]] const std::optional<proto::ReadinessReport>& report() const { return m_report; }
    /// Why the last question had no answer.
    [[nodiscard]] const std::optional<Error>& error() const { return m_error; }

signals:
    /// It is asked, was answered, or is not waited for any more.
    void changed();

private:
    std::optional<proto::ReadinessReport> m_report;
    std::optional<Error> m_error;
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
