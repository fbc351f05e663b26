#include "app/desktop/capture_dialog.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QStandardItemModel>
#include <QTabWidget>
#include <QTimeEdit>
#include <QVBoxLayout>

#include <cmath>
#include <utility>

namespace gantry::desktop {

namespace {

using proto::EngineKind;
using Opening = CaptureOptions::Opening;
using Begin = CaptureOptions::Begin;
using End = CaptureOptions::End;

constexpr QSize kSize{700, 500};                               // most texts in a line, and a small screen holds it
constexpr double kLongestWindow = 600, kLongestWait = 604'800; // s; gantryd's capture plan
constexpr int kMostEvents = 1'000'000'000, kMostSkipped = 1'000'000;
constexpr int kLargestWindow = 1 << 20; // MiB
constexpr std::uint64_t kMebibyte = 1 << 20;

struct ContentText
{
    bool proto::CaptureContent::*value;
    const char* title;
    const char* text;
};

/// In the order of what it costs, the dearest last, but for the first, and for what is a part of another. The times are of a program that
/// launches kernels as fast as it can (H200, CUDA 13.0), each kind by itself.
constexpr std::array<ContentText, 13> kContent = {{
    {&proto::CaptureContent::nvtx, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "NVTX ranges"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Requests, phases and layers, as the program names them; below 0.1 µs each")},
    {&proto::CaptureContent::metrics, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Metrics"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Server, host and GPU; gantryd samples them in any case, outside the server")},
    {&proto::CaptureContent::overhead, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Overhead"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Where recording itself held the server up; 0.1 µs a launch")},
    {&proto::CaptureContent::contextSwitches, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Context switches"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "When threads run on a processor, where the node's kernel permits it")},
    {&proto::CaptureContent::memcpy, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Copies"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "memcpy and memset with their kinds and bytes; 0.5 µs a launch")},
    {&proto::CaptureContent::synchronization, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Synchronization"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Waits for streams, events and the device; 0.6 µs a launch")},
    {&proto::CaptureContent::modules, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Modules and JIT"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "GPU code that is loaded or compiled: why first requests are slow")},
    {&proto::CaptureContent::memoryAllocations, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Allocations"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Allocations and releases of GPU memory, and their sum over time")},
    {&proto::CaptureContent::runtimeApi, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Runtime API"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Calls that the program makes, cuda…; 0.5 µs each")},
    {&proto::CaptureContent::driverApi, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Driver API"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Calls that reach the driver, cu…; 0.6 µs each")},
    {&proto::CaptureContent::apiQueries, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Calls that only ask"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "cudaGetDevice and the like; 7 % of PyTorch's throughput")},
    {&proto::CaptureContent::kernels, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Kernels"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Each kernel on the GPU with its launch; 0.9 µs a launch")},
    {&proto::CaptureContent::wholeGraphs, QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "CUDA graphs as a whole"),
     QT_TRANSLATE_NOOP("gantry::desktop::CaptureDialog", "Launches, not nodes; if CUDA is used only after the window opens")},
}};

constexpr std::size_t indexOf(bool proto::CaptureContent::*value)
{
    std::size_t index = 0;
    while (kContent[index].value != value)
        ++index;
    return index;
}

