#include "app/desktop/model_load_panel.h"

#include "app/desktop/message_bar.h"
#include "app/desktop/text.h"
#include "remote_server/load/input_words.h"
#include "widgets/tables/table_copy.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QClipboard>
#include <QComboBox>
#include <QDoubleSpinBox>
#include <QEvent>
#include <QFormLayout>
#include <QGuiApplication>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QRegularExpression>
#include <QScrollArea>
#include <QScrollBar>
#include <QSpinBox>
#include <QTimer>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <cmath>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr int kMostInFlight = 256;     // a thread each, in a process with a window
constexpr int kOpenLoopInFlight = 32;  // as gantryctl load
constexpr int kMostTokens = 1'000'000; // of a request, made or sent
constexpr int kResultsStretch = 1000;
constexpr int kMostSeconds = 24 * 3600;
enum Loop
{
    Closed,
    Open
};

/// Lines of the results.
class ResultLines
{
public:
    explicit ResultLines(QTreeWidget& tree) : m_tree(tree), m_theme(widgets::Theme::forPalette(tree.palette())) {}

    void group(const QString& title, const QString& tip = {})
    {
        m_group = new QTreeWidgetItem(&m_tree, {title, QString()});
        m_group->setToolTip(0, tip);
        QFont bold = m_tree.font();
        bold.setBold(true);
        m_group->setFont(0, bold);
        m_group->setExpanded(true);
    }
    QTreeWidgetItem* add(const QString& name, const QString& value)
    {
        auto* item = new QTreeWidgetItem(m_group, {name, value});
        item->setToolTip(0, name);
        item->setToolTip(1, value);
        return item;
    }
    void add(const QString& name, DurationNs time) { add(name, formatDuration(time)); }
    void addBad(const QString& name, const QString& value) { add(name, value)->setForeground(1, m_theme.bad); }
    void addSpread(const std::optional<load::Spread>& spread)
    {
        if (!spread) {
            add(ModelLoadPanel::tr("mean"), ModelLoadPanel::tr("none"));
            return;
        }
        add(ModelLoadPanel::tr("mean"), spread->mean);
        add(QStringLiteral("p50"), spread->p50);
        add(QStringLiteral("p90"), spread->p90);
        add(QStringLiteral("p99"), spread->p99);
        add(ModelLoadPanel::tr("longest"), spread->max);
    }

private:
    QTreeWidget& m_tree;
    const widgets::Theme& m_theme;
    QTreeWidgetItem* m_group = nullptr;
};

QString perSecond(double rate)
{
    return ModelLoadPanel::tr("%1 /s").arg(widgets::formatNumber(rate));
}

void addCounts(ResultLines& lines, const load::LoadResult& result)
{
    lines.group(ModelLoadPanel::tr("Throughput"));
    lines.add(ModelLoadPanel::tr("requests"), perSecond(result.requestsPerSecond));
    if (result.stream)
        lines.add(ModelLoadPanel::tr("responses"), perSecond(result.stream->responsesPerSecond));
    lines.add(ModelLoadPanel::tr("answered"),
              ModelLoadPanel::tr("%1 of %2 in %3")
                  .arg(formatCount(result.ok), formatCount(result.sent), formatDuration(static_cast<DurationNs>(result.seconds * 1e9))));
    if (result.late > 0)
        lines.add(ModelLoadPanel::tr("left late"), formatCount(result.late))
            ->setToolTip(0, ModelLoadPanel::tr("More than a millisecond after their time: all in flight, or a busy machine"));
    if (result.errors.empty())
        return;
    lines.group(ModelLoadPanel::tr("Failures"));
    for (const auto& [message, count] : result.errors)
        lines.addBad(formatCount(count), toQString(message)); // the long one where there is room
}

void addLatencies(ResultLines& lines, const load::LoadResult& result)
{
    lines.group(result.stream ? ModelLoadPanel::tr("Latency, to the last response") : ModelLoadPanel::tr("Latency"),
                result.level.isRate ? ModelLoadPanel::tr("From the moment a request was meant to leave") : QString());
    lines.addSpread(load::Spread{result.ok, result.p50, result.p90, result.p95, result.p99, result.max, result.mean, result.deviation});
    if (!result.stream)
        return;
    lines.group(ModelLoadPanel::tr("To the first response (TTFT)"));
    lines.addSpread(result.stream->first);
    lines.group(ModelLoadPanel::tr("Between responses (ITL)"));
    lines.addSpread(result.stream->between);
}

