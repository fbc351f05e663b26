#include "app/desktop/compare_page.h"

#include "app/desktop/comparison_pdf.h"
#include "app/desktop/loading_panel.h"
#include "app/desktop/slowest_requests.h"
#include "app/desktop/text.h"
#include "trace_model/analysis/counterparts.h"
#include "trace_model/trace/trace_loader.h"
#include "widgets/compare/compare_view.h"
#include "widgets/timeline/timeline_widget.h"

#include <QComboBox>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QStackedWidget>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <span>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr auto kSides = {0, 1};

QString sideName(int side)
{
    return side == 0 ? QStringLiteral("A") : QStringLiteral("B");
}

/// What a job makes of two traces.
struct Compared
{
    analysis::Comparison comparison;
    std::shared_ptr<const analysis::Counterparts> counterparts;
};

analysis::ComparisonOptions optionsOf(const jobs::JobContext& context)
{
    analysis::ComparisonOptions options;
    options.stop = context.stop();
    options.progress = [&context](double fraction, std::string_view phase) { context.progress(fraction, std::string(phase)); };
    return options;
}

} // namespace

ComparePage::ComparePage(jobs::JobRunner& runner, TraceSource source, QWidget* parent)
    : QWidget(parent),
      m_source(std::move(source)),
      m_stack(new QStackedWidget(this)),
      m_loading(new LoadingPanel(this)),
      m_failure(new OpenFailurePanel(this)),
      m_sentence(new QLabel(this)),
      m_details(new QLabel(this)),
      m_view(new widgets::CompareView(this)),
      m_pdf(new QToolButton(this)),
      m_compareSlot(runner),
      m_pdfSlot(runner)
{
    for (const int side : kSides)
        new SlowestRequests(m_view->timeline(side), runner);
    m_sentence->setTextFormat(Qt::PlainText);
    m_details->setTextFormat(Qt::PlainText);
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 4);
    bar->setSpacing(8);
    for (const int side : kSides) {
        auto* box = new QComboBox(this);
        box->setObjectName(QStringLiteral("side%1").arg(sideName(side)));
        box->setAccessibleName(tr("Report %1").arg(sideName(side)));
        box->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
        box->setMinimumContentsLength(12);
        box->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon); // a long name must not widen the window
        Side& one = m_sides[static_cast<std::size_t>(side)];
        one.box = box;
        one.loadSlot = std::make_unique<jobs::JobSlot>(runner);
        one.keepSlot = std::make_unique<jobs::JobSlot>(runner);
        auto* label = new QLabel(QStringLiteral("<b>%1</b>").arg(sideName(side)), this);
        label->setBuddy(box);
        bar->addWidget(label);
        bar->addWidget(box, 1);
        bar->addSpacing(side == 0 ? 12 : 0);
        connect(box, &QComboBox::activated, this, [this, side, box](int index) {
            const QString path = box->itemData(index).toString();
            if (!path.isEmpty())
                return setSide(side, toPath(path));
            refreshBoxes(); // "Open…" is no report: the selection goes back
            emit fileRequested(side);
        });
    }

    m_pdf->setObjectName(QStringLiteral("savePdf"));
    m_pdf->setText(tr("PDF…"));
    m_pdf->setToolTip(tr("Save a summary with this page's picture, for a ticket"));
    bar->addWidget(m_pdf);
    connect(m_pdf, &QToolButton::clicked, this, &ComparePage::askForPdf);
    connect(m_stack, &QStackedWidget::currentChanged, this, [this] { m_pdf->setEnabled(m_stack->currentWidget() == m_view); });
    m_pdf->setEnabled(false);

    auto* state = new QWidget(this);
    auto* column = new QVBoxLayout(state);
    m_sentence->setObjectName(QStringLiteral("compareSentence"));
    for (QLabel* label : {m_sentence, m_details}) {
        label->setWordWrap(true);
        label->setAlignment(Qt::AlignHCenter);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    }
    m_details->setForegroundRole(QPalette::PlaceholderText);
    column->addStretch(1);
    column->addWidget(m_sentence);
    column->addWidget(m_details);
    column->addStretch(2);
    m_stack->addWidget(state);
    m_stack->addWidget(m_loading);
    m_stack->addWidget(m_failure);
    m_stack->addWidget(m_view);
    connect(m_view, &widgets::CompareView::alignmentChanged, this, &ComparePage::compareAligned);
    connect(m_loading, &LoadingPanel::cancelRequested, this, &ComparePage::cancelLoading);
    connect(m_failure, &OpenFailurePanel::retryRequested, this, [this] { load(m_failedSide); });
    connect(m_failure, &OpenFailurePanel::exportRequested, this, [this](const NsysOffer& offer) {
        m_sides[static_cast<std::size_t>(m_failedSide)].exportedOn = offer.node;
        load(m_failedSide, offer.exporter);
    });
    connect(m_failure, &OpenFailurePanel::nodeRequested, this, &ComparePage::nodeRequested);
    connect(m_failure, &OpenFailurePanel::closeRequested, this, &ComparePage::closeRequested);

    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_stack, 1);
    refreshBoxes();
    showMissing();
}

