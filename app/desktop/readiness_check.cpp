#include "app/desktop/readiness_check.h"

#include "app/remote/node_readiness.h"

#include <utility>

namespace gantry::desktop {

ReadinessCheck::ReadinessCheck(jobs::JobRunner& runner, QObject* parent) : QObject(parent), m_slot(runner) {}

void ReadinessCheck::run(std::shared_ptr<app::NodeClient> client)
{
    m_slot.run([client = std::move(client)](const jobs::JobContext& context) { return app::checkReadiness(*client, context.stop()); },
               [this](Result<proto::ReadinessReport> report) {
                   m_error.reset();
                   if (report)
                       m_report = std::move(*report);
                   else
                       m_error = report.error();
                   emit changed();
               });
    emit changed();
}

void ReadinessCheck::cancel()
{
    if (!m_slot.isRunning())
        return;
    m_slot.cancel();
    emit changed();
}

} // namespace gantry::desktop