void addPhases(ResultLines& lines, const load::LoadResult& result)
{
    lines.group(ModelLoadPanel::tr("Where the mean went"));
    if (result.level.isRate)
        lines.add(ModelLoadPanel::tr("left late"), result.lateMean);
    lines.add(ModelLoadPanel::tr("client: send"), result.sendMean);
    lines.add(ModelLoadPanel::tr("client: receive"), result.receiveMean);
    if (result.server) {
        const load::ServerPhases& server = *result.server;
        lines.add(ModelLoadPanel::tr("server: queue"), server.queue);
        lines.add(ModelLoadPanel::tr("server: input"), server.computeInput);
        lines.add(ModelLoadPanel::tr("server: infer"), server.computeInfer);
        lines.add(ModelLoadPanel::tr("server: output"), server.computeOutput);
        if (server.cacheHit)
            lines.add(ModelLoadPanel::tr("server: cache hit"), *server.cacheHit);
        if (server.cacheMiss)
            lines.add(ModelLoadPanel::tr("server: cache miss"), *server.cacheMiss);
    } else {
        lines.add(ModelLoadPanel::tr("server"), ModelLoadPanel::tr("cannot be told: %1").arg(toQString(result.whyNoServer)));
    }
    if (result.remainder)
        lines.add(ModelLoadPanel::tr("network and client"), *result.remainder);
    else if (result.whyNoRemainder != result.whyNoServer)
        lines.add(ModelLoadPanel::tr("network and client"), ModelLoadPanel::tr("cannot be told: %1").arg(toQString(result.whyNoRemainder)));
}

QSpinBox* countBox(int least, int most, int value, QWidget* parent)
{
    auto* box = new QSpinBox(parent);
    box->setRange(least, most);
    box->setGroupSeparatorShown(true);
    box->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    box->setValue(value);
    return box;
}

QDoubleSpinBox* numberBox(double least, double most, int decimals, double value, const QString& suffix, QWidget* parent)
{
    auto* box = new QDoubleSpinBox(parent);
    box->setDecimals(decimals);
    box->setRange(least, most);
    box->setGroupSeparatorShown(true);
    box->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    box->setSuffix(suffix);
    box->setValue(value);
    return box;
}

} // namespace

ModelLoadPanel::ModelLoadPanel(jobs::JobRunner& runner, QWidget* parent) : QWidget(parent), m_slot(runner), m_messages(new MessageBar(this))
{
    m_messages->hide();
    auto* content = new QWidget(this);
    auto* inside = new QVBoxLayout(content);
    inside->setContentsMargins(8, 6, 8, 6);
    inside->addWidget(buildForm());
    inside->addWidget(buildResults(), 1);
    auto* scroll = new QScrollArea(this); // in a small window all of it is to be reached
    m_scroll = scroll;
    scroll->setWidget(content);
    scroll->setWidgetResizable(true);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setFocusPolicy(Qt::NoFocus);
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_messages);
    column->addWidget(scroll, 1);
    connect(scroll->verticalScrollBar(), &QScrollBar::rangeChanged, this, [this] {
        QTimer::singleShot(0, this, &ModelLoadPanel::scrollToResults); // what is inside is laid out only then
    });
    connect(scroll->verticalScrollBar(), &QScrollBar::actionTriggered, this, [this] { m_isLookedFor = false; });
    connect(m_start, &QPushButton::clicked, this, &ModelLoadPanel::start);
    connect(m_stopButton, &QPushButton::clicked, this, &ModelLoadPanel::stop);
    connect(m_address, &QLineEdit::textChanged, this, &ModelLoadPanel::refresh);
    connect(m_loop, &QComboBox::currentIndexChanged, this, [this](int loop) {
        m_concurrency->setVisible(loop == Closed);
        m_rate->setVisible(loop == Open);
    });
    m_rate->hide();
    refresh();
}

ModelLoadPanel::~ModelLoadPanel() = default;

