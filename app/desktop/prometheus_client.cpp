#include "app/desktop/prometheus_client.h"

#include "app/desktop/text.h"

#include <QDir>
#include <QHostAddress>
#include <QNetworkReply>
#include <QSslCertificate>
#include <QSslConfiguration>
#include <QTimer>
#include <QUrl>
#include <QUrlQuery>

#include <utility>

namespace gantry::desktop {

namespace {

constexpr double kNsPerSecond = 1e9;
constexpr int kAtATime = 6; // requests that Qt has under way to one host

bool isThisMachine(const QString& host)
{
    return host == QLatin1String("localhost") || QHostAddress(host).isLoopback();
}

QString seconds(std::int64_t ns)
{
    return QString::number(static_cast<double>(ns) / kNsPerSecond, 'f', 3);
}

QByteArray formOf(const std::string& promql, const metrics::PrometheusRange& range, std::chrono::milliseconds patience)
{
    QByteArray form;
    const auto add = [&form](const char* field, const QString& value) {
        form += (form.isEmpty() ? "" : "&") + QByteArray(field) + '=' + QUrl::toPercentEncoding(value);
    };
    add("query", toQString(promql));
    add("start", seconds(range.time.start));
    add("end", seconds(range.time.end));
    add("step", seconds(range.step));
    add("timeout", QStringLiteral("%1ms").arg(patience.count())); // the server need not go on after that
    return form;
}

Error error(ErrorCode code, const QString& sentence)
{
    return {code, sentence.toStdString(), {}};
}

} // namespace

/// One query on its way.
struct PrometheusClient::Exchange
{
    OnAnswer onAnswer;
    int round = 0;
    QNetworkReply* reply = nullptr;
    QByteArray body;
    bool isTooLong = false, isTooLate = false;
};

PrometheusClient::PrometheusClient(metrics::PrometheusSource source, std::chrono::milliseconds patience, QObject* parent)
    : QObject(parent), m_source(std::move(source)), m_patience(patience)
{
}

PrometheusClient::~PrometheusClient()
{
    cancel();
}

void PrometheusClient::cancel()
{
    ++m_round;
    m_open = 0;
    for (const QPointer<QNetworkReply>& reply : std::exchange(m_replies, {}))
        if (reply) {
            reply->disconnect(this);
            reply->abort();
            reply->deleteLater();
        }
}

Result<QNetworkRequest> PrometheusClient::makeRequest() const
{
    QString address = toQString(m_source.url);
    while (address.endsWith(QLatin1Char('/')))
        address.chop(1);
    const QUrl url(address + QStringLiteral("/api/v1/query_range"));
    if (!url.isValid())
        return error(ErrorCode::BadInput, tr("%1 is no address: write http://host:9090 into the dashboard.").arg(address));
    QNetworkRequest request(url);
    request.setHeader(QNetworkRequest::ContentTypeHeader, QStringLiteral("application/x-www-form-urlencoded"));
    // A redirect takes the header with the secret along.
    request.setAttribute(QNetworkRequest::RedirectPolicyAttribute, QNetworkRequest::SameOriginRedirectPolicy);
    if (!m_source.caFile.empty()) {
        QString path = toQString(m_source.caFile);
        if (path.startsWith(QStringLiteral("~/")))
            path.replace(0, 1, QDir::homePath());
        const QList<QSslCertificate> trusted = QSslCertificate::fromPath(path);
        if (trusted.isEmpty())
            return error(ErrorCode::NotFound,
                         tr("%1 holds no certificate: name a PEM file in \"ca_file\".").arg(toQString(m_source.caFile)));
        QSslConfiguration tls = request.sslConfiguration();
        tls.addCaCertificates(trusted);
        request.setSslConfiguration(tls);
    }
    if (m_secret.isEmpty())
        return request;
    if (url.scheme() != QLatin1String("https") && !isThisMachine(url.host()))
        return error(
            ErrorCode::BadInput,
            tr("The password or token is not sent to %1 in plain text: use https, or a tunnel that ends on this machine.").arg(url.host()));
    const QByteArray secret(m_secret.text().data(), static_cast<qsizetype>(m_secret.size()));
    request.setRawHeader("Authorization", m_source.user.empty()
                                              ? "Bearer " + secret
                                              : "Basic " + (QByteArray::fromStdString(m_source.user) + ':' + secret).toBase64());
    return request;
}

void PrometheusClient::ask(const std::string& promql, const metrics::PrometheusRange& range, OnAnswer onAnswer)
{
    auto exchange = std::make_shared<Exchange>();
    exchange->onAnswer = std::move(onAnswer);
    exchange->round = m_round;
    ++m_open;
    begin(exchange, formOf(promql, range, m_patience));
}

void PrometheusClient::begin(const std::shared_ptr<Exchange>& exchange, const QByteArray& form)
{
    const auto request = makeRequest();
    if (!request) {
        m_runner.deliver([this, exchange, why = request.error()] { answer(*exchange, why); });
        return;
    }
    QNetworkReply* reply = exchange->reply = m_network.post(*request, form);
    std::erase_if(m_replies, [](const auto& one) { return !one; });
    m_replies.emplace_back(reply);
    connect(reply, &QNetworkReply::readyRead, this, [exchange, reply] {
        exchange->body += reply->readAll();
        exchange->isTooLong = exchange->body.size() > kMostBytes;
        if (exchange->isTooLong)
            reply->abort();
    });
    // Of one host Qt asks six at a time: who waits for others has their time, too.
    QTimer::singleShot(m_patience * (1 + m_open / kAtATime), reply, [exchange, reply] {
        exchange->isTooLate = true;
        reply->abort();
    });
    connect(reply, &QNetworkReply::finished, this, [this, exchange] { finish(exchange); });
}

/// What is wrong besides what the server's own words say; nothing: its answer can be read.
std::optional<Error> PrometheusClient::failureOf(const Exchange& exchange) const
{
    const QString where = toQString(m_source.url);
    const int status = exchange.reply->attribute(QNetworkRequest::HttpStatusCodeAttribute).toInt();
    if (exchange.isTooLong)
        return error(
            ErrorCode::BadInput,
            tr("%1 sends more than %2 MiB: bring series together with sum by (…), or show less time.").arg(where).arg(kMostBytes >> 20));
    if (exchange.isTooLate)
        return error(ErrorCode::Unreachable, tr("%1 has not answered in %2 s: show less time, or ask for fewer series.")
                                                 .arg(where)
                                                 .arg(static_cast<double>(m_patience.count()) / 1000));
    if (status == 401 || status == 403)
        return error(ErrorCode::NotPermitted,
                     m_secret.isEmpty()
                         ? tr("%1 wants a login.").arg(where)
                         : tr("%1 refuses the login (status %2): is the user, password or token another one?").arg(where).arg(status));
    if (status == 404 || (status >= 300 && status < 400))
        return error(ErrorCode::BadInput, tr("%1 answers with status %2: is this the address in front of /api/v1?").arg(where).arg(status));
    if (exchange.reply->error() == QNetworkReply::SslHandshakeFailedError)
        return error(ErrorCode::Unreachable,
                     tr("The certificate of %1 cannot be trusted: %2. Name the certificate that signed it in \"ca_file\".")
                         .arg(where, exchange.reply->errorString()));
    if (status == 0)
        return error(ErrorCode::Unreachable,
                     tr("%1 cannot be reached: %2. Does it run, and does the way to it?").arg(where, exchange.reply->errorString()));
    if (status == 200 && exchange.reply->error() != QNetworkReply::NoError) // Qt also ends one that unpacks to very much more than was sent
        return error(
            ErrorCode::Unreachable,
            tr("The answer of %1 broke off: %2. Show less time, or ask for fewer series.").arg(where, exchange.reply->errorString()));
    if (status != 200 && !exchange.body.startsWith('{')) // a proxy's page
        return error(ErrorCode::Unreachable, tr("%1 answers with status %2, and not as a Prometheus server does.").arg(where).arg(status));
    return std::nullopt;
}

void PrometheusClient::finish(const std::shared_ptr<Exchange>& exchange)
{
    exchange->reply->deleteLater();
    exchange->body += exchange->reply->isOpen() ? exchange->reply->readAll() : QByteArray();
    exchange->isTooLong = exchange->body.size() > kMostBytes;
    if (const auto failure = failureOf(*exchange))
        return answer(*exchange, *failure);
    m_runner.enqueue({}, [this, exchange](const std::stop_token&) {
        const QByteArray& body = exchange->body;
        auto read = metrics::readPrometheusAnswer({body.constData(), static_cast<std::size_t>(body.size())}, kMostCurves);
        m_runner.deliver([this, exchange, read = std::move(read)]() mutable { answer(*exchange, std::move(read)); });
    });
}

void PrometheusClient::answer(const Exchange& exchange, Result<metrics::PrometheusCurves> result)
{
    if (exchange.round != m_round)
        return;
    --m_open;
    exchange.onAnswer(std::move(result));
}

} // namespace gantry::desktop
