#pragma once

#include "app/desktop/keyring.h"
#include "app/desktop/live_series.h"
#include "app/desktop/prometheus_client.h"

#include <QElapsedTimer>
#include <QObject>
#include <QString>
#include <QTimer>

#include <cstddef>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace gantry::desktop {

/// What a dashboard's Prometheus server says of the time on the screen: asked once for a time that stands still, and again and again, in
/// the dashboard's period, while the plots follow. UI thread; nobody waits for it.
class PrometheusFeed : public QObject
{
    Q_OBJECT

public:
    enum class Following
    {
        Yes,
        No ///< the time stands still
    };

    /// `keyring` null: a password that is not in a file is asked for each time.
    explicit PrometheusFeed(std::unique_ptr<Keyring> keyring, QObject* parent = nullptr);
    ~PrometheusFeed() override;

    /// This is on the screen now, in ns since 1970. Cheap: it asks only for what has not been asked.
    void look(const metrics::Dashboard& dashboard, TimeRange utc, int widthPx, Following following);
    /// Nothing of a Prometheus server is on the screen.
    void stop();
    /// Puts what is known into the panels of the dashboard that was looked at last. `utcOffset`: of the clock that the plots have.
    void addCurves(const metrics::Dashboard& dashboard, DurationNs utcOffset, std::vector<LivePanel>& panels) const;
    /// "Prometheus at http://host:9090: a point each 5 s, asked each 15 s"; empty: nothing is asked.
    [[nodiscard]] QString status() const;

    /// Asks again with it, unless another server is looked at by now. Kept in the keyring if that is wanted and there is one.
    void logIn(const metrics::PrometheusSource& source, app::Secret secret, bool isKept);
    [[nodiscard]] bool canKeep() const { return m_keyring != nullptr; }
    [[nodiscard]] const metrics::PrometheusSource& source() const { return m_source; }

signals:
    /// There is something new to draw, or to look at.
    void changed();
    /// The server wants a password or token that is neither in a file nor in the keyring; what it said, a sentence.
    void loginWanted(const QString& sentence);
    /// The server is looked at no more: what it wanted is of no concern.
    void left();
    /// A sentence: the keyring did not keep it.
    void notKept(const QString& sentence);

private:
    using Place = std::pair<std::size_t, std::size_t>; ///< of a panel, and of a query in it

    /// The newest answer to a query.
    struct Known
    {
        metrics::PrometheusCurves curves;
        DurationNs step = 0;
        std::string problem; ///< why there is nothing newer; empty: there is
    };

    void begin(const metrics::Dashboard& dashboard);
    void askAll(const metrics::PrometheusRange& range);
    void take(const Place& place, DurationNs step, Result<metrics::PrometheusCurves> answer);
    void findSecret(const Error& refusal);
    void readSecretFile();
    [[nodiscard]] bool isDue(const metrics::PrometheusRange& range, Following following);
    [[nodiscard]] QString keyringKey() const;

    std::unique_ptr<Keyring> m_keyring;
    metrics::PrometheusSource m_source;
    std::map<Place, std::string> m_queries;
    std::map<Place, Known> m_known;
    std::unique_ptr<PrometheusClient> m_client;      ///< null: nothing is looked at
    std::optional<metrics::PrometheusRange> m_asked; ///< last
    QElapsedTimer m_sinceAsked;
    QTimer m_next; ///< when there is something to look at again
    bool m_isLoginSought = false;
    bool m_waitsForSecret = false;
    bool m_isSecretFromKeyring = false; ///< and not refused yet
    std::string m_problem; ///< of all of it
    jobs::JobRunner m_runner{1};
};

} // namespace gantry::desktop