ComparePage::~ComparePage() = default;

const std::optional<Error>& ComparePage::error() const
{
    for (const Side& side : m_sides) {
        if (side.error)
            return side.error;
    }
    return m_compareError;
}

void ComparePage::setOpenReports(std::vector<OpenReport> reports)
{
    m_open = std::move(reports);
    refreshBoxes();
}

void ComparePage::setFiles(const std::filesystem::path& a, const std::filesystem::path& b)
{
    setSide(0, a);
    setSide(1, b);
}

void ComparePage::setSide(int side, const std::filesystem::path& path)
{
    Side& chosen = m_sides[static_cast<std::size_t>(side)];
    if (chosen.path == path && chosen.trace)
        return;
    chosen.path = path;
    chosen.trace.reset();
    m_comparison.reset();
    m_compareError.reset();
    chosen.loadSlot->cancel();
    m_compareSlot.cancel();
    refreshBoxes();
    load(side);
}

void ComparePage::setNsysOffers(std::vector<NsysOffer> offers)
{
    m_failure->setOffers(std::move(offers));
}

void ComparePage::load(int side, importing::NsysExporter nsys)
{
    Side& chosen = m_sides[static_cast<std::size_t>(side)];
    chosen.error.reset();
    chosen.fraction = 0;
    chosen.stage.clear();
    if (!nsys)
        chosen.exportedOn.reset();
    const auto open = std::find_if(m_open.begin(), m_open.end(), [&](const OpenReport& report) { return report.path == chosen.path; });
    if (open != m_open.end()) {
        chosen.trace = open->trace;
        return compare();
    }
    // `chosen` is used by calls alone that are dropped when the page is gone.
    chosen.loadSlot->run(
        [&chosen, file = trace::LoadFile{chosen.path, {}}, source = m_source, nsys = std::move(nsys)](const jobs::JobContext& context) {
            trace::LoadOptions options;
            options.progress = [&context](double fraction, std::string_view stage) { context.progress(fraction, std::string(stage)); };
            options.stop = context.stop();
            options.cache = source.cache.get();
            options.nsys = nsys;
            Result<TraceSource::Loaded> loaded = source.load(std::span(&file, 1), options);
            if (!loaded)
                context.post(
                    [&chosen, remedy = OpenFailurePanel::remedyFor(loaded.error(), std::span(&file, 1))] { chosen.remedy = remedy; });
            return loaded;
        },
        [this, &chosen](Result<TraceSource::Loaded> loaded) {
            if (loaded) {
                chosen.trace = std::move(*loaded);
                keepForNextTime(chosen);
                return compare();
            }
            chosen.error = loaded.error();
            showMissing();
            emit failed();
        },
        [this, &chosen](double fraction, const std::string& stage) {
            chosen.fraction = fraction;
            chosen.stage = toQString(stage);
            showMissing();
        });
    showMissing();
}