void ModelLoadPanel::buildFields()
{
    m_loop = new QComboBox(this);
    m_loop->addItems({tr("requests in flight"), tr("requests a second")});
    m_loop->setObjectName(QStringLiteral("loadLoop"));
    m_loop->setAccessibleName(tr("What is kept: so many requests in flight, or so many a second"));
    m_loop->setToolTip(tr("In flight: the next request leaves when one is answered. A second: requests leave at times of their own, and "
                          "latency counts from then"));
    m_concurrency = countBox(1, kMostInFlight, 4, this);
    m_concurrency->setAccessibleName(tr("Requests in flight"));
    m_rate = numberBox(0.1, 1e6, 1, 100, QString(), this);
    m_rate->setAccessibleName(tr("Requests a second"));
    m_duration = numberBox(0.1, kMostSeconds, 1, 10, tr(" s"), this);
    m_duration->setObjectName(QStringLiteral("loadDuration"));
    m_sequence = countBox(1, kMostTokens, 16, this);
    m_sequence->setToolTip(tr("Of dimensions that the model leaves open, such as the tokens of a prompt"));
    m_tokens = countBox(1, kMostTokens, 32, this);
    m_tokens->setToolTip(tr("For inputs that say how many tokens the model shall make, such as MAX_TOKENS"));
    m_shapes = new QLineEdit(this);
    m_shapes->setObjectName(QStringLiteral("loadShapes"));
    m_shapes->setPlaceholderText(tr("as the model has them"));
    m_shapes->setToolTip(tr("INPUT:3,224,224 without the batch; of several inputs with a space between them"));
    m_address = new QLineEdit(this);
    m_address->setObjectName(QStringLiteral("loadAddress"));
    m_address->setPlaceholderText(tr("HOST:PORT of its gRPC service"));
    m_address->setToolTip(tr("Where this machine reaches the gRPC service of the server"));
}

QWidget* ModelLoadPanel::buildForm()
{
    buildFields();
    auto* form = new QWidget(this);
    auto* rows = new QFormLayout(form);
    rows->setContentsMargins(0, 0, 0, 0);
    rows->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    auto* level = new QHBoxLayout;
    for (QWidget* field : {static_cast<QWidget*>(m_concurrency), static_cast<QWidget*>(m_rate), static_cast<QWidget*>(m_loop)})
        level->addWidget(field);
    level->addStretch(1);
    rows->addRow(tr("&Keep"), level);
    rows->labelForField(level)->setToolTip(m_loop->toolTip());
    qobject_cast<QLabel*>(rows->labelForField(level))->setBuddy(m_concurrency);
    rows->addRow(tr("For"), m_duration);
    rows->addRow(tr("S&equence length"), m_sequence);
    rows->addRow(tr("Tokens to make"), m_tokens);
    rows->addRow(tr("&Input shapes"), m_shapes);
    rows->addRow(tr("&Address"), m_address);
    for (QWidget* field : {static_cast<QWidget*>(m_duration), static_cast<QWidget*>(m_sequence), static_cast<QWidget*>(m_tokens)})
        field->setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    return form;
}

QWidget* ModelLoadPanel::buildResults()
{
    auto* below = new QWidget(this);
    m_start = new QPushButton(tr("S&tart"), below);
    m_start->setObjectName(QStringLiteral("loadStart"));
    m_start->setAutoDefault(true);
    m_stopButton = new QPushButton(tr("Sto&p"), below);
    m_stopButton->setObjectName(QStringLiteral("loadStop"));
    m_stopButton->setToolTip(tr("What was measured until now is shown"));
    m_stopButton->setAutoDefault(true);
    m_status = new QLabel(below);
    m_status->setObjectName(QStringLiteral("loadStatus"));
    m_status->setTextFormat(Qt::PlainText);
    m_status->setWordWrap(true);
    m_status->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_heading = new QLabel(below);
    m_heading->setObjectName(QStringLiteral("loadHeading"));
    m_heading->setTextFormat(Qt::PlainText);
    m_heading->setWordWrap(true);
    m_results = new QTreeWidget(below);
    m_results->setObjectName(QStringLiteral("loadResults"));
    m_results->setAccessibleName(tr("What was measured"));
    m_results->setHeaderHidden(true);
    m_results->setColumnCount(2);
    m_results->setRootIsDecorated(false);
    m_results->setUniformRowHeights(true);
    m_results->setFrameShape(QFrame::NoFrame);
    m_results->setMinimumHeight(8 * fontMetrics().lineSpacing());
    m_results->header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    widgets::addCopyActions(*m_results, [this](widgets::CopyFormat format) { copyResults(format); });
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_start);
    buttons->addWidget(m_stopButton);
    buttons->addStretch(1);
    auto* column = new QVBoxLayout(below);
    column->setContentsMargins(0, 0, 0, 0);
    column->addLayout(buttons);
    column->addWidget(m_status);
    column->addWidget(m_heading);
    column->addWidget(m_results, kResultsStretch);
    column->addStretch(1); // what is above stays there without results
    return below;
}

