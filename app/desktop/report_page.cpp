#include "app/desktop/report_page.h"

#include "app/desktop/load_banner.h"
#include "app/desktop/loading_panel.h"
#include "app/desktop/saved_view.h"
#include "app/desktop/slowest_requests.h"
#include "app/desktop/text.h"
#include "app/desktop/trace_view.h"
#include "trace_model/analysis/filtered_events.h"
#include "trace_model/analysis/request_breakdown.h"
#include "widgets/timeline/saved_marks.h"
#include "widgets/timeline/saved_rows.h"
#include "widgets/timeline/timeline_widget.h"

#include <QDateTime>
#include <QRegularExpression>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr DurationNs kInstantShare = 10;               // of a report is shown around an instant
constexpr DurationNs kLeastAroundInstant = 20'000'000; // some requests

/// "bert 14:03:20" of "20261121-140320-bert-3", as a node calls a report; another name as it is.
QString captureTitle(const QString& name)
{
    static const QRegularExpression pattern(QStringLiteral("^(\\d{8}-\\d{6})-(.+)-[^-]+$"));
    const QRegularExpressionMatch match = pattern.match(name);
    QDateTime written = QDateTime::fromString(match.captured(1), QStringLiteral("yyyyMMdd-HHmmss"));
    if (!written.isValid())
        return name;
    written.setTimeSpec(Qt::UTC);
    return QStringLiteral("%1 %2").arg(match.captured(2), written.toLocalTime().toString(QStringLiteral("HH:mm:ss")));
}

} // namespace

ReportPage::ReportPage(std::filesystem::path path, jobs::JobRunner& runner, QWidget* parent)
    : ReportPage(std::vector<trace::LoadFile>{{std::move(path), {}}}, runner, {}, parent)
{
}

ReportPage::ReportPage(std::vector<trace::LoadFile> files, jobs::JobRunner& runner, TraceSource source, QWidget* parent)
    : QWidget(parent),
      m_files(std::move(files)),
      m_source(std::move(source)),
      m_runner(runner),
      m_stack(new QStackedWidget(this)),
      m_loading(new LoadingPanel(this)),
      m_failure(new OpenFailurePanel(this)),
      m_loadSlot(runner),
      m_searchSlot(runner),
      m_keepSlot(runner),
      m_viewSlot(runner)
{
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_stack);
    m_stack->addWidget(m_loading);
    m_stack->addWidget(m_failure);
    connect(m_loading, &LoadingPanel::cancelRequested, this, &ReportPage::cancelLoading);
    connect(m_failure, &OpenFailurePanel::retryRequested, this, [this] {
        m_exportedOn.reset();
        load();
    });
    connect(m_failure, &OpenFailurePanel::exportRequested, this, &ReportPage::exportOn);
    connect(m_failure, &OpenFailurePanel::nodeRequested, this, &ReportPage::nodeRequested);
    connect(m_failure, &OpenFailurePanel::closeRequested, this, &ReportPage::closeRequested);
    load();
}

ReportPage::~ReportPage() = default;

QString ReportPage::title() const
{
    QString name = pathText(path().filename());
    for (const char* extension : {".zst", ".gantry", ".sqlite"}) {
        if (name.endsWith(QLatin1String(extension)))
            name.chop(static_cast<qsizetype>(std::char_traits<char>::length(extension)));
    }
    if (name.isEmpty())
        name = pathText(path());
    name = captureTitle(name);
    return m_files.size() > 1 ? tr("%1 + %2 more").arg(name).arg(m_files.size() - 1) : name;
}

void ReportPage::load()
{
    // A node that is no longer connected reads nothing more.
    const std::vector<NsysOffer>& offers = m_failure->offers();
    const auto offer =
        std::find_if(offers.begin(), offers.end(), [this](const NsysOffer& candidate) { return candidate.node == m_exportedOn; });
    loadWith(offer != offers.end() ? offer->exporter : importing::NsysExporter());
}