constexpr std::uint32_t kRates[] = {0, 100, 1'000, 10'000, 100'000};

QString rateText(std::uint32_t hertz)
{
    if (hertz == 0)
        return CaptureDialog::tr("off");
    return hertz < 1000 ? CaptureDialog::tr("%1 Hz").arg(hertz) : CaptureDialog::tr("%1 kHz").arg(hertz / 1000.0);
}

double toSeconds(DurationNs duration)
{
    return static_cast<double>(duration) / 1e9;
}

DurationNs toNs(double seconds)
{
    return std::llround(seconds * 1e9);
}

QDoubleSpinBox* secondsBox(QWidget* parent, const QString& name, double least, double most, int decimals, DurationNs value)
{
    auto* box = new QDoubleSpinBox(parent);
    box->setAccessibleName(name);
    box->setDecimals(decimals);
    box->setRange(least, most);
    box->setSuffix(CaptureDialog::tr(" s"));
    box->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    box->setValue(toSeconds(value));
    return box;
}

QSpinBox* countBox(QWidget* parent, const QString& name, int least, int most, const QString& suffix, std::uint64_t value)
{
    auto* box = new QSpinBox(parent);
    box->setAccessibleName(name);
    box->setRange(least, most);
    box->setGroupSeparatorShown(true);
    box->setSuffix(suffix);
    box->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    box->setValue(static_cast<int>(std::min<std::uint64_t>(value, static_cast<std::uint64_t>(most))));
    return box;
}

QComboBox* choiceBox(QWidget* parent, const QString& name, const QStringList& choices, int current)
{
    auto* box = new QComboBox(parent);
    box->setAccessibleName(name);
    box->addItems(choices);
    box->setCurrentIndex(current);
    return box;
}

/// One of `count` of every `of`: both fields, of which the first is shown once the second says more than one.
QSpinBox* shareBox(QWidget* parent, const QString& name, const QString& prefix, std::uint32_t value)
{
    QSpinBox* box = countBox(parent, name, 1, kMostSkipped, QString(), value);
    box->setPrefix(prefix);
    return box;
}

/// A choice that cannot be made can be read, and says why.
void setHindrance(QComboBox& box, int index, const Hindrance& hindrance)
{
    if (auto* model = qobject_cast<QStandardItemModel*>(box.model()))
        model->item(index)->setEnabled(hindrance.isNone());
    box.setItemData(index, hindrance.sentence, Qt::ToolTipRole);
}

QString choiceText(const QString& title, const Hindrance& hindrance)
{
    return hindrance.isNone() ? title : CaptureDialog::tr("%1 (%2)").arg(title, hindrance.brief);
}

QLabel* wrapped(const QString& text, QPalette::ColorRole role, QWidget* parent)
{
    auto* label = new QLabel(text, parent);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setForegroundRole(role);
    return label;
}

} // namespace

CaptureDialog::CaptureDialog(const CaptureOptions& options, Subject subject, QWidget* parent)
    : QDialog(parent), m_subject(std::move(subject)), m_tabs(new QTabWidget(this)), m_summary(new QLabel(this))
{
    setObjectName(QStringLiteral("captureDialog"));
    setWindowTitle(tr("Capture with options"));
    QWidget* engines = makeEngines(options);
    m_tabs->addTab(makeTimes(options), tr("&When"));
    m_tabs->addTab(makeContent(options), tr("&Record"));
    m_summary->setTextFormat(Qt::PlainText);
    m_summary->setWordWrap(true);
    m_summary->setObjectName(QStringLiteral("captureSummary"));
    m_summary->setMinimumHeight(2 * fontMetrics().lineSpacing());
    m_summary->setAlignment(Qt::AlignLeft | Qt::AlignTop);

    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_start = buttons->addButton(tr("&Start"), QDialogButtonBox::AcceptRole);
    m_start->setObjectName(QStringLiteral("startButton"));
    m_start->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* column = new QVBoxLayout(this);
    column->addWidget(wrapped(tr("Records %1 on %2. Each window becomes a report of its own.").arg(m_subject.target, m_subject.node),
                              QPalette::WindowText, this));
    column->addWidget(engines);
    column->addWidget(m_tabs, 1);
    column->addWidget(m_summary);
    column->addWidget(buttons);

    for (const auto* box : findChildren<QComboBox*>())
        connect(box, &QComboBox::currentIndexChanged, this, &CaptureDialog::refresh);
    for (const auto* box : findChildren<QSpinBox*>())
        connect(box, &QSpinBox::valueChanged, this, &CaptureDialog::refresh);
    for (const auto* box : findChildren<QDoubleSpinBox*>())
        connect(box, &QDoubleSpinBox::valueChanged, this, &CaptureDialog::refresh);
    for (const auto* box : findChildren<QCheckBox*>())
        connect(box, &QCheckBox::toggled, this, &CaptureDialog::refresh);
    for (const auto* line : {m_iterationRange, m_range, m_label})
        connect(line, &QLineEdit::textChanged, this, &CaptureDialog::refresh);
    connect(m_tabs, &QTabWidget::currentChanged, this, &CaptureDialog::refresh);
    connect(m_at, &QTimeEdit::timeChanged, this, &CaptureDialog::refresh);
    refresh();
    resize(kSize);
}

