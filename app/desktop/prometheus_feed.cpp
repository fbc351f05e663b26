#include "app/desktop/prometheus_feed.h"

#include "app/desktop/text.h"
#include "app/remote/secret_file.h"

#include <QPointer>

#include <algorithm>
#include <cstdlib>

namespace gantry::desktop {

namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr int kSettleMs = 300; // while a window is sized or a time scrolled, each moment is another question

std::map<std::pair<std::size_t, std::size_t>, std::string> queriesOf(const metrics::Dashboard& dashboard)
{
    std::map<std::pair<std::size_t, std::size_t>, std::string> queries;
    for (std::size_t panel = 0; panel < dashboard.panels.size(); ++panel)
        for (std::size_t query = 0; query < dashboard.panels[panel].queries.size(); ++query)
            if (const std::string& promql = dashboard.panels[panel].queries[query].promql; !promql.empty())
                queries[{panel, query}] = promql;
    return queries;
}

/// Once, where several queries of a panel have the same to say.
void addSentence(QString& text, const QString& said)
{
    const QString sentence = said.left(1).toUpper() + said.mid(1);
    if (!text.contains(sentence))
        text += (text.isEmpty() ? QString() : QStringLiteral(" ")) + sentence;
}

} // namespace

PrometheusFeed::PrometheusFeed(std::unique_ptr<Keyring> keyring, QObject* parent) : QObject(parent), m_keyring(std::move(keyring))
{
    m_next.setSingleShot(true);
    connect(&m_next, &QTimer::timeout, this, &PrometheusFeed::changed);
}

PrometheusFeed::~PrometheusFeed() = default;

void PrometheusFeed::stop()
{
    if (std::exchange(m_client, nullptr))
        emit left();
    m_source = {};
    m_queries.clear();
    m_known.clear();
    m_asked.reset();
    m_next.stop();
    m_problem.clear();
}

void PrometheusFeed::begin(const metrics::Dashboard& dashboard)
{
    auto queries = queriesOf(dashboard);
    const bool isSameServer = m_client && m_source == dashboard.prometheus;
    if (isSameServer && m_queries == queries)
        return;
    // Another dashboard of the same server needs no other login.
    std::unique_ptr<PrometheusClient> client = isSameServer ? std::move(m_client) : nullptr;
    stop();
    m_source = dashboard.prometheus;
    m_queries = std::move(queries);
    if (client) {
        client->cancel();
        m_client = std::move(client);
        return;
    }
    m_client = std::make_unique<PrometheusClient>(m_source);
    m_isLoginSought = m_waitsForSecret = m_isSecretFromKeyring = false;
    if (!m_source.secretFile.empty())
        readSecretFile();
}

void PrometheusFeed::readSecretFile()
{
    m_waitsForSecret = m_isLoginSought = true;
    m_runner.enqueue({}, [this, client = QPointer(m_client.get()), path = m_source.secretFile](const std::stop_token&) {
        auto read = std::make_shared<Result<app::Secret>>(app::readSecretFile(path));
        m_runner.deliver([this, client, read] {
            if (!client || client != m_client.get())
                return;
            if (*read) {
                client->setSecret(std::move(**read));
                m_waitsForSecret = false;
            } else
                m_problem = read->error().message; // without it the server would only say that it wants one
            emit changed();
        });
    });
}

bool PrometheusFeed::isDue(const metrics::PrometheusRange& range, Following following)
{
    if (m_waitsForSecret || m_queries.empty())
        return false;
    if (!m_asked)
        return true;
    const DurationNs period = m_source.periodSeconds * kSecond, since = m_sinceAsked.nsecsElapsed();
    // It has moved on by no more than the time that has passed: the same, a moment later.
    const DurationNs moved = range.time.end - m_asked->time.end;
    const bool isSame = range.step == m_asked->step && moved >= 0 && moved <= since + 2 * range.step &&
                        std::abs(moved - (range.time.start - m_asked->time.start)) <= 2 * range.step;
    DurationNs wait = period;
    if (following == Following::No || !isSame) {
        if (range == *m_asked)
            return false;
        wait = kSettleMs * (kSecond / 1000);
    }
    if (since < wait) {
        if (const int left = static_cast<int>((wait - since) / (kSecond / 1000)) + 1; !m_next.isActive() || m_next.remainingTime() > left)
            m_next.start(left);
        return false;
    }
    return !isSame || m_client->open() == 0; // one that takes longer than the period is not asked twice at a time
}

void PrometheusFeed::look(const metrics::Dashboard& dashboard, TimeRange utc, int widthPx, Following following)
{
    begin(dashboard);
    const auto range = metrics::PrometheusRange::forPlot(utc, widthPx);
    if (isDue(range, following))
        askAll(range);
}