void ComparePage::keepForNextTime(Side& side)
{
    if (!m_source.cache || !side.exportedOn)
        return;
    side.keepSlot->run([trace = side.trace,
                        cache = m_source.cache](const jobs::JobContext&) { return trace::keepInCache(*trace, *cache, trace::Keep::All); },
                       [this, name = pathText(side.path.filename())](Result<void> kept) {
                           if (!kept)
                               emit logged(
                                   tr("%1 is not kept for the next time it is opened: %2").arg(name, describe(kept.error()).sentence));
                       });
}

void ComparePage::cancelLoading()
{
    if (m_compareSlot.isRunning())
        return cancelComparison();
    bool isExportCancelled = false;
    for (Side& side : m_sides) {
        if (!side.loadSlot->isRunning())
            continue;
        side.loadSlot->cancel();
        if (side.exportedOn) {
            side.error =
                Error{ErrorCode::Cancelled, "the export on " + std::exchange(side.exportedOn, {})->toStdString() + " was cancelled", {}};
            isExportCancelled = true;
        } else {
            side.path.clear();
        }
    }
    refreshBoxes();
    showMissing();
    if (isExportCancelled)
        emit failed();
}

void ComparePage::compare()
{
    const auto [a, b] = std::pair(m_sides[0].trace, m_sides[1].trace);
    if (!a || !b)
        return showMissing();
    m_loading->showProgress(tr("Comparing…"), 0);
    m_stack->setCurrentWidget(m_loading);
    m_compareSlot.run(
        [a, b](const jobs::JobContext& context) -> Result<Compared> {
            GANTRY_TRY(analysis::Comparison comparison, analysis::compare(*a, *b, optionsOf(context)));
            return Compared{std::move(comparison), std::make_shared<const analysis::Counterparts>(a, b, context.stop())};
        },
        [this, a, b](Result<Compared> compared) {
            if (!compared) {
                m_compareError = compared.error();
                const UserMessage message = describe(*m_compareError);
                showState(message.sentence, message.details);
                emit failed();
                return;
            }
            m_comparison = std::move(compared->comparison);
            m_view->setReports(a, pathText(m_sides[0].path.filename()), b, pathText(m_sides[1].path.filename()), *m_comparison);
            m_view->setCounterparts(std::move(compared->counterparts));
            m_stack->setCurrentWidget(m_view);
            emit ready();
        },
        [this](double fraction, const std::string& phase) {
            m_loading->showProgress(tr("Comparing: %1").arg(toQString(phase)), fraction);
        });
}

void ComparePage::compareAligned()
{
    const auto [a, b] = std::pair(m_sides[0].trace, m_sides[1].trace);
    if (!a || !b || !m_comparison)
        return;
    m_compareSlot.run(
        [a, b, alignment = m_view->alignment()](const jobs::JobContext& context) {
            analysis::ComparisonOptions options = optionsOf(context);
            options.alignment = alignment;
            return analysis::compare(*a, *b, options);
        },
        [this](Result<analysis::Comparison> comparison) {
            if (!comparison)
                return m_view->setAlignmentError(toQString(comparison.error().message));
            m_comparison = std::move(*comparison);
            m_view->setComparison(*m_comparison);
            emit ready();
        });
}