/// Title, controls and the room that is left.
void CaptureDialog::addRow(QFormLayout& form, const QString& title, std::initializer_list<QWidget*> controls)
{
    auto* field = new QWidget(form.parentWidget());
    auto* row = new QHBoxLayout(field);
    row->setContentsMargins(0, 0, 0, 0);
    for (QWidget* control : controls)
        row->addWidget(control, qobject_cast<QLineEdit*>(control) ? 1 : 0);
    if (!qobject_cast<QLineEdit*>(*controls.begin()))
        row->addStretch(1);
    auto* label = new QLabel(title, form.parentWidget());
    label->setBuddy(*controls.begin());
    m_rows[*controls.begin()] = form.rowCount();
    form.addRow(label, field);
}

void CaptureDialog::addProblem(QFormLayout& form, CaptureField field)
{
    QLabel* label = wrapped({}, QPalette::BrightText, form.parentWidget()); // the theme's colour of what is wrong
    label->hide();
    m_problems[field] = label;
    form.addRow(QString(), label);
}

QWidget* CaptureDialog::makeEngines(const CaptureOptions& options)
{
    const CaptureLimits& limits = m_subject.limits;
    auto* area = new QWidget(this);
    QStringList titles;
    for (const EngineKind engine : kEngines)
        titles << choiceText(engineTitle(engine), limits.of(engine));
    m_engine = choiceBox(area, tr("What records the windows"), titles,
                         static_cast<int>(limits.of(options.engine).isNone() ? options.engine : limits.usualEngine()));
    m_engine->setObjectName(QStringLiteral("engine"));
    for (const EngineKind engine : kEngines)
        setHindrance(*m_engine, static_cast<int>(engine), limits.of(engine));
    auto* form = new QFormLayout(area);
    form->setContentsMargins(0, 0, 0, 0);
    addRow(*form, tr("Recorded b&y"), {m_engine});
    addProblem(*form, CaptureField::Engine);
    return area;
}