void ModelLoadPanel::setModel(const QString& model, bool isServed)
{
    if (m_model != model)
        m_isLookedFor = false;
    m_model = model;
    m_isServed = isServed;
    showOutcome();
    refresh();
}

void ModelLoadPanel::setAddress(const Result<std::string>& address)
{
    m_whyNoAddress = address ? std::nullopt : std::optional(address.error());
    const QString offered = address ? toQString(*address) : QString();
    if (m_address->text() == m_offered)
        m_address->setText(offered);
    m_offered = offered;
    refresh();
}

Result<load::LoadOptions> ModelLoadPanel::options() const
{
    load::LoadOptions options;
    options.address = m_address->text().trimmed().toStdString();
    options.models = {{m_model.toStdString(), 1}};
    const bool isOpen = m_loop->currentIndex() == Open;
    options.ratePerSecond = isOpen ? m_rate->value() : 0;
    options.concurrency = isOpen ? kOpenLoopInFlight : m_concurrency->value();
    options.duration = std::llround(m_duration->value() * 1e9);
    options.input.sequenceLength = m_sequence->value();
    options.input.outputTokens = m_tokens->value();
    static const QRegularExpression kBetween(QStringLiteral("[\\s;]+"));
    for (const QString& text : m_shapes->text().split(kBetween, Qt::SkipEmptyParts)) {
        GANTRY_TRY(auto shape, load::parseInputShape(text.toStdString()));
        options.input.shape.insert_or_assign(shape.first, shape.second);
    }
    return options;
}

QString ModelLoadPanel::headingOf(const load::LoadOptions& options) const
{
    const QString level = options.ratePerSecond > 0  ? tr("%1 requests a second").arg(widgets::formatNumber(options.ratePerSecond))
                          : options.concurrency == 1 ? tr("1 request in flight")
                                                     : tr("%1 requests in flight").arg(options.concurrency);
    return tr("%1: %2, sequences of %3").arg(m_model, level).arg(options.input.sequenceLength);
}

void ModelLoadPanel::start()
{
    if (isRunning() || !m_start->isEnabled())
        return;
    m_messages->clearTopic(QStringLiteral("load"));
    const auto made = options();
    if (!made) {
        const UserMessage message = describe(made.error());
        return m_messages->showMessage({MessageBar::Kind::Error, message.sentence, message.details, {}, {}, QStringLiteral("load")});
    }
    m_loaded = m_model;
    m_isStopping = m_isLookedFor = false;
    m_stopSource = std::stop_source();
    m_progress = tr("asking the server what %1 takes…").arg(m_loaded);
    m_slot.run(
        [options = *made, asked = m_stopSource.get_token(), this](const jobs::JobContext& context) -> Result<load::LoadResult> {
            std::stop_source either;
            const std::stop_callback onAsked(asked, [&] { either.request_stop(); });
            const std::stop_callback onClosed(context.stop(), [&] { either.request_stop(); });
            return load::runLoad(options, either.get_token(),
                                 [&](const load::LoadProgress& progress) { context.post([this, progress] { onProgress(progress); }); });
        },
        [this, model = m_loaded, heading = headingOf(*made)](Result<load::LoadResult> result) {
            onDone(model, heading, std::move(result));
        });
    const bool hadFocus = m_start->hasFocus();
    refresh();
    if (hadFocus)
        m_stopButton->setFocus(); // or the disabled button would hand it to anything
}

void ModelLoadPanel::stop()
{
    if (!isRunning())
        return;
    m_isStopping = true;
    m_stopSource.request_stop();
    refresh();
}

