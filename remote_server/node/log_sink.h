#pragma once

#include "remote_server/node/log_ring.h"

#include <mutex>
#include <spdlog/sinks/base_sink.h>

namespace gantry::node {

/// Feeds spdlog's messages into a LogRing that outlives the logger.
class LogRingSink final : public spdlog::sinks::base_sink<std::mutex>
{
public:
    explicit LogRingSink(LogRing& ring) : m_ring(ring) {}

protected:
    void sink_it_(const spdlog::details::log_msg& message) override
    {
        const auto level = spdlog::level::to_string_view(message.level);
        m_ring.add(std::string(level.data(), level.size()) + " " + std::string(message.payload.data(), message.payload.size()),
                   levelOf(message.level));
    }
    void flush_() override {}

private:
    static proto::LogLevel levelOf(spdlog::level::level_enum level)
    {
        switch (level) {
        case spdlog::level::trace:
        case spdlog::level::debug:
            return proto::LogLevel::Debug;
        case spdlog::level::info:
            return proto::LogLevel::Info;
        case spdlog::level::warn:
            return proto::LogLevel::Warning;
        case spdlog::level::err:
        case spdlog::level::critical:
            return proto::LogLevel::Error;
        default:
            return proto::LogLevel::Unknown;
        }
    }

    LogRing& m_ring;
};

} // namespace gantry::node