void ReportPage::loadWith(importing::NsysExporter nsys)
{
    m_error.reset();
    m_keepSlot.cancel();
    if (!m_trace) {
        m_state = State::Loading;
        m_stack->setCurrentWidget(m_loading);
    }
    onProgress(0, {});
    m_loadSlot.run(
        [this, files = m_files, source = m_source, nsys = std::move(nsys)](const jobs::JobContext& context) {
            trace::LoadOptions options;
            options.progress = [&context](double fraction, std::string_view stage) { context.progress(fraction, std::string(stage)); };
            options.stop = context.stop();
            options.cache = source.cache.get();
            options.nsys = nsys;
            // `this` is used by the call alone, which is dropped when the page is gone.
            options.preview = [this, &context](TraceSource::Loaded sample) {
                context.post([this, sample = std::move(sample)] { onPreview(sample); });
            };
            Result<TraceSource::Loaded> loaded = source.load(files, options);
            if (!loaded)
                context.post([this, remedy = OpenFailurePanel::remedyFor(loaded.error(), files)] { m_remedy = remedy; });
            return loaded;
        },
        [this](Result<TraceSource::Loaded> trace) { trace ? onLoaded(std::move(*trace)) : onFailed(trace.error()); },
        [this](double fraction, const std::string& stage) { onProgress(fraction, stage); });
}

void ReportPage::cancelLoading()
{
    m_loadSlot.cancel();
    if (!m_exportedOn)
        return emit closeRequested();
    onFailed(Error{ErrorCode::Cancelled, "the export on " + std::exchange(m_exportedOn, {})->toStdString() + " was cancelled", {}});
}

void ReportPage::setNsysOffers(std::vector<NsysOffer> offers)
{
    m_failure->setOffers(std::move(offers));
}

void ReportPage::exportOn(const NsysOffer& offer)
{
    m_exportedOn = offer.node;
    loadWith(offer.exporter);
}

void ReportPage::onProgress(double fraction, const std::string& stage)
{
    if (!m_trace) {
        m_loading->showProgress(stage.empty() ? tr("Opening %1…").arg(title()) : tr("Opening %1: %2").arg(title(), toQString(stage)),
                                fraction);
        emit progressed(fraction);
        return;
    }
    const QString done = tr("%1 % %2").arg(static_cast<int>(fraction * 100)).arg(toQString(stage));
    m_view->banner().showProgress(
        m_trace->meta.isPreview ? tr("Showing a sample of %1 events while all are read: %2").arg(formatCount(m_trace->eventCount()), done)
                                : tr("Reading again: %1").arg(done),
        fraction);
}

void ReportPage::stopReading()
{
    m_loadSlot.cancel();
    if (m_trace->meta.isPreview)
        m_view->banner().showStopped(
            tr("Showing a sample of %1 events; the others were not read.").arg(formatCount(m_trace->eventCount())));
    else
        m_view->banner().showStopped(tr("Shown as read before: reading with other clock offsets was cancelled."));
}

void ReportPage::onPreview(std::shared_ptr<const trace::Trace> sample)
{
    // What is already shown is more than a sample.
    if (m_trace)
        return;
    m_state = State::Preview;
    showTrace(std::move(sample));
    onProgress(0, {});
    emit previewed();
}

void ReportPage::onLoaded(std::shared_ptr<const trace::Trace> trace)
{
    m_state = State::Loaded;
    showTrace(std::move(trace));
    m_view->banner().hide();
    keepForNextTime();
    if (const auto wanted = std::exchange(m_wantedInstant, std::nullopt))
        showInstant(*wanted);
    emit loaded();
}

void ReportPage::showTrace(std::shared_ptr<const trace::Trace> trace)
{
    m_trace = std::move(trace);
    m_slowest.clear();
    if (!m_view) {
        m_view = new TraceView(this);
        m_timeline = &m_view->timeline();
        new SlowestRequests(*m_timeline, m_runner);
        connect(m_timeline, &widgets::TimelineWidget::selectionChanged, this, &ReportPage::selectionChanged);
        connect(m_timeline, &widgets::TimelineWidget::measureChanged, this, &ReportPage::rangeChanged);
        connect(m_timeline, &widgets::TimelineWidget::visibleRangeChanged, this, &ReportPage::rangeChanged);
        connect(m_timeline, &widgets::TimelineWidget::chosenRowsChanged, this, &ReportPage::rangeChanged);
        connect(m_timeline, &widgets::TimelineWidget::cursorMoved, this, [this](std::optional<TimestampNs> time) {
            const bool isKnown = time && m_trace && m_trace->meta.sessionUtcNs != 0;
            emit instantHovered(isKnown ? std::optional(*time + m_trace->meta.sessionUtcNs) : std::nullopt);
        });
        connect(m_view, &TraceView::importRequested, this, &ReportPage::importRequested);
        connect(&m_view->banner(), &LoadBanner::cancelRequested, this, &ReportPage::stopReading);
        connect(&m_view->banner(), &LoadBanner::resumeRequested, this, &ReportPage::load);
        m_stack->addWidget(m_view);
        setFocusProxy(m_timeline);
    }
    // Quietly: who listens is told once about all that is new.
    {
        const QSignalBlocker blocker(m_timeline);
        m_view->setTrace(m_trace);
        if (m_cost)
            m_view->setCost(*m_cost);
    }
    const bool isFirst = m_stack->currentWidget() != m_view;
    m_stack->setCurrentWidget(m_view);
    if (isFirst && isVisible())
        m_timeline->setFocus();
    if (!m_searchText.isEmpty())
        search(); // the events have other numbers now
}

