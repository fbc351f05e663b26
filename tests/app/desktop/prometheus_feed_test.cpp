#include "app/desktop/prometheus_feed.h"

#include "app/desktop/keyring.h"
#include "tests/support/fake_prometheus.h"
#include "tests/support/silent_host.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_files.h"

#include <QEventLoop>
#include <QNetworkAccessManager>
#include <QNetworkReply>
#include <QProcess>
#include <QSignalSpy>
#include <QStandardPaths>
#include <QTcpServer>
#include <QTest>

#include <chrono>
#include <filesystem>
#include <fstream>

using namespace gantry;
using namespace gantry::desktop;
using test::FakePrometheus;

namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr TimeRange kMinute{1'700'000'000 * kSecond, 1'700'000'060 * kSecond};
constexpr int kPatienceMs = 20'000;

metrics::Dashboard dashboardOf(const std::string& url, const std::string& promql = "up", const std::string& more = {})
{
    auto dashboard = metrics::Dashboard::parse("{\"title\": \"T\", \"prometheus\": {\"url\": \"" + url + '"' + more +
                                               "}, \"panels\": [{\"title\": \"P\", \"queries\": [\"promql: " + promql + "\"]}]}");
    return dashboard ? *dashboard : metrics::Dashboard();
}

/// The panel of such a dashboard with what the feed knows.
LivePanel panelOf(const PrometheusFeed& feed, const metrics::Dashboard& dashboard, DurationNs utcOffset = 0)
{
    LiveSeries nothing;
    std::vector<LivePanel> panels = nothing.panels(dashboard, kMinute, [](const std::string&) { return QString(); });
    feed.addCurves(dashboard, utcOffset, panels);
    return panels.empty() ? LivePanel() : panels.front();
}

/// Looks, and looks again where the feed says that there is something to look at, until the panel has an answer or a problem.
LivePanel answerOf(PrometheusFeed& feed, const metrics::Dashboard& dashboard)
{
    const auto look = [&] { feed.look(dashboard, kMinute, 600, PrometheusFeed::Following::No); };
    const auto again = QObject::connect(&feed, &PrometheusFeed::changed, &feed, look, Qt::QueuedConnection);
    look();
    const bool isThere = QTest::qWaitFor(
        [&] {
            const LivePanel panel = panelOf(feed, dashboard);
            return !panel.curves.empty() || (!panel.note.isEmpty() && !panel.note.startsWith(QStringLiteral("Asking")));
        },
        kPatienceMs);
    QObject::disconnect(again);
    return isThere ? panelOf(feed, dashboard) : LivePanel();
}

QString noteOf(const FakePrometheus& server)
{
    PrometheusFeed feed(nullptr);
    return answerOf(feed, dashboardOf(server.url())).note;
}

/// Keeps secrets in a map.
class MapKeyring : public Keyring
{
public:
    explicit MapKeyring(std::map<QString, std::string>& kept) : m_kept(kept) {}
    void find(const QString& key, std::function<void(Found)> onFound) override
    {
        Found found{true, std::nullopt};
        if (const auto known = m_kept.find(key); known != m_kept.end())
            found.secret.emplace(known->second);
        QMetaObject::invokeMethod(
            &m_later, [found = std::make_shared<Found>(std::move(found)), onFound] { onFound(std::move(*found)); }, Qt::QueuedConnection);
    }
    void keep(const QString& key, const app::Secret& secret, std::function<void(const QString&)>) override { m_kept[key] = secret.text(); }
    void forget(const QString& key) override { m_kept.erase(key); }

private:
    std::map<QString, std::string>& m_kept;
    QObject m_later;
};

} // namespace

