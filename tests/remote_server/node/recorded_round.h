#pragma once

#include "remote_server/node/sampling/sample_source.h"

#include <map>
#include <optional>
#include <string>

namespace gantry::node {

/// Keeps what one round reports, by "name{label=value}".
class RecordedRound : public SampleRound
{
public:
    void report(std::string_view name, const std::map<std::string, std::string>& labels, std::string_view, metrics::SeriesKind,
                std::string_view, double value) override
    {
        std::string key(name);
        for (const auto& [label, text] : labels)
            key += "{" + label + "=" + text + "}";
        m_values[key] = value;
    }
    [[nodiscard]] std::optional<double> value(const std::string& key) const
    {
        const auto found = m_values.find(key);
        return found == m_values.end() ? std::nullopt : std::optional(found->second);
    }

    [[nodiscard]] bool isEmpty() const { return m_values.empty(); }

private:
    std::map<std::string, double> m_values;
};

} // namespace gantry::node