void ComparePage::askForPdf()
{
    auto* dialog = new QFileDialog(this, tr("Save as PDF"), {}, tr("PDF (*.pdf)"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    dialog->setDefaultSuffix(QStringLiteral("pdf"));
    connect(dialog, &QFileDialog::fileSelected, this, [this](const QString& file) { savePdf(toPath(file)); });
    dialog->open();
}

void ComparePage::savePdf(const std::filesystem::path& path)
{
    if (!m_comparison)
        return;
    ComparisonSummary summary{pathText(m_sides[0].path.filename()), pathText(m_sides[1].path.filename()), *m_comparison,
                              m_view->grab().toImage()};
    m_pdfSlot.run([summary = std::move(summary), path](const jobs::JobContext&) { return writeComparisonPdf(summary, path); },
                  [this, file = pathText(path)](Result<void> written) {
                      if (!written)
                          return emit logged(tr("The summary was not saved to %1: %2").arg(file, describe(written.error()).sentence));
                      emit logged(tr("The summary was saved to %1").arg(file));
                      emit pdfSaved(file);
                  });
}

void ComparePage::cancelComparison()
{
    m_compareSlot.cancel();
    m_sides[1].path.clear();
    m_sides[1].trace.reset();
    refreshBoxes();
    showMissing();
}

void ComparePage::showMissing()
{
    const auto isExporting = [](const Side& side) { return side.exportedOn && side.loadSlot->isRunning(); };
    const auto isLoading = [](const Side& side) { return side.loadSlot->isRunning(); };
    const auto hasFailed = [](const Side& side) { return side.error.has_value(); };
    const auto first = [this](auto meets) {
        return static_cast<int>(std::find_if(m_sides.begin(), m_sides.end(), meets) - m_sides.begin());
    };
    constexpr int kNone = 2;
    if (const int side = first(isExporting); side != kNone)
        return showLoading(side); // the user waits for it
    if (const int side = first(hasFailed); side != kNone)
        return showFailure(side);
    if (const int side = first(isLoading); side != kNone)
        return showLoading(side);
    const bool hasNone = m_sides[0].path.empty() && m_sides[1].path.empty();
    if (hasNone)
        return showState(tr("Choose two reports to see them beside each other, panning together, with a table of what differs."));
    showState(tr("Choose report %1 too.").arg(sideName(m_sides[0].path.empty() ? 0 : 1)));
}

void ComparePage::showFailure(int side)
{
    const Side& chosen = m_sides[static_cast<std::size_t>(side)];
    const trace::LoadFile file{chosen.path, {}};
    m_failedSide = side;
    m_failure->showFailure(*chosen.error, std::span(&file, 1), chosen.remedy, sideName(side));
    m_stack->setCurrentWidget(m_failure);
}

void ComparePage::showLoading(int side)
{
    const Side& chosen = m_sides[static_cast<std::size_t>(side)];
    const QString name = pathText(chosen.path.filename());
    m_loading->showProgress(chosen.stage.isEmpty() ? tr("Opening %1…").arg(name) : tr("Opening %1: %2").arg(name, chosen.stage),
                            chosen.fraction);
    m_stack->setCurrentWidget(m_loading);
}

void ComparePage::refreshBoxes()
{
    for (const int side : kSides) {
        const Side& chosen = m_sides[static_cast<std::size_t>(side)];
        const QSignalBlocker blocker(chosen.box);
        chosen.box->clear();
        const auto add = [&](const std::filesystem::path& path) {
            chosen.box->addItem(pathText(path.filename()), pathText(path));
            chosen.box->setItemData(chosen.box->count() - 1, pathText(path), Qt::ToolTipRole);
        };
        if (!chosen.path.empty())
            add(chosen.path);
        for (const OpenReport& report : m_open) {
            if (report.path != chosen.path)
                add(report.path);
        }
        chosen.box->addItem(tr("Open…"), QString());
        if (chosen.path.empty()) {
            chosen.box->setPlaceholderText(tr("choose a report"));
            chosen.box->setCurrentIndex(-1);
        } else {
            chosen.box->setCurrentIndex(0);
        }
        chosen.box->setToolTip(pathText(chosen.path));
    }
}

void ComparePage::showState(const QString& sentence, const QString& details)
{
    m_sentence->setText(sentence);
    m_details->setText(details);
    m_stack->setCurrentIndex(0);
}

} // namespace gantry::desktop