void ReportPage::keepForNextTime()
{
    if (!m_source.cache)
        return;
    if (m_trace->isFromCache) {
        m_keepSlot.run([trace = m_trace, cache = m_source.cache](const jobs::JobContext&) { return trace::checkCached(*trace, *cache); },
                       [this](Result<void> intact) {
                           if (intact)
                               return;
                           emit logged(toQString(intact.error().message));
                           load();
                       });
        return;
    }
    const trace::Keep keep = m_exportedOn ? trace::Keep::All : trace::Keep::SlowToRead; // or the next time it would have to go there again
    m_keepSlot.run(
        [trace = m_trace, cache = m_source.cache, keep](const jobs::JobContext&) { return trace::keepInCache(*trace, *cache, keep); },
        [this](Result<void> kept) {
            if (!kept)
                emit logged(tr("%1 is not kept for the next time it is opened: %2").arg(title(), describe(kept.error()).sentence));
        });
}

void ReportPage::setOffsets(const std::vector<std::optional<DurationNs>>& offsets)
{
    for (std::size_t i = 0; i < m_files.size() && i < offsets.size(); ++i)
        m_files[i].offset = offsets[i];
    load();
}

void ReportPage::setCost(const report::WindowCost& cost)
{
    m_cost = cost;
    if (m_view)
        m_view->setCost(cost);
}

bool ReportPage::hasTimeline() const
{
    return m_trace && TraceView::hasTimeline(*m_trace);
}

trace::EventId ReportPage::selectedEvent() const
{
    return m_timeline ? m_timeline->selectedEvent() : trace::EventId();
}

trace::RequestIndex ReportPage::selectedRequest() const
{
    return m_timeline ? m_timeline->selectedRequest() : trace::RequestIndex();
}

TimeRange ReportPage::statisticsRange() const
{
    if (!m_timeline)
        return {};
    return m_timeline->measuredRange().value_or(m_timeline->visibleRange());
}

void ReportPage::goToMatch(std::size_t index)
{
    m_match = index;
    m_timeline->reveal(m_matches[index]);
    emit searchChanged();
}

void ReportPage::showRequest(trace::RequestIndex index, int lengths)
{
    const trace::Request& request = m_trace->requests[index.value];
    const DurationNs margin = std::max<DurationNs>(request.time.duration() * (lengths - 1) / 2, 1000);
    m_timeline->setVisibleRange(TimeRange{request.time.start - margin, request.time.end + margin}.clippedTo(m_trace->time));
    m_timeline->selectRequest(index);
}

Result<void> ReportPage::showRequestNamed(const QString& name)
{
    if (name == QLatin1String("slowest")) {
        m_timeline->clearSelection();
        stepSlowest(1);
        if (selectedRequest().isNone())
            return Error{ErrorCode::NotFound, "the report has no complete request", {}};
        return {};
    }
    const std::string wanted = name.toStdString();
    for (std::uint32_t i = 0; i < m_trace->requests.size(); ++i) {
        const trace::Request& request = m_trace->requests[i];
        if (std::to_string(request.id) == wanted || m_trace->strings[request.clientId] == wanted) {
            showRequest(trace::RequestIndex(i));
            return {};
        }
    }
    return Error{ErrorCode::NotFound, "the report has no request " + wanted + "; its ids are in the details of a request", {}};
}

