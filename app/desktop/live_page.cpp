#include "app/desktop/live_page.h"

#include "app/desktop/connect_panel.h"
#include "app/desktop/dashboard_editor.h"
#include "app/desktop/live_bar.h"
#include "app/desktop/message_bar.h"
#include "app/desktop/metric_picker.h"
#include "app/desktop/node_list.h"
#include "app/desktop/prometheus_feed.h"
#include "app/desktop/prometheus_login.h"
#include "app/desktop/text.h"
#include "trace_model/metrics/derived_metrics.h"
#include "widgets/plots/live_plot_grid.h"
#include "widgets/theme/elided_label.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPointer>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>
#include <memory>

namespace gantry::desktop {

namespace {

constexpr DurationNs kSecond = 1'000'000'000;
constexpr DurationNs kShortestWindow = 10 * kSecond;
constexpr DurationNs kHistory = 3600 * kSecond; // as long as the series keep
constexpr DurationNs kDay = 24 * kHistory;
constexpr DurationNs kPrometheusReach = 31 * kDay, kPrometheusSpans = 7 * kDay; // most servers keep 15 days
constexpr DurationNs kLongestGap = 3 * kSecond; // many scrapes: more silence than this is no value
constexpr int kRedrawMs = 100;
constexpr std::chrono::milliseconds kSlice{8}; // of a frame of 16, for plots
constexpr int kOverviewColumns = 2;
constexpr int kCountdownMs = 1000;

enum Page // of the stack
{
    kEmpty,
    kPlots,
    kConnecting
};

const char kConnectionTopic[] = "connection";
const char kPrometheusTopic[] = "prometheus";

QString spanText(DurationNs length, DurationNs behind)
{
    const auto timeText = [](DurationNs time) {
        if (time >= 2 * kHistory)
            return LivePage::tr("%1 h").arg(time / kHistory);
        return time >= 120 * kSecond ? LivePage::tr("%1 min").arg(time / (60 * kSecond)) : LivePage::tr("%1 s").arg(time / kSecond);
    };
    return behind < kSecond ? LivePage::tr("the last %1").arg(timeText(length))
                            : LivePage::tr("%1 that ended %2 ago").arg(timeText(length), timeText(behind));
}

} // namespace

LivePage::LivePage(NodeList& nodes, QWidget* parent)
    : QWidget(parent),
      m_nodes(nodes),
      m_banner(new MessageBar(this)),
      m_recording(new widgets::ElidedLabel(Qt::ElideRight, this)),
      m_stack(new QStackedWidget(this)),
      m_connecting(new ConnectPanel(this)),
      m_footer(new QLabel(this)),
      m_bar(new LiveBar(this)),
      m_grid(new widgets::LivePlotGrid(this)),
      m_prometheus(new PrometheusFeed(makeDesktopKeyring(), this))
{
    auto* empty = new QWidget(this);
    auto* column = new QVBoxLayout(empty);
    auto* text = new QLabel(tr("No node yet.\n\nConnect to a machine to watch its servers live and to capture them,\nor "
                               "open a report or a trace. Files can be dropped here, too."),
                            empty);
    text->setAlignment(Qt::AlignHCenter);
    text->setWordWrap(true);
    text->setForegroundRole(QPalette::PlaceholderText);
    auto* connectButton = new QPushButton(tr("Connect…"), empty);
    connect(connectButton, &QPushButton::clicked, this, &LivePage::connectRequested);
    auto* openButton = new QPushButton(tr("Open report…"), empty);
    connect(openButton, &QPushButton::clicked, this, &LivePage::openRequested);
    auto* buttons = new QHBoxLayout;
    buttons->addStretch(1);
    buttons->addWidget(connectButton);
    buttons->addWidget(openButton);
    buttons->addStretch(1);
    column->addStretch(1);
    column->addWidget(text);
    column->addSpacing(8);
    column->addLayout(buttons);
    column->addStretch(2);
    m_stack->addWidget(empty);
    readDashboards({});
    connect(m_bar, &LiveBar::editRequested, this, [this] {
        if (const KnownDashboard* chosen = m_bar->chosen()) // it may have been withdrawn while the menu was open
            editDashboard(chosen->dashboard, chosen->key);
    });
    connect(m_bar, &LiveBar::copyRequested, this, [this] {
        if (!m_bar->chosen())
            return;
        metrics::Dashboard copy = m_bar->chosen()->dashboard;
        copy.title = tr("%1, copy").arg(toQString(copy.title)).toStdString();
        editDashboard(copy, {});
    });
    connect(m_bar, &LiveBar::newRequested, this, [this] { editDashboard({}, {}); });
    connect(m_bar, &LiveBar::removeRequested, this, &LivePage::removeDashboard);
    connect(m_bar, &LiveBar::changed, this, &LivePage::redraw);
    connect(m_grid, &widgets::LivePlotGrid::filled, this, &LivePage::redraw);
    m_grid->setSlice(kSlice);
    connect(m_grid, &widgets::LivePlotGrid::drawn, this, &LivePage::drawn);
    connect(m_grid, &widgets::LivePlotGrid::cursorMoved, this, [this](std::optional<TimestampNs> time) {
        const auto offset = utcOffset();
        emit instantHovered(time && offset ? std::optional(*time + *offset) : std::nullopt);
    });
    connect(m_grid, &widgets::LivePlotGrid::bandActivated, this,
            [this](const QString& key, TimestampNs time) { emit bandActivated(key.toStdString(), time + utcOffset().value_or(0)); });
    connect(m_grid, &widgets::LivePlotGrid::menuRequested, this, [this](const QPoint& point, TimestampNs time, const QString& band) {
        emit menuRequested(point, time + utcOffset().value_or(0), band.toStdString());
    });
    auto* plots = new QScrollArea; // so that they do not decide how small the window can be
    plots->setFrameShape(QFrame::NoFrame);
    plots->setWidgetResizable(true);
    plots->setWidget(m_grid);
    connect(plots->verticalScrollBar(), &QScrollBar::valueChanged, this, [this] { m_redrawTimer.start(0); }); // what came into view
    auto* live = new QWidget;
    auto* liveColumn = new QVBoxLayout(live);
    liveColumn->setContentsMargins(0, 0, 0, 0);
    liveColumn->setSpacing(0);
    liveColumn->addWidget(m_bar);
    liveColumn->addWidget(plots, 1);
    m_stack->addWidget(live);
    m_stack->setMinimumHeight(40); // what a banner says comes first where there is no room for both
    m_stack->addWidget(m_connecting);
    connect(m_connecting, &ConnectPanel::openRequested, this, &LivePage::openNode);
    connect(m_connecting, &ConnectPanel::cancelRequested, this, [this] {
        if (NodeController* node = m_nodes.current())
            node->close();
    });

    m_recording->setObjectName(QStringLiteral("recordingMark"));
    m_recording->setContentsMargins(10, 4, 10, 2);
    m_recording->hide();
    m_footer->setContentsMargins(10, 2, 10, 4);
    m_footer->setForegroundRole(QPalette::PlaceholderText);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(m_banner);
    layout->addWidget(m_recording);
    layout->addWidget(m_stack, 1);
    layout->addWidget(m_footer);

    connect(m_prometheus, &PrometheusFeed::changed, this, &LivePage::scheduleRedraw);
    connect(m_prometheus, &PrometheusFeed::loginWanted, this, [this](const QString& sentence) {
        m_banner->showMessage({MessageBar::Kind::Warning,
                               sentence,
                               {},
                               tr("Log in…"),
                               [this, sentence] { askForLogin(sentence); },
                               QString::fromLatin1(kPrometheusTopic)});
    });
    connect(m_prometheus, &PrometheusFeed::left, this, [this] { m_banner->clearTopic(QString::fromLatin1(kPrometheusTopic)); });
    connect(m_prometheus, &PrometheusFeed::notKept, this, [this](const QString& sentence) {
        m_banner->showMessage({MessageBar::Kind::Warning, sentence, {}, {}, {}, QString::fromLatin1(kPrometheusTopic)});
    });
    m_redrawTimer.setInterval(kRedrawMs);
    m_redrawTimer.setSingleShot(true);
    m_countdown.setInterval(kCountdownMs);
    connect(&m_countdown, &QTimer::timeout, this, &LivePage::countDown);
    connect(&m_redrawTimer, &QTimer::timeout, this, &LivePage::redraw);
    connect(&m_nodes, &NodeList::nodesChanged, this, &LivePage::watchNodes);
    connect(&m_nodes, &NodeList::currentChanged, this, &LivePage::onCurrentChanged);
    connect(&m_fill, &HistoryFill::filled, this, &LivePage::scheduleRedraw);
    watchNodes();
    onCurrentChanged();
}

LivePage::~LivePage() = default;

void LivePage::watchNodes()
{
    std::map<const NodeController*, std::unique_ptr<LiveSeries>> known;
    for (const auto& owned : m_nodes.nodes()) {
        NodeController* node = owned.get();
        if (const auto found = m_series.find(node); found != m_series.end()) {
            known.insert(m_series.extract(found));
            continue;
        }
        LiveSeries& series = *known.emplace(node, std::make_unique<LiveSeries>()).first->second;
        connect(node, &NodeController::metricsRestarted, this, [this, node, &series](const std::string& bootId) {
            series.restart(bootId);
            m_fill.forget(series);
            m_asked.erase(node); // what it measured meanwhile
        });
        connect(node, &NodeController::metricsArrived, this, [this, node, &series](const std::vector<proto::MetricsBatch>& batches) {
            for (const proto::MetricsBatch& batch : batches)
                series.add(batch);
            if (node == m_nodes.current())
                scheduleRedraw();
        });
        // What a node beside has to say changes nothing of the one that is shown.
        const auto whenCurrent = [this, node](auto show) {
            return [this, node, show] {
                if (node == m_nodes.current())
                    show();
            };
        };
        connect(node, &NodeController::stateChanged, this, whenCurrent([this] {
                    refreshState();
                    scheduleRedraw();
                }));
        connect(node, &NodeController::progressed, this, whenCurrent([this] { showConnecting(); }));
        connect(node, &NodeController::contentChanged, this, whenCurrent([this] {
                    showConnecting();
                    showRecording();
                }));
    }
    // A node that was removed delivers nothing more before it is deleted; its samples go with it.
    for (const auto& [node, series] : m_series) {
        node->disconnect(this);
        m_asked.erase(node);
        m_fill.forget(*series);
    }
    m_series = std::move(known);
}

LiveSeries* LivePage::currentSeries() const
{
    const auto found = m_series.find(m_nodes.current());
    return found == m_series.end() ? nullptr : found->second.get();
}

void LivePage::onCurrentChanged()
{
    m_drawnSpan = 0;
    m_offeredFor = {};
    m_asked.erase(m_nodes.current()); // what it measured while nobody looked
    m_bar->follow();
    m_banner->clearTopic(QString::fromLatin1(kConnectionTopic));
    refreshState();
    redraw();
}

void LivePage::refreshState()
{
    showRecording();
    const NodeController* node = m_nodes.current();
    const LiveSeries* series = currentSeries();
    const bool hasSamples = series && !series->isEmpty();
    m_stack->setCurrentIndex(hasSamples ? kPlots : node ? kConnecting : kEmpty);
    if (!node) {
        m_footer->clear();
        return;
    }
    showConnecting();
    const QString topic = QString::fromLatin1(kConnectionTopic);
    switch (node->state()) {
    case NodeController::State::Disconnected:
    case NodeController::State::Connected:
        m_banner->clearTopic(topic);
        break;
    case NodeController::State::Connecting:
        // What went wrong is still to be read while it is tried again.
        if (node->error())
            m_banner->updateTopic(topic, lossSentence(*node));
        break;
    case NodeController::State::Lost:
        m_banner->showMessage({MessageBar::Kind::Error, lossSentence(*node), describe(*node->error()).details,
                               node->needsPerson() ? tr("Connect") : tr("Retry now"), [this] { openNode(); }, topic});
        if (node->retryInSeconds() > 0)
            m_countdown.start();
        break;
    }
}

void LivePage::showConnecting()
{
    if (const NodeController* node = m_nodes.current())
        m_connecting->showNode(*node);
}

void LivePage::showRecording()
{
    const NodeController* node = m_nodes.current();
    const bool isRecorded = node && isRecording(*node);
    m_recording->setVisible(isRecorded);
    if (isRecorded)
        m_recording->setText(tr("● Recording: %1. Nothing of this is measured now.").arg(toQString(node->info()->recording)));
}

void LivePage::openNode()
{
    if (NodeController* node = m_nodes.current())
        node->open();
}

QString LivePage::lossSentence(const NodeController& node) const
{
    const QString sentence = describe(*node.error()).sentence;
    const int seconds = node.retryInSeconds();
    if (node.state() == NodeController::State::Connecting)
        return sentence + QLatin1Char(' ') + tr("Trying again now.");
    return seconds > 0 ? sentence + QLatin1Char(' ') + tr("Trying again in %1 s.").arg(seconds) : sentence;
}

/// A time that stands still is taken for a program that does.
void LivePage::countDown()
{
    const NodeController* node = m_nodes.current();
    if (!node || node->state() != NodeController::State::Lost || node->retryInSeconds() == 0)
        return m_countdown.stop();
    m_banner->updateTopic(QString::fromLatin1(kConnectionTopic), lossSentence(*node));
}

/// Of the series that are shown, once, of a node that somebody looks at: a hundred nodes that are only connected are not asked.
void LivePage::askHistory(NodeController& node, LiveSeries& series)
{
    if (node.state() != NodeController::State::Connected)
        return;
    std::set<std::string>& asked = m_asked[&node];
    std::vector<std::string> names;
    for (std::string& name : shownNames())
        if (asked.insert(name).second)
            names.push_back(std::move(name));
    if (names.empty())
        return;
    auto parts = std::make_shared<std::vector<proto::HistoryPart>>();
    const auto read = [parts, names = std::move(names)](app::NodeClient& client, const std::stop_token& stop) -> Result<void> {
        GANTRY_TRY(const auto clock, client.exchangeClocks(stop));
        const TimestampNs now = clock.exchange.answered;
        return client.readHistory(
            {{now - kHistory, now}, kSecond, names},
            [&](proto::HistoryPart&& part) {
                parts->push_back(std::move(part));
                return true;
            },
            stop);
    };
    // A node that keeps no history has none: what it measures from now on is shown all the same.
    const std::string boot = node.client()->hello().bootId;
    node.perform(read, [self = QPointer(this), parts, boot, node = QPointer(&node), &series](const Result<void>& done) {
        if (!self || !node || !self->m_series.contains(node))
            return;
        // Half of it would be a hole, and that of another boot is of another clock.
        if (done && node->client() && node->client()->hello().bootId == boot)
            self->m_fill.add(series, std::move(*parts));
    });
}

std::vector<std::string> LivePage::shownNames() const
{
    const KnownDashboard* chosen = m_bar->chosen();
    return chosen ? chosen->dashboard.names() : metrics::derivedNames();
}

/// Again when there are other series: a server that has just begun to answer.
void LivePage::offerDashboards(const LiveSeries& series)
{
    const auto definitions = series.definitions();
    const std::pair<std::size_t, std::uint32_t> now{definitions.size(), definitions.empty() ? 0 : definitions.back()->id};
    if (now == m_offeredFor)
        return;
    m_offeredFor = now;
    std::vector<const KnownDashboard*> offered;
    for (const KnownDashboard& known : m_dashboards)
        if (known.dashboard.fits(definitions))
            offered.push_back(&known);
    m_bar->offer(offered);
}

void LivePage::readDashboards(const QString& key)
{
    QStringList problems;
    m_bar->offer({}); // those that it knows are about to go
    m_dashboards = Dashboards::read(problems);
    for (const QString& problem : problems)
        m_banner->showMessage({MessageBar::Kind::Warning, tr("A dashboard cannot be read: %1").arg(problem), {}, {}, {}, problem});
    m_offeredFor = {};
    if (const LiveSeries* series = currentSeries()) {
        offerDashboards(*series);
        m_bar->choose(key);
    }
}

void LivePage::editDashboard(const metrics::Dashboard& dashboard, const QString& key)
{
    const auto metricsNow = [this] {
        const LiveSeries* series = currentSeries();
        return series ? metricsOf(series->definitions()) : std::vector<KnownMetric>();
    };
    auto* editor = new DashboardEditor(dashboard, metricsNow, this);
    editor->setAttribute(Qt::WA_DeleteOnClose);
    connect(editor, &QDialog::accepted, this, [this, editor, key] {
        if (const auto changed = editor->dashboard())
            saveDashboard(*changed, key);
    });
    editor->open();
}

void LivePage::saveDashboard(const metrics::Dashboard& dashboard, QString key)
{
    if (key.isEmpty())
        key = Dashboards::newKey(toQString(dashboard.title), m_dashboards);
    const QString topic = QStringLiteral("dashboards");
    if (const auto saved = Dashboards::save(Dashboards::userFolder(), key, dashboard); !saved)
        return m_banner->showMessage({MessageBar::Kind::Error, describe(saved.error()).sentence, describe(saved.error()).details,
                                      tr("Try again"), [this, dashboard, key] { saveDashboard(dashboard, key); }, topic});
    m_banner->clearTopic(topic);
    readDashboards(key);
    redraw();
}

void LivePage::removeDashboard()
{
    const KnownDashboard* chosen = m_bar->chosen();
    if (!chosen)
        return;
    const QString key = chosen->key;
    if (const auto removed = Dashboards::remove(Dashboards::userFolder(), key); !removed)
        return m_banner->showMessage(
            {MessageBar::Kind::Error, describe(removed.error()).sentence, {}, {}, {}, QStringLiteral("dashboards")});
    readDashboards(key); // the one of that name that comes with Gantry, where there is one
    redraw();
}

void LivePage::scheduleRedraw()
{
    if (isVisible() && !m_redrawTimer.isActive())
        m_redrawTimer.start(kRedrawMs * static_cast<int>(std::clamp<DurationNs>(m_bar->span() / (60 * kSecond), 1, 20)));
}

void LivePage::showEvent(QShowEvent* event)
{
    QWidget::showEvent(event);
    m_asked.erase(m_nodes.current());
    redraw();
}

void LivePage::redraw()
{
    LiveSeries* series = currentSeries();
    if (!isVisible() || !series)
        return;
    askHistory(*m_nodes.current(), *series);
    if (series->isEmpty()) {
        m_drawnSpan = 0;
        return;
    }
    if (m_stack->currentIndex() != kPlots)
        refreshState();
    offerDashboards(*series);
    const KnownDashboard* chosen = m_bar->chosen();
    const bool asksPrometheus = chosen && !chosen->dashboard.prometheus.url.empty();
    if (std::exchange(m_asksPrometheus, asksPrometheus) != asksPrometheus) {
        m_bar->follow(); // how far it can be scrolled back is another matter
        m_bar->offerSpans(asksPrometheus ? kPrometheusSpans : kHistory);
    }
    m_bar->setReach(series->span() + (asksPrometheus ? kPrometheusReach : 0));
    // Grows with what there is: a few seconds at the edge of an empty minute show nothing, and a scale that jumps cannot be read.
    const DurationNs length = asksPrometheus ? m_bar->span() : std::clamp(series->span(), kShortestWindow, m_bar->span());
    const TimestampNs now = series->window(length).end;
    const TimeRange window{now - m_bar->behind() - length, now - m_bar->behind()};
    placeBands();
    const NodeController* node = m_nodes.current();
    const auto nameOf = [node](const std::string& id) {
        const proto::Target* target = node->target(id);
        return toQString(target ? target->name : id);
    };
    m_grid->setColumns(chosen ? chosen->dashboard.columns : kOverviewColumns);
    const auto panelsOf = [&](TimeRange time) {
        return chosen ? series->panels(chosen->dashboard, time, nameOf, [this](const QString& key) { return m_grid->isInView(key); })
                      : series->panels(time, nameOf);
    };
    std::vector<LivePanel> panels = panelsOf(window);
    if (const DurationNs earlier = m_bar->earlier(); earlier > 0)
        panels = withEarlier(std::move(panels), panelsOf({window.start - earlier, window.end - earlier}), earlier);
    if (asksPrometheus)
        lookAtPrometheus(chosen->dashboard, window);
    else
        m_prometheus->stop();
    if (asksPrometheus && utcOffset())
        m_prometheus->addCurves(chosen->dashboard, *utcOffset(), panels);
    m_drawnSpan = series->span();
    QString footer =
        tr("%1 · %2 · %3 samples dropped").arg(node->title(), spanText(length, m_bar->behind())).arg(formatCount(series->dropped()));
    if (m_bar->earlier() > 0)
        footer += tr(" · dashed: %1 min before").arg(m_bar->earlier() / (60 * kSecond));
    if (node->state() != NodeController::State::Connected)
        footer += tr(" · not connected: these values are old");
    if (const QString status = m_prometheus->status(); !status.isEmpty())
        footer += QStringLiteral(" · ") + status;
    m_footer->setText(footer);
    m_grid->setPanels(std::move(panels), window, kLongestGap, series->breaks(), now);
}

void LivePage::lookAtPrometheus(const metrics::Dashboard& dashboard, TimeRange window)
{
    const auto offset = utcOffset();
    if (!offset)
        return;
    const int widthPx = m_grid->filledWith().isEmpty() ? m_grid->width() / std::max(1, dashboard.columns) : m_grid->width();
    m_prometheus->look(dashboard, {window.start + *offset, window.end + *offset}, widthPx,
                       m_bar->behind() == 0 ? PrometheusFeed::Following::Yes : PrometheusFeed::Following::No);
}

void LivePage::askForLogin(const QString& sentence)
{
    auto* dialog = new PrometheusLogin(m_prometheus->source(), sentence, m_prometheus->canKeep(), this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    connect(dialog, &QDialog::accepted, this, [this, dialog, source = m_prometheus->source()] {
        m_banner->clearTopic(QString::fromLatin1(kPrometheusTopic));
        m_prometheus->logIn(source, dialog->takeSecret(), dialog->isKept());
    });
    dialog->open();
}

std::optional<DurationNs> LivePage::utcOffset() const
{
    const LiveSeries* series = currentSeries();
    return series ? series->utcOffset() : std::nullopt;
}

void LivePage::setBands(std::vector<CaptureBand> bands)
{
    m_bands = std::move(bands);
    scheduleRedraw();
}

void LivePage::setInstant(std::optional<std::int64_t> utcNs, const QString& label)
{
    m_instantUtc = utcNs;
    m_instantLabel = label;
    const auto offset = utcOffset();
    m_grid->setInstant(utcNs && offset ? std::optional(*utcNs - *offset) : std::nullopt, label);
}

void LivePage::showInstant(std::int64_t utcNs)
{
    const LiveSeries* series = currentSeries();
    const auto offset = utcOffset();
    if (!series || !offset)
        return;
    const DurationNs length = std::clamp(series->span(), kShortestWindow, m_bar->span());
    m_bar->setReach(series->span());
    m_bar->scrollTo(series->window(length).end - (utcNs - *offset) - length / 2);
}

/// Capture windows on the clock of the plots, and what points at an instant: the wall clock may have been set meanwhile.
void LivePage::placeBands()
{
    const auto offset = utcOffset();
    std::vector<widgets::PlotBand> bands;
    if (offset)
        for (const CaptureBand& band : m_bands)
            bands.push_back({QString::fromStdString(band.report),
                             {band.beginUtcNs - *offset, band.endUtcNs == 0 ? currentSeries()->window(0).end : band.endUtcNs - *offset},
                             band.label,
                             bandText(band),
                             !band.isExact});
    m_grid->setBands(std::move(bands));
    setInstant(m_instantUtc, m_instantLabel);
}

DurationNs LivePage::drawnSpan() const
{
    return m_drawnSpan;
}

} // namespace gantry::desktop