QWidget* CaptureDialog::makeTimes(const CaptureOptions& options)
{
    auto* page = new QWidget(this);
    // What was chosen for another server and cannot be here is no reason to begin with a refusal.
    const bool isImpossible = options.opening == Opening::OwnProfiler && !m_subject.limits.profiler.isNone();
    const Opening opening = isImpossible ? Opening::Clock : options.opening;
    m_opening = choiceBox(page, tr("What opens the window"),
                          {tr("the clock"), tr("the program: cudaProfilerStart and cudaProfilerStop"), tr("the program: an NVTX range"),
                           choiceText(tr("the server's own profiler, in all workers"), m_subject.limits.profiler)},
                          static_cast<int>(opening));
    m_opening->setObjectName(QStringLiteral("opening"));
    m_begin = choiceBox(page, tr("Begin"), {tr("now"), tr("after a time"), tr("at a time of day")}, static_cast<int>(options.begin));
    m_begin->setObjectName(QStringLiteral("begin"));
    m_delay = secondsBox(page, tr("Time until the first window"), 0.1, kLongestWait, 1, options.delayNs);
    m_at = new QTimeEdit(options.at, page);
    m_at->setDisplayFormat(QStringLiteral("HH:mm:ss"));
    m_at->setAccessibleName(tr("Time of day of the first window"));
    m_end = choiceBox(page, tr("End"),
                      {tr("after a time"), tr("after requests"), tr("after iterations"), tr("after an amount of data"), tr("when stopped")},
                      static_cast<int>(options.end));
    m_end->setObjectName(QStringLiteral("end"));
    m_length = secondsBox(page, tr("Length of a window"), 0.01, kLongestWindow, 2, options.lengthNs);
    m_length->setObjectName(QStringLiteral("length"));
    m_requests = countBox(page, tr("Requests of a window"), 1, kMostEvents, tr(" requests"), options.requests);
    m_iterations = countBox(page, tr("Iterations of a window"), 1, kMostEvents, tr(" iterations"), options.iterations);
    m_size = countBox(page, tr("Size of a window"), 1, kLargestWindow, tr(" MiB"), std::max<std::uint64_t>(1, options.bytes / kMebibyte));
    m_iterationRange = new QLineEdit(options.iterationRange, page);
    m_iterationRange->setAccessibleName(tr("NVTX range that is an iteration"));
    m_iterationRange->setPlaceholderText(tr("MESSAGE@DOMAIN; empty: executions of gantry-serve"));
    m_windows = countBox(page, tr("Number of windows"), 1, static_cast<int>(kMostWindows), tr(" windows"), options.windows);
    m_windows->setObjectName(QStringLiteral("windows"));
    m_windows->setSpecialValueText(tr("one window"));
    m_period = secondsBox(page, tr("Time from the start of a window to the start of the next"), 0, kLongestWait, 1, options.periodNs);
    m_period->setObjectName(QStringLiteral("period"));
    m_period->setPrefix(tr("one every "));
    m_period->setSpecialValueText(tr("one after the other"));
    m_keptOf = shareBox(page, tr("Periods of which some have a window"), tr("of every "), options.keptOf);
    m_keptOf->setObjectName(QStringLiteral("keptOf"));
    m_keptOf->setSpecialValueText(tr("each time"));
    m_kept = shareBox(page, tr("Periods that have a window, the first of them"), tr("the first "), options.kept);
    m_kept->setObjectName(QStringLiteral("kept"));
    m_range = new QLineEdit(options.range, page);
    m_range->setObjectName(QStringLiteral("range"));
    m_range->setAccessibleName(tr("NVTX range that is a window"));
    m_range->setPlaceholderText(tr("MESSAGE@DOMAIN, such as execute@gantry.serve"));
    m_ranges = countBox(page, tr("Number of ranges to capture"), 0, static_cast<int>(kMostWindows), tr(" ranges"), options.ranges);
    m_ranges->setObjectName(QStringLiteral("ranges"));
    m_ranges->setSpecialValueText(tr("all, until stopped"));
    m_rangeEvery = shareBox(page, tr("Ranges of which some are captured"), tr("of every "), options.rangeEvery);
    m_rangeEvery->setObjectName(QStringLiteral("rangeEvery"));
    m_rangeEvery->setSuffix(tr(" ranges"));
    m_rangeEvery->setSpecialValueText(tr("each range"));
    m_rangesKept = shareBox(page, tr("Ranges that are captured, the first of them"), tr("the first "), options.rangesKept);
    m_rangesKept->setObjectName(QStringLiteral("rangesKept"));
    m_endsServer = new QCheckBox(tr("End the server after the last window"), page);
    m_endsServer->setChecked(options.endsServer);
    m_label = new QLineEdit(options.label, page);
    m_label->setObjectName(QStringLiteral("label"));
    m_label->setAccessibleName(tr("Label of the reports"));
    m_label->setPlaceholderText(tr("a name to find the reports by"));
    m_mayQueue = new QCheckBox(tr("Wait while somebody else captures"), page);
    m_mayQueue->setObjectName(QStringLiteral("mayQueue"));
    m_mayQueue->setChecked(options.mayQueue);

    m_times = new QFormLayout(page);
    m_times->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    addRow(*m_times, tr("&Opened by"), {m_opening});
    addProblem(*m_times, CaptureField::Opening);
    addRow(*m_times, tr("&Begin"), {m_begin, m_delay, m_at});
    addRow(*m_times, tr("&End"), {m_end, m_length, m_requests, m_iterations, m_size});
    addRow(*m_times, tr("&Iteration"), {m_iterationRange});
    addProblem(*m_times, CaptureField::End);
    addRow(*m_times, tr("Win&dows"), {m_windows, m_period, m_kept, m_keptOf});
    addProblem(*m_times, CaptureField::Windows);
    addRow(*m_times, tr("NVTX ran&ge"), {m_range});
    addProblem(*m_times, CaptureField::Range);
    addRow(*m_times, tr("&Capture"), {m_ranges, m_rangesKept, m_rangeEvery});
    addProblem(*m_times, CaptureField::Ranges);
    addRow(*m_times, QString(), {m_endsServer});
    addRow(*m_times, tr("&Label"), {m_label});
    addRow(*m_times, QString(), {m_mayQueue});
    return page;
}

