#pragma once

#include "remote_server/node/readiness/readiness_inputs.h"
#include "remote_server/proto/management_types.h"

#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace gantry::node {

/// What of Gantry works on this node and what does not, each with its effect and its fix. Looked at when it is asked, each part on a thread
/// of its own: one that hangs, as a dead mount or a driver in trouble does, makes its line Unknown and delays the others by no more than
/// ReadinessInputs::patience. A part that still hangs from the last time is not begun anew. Any thread.
class Readiness
{
public:
    explicit Readiness(ReadinessInputs inputs);

    [[nodiscard]] proto::ReadinessReport check();

private:
    using Answer = std::shared_future<ReadinessItems>;
    struct Part
    {
        std::string topic;
        std::function<ReadinessItems(const ReadinessInputs&)> look;
        Answer running; ///< m_mutex; of who asked last
    };
    [[nodiscard]] Answer begin(Part& part) const;

    std::shared_ptr<const ReadinessInputs> m_inputs;
    std::mutex m_mutex;
    std::vector<Part> m_parts;
};

} // namespace gantry::node
