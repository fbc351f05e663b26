#include "app/desktop/log_panel.h"

#include "app/desktop/text.h"
#include "widgets/theme/theme.h"

#include <QComboBox>
#include <QDateTime>
#include <QEvent>
#include <QFontDatabase>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPlainTextEdit>
#include <QScrollBar>
#include <QSignalBlocker>
#include <QTextBlock>
#include <QToolButton>
#include <QVBoxLayout>

#include <chrono>
#include <utility>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;
using proto::LogLevel;

constexpr auto kMatchDelay = 250ms;
constexpr int kMostMarked = 500; ///< matches: more of them say nothing, and each costs with every paint

QColor colourOf(LogLevel level, const widgets::Theme& theme)
{
    switch (level) {
    case LogLevel::Error:
        return theme.bad;
    case LogLevel::Warning:
        return theme.warning;
    case LogLevel::Debug:
        return theme.weakText;
    case LogLevel::Info:
    case LogLevel::Unknown:
        break;
    }
    return theme.text;
}

QToolButton* makeStep(const char* name, Qt::ArrowType arrow, const QString& tip, QWidget* parent)
{
    auto* button = new QToolButton(parent);
    button->setObjectName(QLatin1String(name));
    button->setArrowType(arrow);
    button->setToolTip(tip);
    button->setAccessibleName(tip);
    button->setAutoRaise(true);
    return button;
}

} // namespace

LogPanel::LogPanel(QWidget* parent)
    : QWidget(parent),
      m_text(new QPlainTextEdit(this)),
      m_bar(new QHBoxLayout),
      m_level(new QComboBox(this)),
      m_search(new QLineEdit(this)),
      m_previous(makeStep("logPrevious", Qt::UpArrow, tr("Previous match (Shift+Enter)"), this)),
      m_next(makeStep("logNext", Qt::DownArrow, tr("Next match (Enter)"), this)),
      m_matches(new QLabel(this))
{
    m_text->setObjectName(QStringLiteral("logText"));
    m_text->setReadOnly(true);
    m_text->setMaximumBlockCount(static_cast<int>(kMostLines));
    m_text->setUndoRedoEnabled(false);
    m_text->setLineWrapMode(QPlainTextEdit::NoWrap);
    m_text->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    m_text->setFrameShape(QFrame::NoFrame);
    setPlaceholder(tr("The log of the node appears here once it is connected."));
    buildBar();
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addLayout(m_bar);
    layout->addWidget(m_text, 1);
    m_matchTimer.setSingleShot(true);
    m_matchTimer.setInterval(kMatchDelay);
    connect(&m_matchTimer, &QTimer::timeout, this, &LogPanel::refreshMatches);
}

void LogPanel::buildBar()
{
    m_level->setObjectName(QStringLiteral("logLevel"));
    m_level->setAccessibleName(tr("Least level"));
    for (const auto& [text, level] :
         {std::pair(tr("All levels"), LogLevel::Unknown), std::pair(tr("Information and above"), LogLevel::Info),
          std::pair(tr("Warnings and errors"), LogLevel::Warning), std::pair(tr("Errors"), LogLevel::Error)})
        m_level->addItem(text, static_cast<int>(level));
    m_level->setSizePolicy(QSizePolicy::Maximum, QSizePolicy::Fixed);
    m_level->setMinimumWidth(70);
    m_search->setObjectName(QStringLiteral("logSearch"));
    m_search->setPlaceholderText(tr("Find in the log"));
    m_search->setAccessibleName(tr("Find in the log"));
    m_search->setClearButtonEnabled(true);
    m_search->setMinimumWidth(80);
    m_search->setMaximumWidth(320);
    m_matches->setObjectName(QStringLiteral("logMatches"));
    m_matches->setForegroundRole(QPalette::PlaceholderText);
    m_bar->setContentsMargins(6, 4, 6, 4);
    m_bar->setSpacing(6);
    m_bar->addWidget(m_level);
    m_bar->addWidget(m_search, 1);
    for (QToolButton* step : {m_previous, m_next})
        m_bar->addWidget(step);
    m_bar->addWidget(m_matches);
    m_bar->addStretch(1);

    connect(m_level, &QComboBox::currentIndexChanged, this,
            [this] { setLeastLevel(static_cast<LogLevel>(m_level->currentData().toInt())); });
    connect(m_search, &QLineEdit::textChanged, this, [this] {
        refreshMatches();
        if (!m_search->text().isEmpty() && m_text->textCursor().selectedText().compare(m_search->text(), Qt::CaseInsensitive) != 0)
            stepMatch(-1); // the newest is what people look for
    });
    connect(m_search, &QLineEdit::returnPressed, this,
            [this] { stepMatch(QGuiApplication::keyboardModifiers().testFlag(Qt::ShiftModifier) ? -1 : 1); });
    connect(m_previous, &QToolButton::clicked, this, [this] { stepMatch(-1); });
    connect(m_next, &QToolButton::clicked, this, [this] { stepMatch(1); });
    refreshMatches();
}