Result<void> ReportPage::showPlace(const ViewPlace& place)
{
    if (!hasTimeline())
        return Error{ErrorCode::NotFound, "the report has no time axis to show a range of", {}};
    if (const trace::EventId event = place.selected; !event.isNone()) {
        if (event.row() >= m_trace->columns(event.kind()).size())
            return Error{ErrorCode::NotFound,
                         "the report has no " + std::string(trace::name(event.kind())) + " " + std::to_string(event.row()) +
                             "; the link may be of another file",
                         {}};
        m_timeline->reveal(event);
    }
    if (!place.range)
        return {};
    const TimestampNs start = m_trace->time.start;
    const TimeRange asked{place.range->start + start, place.range->end + start};
    m_timeline->setVisibleRange(asked);
    if (const TimeRange shown = m_timeline->visibleRange(); shown != asked) {
        const auto text = [start](TimeRange range) {
            const DurationNs step = std::max<DurationNs>(1, range.duration() / 10);
            return tr("%1 to %2").arg(widgets::formatTime(range.start - start, step), widgets::formatTime(range.end - start, step));
        };
        emit placeMoved(tr("The range %1 is not in the report, which lasts %2: %3 is shown instead.")
                            .arg(text(asked), widgets::formatDuration(m_trace->time.duration()), text(shown)));
    }
    return {};
}

std::optional<TimestampNs> ReportPage::timeOfUtc(std::int64_t utcNs) const
{
    if (!hasTimeline() || m_trace->meta.sessionUtcNs == 0)
        return std::nullopt;
    return utcNs - m_trace->meta.sessionUtcNs;
}

std::optional<std::int64_t> ReportPage::shownUtc() const
{
    if (!hasTimeline() || m_trace->meta.sessionUtcNs == 0)
        return std::nullopt;
    const TimeRange view = m_timeline->visibleRange();
    return m_trace->meta.sessionUtcNs + view.start + view.duration() / 2;
}

void ReportPage::markInstant(std::optional<std::int64_t> utcNs)
{
    if (!m_timeline)
        return;
    const auto time = utcNs ? timeOfUtc(*utcNs) : std::nullopt;
    m_timeline->setInstant(time && m_trace->time.contains(*time) ? time : std::nullopt);
}

void ReportPage::showInstant(std::int64_t utcNs)
{
    if (m_state == State::Loading || m_state == State::Preview) {
        m_wantedInstant = utcNs;
        return;
    }
    const auto time = timeOfUtc(utcNs);
    if (!time || m_trace->time.isEmpty())
        return;
    const TimeRange whole = m_trace->time;
    const TimestampNs at = std::clamp(*time, whole.start, whole.end - 1);
    const DurationNs around = std::max(whole.duration() / kInstantShare, std::min(kLeastAroundInstant, whole.duration())) / 2;
    m_timeline->setVisibleRange(TimeRange{at - around, at + around}.clippedTo(whole));
    m_timeline->setInstant(at);
}

ViewPlace ReportPage::place() const
{
    if (!hasTimeline())
        return {};
    const TimeRange view = m_timeline->visibleRange();
    return {TimeRange{view.start - m_trace->time.start, view.end - m_trace->time.start}, m_timeline->selectedEvent()};
}

void ReportPage::saveView()
{
    if (!hasTimeline() || m_files.size() != 1)
        return;
    const TimestampNs start = m_trace->time.start;
    const TimeRange view = m_timeline->visibleRange();
    SavedView saved{{view.start - start, view.end - start},
                    widgets::savedRows(*m_trace, m_timeline->rows(), m_timeline->state().counterStyles),
                    widgets::savedMarks(*m_trace, m_timeline->marks())};
    m_viewSlot.run([path = path(), json = toJson(saved)](const jobs::JobContext&) { return writeSavedView(path, json); },
                   [this](Result<void> written) {
                       const QString file = pathText(viewFileOf(path()));
                       const QString sentence = written ? tr("The view is saved in %1.").arg(file)
                                                        : tr("The view is not saved: %1").arg(describe(written.error()).sentence);
                       emit logged(sentence);
                       emit viewSaved(sentence, written.hasValue());
                   });
}

void ReportPage::restoreView()
{
    if (!hasTimeline() || m_files.size() != 1)
        return;
    m_viewSlot.run([path = path()](const jobs::JobContext&) { return readSavedView(path); },
                   [this](Result<std::optional<SavedView>> read) {
                       if (!read)
                           emit logged(tr("%1 is not used: %2.").arg(pathText(viewFileOf(path())), toQString(read.error().message)));
                       if (!read || !*read || !hasTimeline())
                           return;
                       const SavedView& saved = **read;
                       const TimestampNs start = m_trace->time.start;
                       // Marks that were not saved stay: nothing is lost by opening.
                       auto marks = widgets::restoredMarks(*m_trace, saved.marks);
                       for (const widgets::TimelineMark& mark : m_timeline->marks())
                           if (std::find(marks.begin(), marks.end(), mark) == marks.end())
                               marks.push_back(mark);
                       m_timeline->setMarks(std::move(marks));
                       auto rows = widgets::restoredRows(*m_trace, saved.rows);
                       m_timeline->setRows(std::move(rows.rows), std::move(rows.styles));
                       // Where a link or the user went in the meantime counts more.
                       if (m_timeline->visibleRange() == m_trace->time)
                           m_timeline->setVisibleRange({saved.range.start + start, saved.range.end + start});
                   });
}

