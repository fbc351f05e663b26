#include "app/desktop/sweep_page.h"

#include "app/desktop/loading_panel.h"
#include "app/desktop/text.h"
#include "trace_model/analysis/sweep/sweep_files.h"
#include "trace_model/trace/trace_cache.h"
#include "widgets/sweep/sweep_view.h"
#include "widgets/theme/elided_label.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QStackedWidget>
#include <QVBoxLayout>

#include <span>
#include <string>
#include <utility>

namespace gantry::desktop {

namespace {

/// What reads a sweep's reports in a job: from the cache where they were opened before.
sweep::ReadOptions readOptions(const TraceSource& source, const jobs::JobContext& context)
{
    sweep::ReadOptions options;
    options.stop = context.stop();
    options.progress = [&context](double fraction, const std::string& what) { context.progress(fraction, what); };
    options.open = [&source, &context](const std::filesystem::path& path) -> Result<TraceSource::Loaded> {
        const trace::LoadFile file{path, {}};
        trace::LoadOptions loading;
        loading.stop = context.stop();
        loading.cache = source.cache.get();
        return source.load(std::span(&file, 1), loading);
    };
    return options;
}

} // namespace

SweepPage::SweepPage(jobs::JobRunner& runner, TraceSource source, QWidget* parent)
    : QWidget(parent),
      m_source(std::move(source)),
      m_stack(new QStackedWidget(this)),
      m_loading(new LoadingPanel(this)),
      m_sentence(new QLabel(this)),
      m_details(new QLabel(this)),
      m_what(new widgets::ElidedLabel(Qt::ElideMiddle, this)),
      m_view(new widgets::SweepView(this)),
      m_slot(runner)
{
    auto* bar = new QHBoxLayout;
    bar->setContentsMargins(8, 4, 8, 2);
    bar->setSpacing(8);
    bar->addWidget(m_what, 1);
    auto* folder = new QPushButton(tr("Open &folder…"), this);
    folder->setToolTip(tr("The folder that a recipe with a sweep wrote, or one with reports and tables"));
    auto* files = new QPushButton(tr("Add fi&les…"), this);
    files->setToolTip(tr("Reports, and tables of perf_analyzer and Model Analyzer"));
    bar->addWidget(folder);
    bar->addWidget(files);
    m_stack->addWidget(makeState());
    m_stack->addWidget(m_loading);
    m_stack->addWidget(m_view);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(bar);
    layout->addWidget(m_stack, 1);
    connect(folder, &QPushButton::clicked, this, &SweepPage::folderRequested);
    connect(files, &QPushButton::clicked, this, &SweepPage::filesRequested);
    connect(m_view, &widgets::SweepView::reportRequested, this, &SweepPage::reportRequested);
    connect(m_view, &widgets::SweepView::comparisonRequested, this, &SweepPage::comparisonRequested);
    connect(m_loading, &LoadingPanel::cancelRequested, this, [this] {
        m_slot.cancel();
        m_error = Error{ErrorCode::Cancelled, "reading the sweep was cancelled", {}};
        showState(tr("Reading was cancelled."), tr("Open a folder, or add files, to read again."));
        emit failed();
    });
    read();
}

SweepPage::~SweepPage() = default;

QWidget* SweepPage::makeState()
{
    auto* state = new QWidget(this);
    auto* column = new QVBoxLayout(state);
    column->setContentsMargins(24, 8, 24, 8);
    m_sentence->setObjectName(QStringLiteral("sweepState"));
    m_details->setForegroundRole(QPalette::PlaceholderText);
    column->addStretch(1);
    for (QLabel* label : {m_sentence, m_details}) {
        label->setTextFormat(Qt::PlainText);
        label->setWordWrap(true);
        label->setAlignment(Qt::AlignHCenter);
        label->setTextInteractionFlags(Qt::TextSelectableByMouse);
        column->addWidget(label);
    }
    column->addStretch(2);
    return state;
}

void SweepPage::setPaths(std::vector<std::filesystem::path> paths)
{
    m_paths = std::move(paths);
    read();
}

void SweepPage::addPaths(const std::vector<std::filesystem::path>& paths)
{
    m_paths.insert(m_paths.end(), paths.begin(), paths.end());
    read();
}

void SweepPage::read()
{
    m_slot.cancel();
    m_sweep.reset();
    m_error.reset();
    QStringList names;
    for (const std::filesystem::path& path : m_paths)
        names << pathText(path);
    m_what->setText(names.join(QStringLiteral(", ")));
    if (m_paths.empty())
        return showState(
            tr("Open the folder that a recipe with a sweep wrote, or add reports and tables of perf_analyzer and Model Analyzer: each "
               "measurement becomes a point of throughput against p99."),
            tr("`gantryctl recipe example` shows a recipe with a sweep, and `gantryctl recipe run` measures it."));
    m_loading->showProgress(tr("Reading the sweep…"), 0);
    m_stack->setCurrentWidget(m_loading);
    m_slot.run(
        [paths = m_paths, source = m_source](const jobs::JobContext& context) -> Result<std::shared_ptr<const sweep::Sweep>> {
            GANTRY_TRY(sweep::Sweep read, sweep::readSweep(paths, readOptions(source, context)));
            return std::shared_ptr<const sweep::Sweep>(std::make_shared<sweep::Sweep>(std::move(read)));
        },
        [this](Result<std::shared_ptr<const sweep::Sweep>> read) {
            if (!read) {
                m_error = read.error();
                const UserMessage message = describe(*m_error);
                showState(message.sentence, message.details);
                emit failed();
                return;
            }
            m_sweep = std::move(*read);
            m_view->setSweep(m_sweep);
            m_stack->setCurrentWidget(m_view);
            emit ready();
        },
        [this](double fraction, const std::string& what) { m_loading->showProgress(tr("Reading %1…").arg(toQString(what)), fraction); });
}

void SweepPage::showState(const QString& sentence, const QString& details)
{
    m_sentence->setText(sentence);
    m_details->setText(details);
    m_stack->setCurrentIndex(0);
}

} // namespace gantry::desktop
