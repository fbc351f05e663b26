#include "remote_server/node/readiness/readiness.h"

#include "remote_server/node/clock.h"
#include "remote_server/node/readiness/client_checks.h"
#include "remote_server/node/readiness/cupti_check.h"
#include "remote_server/node/readiness/gpu_checks.h"
#include "remote_server/node/readiness/program_checks.h"
#include "remote_server/node/readiness/storage_checks.h"
#include "remote_server/node/readiness/system_checks.h"

#include <exception>
#include <vector>

namespace gantry::node {

Readiness::Readiness(ReadinessInputs inputs) : m_inputs(std::make_shared<const ReadinessInputs>(std::move(inputs)))
{
    using Look = ReadinessItems (*)(const ReadinessInputs&);
    constexpr std::pair<const char*, Look> kParts[] = {
        {"driver", checkGpus},
        {"gpu counters", checkCounterPermission},
        {"counter clients", checkCounterClients},
        {"cupti", checkCupti},
        {"injection", checkInjection},
        {"capture library", checkCaptureLibrary},
        {"context switches", checkContextSwitches},
        {"memory lock", checkMemoryLock},
        {"disk", checkDisk},
        {"shared memory", checkSharedMemory},
        {"clock source", checkClockSource},
        {"clock sync", checkClockSync},
        {"container", checkContainer},
        {"time namespace", checkTimeNamespace},
        {"nsys", checkNsys},
    };
    for (const auto& [topic, look] : kParts)
        m_parts.emplace_back(topic, look);
}

proto::ReadinessReport Readiness::check(std::vector<RunningTarget> targets)
{
    auto inputs = std::make_shared<ReadinessInputs>(*m_inputs);
    inputs->targets = std::move(targets);
    const auto deadline = std::chrono::steady_clock::now() + m_inputs->patience;
    proto::ReadinessReport report;
    report.checkedUtcNs = utcNow();
    std::vector<std::pair<std::string, std::shared_future<ReadinessItems>>> answers;
    for (Part& part : m_parts)
        try {
            answers.emplace_back(part.topic, part.call.begin([look = part.look, inputs] { return look(*inputs); }).answer);
        } catch (const std::exception& exception) { // there is no thread for it
            report.items.push_back(unknownItem(part.topic, exception.what()));
        }
    for (const auto& [topic, answer] : answers)
        try {
            if (answer.wait_until(deadline) != std::future_status::ready) {
                report.items.push_back(unknownItem(topic, "no answer in " + std::to_string(m_inputs->patience.count()) + " ms"));
                continue;
            }
            const ReadinessItems& items = answer.get();
            report.items.insert(report.items.end(), items.begin(), items.end());
        } catch (const std::exception& exception) { // of a library
            report.items.push_back(unknownItem(topic, exception.what()));
        }
    return report;
}

} // namespace gantry::node
