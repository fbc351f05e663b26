#pragma once

#include "app/jobs/job_runner.h"
#include "app/remote/secret.h"
#include "trace_model/metrics/dashboard.h"
#include "trace_model/metrics/prometheus_answer.h"

#include <QNetworkAccessManager>
#include <QNetworkRequest>
#include <QObject>
#include <QPointer>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

class QNetworkReply;

namespace gantry::desktop {

/// Asks a Prometheus server through its HTTP API. Certificates are verified; what is secret goes to the host of the address alone, and to
/// another machine over TLS only. UI thread, which waits for nothing: answers are read on a thread of its own.
class PrometheusClient : public QObject
{
    Q_OBJECT

public:
    static constexpr qint64 kMostBytes = 32 << 20; ///< of an answer
    static constexpr std::size_t kMostCurves = 100;

    using OnAnswer = std::function<void(Result<metrics::PrometheusCurves>)>;

    /// `patience`: how long an answer may take.
    explicit PrometheusClient(metrics::PrometheusSource source, std::chrono::milliseconds patience = std::chrono::seconds(30),
                              QObject* parent = nullptr);
    ~PrometheusClient() override;

    /// A password where the source has a user, else a bearer token.
    void setSecret(app::Secret secret) { m_secret = std::move(secret); }
    [[nodiscard]] bool hasSecret() const { return !m_secret.isEmpty(); }

    /// `onAnswer` is called once, later, unless it was cancelled. Errors: NotPermitted (a login is wanted, or another one), Unreachable
    /// (also for a certificate that cannot be trusted), BadInput (the query, a secret that would go out in plain text, or no answer of a
    /// Prometheus server), each a sentence with what to do.
    void ask(const std::string& promql, const metrics::PrometheusRange& range, OnAnswer onAnswer);
    /// Forgets what is being asked.
    void cancel();
    /// Queries that are not answered yet.
    [[nodiscard]] int open() const { return m_open; }

private:
    struct Exchange;

    [[nodiscard]] Result<QNetworkRequest> makeRequest() const;
    void begin(const std::shared_ptr<Exchange>& exchange, const QByteArray& form);
    void finish(const std::shared_ptr<Exchange>& exchange);
    void answer(const Exchange& exchange, Result<metrics::PrometheusCurves> result);
    [[nodiscard]] std::optional<Error> failureOf(const Exchange& exchange) const;

    metrics::PrometheusSource m_source;
    std::chrono::milliseconds m_patience;
    app::Secret m_secret;
    QNetworkAccessManager m_network;
    std::vector<QPointer<QNetworkReply>> m_replies;
    int m_open = 0;
    int m_round = 0; ///< answers of an earlier one are dropped
    jobs::JobRunner m_runner{1};
};

} // namespace gantry::desktop
