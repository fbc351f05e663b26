#include "app/desktop/comparison_pdf.h"

#include "app/desktop/text.h"
#include "trace_model/analysis/change_text.h"
#include "trace_model/base/new_file.h"

#include <QBuffer>
#include <QCoreApplication>
#include <QPdfWriter>
#include <QTextDocument>
#include <QUrl>

#include <algorithm>
#include <string_view>
#include <vector>

namespace gantry::desktop {
namespace {

constexpr const char* kPicture = "gantry:picture";
constexpr std::size_t kMostRows = 60; // about two pages: who wants all of them has the page

QString tr(const char* text)
{
    return QCoreApplication::translate("ComparisonPdf", text);
}

QString escaped(std::string_view text)
{
    return QString::fromUtf8(text.data(), static_cast<qsizetype>(text.size())).toHtmlEscaped();
}

QString listOf(const QString& title, const std::vector<std::string>& lines)
{
    if (lines.empty())
        return {};
    QString html = QStringLiteral("<h3>%1</h3><ul>").arg(title);
    for (const std::string& line : lines)
        html += QStringLiteral("<li>%1</li>").arg(escaped(line));
    return html + QStringLiteral("</ul>");
}

QString cellsOf(const analysis::ComparisonRow& row)
{
    const auto value = [&](const std::optional<double>& v) { return v ? escaped(analysis::valueText(*v, row.unit)) : QStringLiteral("–"); };
    const auto& change = row.change();
    return QStringLiteral("<tr><td>%1</td><td align=right>%2</td><td align=right>%3</td><td align=right>%4</td><td>%5</td></tr>")
        .arg(escaped(row.name), value(row.a), value(row.b), change ? escaped(analysis::percentText(change->ratio())) : QStringLiteral("–"),
             escaped(row.judgement()));
}

/// What changed first, then the others as they are listed.
QString tableOf(const analysis::Comparison& comparison)
{
    auto rows = comparison.rows();
    std::erase_if(rows, [](const analysis::ComparisonRow* row) { return !row->a && !row->b; });
    std::stable_partition(rows.begin(), rows.end(), [](const analysis::ComparisonRow* row) { return row->isChanged(); });
    QString html =
        QStringLiteral(
            "<h3>%1</h3><table cellpadding=2><tr><th align=left>%2</th><th>A</th><th>B</th><th>%3</th><th align=left>%4</th></tr>")
            .arg(tr("Rows, those that changed first"), tr("what"), tr("change"), tr("so"));
    for (std::size_t i = 0; i < std::min(rows.size(), kMostRows); ++i)
        html += cellsOf(*rows[i]);
    html += QStringLiteral("</table>");
    if (rows.size() > kMostRows)
        html += QStringLiteral("<p>%1</p>")
                    .arg(tr("%1 more rows are on the page and in gantryctl compare --json.").arg(rows.size() - kMostRows));
    return html;
}

QString htmlOf(const ComparisonSummary& summary)
{
    const analysis::Comparison& c = summary.comparison;
    QString html = QStringLiteral("<h1>%1</h1><p>%2</p><p>A: %3<br>B: %4</p>")
                       .arg(escaped(analysis::headline(c.verdict.verdict)), escaped(c.verdict.reason), summary.nameA.toHtmlEscaped(),
                            summary.nameB.toHtmlEscaped());
    if (c.aligned)
        html += QStringLiteral("<p>%1</p>").arg(escaped(c.aligned->sentence));
    std::vector<std::string> leading;
    for (const analysis::LeadingChange& change : c.leading)
        leading.push_back(change.sentence);
    html += listOf(tr("What changed, the likeliest cause first"), leading) + listOf(tr("What cannot be concluded"), c.limits);
    if (!summary.picture.isNull())
        html += QStringLiteral("<p><img src='%1' width='500'></p>").arg(QLatin1String(kPicture));
    return html + tableOf(c);
}

} // namespace

Result<void> writeComparisonPdf(const ComparisonSummary& summary, const std::filesystem::path& path)
{
    // The file is made first: a folder that cannot be written is found before the work.
    GANTRY_TRY(NewFile file, NewFile::create(path, FileAccess::ByUmask));
    QBuffer buffer;
    buffer.open(QIODevice::WriteOnly);
    {
        QPdfWriter writer(&buffer);
        writer.setPageSize(QPageSize(QPageSize::A4));
        writer.setResolution(96);
        writer.setTitle(summary.nameA + QStringLiteral(" · ") + summary.nameB);
        QTextDocument document;
        QFont font = document.defaultFont();
        font.setPointSize(8);
        document.setDefaultFont(font);
        if (!summary.picture.isNull())
            document.addResource(QTextDocument::ImageResource, QUrl(QLatin1String(kPicture)), summary.picture);
        document.setHtml(htmlOf(summary));
        document.print(&writer);
    }
    const QByteArray& bytes = buffer.data();
    GANTRY_CHECK(file.write({bytes.constData(), static_cast<std::size_t>(bytes.size())}));
    return file.publish();
}

} // namespace gantry::desktop