QWidget* CaptureDialog::makeContent(const CaptureOptions& options)
{
    auto* page = new QWidget(this);
    auto* grid = new QGridLayout(page);
    grid->setVerticalSpacing(4); // the dialog fits 800 × 600
    grid->setColumnStretch(1, 1);
    grid->setHorizontalSpacing(16);
    int row = 0;
    m_contentNote = wrapped({}, QPalette::WindowText, page);
    m_contentNote->setObjectName(QStringLiteral("contentNote"));
    grid->addWidget(m_contentNote, row++, 0, 1, 2);
    for (std::size_t i = 0; i < kContent.size(); ++i) {
        m_content[i] = new QCheckBox(tr(kContent[i].title), page);
        m_content[i]->setChecked(options.content.*kContent[i].value);
        m_content[i]->setAccessibleDescription(tr(kContent[i].text));
        grid->addWidget(m_content[i], row, 0);
        grid->addWidget(wrapped(tr(kContent[i].text), QPalette::PlaceholderText, page), row++, 1);
    }
    m_content[0]->setObjectName(QStringLiteral("nvtx"));
    m_content[indexOf(&proto::CaptureContent::apiQueries)]->setObjectName(QStringLiteral("apiQueries"));
    m_content[indexOf(&proto::CaptureContent::contextSwitches)]->setObjectName(QStringLiteral("contextSwitches"));
    QStringList rates;
    for (const std::uint32_t rate : kRates)
        rates << rateText(rate);
    m_gpuMetrics = choiceBox(page, tr("Rate of the GPU's hardware counters"), rates, 0);
    m_gpuMetrics->setObjectName(QStringLiteral("gpuMetrics"));
    for (std::size_t i = 0; i < std::size(kRates); ++i) {
        m_gpuMetrics->setItemData(static_cast<int>(i), kRates[i]);
        if (kRates[i] == options.content.gpuMetricsHz)
            m_gpuMetrics->setCurrentIndex(static_cast<int>(i));
    }
    auto* counters = new QWidget(page);
    auto* line = new QHBoxLayout(counters);
    line->setContentsMargins(0, 0, 0, 0);
    auto* title = new QLabel(tr("&GPU counters"), counters);
    title->setBuddy(m_gpuMetrics);
    line->addWidget(title);
    line->addWidget(m_gpuMetrics);
    grid->addWidget(counters, row, 0);
    grid->addWidget(wrapped(tr("SMs, tensor cores, memory, links; above 10 kHz some samples are lost"), QPalette::PlaceholderText, page),
                    row++, 1);
    auto* measured = new QLabel(tr("Times: H200, CUDA 13.0, a program that only launches kernels, each kind by itself.\n"
                                   "The usual ones together: 1.9 µs a launch; PyTorch's BERT 5 % of its throughput."),
                                page);
    measured->setForegroundRole(QPalette::PlaceholderText);
    grid->addWidget(measured, row++, 0, 1, 2);
    for (const CaptureField field : {CaptureField::Content, CaptureField::GpuMetrics}) {
        m_problems[field] = wrapped({}, QPalette::BrightText, page);
        m_problems[field]->hide();
        grid->addWidget(m_problems[field], row++, 0, 1, 2);
    }
    grid->setRowStretch(row, 1);
    return page;
}

CaptureOptions CaptureDialog::options() const
{
    CaptureOptions options;
    options.engine = static_cast<EngineKind>(m_engine->currentIndex());
    options.opening = static_cast<Opening>(m_opening->currentIndex());
    options.begin = static_cast<Begin>(m_begin->currentIndex());
    options.delayNs = toNs(m_delay->value());
    options.at = m_at->time();
    options.end = static_cast<End>(m_end->currentIndex());
    options.lengthNs = toNs(m_length->value());
    options.requests = static_cast<std::uint64_t>(m_requests->value());
    options.iterations = static_cast<std::uint64_t>(m_iterations->value());
    options.bytes = static_cast<std::uint64_t>(m_size->value()) * kMebibyte;
    options.iterationRange = m_iterationRange->text();
    options.windows = static_cast<std::uint32_t>(m_windows->value());
    options.periodNs = toNs(m_period->value());
    options.kept = static_cast<std::uint32_t>(m_kept->value());
    options.keptOf = static_cast<std::uint32_t>(m_keptOf->value());
    options.range = m_range->text();
    options.ranges = static_cast<std::uint32_t>(m_ranges->value());
    options.rangesKept = static_cast<std::uint32_t>(m_rangesKept->value());
    options.rangeEvery = static_cast<std::uint32_t>(m_rangeEvery->value());
    options.endsServer = m_endsServer->isChecked();
    for (std::size_t i = 0; i < kContent.size(); ++i)
        options.content.*kContent[i].value = m_content[i]->isChecked();
    options.content.gpuMetricsHz = m_gpuMetrics->currentData().toUInt();
    options.label = m_label->text();
    options.mayQueue = m_mayQueue->isChecked();
    return options;
}

QString CaptureDialog::summary() const
{
    return m_summary->text();
}

