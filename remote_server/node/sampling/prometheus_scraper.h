#pragma once

#include "remote_server/node/sampling/sample_source.h"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace gantry::node {

/// Scrapes one Prometheus endpoint on a thread of its own, since a busy server may take its time, and reports each answer
/// once, with the time at which it was asked for. Reads the iterations that trtllm-serve lists at GET /metrics, too. Series keep the
/// server's names; label `target` says whose they are.
class PrometheusScraper : public SampleSource
{
public:
    /// `url`: http://host:port/path or https; nothing is ever reported of one that is not isScrapable().
    PrometheusScraper(std::string url, const std::string& targetId, std::chrono::milliseconds period = std::chrono::milliseconds(200));
    ~PrometheusScraper() override;

    /// Whether an address is one that can be scraped: http or https with a host.
    [[nodiscard]] static bool isScrapable(std::string_view url);

    void sample(SampleRound& round) override;
    void refresh() override;
    [[nodiscard]] SourceState state() const override;

private:
    struct Impl;
    std::unique_ptr<Impl> m_impl;
};

} // namespace gantry::node