void ReportPage::stepSlowest(int direction)
{
    if (!m_trace)
        return;
    if (m_slowest.empty())
        m_slowest = analysis::slowestRequests(*m_trace);
    if (m_slowest.empty())
        return;
    const auto selected = std::find(m_slowest.begin(), m_slowest.end(), selectedRequest());
    if (selected == m_slowest.end())
        return showRequest(m_slowest.front());
    const auto last = static_cast<std::ptrdiff_t>(m_slowest.size()) - 1;
    showRequest(m_slowest[static_cast<std::size_t>(std::clamp<std::ptrdiff_t>(selected - m_slowest.begin() + direction, 0, last))]);
}

void ReportPage::onFailed(const Error& error)
{
    // What was read in full stays: it is as true as before.
    if (m_trace && !m_trace->meta.isPreview) {
        m_view->banner().showStopped(tr("Shown as read before: %1").arg(describe(error).sentence));
        emit failed();
        return;
    }
    m_state = State::Failed;
    m_error = error;
    m_trace.reset();
    m_timeline = nullptr;
    delete std::exchange(m_view, nullptr);
    m_failure->showFailure(error, m_files, m_remedy);
    m_stack->setCurrentWidget(m_failure);
    emit failed();
}

void ReportPage::find(const QString& text)
{
    if (!m_trace || text == m_searchText)
        return;
    m_searchText = text;
    search();
}

void ReportPage::search()
{
    m_matches.clear();
    m_match.reset();
    m_searchError.clear();
    m_searchNote.clear();
    if (m_searchText.isEmpty()) {
        m_searchSlot.cancel();
        m_timeline->setMatches({});
        emit searchChanged();
        return;
    }
    if (const auto filter = analysis::parseEventFilter(m_searchText.toStdString()))
        m_searchNote = toQString(filter->note());
    using Matches = std::vector<trace::EventId>;
    m_searchSlot.run(
        [trace = m_trace, text = m_searchText.toStdString()](const jobs::JobContext& context) -> Result<Matches> {
            GANTRY_TRY(const analysis::EventFilter filter, analysis::parseEventFilter(text));
            return analysis::filteredEvents(*trace, filter, context.stop());
        },
        [this](Result<Matches> found) {
            if (found)
                m_matches = std::move(*found);
            else
                m_searchError = describe(found.error()).sentence;
            if (m_timeline)
                m_timeline->setMatches(m_matches);
            emit searchChanged();
        });
    emit searchChanged();
}

void ReportPage::stepMatch(int direction)
{
    if (m_matches.empty() || !m_timeline)
        return;
    const std::size_t count = m_matches.size();
    if (m_match)
        return goToMatch((*m_match + count + static_cast<std::size_t>(direction + static_cast<int>(count))) % count);
    // The first step goes to what is nearest after the left edge of the view, or before it.
    const TimestampNs from = m_timeline->visibleRange().start;
    const auto first = std::lower_bound(m_matches.begin(), m_matches.end(), from,
                                        [&](trace::EventId event, TimestampNs time) { return m_trace->timeOf(event).start < time; });
    const auto index = static_cast<std::size_t>(first - m_matches.begin()) % count;
    goToMatch(direction > 0 ? index : (index + count - 1) % count);
}

QString ReportPage::matchText() const
{
    if (m_searchText.isEmpty())
        return {};
    if (m_searchSlot.isRunning())
        return tr("searching…");
    if (!m_searchError.isEmpty())
        return tr("not searched");
    if (m_matches.empty())
        return tr("no match");
    if (m_match)
        return tr("%1 of %2").arg(formatCount(*m_match + 1), formatCount(m_matches.size()));
    return m_matches.size() == 1 ? tr("1 match") : tr("%1 matches").arg(formatCount(m_matches.size()));
}

} // namespace gantry::desktop
