#include "app/desktop/log_panel.h"

#include "app/desktop/text.h"

#include <QDateTime>
#include <QFontDatabase>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QVBoxLayout>

namespace gantry::desktop {

namespace {

constexpr int kLongestLog = 5000; // lines

} // namespace

LogPanel::LogPanel(QWidget* parent) :
    QWidget(parent),
    m_text(new QPlainTextEdit(this))
{
    m_text->setReadOnly(true);
    m_text->setMaximumBlockCount(kLongestLog);
    m_text->setLineWrapMode(QPlainTextEdit::NoWrap);
    m_text->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_text->setFrameShape(QFrame::NoFrame);
    m_text->setPlaceholderText(tr("The log of the node appears here once it is connected."));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_text);
}

void LogPanel::append(const std::vector<proto::LogLine>& lines, std::size_t dropped)
{
    QScrollBar* bar = m_text->verticalScrollBar();
    const bool follows = bar->value() == bar->maximum();
    if (dropped > 0)
        m_text->appendPlainText(tr("(%1 lines were lost on the way)").arg(dropped));
    for (const proto::LogLine& line : lines) {
        const QString time = QDateTime::fromMSecsSinceEpoch(line.utcNs / 1'000'000).toString(QStringLiteral("HH:mm:ss.zzz"));
        m_text->appendPlainText(time + QStringLiteral("  ") + toQString(line.text));
    }
    if (follows)
        bar->setValue(bar->maximum());
}

void LogPanel::clear()
{
    m_text->clear();
}

} // namespace gantry::desktop