void PrometheusFeed::askAll(const metrics::PrometheusRange& range)
{
    m_client->cancel();
    m_asked = range;
    m_sinceAsked.start();
    m_next.start(m_source.periodSeconds * 1000);
    for (const auto& [place, promql] : m_queries)
        m_client->ask(promql, range, [this, place = place, step = range.step](Result<metrics::PrometheusCurves> answer) {
            take(place, step, std::move(answer));
        });
}

void PrometheusFeed::take(const Place& place, DurationNs step, Result<metrics::PrometheusCurves> answer)
{
    Known& known = m_known[place];
    known.problem.clear();
    if (answer) {
        known.curves = std::move(*answer);
        known.step = step;
    } else {
        known.problem = answer.error().message;
        if (answer.error().code == ErrorCode::NotPermitted)
            findSecret(answer.error());
    }
    emit changed();
}

QString PrometheusFeed::keyringKey() const
{
    return QStringLiteral("prometheus %1 %2").arg(toQString(m_source.url), toQString(m_source.user)).trimmed();
}

/// A server that wants no login is never a reason to open the keyring.
void PrometheusFeed::findSecret(const Error& refusal)
{
    const QString sentence = toQString(refusal.message);
    if (std::exchange(m_isSecretFromKeyring, false)) { // one that is wrong would be refused for ever
        m_keyring->forget(keyringKey());
        return emit loginWanted(sentence);
    }
    if (std::exchange(m_isLoginSought, true))
        return;
    if (!m_keyring)
        return emit loginWanted(sentence);
    m_keyring->find(keyringKey(), [this, client = QPointer(m_client.get()), sentence](Keyring::Found found) {
        if (!client || client != m_client.get())
            return;
        if (!found.secret)
            return emit loginWanted(sentence);
        client->setSecret(std::move(*found.secret));
        client->cancel(); // what was asked without it is refused, which says nothing of it
        m_isSecretFromKeyring = true;
        m_asked.reset();
        emit changed();
    });
}

void PrometheusFeed::logIn(const metrics::PrometheusSource& source, app::Secret secret, bool isKept)
{
    if (!m_client || !(source == m_source)) // another server is looked at by now: it is not its secret
        return;
    if (isKept && m_keyring)
        m_keyring->keep(keyringKey(), secret, [this](const QString& reason) {
            emit notKept(tr("The keyring has not kept the login of %1: %2").arg(toQString(m_source.url), reason));
        });
    m_client->setSecret(std::move(secret));
    m_asked.reset();
    m_isLoginSought = false;
    emit changed();
}

void PrometheusFeed::addCurves(const metrics::Dashboard& dashboard, DurationNs utcOffset, std::vector<LivePanel>& panels) const
{
    const auto plainName = [](const std::string& id) { return toQString(id); };
    for (const auto& [place, promql] : m_queries) {
        const auto panel = std::find_if(panels.begin(), panels.end(),
                                        [place = place](const LivePanel& one) { return one.key == QString::number(place.first); });
        const auto known = m_known.find(place);
        if (panel == panels.end() || place.first >= dashboard.panels.size() || place.second >= dashboard.panels[place.first].queries.size())
            continue;
        if (known == m_known.end()) {
            addSentence(panel->note, m_problem.empty() ? tr("Asking %1…").arg(toQString(m_source.url)) : toQString(m_problem));
            continue;
        }
        std::vector<metrics::QueryCurve> curves = known->second.curves.curves;
        for (metrics::QueryCurve& curve : curves)
            for (metrics::Point& point : curve.points)
                point.time -= utcOffset;
        desktop::addCurves(dashboard.panels[place.first].queries[place.second], std::move(curves), plainName, *panel);
        const DurationNs step = known->second.step;
        panel->longestGap = std::max(panel->longestGap, step + step / 2); // one that is missing is a gap
        panel->longestLag = std::max(panel->longestLag, 2 * step + 2 * m_source.periodSeconds * kSecond);
        if (!known->second.problem.empty())
            addSentence(panel->note, toQString(known->second.problem));
        else if (known->second.curves.hidden > 0)
            addSentence(panel->note, tr("%1 more series are not shown: bring them together with sum by (…) or topk(…).")
                                         .arg(formatCount(known->second.curves.hidden)));
        else if (!known->second.curves.warning.empty())
            addSentence(panel->note, tr("The server warns: %1").arg(toQString(known->second.curves.warning)));
        else if (known->second.curves.curves.empty())
            addSentence(panel->note, tr("The server has nothing for %1 in this time.").arg(toQString(promql)));
    }
}

QString PrometheusFeed::status() const
{
    if (!m_client || !m_asked)
        return {};
    return tr("Prometheus at %1: a point each %2 s, asked each %3 s")
        .arg(toQString(m_source.url))
        .arg(m_asked->step / kSecond)
        .arg(m_source.periodSeconds);
}

} // namespace gantry::desktop
