#pragma once

#include "remote_server/node/detached_call.h"
#include "remote_server/node/readiness/readiness_inputs.h"
#include "remote_server/proto/management_types.h"

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace gantry::node {

/// What of Gantry works on this node and what does not, each with its effect and its fix. Looked at when it is asked, each part on a thread
/// of its own: one that hangs, as a dead mount or a driver in trouble does, makes its line Unknown and delays the others by no more than
/// ReadinessInputs::patience. A part that still hangs from the last time is not begun anew. Any thread.
class Readiness
{
public:
    explicit Readiness(ReadinessInputs inputs);

    /// `targets`: those whose rights are judged beside gantryd's.
    [[nodiscard]] proto::ReadinessReport check(std::vector<RunningTarget> targets = {});

private:
    struct Part
    {
        Part(std::string name, std::function<ReadinessItems(const ReadinessInputs&)> function)
            : topic(std::move(name)), look(std::move(function))
        {
        }
        std::string topic;
        std::function<ReadinessItems(const ReadinessInputs&)> look;
        DetachedCall<ReadinessItems> call;
    };

    std::shared_ptr<const ReadinessInputs> m_inputs;
    std::deque<Part> m_parts;
};

} // namespace gantry::node
