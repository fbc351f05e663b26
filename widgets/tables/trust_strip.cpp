#include "widgets/tables/trust_strip.h"

#include "trace_model/analysis/window_cost_text.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/file_alignment.h"
#include "widgets/tables/import_view.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QEvent>
#include <QLabel>
#include <QStringList>

#include <algorithm>
#include <cmath>

namespace gantry::widgets {

namespace {

using Item = TrustStrip::Item;
using Grade = TrustStrip::Grade;

constexpr double kNoticeableCost = 0.05; // of the throughput: below it run-to-run noise is as large
constexpr DurationNs kLooseClock = 100'000;
constexpr std::size_t kCostPlace = 2;               // among the items
constexpr int kPadding = 8, kMargin = 3, kGap = 14; // px: left and right, above and below, between items

/// With the sign that is as wide as a plus.
QString signedText(const std::string& text)
{
    QString shown = toQString(text);
    return shown.startsWith(QLatin1Char('-')) ? shown.replace(0, 1, QStringLiteral("−")) : shown;
}

Item droppedItem(const trace::Trace& trace)
{
    const std::uint64_t dropped = droppedTotal(trace.losses);
    QStringList lines;
    bool isBad = false;
    for (const Loss& loss : trace.losses) {
        lines << QStringLiteral("%1: %2 — %3").arg(toQString(loss.name), formatCount(loss.count), toQString(loss.help));
        isBad |= loss.count > 0 && loss.severity == LossSeverity::Error;
    }
    if (trace.losses.empty())
        return {TrustStrip::tr("dropped: not recorded"), TrustStrip::tr("The report does not say whether anything was lost."),
                Grade::Unknown};
    return {TrustStrip::tr("dropped %1").arg(formatCount(dropped)), lines.join(QLatin1Char('\n')),
            isBad     ? Grade::Bad
            : dropped ? Grade::Warning
                      : Grade::Good};
}

Item clockItem(const trace::Trace& trace)
{
    if (const auto between = trace::errorBetweenNodes(trace))
        return {TrustStrip::tr("clocks ±%1 between nodes").arg(formatDuration(*between)),
                TrustStrip::tr("How far apart one instant on two nodes may be drawn: each node's clock was measured against this machine's "
                               "before, in and after the window."),
                *between > kLooseClock ? Grade::Warning : Grade::Good};
    if (!trace.meta.clockErrorNs)
        return {TrustStrip::tr("clock error unknown"), TrustStrip::tr("The report holds no clock pairs to compare."), Grade::Unknown};
    const DurationNs error = *trace.meta.clockErrorNs;
    return {TrustStrip::tr("clock ±%1").arg(formatDuration(error)),
            TrustStrip::tr("Largest disagreement of the clocks of this report after they were fitted to one."),
            error > kLooseClock ? Grade::Warning : Grade::Good};
}

/// What is behind the sentence, figure by figure.
QString costHelp(const QString& meaning, const report::WindowCost& cost)
{
    QStringList lines{meaning};
    for (const analysis::CostLine& line : analysis::costLines(cost))
        if (line.name != "window cost")
            lines << toQString(line.name) + QStringLiteral(": ") + signedText(line.value);
    return lines.join(QLatin1Char('\n'));
}

Item costItem(const report::WindowCost& cost)
{
    const QString what = TrustStrip::tr("Requests per second inside the window against those in spans as long before and after it. The "
                                        "error is what they vary by without a window.");
    if (!cost.ratio && cost.whyNoRate.empty())
        return {TrustStrip::tr("window cost not measured"),
                costHelp(TrustStrip::tr("It compares requests per second inside the window with those before and after it, and needs a "
                                        "server whose metrics are read."),
                         cost),
                Grade::Unknown};
    if (!cost.ratio)
        return {TrustStrip::tr("window cost: %1").arg(toQString(cost.whyNoRate)), costHelp(what, cost), Grade::Unknown};
    const double ratio = *cost.ratio;
    const double error = cost.error.value_or(0);
    if (!analysis::isCostClear(cost))
        return {TrustStrip::tr("window cost not clear (± %1 req/s)").arg(formatPercent(error)),
                costHelp(TrustStrip::tr("Requests per second vary that much in any window of this length. A longer window or a larger, "
                                        "steadier load shows the cost."),
                         cost),
                Grade::Unknown};
    QString text = TrustStrip::tr("window cost %1%2").arg(ratio > 0 ? QStringLiteral("+") : QString(), formatPercent(ratio));
    if (cost.error)
        text += QStringLiteral(" ± %1").arg(formatPercent(error));
    text += TrustStrip::tr(" req/s");
    if (cost.p99)
        text += TrustStrip::tr(", %1 p99").arg(signedText(analysis::costDifferenceText(*cost.p99)));
    else if (cost.p50)
        text += TrustStrip::tr(", %1 p50").arg(signedText(analysis::costDifferenceText(*cost.p50)));
    // What chance explains is no cost, and no proof of none.
    const bool isChance = std::abs(ratio) < 2 * error && error > kNoticeableCost / 2;
    return {text, costHelp(what, cost), isChance ? Grade::Unknown : ratio < -kNoticeableCost ? Grade::Warning : Grade::Good};
}

Item completeItem(const trace::Trace& trace)
{
    if (!trace.meta.complete) {
        QStringList reasons;
        for (const std::string& why : trace.meta.whyIncomplete)
            reasons << toQString(why);
        const QString help = TrustStrip::tr("What is there is right, but not all.");
        return {TrustStrip::tr("incomplete"), reasons.isEmpty() ? help : reasons.join(QStringLiteral("; ")) + QStringLiteral(". ") + help,
                Grade::Bad};
    }
    if (trace.meta.targetExited)
        return {TrustStrip::tr("server ended in the window"), TrustStrip::tr("The report holds what was recorded until then."),
                Grade::Warning};
    return {TrustStrip::tr("complete"), TrustStrip::tr("The report was finished by the program that wrote it."), Grade::Good};
}

} // namespace

TrustStrip::TrustStrip(QWidget* parent) : QWidget(parent)
{
    setObjectName(QStringLiteral("trustStrip"));
    QSizePolicy policy(QSizePolicy::Preferred, QSizePolicy::Minimum);
    policy.setHeightForWidth(true);
    setSizePolicy(policy);
}

std::vector<Item> TrustStrip::itemsOf(const trace::Trace& trace)
{
    if (trace.meta.isPreview)
        return {{tr("a sample: what the report is worth is known once all is read"),
                 tr("Losses, clocks and completeness are those of the whole."), Grade::Unknown}};
    std::vector<Item> items{droppedItem(trace), clockItem(trace), costItem(analysis::windowCostOf(trace.meta)), completeItem(trace)};
    const auto cut =
        static_cast<std::size_t>(std::count_if(trace.requests.begin(), trace.requests.end(), [](const auto& r) { return r.cutByWindow; }));
    if (cut > 0)
        items.push_back({cut == 1 ? tr("1 request cut by the window") : tr("%1 requests cut by the window").arg(formatCount(cut)),
                         tr("What began before it or ended after it counts in no percentile."), Grade::Unknown});
    if (const std::uint64_t skipped = totalsOf(trace.imports).skipped(); skipped > 0)
        items.push_back({skipped == 1 ? tr("1 row not used") : tr("%1 rows not used").arg(formatCount(skipped)),
                         tr("Rows of the file that became no event. Click to see which, and why."), Grade::Warning, true});
    if (!trace.meta.warnings.empty()) {
        QStringList lines;
        for (const std::string& warning : trace.meta.warnings)
            lines << toQString(warning);
        const bool isRecorded = trace.meta.settings.contains(report::meta::kRehearsal); // which is one of the warnings
        const std::size_t others = trace.meta.warnings.size() - (isRecorded ? 1 : 0);
        const QString count = others == 1 ? tr("1 warning") : tr("%1 warnings").arg(others);
        const QString text = !isRecorded ? count : others == 0 ? tr("recording") : tr("recording, %1").arg(count);
        items.push_back({text, lines.join(QLatin1Char('\n')), Grade::Warning});
    }
    return items;
}

void TrustStrip::setTrace(const trace::Trace& trace)
{
    m_items = itemsOf(trace);
    showItems();
}

void TrustStrip::setCost(const report::WindowCost& cost)
{
    if (m_items.size() <= kCostPlace)
        return; // of a sample, the whole of which follows
    m_items[kCostPlace] = costItem(cost);
    showItems();
}

void TrustStrip::showItems()
{
    qDeleteAll(m_labels);
    m_labels.clear();
    for (const Item& item : m_items) {
        auto* label = new QLabel(this);
        label->setToolTip(item.help);
        if (item.opensImport)
            connect(label, &QLabel::linkActivated, this, &TrustStrip::importRequested);
        label->show();
        m_labels.push_back(label);
    }
    colorLabels();
    updateGeometry();
    placeLabels();
}

std::vector<QRect> TrustStrip::places(int width) const
{
    std::vector<QRect> places;
    QPoint at(kPadding, kMargin);
    for (const QLabel* label : m_labels) {
        const QSize size = label->sizeHint();
        if (at.x() > kPadding && at.x() + size.width() > width - kPadding)
            at = {kPadding, at.y() + size.height()};
        places.emplace_back(at, size);
        at.rx() += size.width() + kGap;
    }
    return places;
}

void TrustStrip::placeLabels()
{
    const auto all = places(width());
    for (std::size_t i = 0; i < all.size(); ++i)
        m_labels[i]->setGeometry(all[i]);
}

int TrustStrip::heightForWidth(int width) const
{
    const auto all = places(width);
    return all.empty() ? 0 : all.back().bottom() + 1 + kMargin;
}

QSize TrustStrip::sizeHint() const
{
    constexpr int kAnyWidth = 1 << 20;
    const auto all = places(kAnyWidth);
    return {all.empty() ? 0 : all.back().right() + 1 + kPadding, heightForWidth(kAnyWidth)};
}

QSize TrustStrip::minimumSizeHint() const
{
    return {80, sizeHint().height()};
}

void TrustStrip::resizeEvent(QResizeEvent* event)
{
    QWidget::resizeEvent(event);
    placeLabels();
}

void TrustStrip::colorLabels()
{
    const Theme& theme = Theme::forPalette(palette());
    for (std::size_t i = 0; i < m_items.size(); ++i) {
        const Item& item = m_items[i];
        const QColor color = item.grade == Grade::Good      ? theme.good
                             : item.grade == Grade::Warning ? theme.warning
                             : item.grade == Grade::Bad     ? theme.bad
                                                            : theme.weakText;
        // A sign and a colour: one of them is enough to read it.
        const QString sign = item.grade == Grade::Good      ? QStringLiteral("✓")
                             : item.grade == Grade::Unknown ? QStringLiteral("–")
                                                            : QStringLiteral("!");
        QString text = item.text.toHtmlEscaped();
        if (item.opensImport)
            text = QStringLiteral("<a href='import' style='color:%1'>%2</a>").arg(theme.accent.name(), text);
        m_labels[i]->setText(QStringLiteral("<span style='color:%1'><b>%2</b></span> %3").arg(color.name(), sign, text));
    }
}

void TrustStrip::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    // Only texts: the application walks its widgets while it changes the palette, so none may go.
    if (event->type() == QEvent::PaletteChange)
        colorLabels();
}

} // namespace gantry::widgets