/// Against a server that answers over HTTP on this machine, and against a real Prometheus where there is one.
class PrometheusFeedTest : public QObject
{
    Q_OBJECT

private slots:
    void theServerIsAskedForTheTimeOnTheScreenWithAPointForEachPixelAtMost()
    {
        const FakePrometheus server([](const auto& request) { return FakePrometheus::constant(request, 42); });
        PrometheusFeed feed(nullptr);
        const auto dashboard = dashboardOf(server.url(), "sum(rate(up[5m])) + 1");
        const LivePanel panel = answerOf(feed, dashboard);
        QCOMPARE(panel.curves.size(), std::size_t{1});
        QCOMPARE(panel.curves[0].points.size(), std::size_t{61});
        QCOMPARE(panel.curves[0].points.front().time, kMinute.start);
        QCOMPARE(panel.curves[0].points.front().value, 42.0);
        QVERIFY(panel.note.isEmpty());
        const auto requests = server.requests();
        QCOMPARE(requests.size(), std::size_t{1});
        QCOMPARE(requests[0].path, std::string("/api/v1/query_range"));
        QCOMPARE(requests[0].parameters.at("query"), std::string("sum(rate(up[5m])) + 1"));
        QCOMPARE(requests[0].parameters.at("start"), std::string("1700000000.000"));
        QCOMPARE(requests[0].parameters.at("step"), std::string("1.000"));
        QCOMPARE(requests[0].authorization, std::string());
        QVERIFY(feed.status().contains(QStringLiteral("a point each 1 s, asked each 15 s")));
    }

    void curvesAreOnTheClockOfThePlots()
    {
        const FakePrometheus server([](const auto& request) { return FakePrometheus::constant(request, 1); });
        PrometheusFeed feed(nullptr);
        const auto dashboard = dashboardOf(server.url());
        QVERIFY(!answerOf(feed, dashboard).curves.empty());
        QCOMPARE(panelOf(feed, dashboard, 1000 * kSecond).curves[0].points.front().time, kMinute.start - 1000 * kSecond);
    }

    void aTimeThatStandsStillIsAskedForOnceAndAnotherOneAgain()
    {
        const FakePrometheus server([](const auto& request) { return FakePrometheus::constant(request, 1); });
        PrometheusFeed feed(nullptr);
        const auto dashboard = dashboardOf(server.url());
        QVERIFY(!answerOf(feed, dashboard).curves.empty());
        for (int i = 0; i < 10; ++i)
            feed.look(dashboard, kMinute, 600, PrometheusFeed::Following::No);
        const TimeRange other{kMinute.start - 600 * kSecond, kMinute.end - 600 * kSecond};
        QTRY_VERIFY_WITH_TIMEOUT((feed.look(dashboard, other, 600, PrometheusFeed::Following::No), server.requests().size() > 1),
                                 kPatienceMs);
        QCOMPARE(server.requests().size(), std::size_t{2});
        QCOMPARE(server.requests()[1].parameters.at("start"), std::string("1699999400.000"));
    }

    void aTimeThatFollowsIsAskedForInThePeriodOfTheDashboard()
    {
        const FakePrometheus server([](const auto& request) { return FakePrometheus::constant(request, 1); });
        PrometheusFeed feed(nullptr);
        const auto dashboard = dashboardOf(server.url(), "up", ", \"period_s\": 1");
        QElapsedTimer since;
        since.start();
        const auto follow = [&] {
            const DurationNs passed = since.nsecsElapsed();
            feed.look(dashboard, {kMinute.start + passed, kMinute.end + passed}, 600, PrometheusFeed::Following::Yes);
            return server.requests().size() >= 3;
        };
        QTRY_VERIFY_WITH_TIMEOUT(follow(), kPatienceMs);
        QVERIFY2(since.elapsed() >= 2000, "asked more often than it says");
    }

    void aPasswordComesFromAFileThatOnlyItsOwnerCanRead()
    {
        const FakePrometheus server([](const auto& request) {
            return request.authorization == "Basic bWU6czNjcmV0" ? FakePrometheus::constant(request, 1)
                                                                 : FakePrometheus::Answer{401, "", {}};
        });
        const test::TemporaryFolder folder;
        const std::string file = (folder / "secret").string();
        std::ofstream(file) << "s3cret\n";
        std::filesystem::permissions(file, std::filesystem::perms::owner_read);
        PrometheusFeed feed(nullptr);
        const auto dashboard = dashboardOf(server.url(), "up", ", \"user\": \"me\", \"secret_file\": \"" + file + '"');
        QCOMPARE(answerOf(feed, dashboard).curves.size(), std::size_t{1});
        for (const auto& request : server.requests())
            QCOMPARE(request.authorization, std::string("Basic bWU6czNjcmV0"));

        std::filesystem::permissions(file, std::filesystem::perms::owner_read | std::filesystem::perms::group_read);
        PrometheusFeed other(nullptr);
        const LivePanel refused = answerOf(other, dashboard);
        QVERIFY2(refused.note.contains(QStringLiteral("can be read by others: run chmod 600")), qPrintable(refused.note));
        QVERIFY(!refused.note.contains(QStringLiteral("s3cret")));
    }