void ModelLoadPanel::onProgress(const load::LoadProgress& progress)
{
    std::uint64_t failed = 0;
    for (const auto& [message, count] : progress.errors)
        failed += count;
    m_progress = tr("%1 · %2 answered, %3 failed · %4")
                     .arg(formatDuration(static_cast<DurationNs>(progress.seconds * 1e9)), formatCount(progress.ok), formatCount(failed),
                          perSecond(progress.requestsPerSecond));
    // Latencies are of the last second, in which perhaps none was answered.
    if (progress.p99 > 0)
        m_progress += tr(" · p50 %1 · p99 %2").arg(formatDuration(progress.p50), formatDuration(progress.p99));
    if (progress.stream)
        m_progress += tr(" · %1 responses").arg(perSecond(progress.stream->responsesPerSecond));
    refresh();
}

void ModelLoadPanel::onDone(const QString& model, const QString& heading, Result<load::LoadResult> result)
{
    const bool hadFocus = m_stopButton->hasFocus();
    if (result) {
        const QString partial = result->isPartial ? tr(", stopped") : QString();
        m_outcomes.insert_or_assign(model, Outcome{heading + partial, std::move(*result)});
        showOutcome();
        if (m_model == model)
            showResults();
    } else if (result.error().code != ErrorCode::Cancelled) {
        const UserMessage message = describe(result.error());
        m_messages->showMessage({MessageBar::Kind::Error,
                                 tr("No request was sent to %1: %2").arg(model, message.sentence),
                                 message.details,
                                 {},
                                 {},
                                 QStringLiteral("load")});
    }
    refresh();
    if (hadFocus)
        m_start->setFocus();
}

void ModelLoadPanel::refresh()
{
    const bool isBusy = isRunning();
    const bool hasAddress = !m_address->text().trimmed().isEmpty();
    m_start->setEnabled(!isBusy && !m_model.isEmpty() && m_isServed && hasAddress);
    m_start->setToolTip(m_model.isEmpty() ? QString() : tr("Send made-up requests to %1 from this machine").arg(m_model));
    m_stopButton->setEnabled(isBusy && !m_isStopping);
    QString text;
    if (isBusy)
        text = (m_isStopping ? tr("Stopping the load of %1: %2") : tr("Loading %1: %2")).arg(m_loaded, m_progress);
    else if (m_model.isEmpty())
        text = tr("Choose a model that is ready.");
    else if (!m_isServed)
        text = tr("%1 is not ready: load it first.").arg(m_model);
    else if (!hasAddress && m_whyNoAddress)
        text = describe(*m_whyNoAddress).sentence;
    else if (!hasAddress)
        text = tr("Give the address of the server's gRPC service.");
    else if (!m_outcomes.contains(m_model))
        text = tr("Nothing was measured yet. The requests are made up and leave from this machine.");
    m_status->setText(text);
    m_status->setVisible(!text.isEmpty());
    m_status->setForegroundRole(isBusy ? QPalette::WindowText : QPalette::PlaceholderText);
}

void ModelLoadPanel::showOutcome()
{
    const auto outcome = m_outcomes.find(m_model);
    const bool isThere = outcome != m_outcomes.end();
    m_heading->setVisible(isThere);
    m_results->setVisible(isThere);
    m_results->clear();
    if (!isThere)
        return;
    const load::LoadResult& result = outcome->second.result;
    m_heading->setText(outcome->second.heading);
    ResultLines lines(*m_results);
    addCounts(lines, result);
    if (result.ok == 0)
        return;
    addLatencies(lines, result);
    addPhases(lines, result);
}

void ModelLoadPanel::showResults()
{
    m_isLookedFor = true; // where they were hidden until now, the scroll area makes place for them in several steps
    scrollToResults();
}

void ModelLoadPanel::scrollToResults()
{
    // ensureWidgetVisible() means the current line of a tree, and not the tree.
    if (m_isLookedFor)
        m_scroll->verticalScrollBar()->setValue(m_heading->mapTo(m_scroll->widget(), QPoint()).y());
}

void ModelLoadPanel::copyResults(widgets::CopyFormat format) const
{
    QString text;
    for (int i = 0; i < m_results->topLevelItemCount(); ++i) {
        const QTreeWidgetItem& group = *m_results->topLevelItem(i);
        for (int line = 0; line < group.childCount(); ++line)
            text += widgets::copiedLine({group.text(0), group.child(line)->text(0), group.child(line)->text(1)}, format);
    }
    QGuiApplication::clipboard()->setText(text);
}

void ModelLoadPanel::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_results)
        showOutcome(); // items keep the colours they were made with
}

} // namespace gantry::desktop
