#include "app/desktop/compare_page.h"

#include "app/desktop/slowest_requests.h"
#include "app/desktop/text.h"
#include "trace_model/trace/trace_loader.h"
#include "widgets/compare/compare_view.h"
#include "widgets/timeline/timeline_widget.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QStackedWidget>
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

} // namespace

ComparePage::ComparePage(jobs::JobRunner& runner, TraceSource source, QWidget* parent) :
    QWidget(parent),
    m_source(std::move(source)),
    m_stack(new QStackedWidget(this)),
    m_sentence(new QLabel(this)),
    m_details(new QLabel(this)),
    m_view(new widgets::CompareView(this)),
    m_compareSlot(runner)
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
        box->setMinimumContentsLength(20);
        m_sides[static_cast<std::size_t>(side)].box = box;
        m_loadSlots[static_cast<std::size_t>(side)] = std::make_unique<jobs::JobSlot>(runner);
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
    m_stack->addWidget(m_view);

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
    chosen.error.reset();
    m_comparison.reset();
    m_compareError.reset();
    m_loadSlots[static_cast<std::size_t>(side)]->cancel();
    m_compareSlot.cancel();
    refreshBoxes();
    load(side);
}

void ComparePage::load(int side)
{
    Side& chosen = m_sides[static_cast<std::size_t>(side)];
    const auto open = std::find_if(m_open.begin(), m_open.end(), [&](const OpenReport& report) { return report.path == chosen.path; });
    if (open != m_open.end()) {
        chosen.trace = open->trace;
        return compare();
    }
    using Loaded = std::shared_ptr<const trace::Trace>;
    m_loadSlots[static_cast<std::size_t>(side)]->run(
        [file = trace::LoadFile{chosen.path, {}}, source = m_source](const jobs::JobContext& context) {
            trace::LoadOptions options;
            options.stop = context.stop();
            options.cache = source.cache.get();
            return source.load(std::span(&file, 1), options);
        },
        [this, &chosen](Result<Loaded> loaded) {
            if (loaded) {
                chosen.trace = std::move(*loaded);
                return compare();
            }
            chosen.error = loaded.error();
            showMissing();
            emit failed();
        });
    showMissing();
}

void ComparePage::compare()
{
    const auto [a, b] = std::pair(m_sides[0].trace, m_sides[1].trace);
    if (!a || !b)
        return showMissing();
    showState(tr("Comparing…"));
    m_compareSlot.run([a, b](const jobs::JobContext&) -> Result<analysis::Comparison> { return analysis::compare(*a, *b); },
                      [this, a, b](Result<analysis::Comparison> comparison) {
                          if (!comparison) {
                              m_compareError = comparison.error();
                              const UserMessage message = describe(*m_compareError);
                              showState(message.sentence, message.details);
                              emit failed();
                              return;
                          }
                          m_comparison = std::move(*comparison);
                          m_view->setReports(a, pathText(m_sides[0].path.filename()), b, pathText(m_sides[1].path.filename()), *m_comparison);
                          m_stack->setCurrentWidget(m_view);
                          emit ready();
                      });
}

void ComparePage::showMissing()
{
    for (const int side : kSides) {
        const Side& chosen = m_sides[static_cast<std::size_t>(side)];
        if (!chosen.error)
            continue;
        const UserMessage message = describe(*chosen.error);
        return showState(tr("Report %1 was not opened. %2").arg(sideName(side), message.sentence),
                         pathText(chosen.path) + QLatin1Char('\n') + message.details);
    }
    for (const int side : kSides) {
        if (m_loadSlots[static_cast<std::size_t>(side)]->isRunning())
            return showState(tr("Opening %1…").arg(pathText(m_sides[static_cast<std::size_t>(side)].path.filename())));
    }
    const bool hasNone = m_sides[0].path.empty() && m_sides[1].path.empty();
    if (hasNone)
        return showState(tr("Choose two reports to see them beside each other, panning together, with a table of what differs."));
    showState(tr("Choose report %1 too.").arg(sideName(m_sides[0].path.empty() ? 0 : 1)));
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
    }
}

void ComparePage::showState(const QString& sentence, const QString& details)
{
    m_sentence->setText(sentence);
    m_details->setText(details);
    m_stack->setCurrentIndex(0);
}

} // namespace gantry::desktop