    void theKeyringIsOpenedOnlyForAServerThatWantsALogin()
    {
        std::map<QString, std::string> kept;
        const FakePrometheus server([](const auto& request) {
            return request.authorization == "Bearer t0ken" ? FakePrometheus::constant(request, 1) : FakePrometheus::Answer{401, "", {}};
        });
        const auto dashboard = dashboardOf(server.url());
        PrometheusFeed feed(std::make_unique<MapKeyring>(kept));
        QSignalSpy wanted(&feed, &PrometheusFeed::loginWanted);
        QVERIFY(answerOf(feed, dashboard).note.contains(QStringLiteral("wants a login")));
        QTRY_COMPARE(wanted.count(), 1);
        feed.logIn(feed.source(), app::Secret("t0ken"), true);
        QTRY_VERIFY_WITH_TIMEOUT(
            (feed.look(dashboard, kMinute, 600, PrometheusFeed::Following::No), !panelOf(feed, dashboard).curves.empty()), kPatienceMs);
        QCOMPARE(kept.size(), std::size_t{1});

        PrometheusFeed next(std::make_unique<MapKeyring>(kept));
        QSignalSpy wantedAgain(&next, &PrometheusFeed::loginWanted);
        const auto look = [&] { next.look(dashboard, kMinute, 600, PrometheusFeed::Following::No); };
        connect(&next, &PrometheusFeed::changed, &next, look, Qt::QueuedConnection);
        look();
        QTRY_VERIFY_WITH_TIMEOUT(!panelOf(next, dashboard).curves.empty(), kPatienceMs);
        QCOMPARE(wantedAgain.count(), 0);
    }

    void aWrongSecretOfTheKeyringIsForgottenAndAskedForAgain()
    {
        std::map<QString, std::string> kept;
        const FakePrometheus server([](const auto&) { return FakePrometheus::Answer{401, "", {}}; });
        const auto dashboard = dashboardOf(server.url());
        PrometheusFeed feed(std::make_unique<MapKeyring>(kept));
        QSignalSpy wanted(&feed, &PrometheusFeed::loginWanted);
        const auto look = [&] { feed.look(dashboard, kMinute, 600, PrometheusFeed::Following::No); };
        connect(&feed, &PrometheusFeed::changed, &feed, look, Qt::QueuedConnection);
        look();
        QTRY_COMPARE_WITH_TIMEOUT(wanted.count(), 1, kPatienceMs);
        feed.logIn(feed.source(), app::Secret("wr0ng"), true);
        QTRY_COMPARE_WITH_TIMEOUT(wanted.count(), 2, kPatienceMs);
        QVERIFY(kept.empty());
    }

    void aLoginGoesToTheServerThatItWasTypedFor()
    {
        const FakePrometheus one([](const auto&) { return FakePrometheus::Answer{401, "", {}}; });
        const FakePrometheus other([](const auto&) { return FakePrometheus::Answer{401, "", {}}; });
        PrometheusFeed feed(nullptr);
        QSignalSpy left(&feed, &PrometheusFeed::left);
        (void)answerOf(feed, dashboardOf(one.url()));
        const metrics::PrometheusSource source = feed.source();
        (void)answerOf(feed, dashboardOf(other.url()));
        QCOMPARE(left.count(), 1);
        feed.logIn(source, app::Secret("t0ken"), false);
        (void)answerOf(feed, dashboardOf(other.url(), "up == 1"));
        for (const auto& request : other.requests())
            QVERIFY(request.authorization.empty());
    }