void LogPanel::addToBar(QWidget& widget)
{
    m_bar->insertWidget(0, &widget);
}

void LogPanel::setPlaceholder(const QString& sentence)
{
    m_text->setPlaceholderText(sentence);
}

void LogPanel::append(const std::vector<proto::LogLine>& lines, std::size_t dropped)
{
    QScrollBar* bar = m_text->verticalScrollBar();
    const bool follows = bar->value() == bar->maximum();
    if (dropped > 0)
        add({tr("(%1 lines were lost on the way)").arg(dropped), LogLevel::Warning});
    for (const proto::LogLine& line : lines) {
        const QString time = QDateTime::fromMSecsSinceEpoch(line.utcNs / 1'000'000).toString(QStringLiteral("HH:mm:ss.zzz"));
        (void)m_levels.shows(line);
        add({time + QStringLiteral("  ") + toQString(line.text), m_levels.level()});
    }
    if (follows)
        bar->setValue(bar->maximum());
    if (!m_search->text().isEmpty() && !m_matchTimer.isActive())
        m_matchTimer.start();
}

void LogPanel::add(Line line)
{
    show(line);
    m_lines.push_back(std::move(line));
    if (m_lines.size() > kMostLines)
        m_lines.pop_front();
}

void LogPanel::show(const Line& line)
{
    if (line.level < m_least)
        return;
    QTextCharFormat format;
    format.setForeground(colourOf(line.level, widgets::Theme::forPalette(palette())));
    QTextCursor end(m_text->document());
    end.movePosition(QTextCursor::End);
    if (!m_text->document()->isEmpty())
        end.insertBlock();
    end.insertText(line.text, format);
}

void LogPanel::showAll()
{
    m_text->clear();
    for (const Line& line : m_lines)
        show(line);
    m_text->verticalScrollBar()->setValue(m_text->verticalScrollBar()->maximum());
    refreshMatches();
}

void LogPanel::clear()
{
    m_lines.clear();
    m_levels = {};
    m_text->clear();
    refreshMatches();
}

void LogPanel::setLeastLevel(LogLevel least)
{
    if (std::exchange(m_least, least) == least)
        return;
    const QSignalBlocker quiet(m_level);
    m_level->setCurrentIndex(m_level->findData(static_cast<int>(least)));
    showAll();
}

QString LogPanel::text() const
{
    return m_text->toPlainText();
}

void LogPanel::stepMatch(int direction)
{
    const QString wanted = m_search->text();
    if (wanted.isEmpty())
        return;
    const QTextDocument::FindFlags way = direction < 0 ? QTextDocument::FindBackward : QTextDocument::FindFlags();
    QTextCursor found = m_text->document()->find(wanted, m_text->textCursor(), way);
    if (found.isNull()) { // from the other end
        QTextCursor start(m_text->document());
        start.movePosition(direction < 0 ? QTextCursor::End : QTextCursor::Start);
        found = m_text->document()->find(wanted, start, way);
    }
    if (!found.isNull())
        m_text->setTextCursor(found);
    refreshMatches();
}

void LogPanel::refreshMatches()
{
    const QString wanted = m_search->text();
    QList<QTextEdit::ExtraSelection> marked;
    int matches = 0, current = 0;
    QTextEdit::ExtraSelection one;
    one.format.setBackground(widgets::Theme::forPalette(palette()).match);
    one.format.setForeground(widgets::Theme::textOn(one.format.background().color()));
    if (!wanted.isEmpty()) {
        const QTextDocument& document = *m_text->document();
        for (one.cursor = document.find(wanted); !one.cursor.isNull(); one.cursor = document.find(wanted, one.cursor)) {
            ++matches;
            if (one.cursor == m_text->textCursor())
                current = matches;
            if (marked.size() < kMostMarked)
                marked << one;
        }
    }
    m_text->setExtraSelections(marked);
    m_matches->setText(wanted.isEmpty() ? QString()
                       : matches == 0   ? tr("no match")
                       : current > 0    ? tr("%1 of %2").arg(current).arg(matches)
                       : matches == 1   ? tr("1 match")
                                        : tr("%1 matches").arg(matches));
    for (QToolButton* step : {m_previous, m_next})
        step->setEnabled(matches > 0);
}

QString LogPanel::matchText() const
{
    return m_matches->text();
}

void LogPanel::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && !m_lines.empty())
        showAll(); // lines keep the colours they were made with
}

} // namespace gantry::desktop
