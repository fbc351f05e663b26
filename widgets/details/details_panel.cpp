#include "widgets/details/details_panel.h"

#include "widgets/theme/glossary.h"
#include "widgets/theme/theme.h"

#include <QEvent>
#include <QMimeData>
#include <QScrollBar>
#include <QTextBrowser>
#include <QTextDocumentFragment>
#include <QUrl>
#include <QVBoxLayout>

namespace gantry::widgets {

namespace {

/// "e:17" and "r:4": events and requests as addresses of links.
QString urlOf(const DetailLink& link)
{
    if (const auto* event = std::get_if<trace::EventId>(&link))
        return QStringLiteral("e:%1").arg(event->packed);
    if (const auto* request = std::get_if<trace::RequestIndex>(&link))
        return QStringLiteral("r:%1").arg(request->value);
    return {};
}

constexpr QChar kBreak(0x200B); // may end a line, and is not seen

/// A key or a file's name like OS_RUNTIME_OPTIONS:DURATION_THRESHOLD_NS or baseTimeNanoseconds, that may end a line behind its words rather
/// than in one.
QString breakable(QString name)
{
    for (qsizetype i = name.size() - 2; i > 0; --i)
        if (name[i] == QLatin1Char('_') || name[i] == QLatin1Char(':') || (name[i] == QLatin1Char('.') && name[i + 1].isLetter()) ||
            (name[i].isLower() && name[i + 1].isUpper()))
            name.insert(i + 1, kBreak);
    return name;
}

/// What is copied has the keys as they are.
class DetailsView : public QTextBrowser
{
public:
    using QTextBrowser::QTextBrowser;

protected:
    [[nodiscard]] QMimeData* createMimeDataFromSelection() const override
    {
        auto* data = new QMimeData;
        data->setText(textCursor().selection().toPlainText().remove(kBreak));
        return data;
    }
};

/// With what it means as its tooltip, where it is a term.
QString explained(const QString& name)
{
    const QString help = termToolTip(name);
    const QString text = breakable(name).toHtmlEscaped();
    return help.isEmpty() ? text : QStringLiteral("<span title=\"%1\">%2</span>").arg(help.toHtmlEscaped(), text);
}

} // namespace

DetailsPanel::DetailsPanel(QWidget* parent) : QWidget(parent), m_view(new DetailsView(this))
{
    m_view->setObjectName(QStringLiteral("details"));
    m_view->setAccessibleName(tr("Details of the selection"));
    m_view->setFrameShape(QFrame::NoFrame);
    m_view->setOpenLinks(false);
    m_view->document()->setDocumentMargin(8);
    m_view->setPlaceholderText(tr("Click an event or a request to see what is known about it."));
    connect(m_view, &QTextBrowser::anchorClicked, this, &DetailsPanel::follow);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_view);
}

void DetailsPanel::show(std::shared_ptr<const trace::Trace> trace, trace::EventId event, trace::RequestIndex request)
{
    m_sections.clear();
    if (trace) {
        const auto append = [this](std::vector<DetailSection> more) {
            m_sections.insert(m_sections.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        };
        // Of a phase the request says everything; of a kernel the kernel comes first.
        const bool isPhase = event.isNone() || event.kind() == trace::EventKind::Phase;
        if (!isPhase)
            append(eventDetails(*trace, event));
        if (!request.isNone())
            append(requestDetails(*trace, request));
        if (m_sections.empty())
            append(reportDetails(*trace));
    }
    fill();
}

void DetailsPanel::clear()
{
    m_sections.clear();
    fill();
}

void DetailsPanel::fill()
{
    const Theme& theme = Theme::forPalette(palette());
    QString html;
    for (const DetailSection& section : m_sections) {
        html += QStringLiteral(
                    "<p style='margin-top:10px; margin-bottom:2px'><b>%1</b></p><table width='100%' cellspacing='0' cellpadding='2'>")
                    .arg(explained(section.title));
        for (const DetailLine& line : section.lines) {
            const QString url = urlOf(line.link);
            QString value = (url.isEmpty() ? breakable(line.value) : line.value).toHtmlEscaped();
            if (!url.isEmpty())
                value = QStringLiteral("<a href='%1' style='color:%2; text-decoration:none'>%3</a>").arg(url, theme.accent.name(), value);
            html += QStringLiteral("<tr><td width='42%' style='color:%1'>%2</td><td>%3</td></tr>")
                        .arg(theme.weakText.name(), explained(line.name), value);
        }
        html += QStringLiteral("</table>");
    }
    m_view->setHtml(html);
    m_view->verticalScrollBar()->setValue(0);
}

void DetailsPanel::follow(const QUrl& url)
{
    bool isNumber = false;
    const std::uint32_t number = url.path().toUInt(&isNumber);
    if (!isNumber)
        return;
    if (url.scheme() == QLatin1String("e")) {
        trace::EventId event;
        event.packed = number;
        emit eventRequested(event);
    } else if (url.scheme() == QLatin1String("r")) {
        emit requestRequested(trace::RequestIndex(number));
    }
}

QString DetailsPanel::text() const
{
    return m_view->toPlainText().remove(kBreak);
}

void DetailsPanel::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        fill();
}

} // namespace gantry::widgets