    void aSecretIsNotSentInPlainTextToAnotherMachine()
    {
        PrometheusFeed feed(nullptr);
        const auto dashboard = dashboardOf("http://192.0.2.1:9090"); // TEST-NET-1: nobody answers there, and nobody is asked
        feed.look(dashboard, kMinute, 600, PrometheusFeed::Following::No);
        feed.logIn(feed.source(), app::Secret("t0ken"), false);
        const LivePanel panel = answerOf(feed, dashboard);
        QVERIFY2(panel.note.contains(QStringLiteral("not sent to 192.0.2.1 in plain text")), qPrintable(panel.note));
    }

    void aRedirectToAnotherHostIsNotFollowed()
    {
        const FakePrometheus other([](const auto& request) { return FakePrometheus::constant(request, 1); });
        const FakePrometheus server([&](const auto&) {
            return FakePrometheus::Answer{307, "", {{"Location", other.url() + "/api/v1/query_range"}}};
        });
        const QString note = noteOf(server);
        QVERIFY2(note.contains(QStringLiteral("status 307")), qPrintable(note));
        QVERIFY(other.requests().empty());
    }

    void whatTheServerSaysIsInThePanel()
    {
        const FakePrometheus bad([](const auto&) { return FakePrometheus::failure(400, "parse error: unexpected end of input"); });
        QVERIFY(noteOf(bad).contains(QStringLiteral("refused the query: parse error: unexpected end of input")));
        const FakePrometheus heavy(
            [](const auto&) { return FakePrometheus::failure(422, "query processing would load too many samples"); });
        QVERIFY(noteOf(heavy).contains(QStringLiteral("would load too many samples")));
        const FakePrometheus page([](const auto&) { return FakePrometheus::Answer{200, "<html>", {}}; });
        QVERIFY(noteOf(page).contains(QStringLiteral("answer is no JSON")));
        const FakePrometheus gateway([](const auto&) { return FakePrometheus::Answer{502, "<html>", {}}; });
        QVERIFY(noteOf(gateway).contains(QStringLiteral("status 502")));
        const FakePrometheus elsewhere([](const auto&) { return FakePrometheus::Answer{404, "", {}}; });
        QVERIFY(noteOf(elsewhere).contains(QStringLiteral("in front of /api/v1")));
        const FakePrometheus empty([](const auto&) {
            return FakePrometheus::Answer{200, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[]}}", {}};
        });
        QVERIFY(noteOf(empty).contains(QStringLiteral("has nothing for up")));
    }

    void whatQueriesOfAPanelHaveInCommonIsSaidOnceAndACertificateIsNoMatterOfALogin()
    {
        const FakePrometheus server([](const auto& request) { return FakePrometheus::constant(request, 1); }); // that knows no TLS
        auto dashboard = dashboardOf("https" + server.url().substr(4));
        dashboard.panels[0].queries.push_back(dashboard.panels[0].queries[0]);
        PrometheusFeed feed(nullptr);
        QSignalSpy wanted(&feed, &PrometheusFeed::loginWanted);
        QTRY_VERIFY_WITH_TIMEOUT(!answerOf(feed, dashboard).note.startsWith(QStringLiteral("Asking")), kPatienceMs);
        QTRY_VERIFY_WITH_TIMEOUT(!panelOf(feed, dashboard).note.contains(QStringLiteral("Asking")), kPatienceMs);
        const QString note = panelOf(feed, dashboard).note;
        QVERIFY2(!note.isEmpty() && note.count(QStringLiteral("127.0.0.1")) == 1, qPrintable(note));
        QCOMPARE(wanted.count(), 0);
    }

    void aServerThatSaysNothingIsGivenUp()
    {
        const test::SilentHost host;
        PrometheusClient client({"http://127.0.0.1:" + std::to_string(host.port()), {}, {}, {}}, std::chrono::milliseconds(200));
        std::optional<Error> failure;
        client.ask("up", metrics::PrometheusRange::forPlot(kMinute, 600), [&](const auto& answer) {
            if (!answer)
                failure = answer.error();
        });
        QTRY_VERIFY_WITH_TIMEOUT(failure, kPatienceMs);
        QCOMPARE(failure->code, ErrorCode::Unreachable);
        QVERIFY(QString::fromStdString(failure->message).contains(QStringLiteral("has not answered in 0.2 s")));
        QTRY_VERIFY(host.isHungUp());
    }

    void anAnswerWithoutAnEndIsCutAndSaysWhatToDo()
    {
        const FakePrometheus server([](const auto&) {
            return FakePrometheus::Answer{200, std::string(PrometheusClient::kMostBytes + 1, ' '), {}, "application/octet-stream"};
        });
        const QString note = noteOf(server);
        QVERIFY2(note.contains(QStringLiteral("more than 32 MiB")), qPrintable(note));
    }

    void anAnswerThatUnpacksToVeryMuchIsBrokenOff()
    {
        const FakePrometheus server([](const auto&) { return FakePrometheus::Answer{200, std::string(16 << 20, ' '), {}}; });
        const QString note = noteOf(server);
        QVERIFY2(note.contains(QStringLiteral("broke off")), qPrintable(note));
    }

    void seriesBeyondTheMostAreCounted()
    {
        const FakePrometheus server([](const auto&) {
            std::string series;
            for (int i = 0; i < 130; ++i)
                series += (i == 0 ? "" : ",") + std::string("{\"metric\":{\"pod\":\"") + std::to_string(i) +
                          "\"},\"values\":[[1700000001,\"1\"]]}";
            return FakePrometheus::Answer{
                200, "{\"status\":\"success\",\"data\":{\"resultType\":\"matrix\",\"result\":[" + series + "]}}", {}};
        });
        PrometheusFeed feed(nullptr);
        const LivePanel panel = answerOf(feed, dashboardOf(server.url()));
        QCOMPARE(panel.curves.size(), PrometheusClient::kMostCurves);
        QCOMPARE(panel.curves[7].name, QStringLiteral("7"));
        QVERIFY2(panel.note.startsWith(QStringLiteral("30 more series")), qPrintable(panel.note));
    }

    void aRealPrometheusAnswers()
    {
        const QString program = QStandardPaths::findExecutable(QStringLiteral("prometheus"));
        if (program.isEmpty())
            QSKIP("there is no Prometheus server on this machine: apt-get install prometheus");
        const test::TemporaryFolder folder;
        QTcpServer port;
        QVERIFY(port.listen(QHostAddress::LocalHost));
        const std::string address = "127.0.0.1:" + std::to_string(port.serverPort());
        port.close();
        std::ofstream(folder / "prometheus.yml")
            << "global: {scrape_interval: 1s}\nscrape_configs:\n- job_name: itself\n  static_configs: [{targets: ['" << address << "']}]\n";
        QProcess server;
        server.setProcessChannelMode(QProcess::MergedChannels);
        server.start(program, {QStringLiteral("--config.file=") + QString::fromStdString((folder / "prometheus.yml").string()),
                               QStringLiteral("--storage.tsdb.path=") + QString::fromStdString((folder / "data").string()),
                               QStringLiteral("--web.listen-address=") + QString::fromStdString(address)});
        QVERIFY(server.waitForStarted());
        const auto dashboard = dashboardOf("http://" + address, "prometheus_http_requests_total or up", ", \"period_s\": 1");
        PrometheusFeed feed(nullptr);
        const auto look = [&] {
            const TimestampNs now =
                std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
            feed.look(dashboard, {now - 60 * kSecond, now}, 600, PrometheusFeed::Following::Yes);
            const LivePanel panel = panelOf(feed, dashboard);
            return !panel.curves.empty() && panel.curves.front().points.size() >= 2;
        };
        QTRY_VERIFY_WITH_TIMEOUT(look(), kPatienceMs);
        PrometheusFeed wrong(nullptr);
        const QString note = answerOf(wrong, dashboardOf("http://" + address, "sum(up")).note;
        QVERIFY2(note.contains(QStringLiteral("parse error")), qPrintable(note));
        server.terminate();
        server.waitForFinished();
    }
};

QTEST_MAIN(PrometheusFeedTest)
#include "prometheus_feed_test.moc"