void CaptureDialog::refreshTimes(const CaptureOptions& now)
{
    const bool byClock = now.opening == Opening::Clock, byProfiler = now.opening == Opening::OwnProfiler;
    const bool byRange = !byClock && !byProfiler;
    const auto showRow = [this](QWidget* control, bool isShown) { m_times->setRowVisible(m_rows.at(control), isShown); };
    showRow(m_begin, !byRange);
    showRow(m_end, !byRange);
    showRow(m_iterationRange, byClock && now.end == End::Iterations);
    showRow(m_windows, byClock);
    showRow(m_range, now.opening == Opening::NvtxRange);
    showRow(m_ranges, byRange);
    showRow(m_endsServer, byRange);
    m_delay->setVisible(now.begin == Begin::After);
    m_at->setVisible(now.begin == Begin::At);
    m_end->setVisible(!byProfiler); // which is told how long
    m_length->setPrefix(byProfiler ? tr("after ") : QString());
    m_length->setVisible(now.end == End::Time || byProfiler);
    m_requests->setVisible(now.end == End::Requests && !byProfiler);
    m_iterations->setVisible(now.end == End::Iterations && !byProfiler);
    m_size->setVisible(now.end == End::Bytes && !byProfiler);
    const bool hasPeriods = now.windows > 1 && now.periodNs > 0;
    m_period->setVisible(now.windows > 1);
    m_keptOf->setVisible(hasPeriods);
    m_kept->setVisible(hasPeriods && now.keptOf > 1);
    m_rangesKept->setVisible(now.rangeEvery > 1);
    m_requests->setSuffix(now.requests == 1 ? tr(" request") : tr(" requests"));
    m_iterations->setSuffix(now.iterations == 1 ? tr(" iteration") : tr(" iterations"));
    m_ranges->setSuffix(now.ranges == 1 ? tr(" range") : tr(" ranges"));
}

void CaptureDialog::refreshLimits(const CaptureOptions& now)
{
    const bool isNative = now.engine == EngineKind::Native, isNsys = now.engine == EngineKind::Nsys;
    const Hindrance notThere{QString(), tr("Windows of %1 cannot do this; those of Gantry can.").arg(engineTitle(now.engine))};
    for (int i = 0; i < m_opening->count(); ++i) {
        const auto opening = static_cast<Opening>(i);
        const Hindrance own = opening == Opening::OwnProfiler ? m_subject.limits.profiler : Hindrance{};
        setHindrance(*m_opening, i, canOpen(now.engine, opening) ? own : notThere);
    }
    for (int i = 0; i < m_end->count(); ++i)
        setHindrance(*m_end, i, canEnd(now.engine, static_cast<End>(i)) ? Hindrance{} : notThere);
    m_mayQueue->setEnabled(isNative);
    m_mayQueue->setToolTip(isNative ? QString() : notThere.sentence);
    for (std::size_t i = 0; i < kContent.size(); ++i) {
        const auto value = kContent[i].value;
        const bool isOfCalls = value == &proto::CaptureContent::apiQueries;
        m_content[i]->setEnabled((isNative && (!isOfCalls || now.content.runtimeApi || now.content.driverApi)) ||
                                 (isNsys && value == &proto::CaptureContent::contextSwitches));
    }
    m_gpuMetrics->parentWidget()->setEnabled(isNative || isNsys); // with its title
    m_contentNote->setVisible(!isNative);
    m_contentNote->setText(isNsys ? tr("Nsight Systems records what it was told when the server was launched, and what can be ticked here.")
                           : now.engine == EngineKind::Kineto
                               ? tr("PyTorch's profiler records what it always does: operators, calls, kernels and copies.")
                               : tr("Triton's tracer records the requests and their phases, and nothing of the GPU."));
}

void CaptureDialog::refresh()
{
    const CaptureOptions now = options();
    refreshTimes(now);
    refreshLimits(now);
    const auto problem = problemOf(now, m_subject.limits);
    for (const auto& [field, label] : m_problems) {
        const bool isWrong = problem && problem->field == field;
        label->setText(isWrong ? problem->sentence : QString());
        label->setVisible(isWrong);
    }
    // At its field, or here where that is on the other page.
    const bool isOfContent = problem && (problem->field == CaptureField::Content || problem->field == CaptureField::GpuMetrics);
    const bool isHidden = problem && problem->field != CaptureField::Engine && (m_tabs->currentIndex() == 1) != isOfContent;
    m_summary->setText(isHidden ? problem->sentence : problem ? QString() : summaryOf(now, QDateTime::currentDateTime()));
    m_summary->setForegroundRole(problem ? QPalette::BrightText : QPalette::WindowText);
    m_start->setEnabled(!problem);
}

} // namespace gantry::desktop
