#include "app/desktop/model_config_editor.h"

#include "app/desktop/text.h"
#include "app/remote/unified_diff.h"
#include "widgets/theme/theme.h"

#include <QEvent>
#include <QFontDatabase>
#include <QLabel>
#include <QListWidget>
#include <QPlainTextEdit>
#include <QSignalBlocker>
#include <QSplitter>
#include <QStackedWidget>
#include <QTextBlock>
#include <QVBoxLayout>

namespace gantry::desktop {

namespace {

constexpr int kTabColumns = 8; // as protobuf counts them

QPlainTextEdit* makeText(const char* name, const QString& accessibleName, QWidget* parent)
{
    auto* edit = new QPlainTextEdit(parent);
    edit->setObjectName(QLatin1String(name));
    edit->setAccessibleName(accessibleName);
    edit->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    edit->setLineWrapMode(QPlainTextEdit::NoWrap);
    edit->setTabChangesFocus(true); // the buttons stay reachable without a mouse
    edit->setTabStopDistance(kTabColumns * QFontMetricsF(edit->font()).horizontalAdvance(QLatin1Char(' ')));
    return edit;
}

/// The place of a line and column from 1, where a tab reaches to the next multiple of eight.
QTextCursor cursorAt(QTextDocument& document, const proto::ConfigProblem& problem)
{
    const QTextBlock found = document.findBlockByNumber(static_cast<int>(problem.line) - 1);
    const QTextBlock block = found.isValid() ? found : document.lastBlock();
    const QString line = block.text();
    int at = 0;
    for (int column = 0; at < line.size() && column + 1 < static_cast<int>(problem.column); ++at)
        column += line[at] == QLatin1Char('\t') ? kTabColumns - column % kTabColumns : 1;
    QTextCursor cursor(block);
    cursor.setPosition(block.position() + at);
    return cursor;
}

} // namespace

ModelConfigEditor::ModelConfigEditor(QWidget* parent)
    : QWidget(parent),
      m_edit(makeText("modelConfig", tr("Configuration of the model, config.pbtxt"), this)),
      m_heading(new QLabel(this)),
      m_below(new QStackedWidget(this)),
      m_problems(new QListWidget(this)),
      m_diff(makeText("modelConfigDiff", tr("What the edit changes"), this))
{
    m_diff->setReadOnly(true);
    m_problems->setObjectName(QStringLiteral("modelConfigProblems"));
    m_problems->setAccessibleName(tr("What is wrong with the configuration"));
    m_heading->setContentsMargins(6, 4, 6, 2);
    m_below->addWidget(m_diff);
    m_below->addWidget(m_problems);
    auto* below = new QWidget(this);
    auto* column = new QVBoxLayout(below);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_heading);
    column->addWidget(m_below, 1);
    auto* split = new QSplitter(Qt::Vertical, this);
    split->addWidget(m_edit);
    split->addWidget(below);
    split->setStretchFactor(0, 3);
    split->setStretchFactor(1, 2);
    split->setChildrenCollapsible(false);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(split);

    connect(m_edit, &QPlainTextEdit::textChanged, this, [this] {
        m_found.clear(); // of another text
        m_unchecked.clear();
        refreshBelow();
        emit edited();
    });
    connect(m_problems, &QListWidget::itemActivated, this,
            [this](QListWidgetItem* item) { goTo(m_found[static_cast<std::size_t>(m_problems->row(item))]); });
    showNothing({});
}

void ModelConfigEditor::showConfig(const QString& served, const QString& draft)
{
    m_served = served;
    m_found.clear();
    m_unchecked.clear();
    m_edit->setEnabled(true);
    m_edit->setPlaceholderText(
        tr("Not loaded, so the server tells no configuration. Load it with the one of its repository, or write one."));
    const QSignalBlocker quiet(m_edit);
    m_edit->setPlainText(draft.isNull() ? served : draft);
    refreshBelow();
}

void ModelConfigEditor::showNothing(const QString& reason)
{
    showConfig({}, {});
    m_edit->setEnabled(false);
    m_edit->setPlaceholderText(reason);
}

void ModelConfigEditor::setServed(const QString& served)
{
    if (served == m_served)
        return; // the cursor stays where it is
    if (!isEdited())
        return showConfig(served, {});
    m_served = served;
    refreshBelow();
}

void ModelConfigEditor::setProblems(const std::vector<proto::ConfigProblem>& problems)
{
    m_found = problems;
    m_unchecked.clear();
    refreshBelow();
}

void ModelConfigEditor::setUnchecked(const QString& reason)
{
    m_found.clear();
    m_unchecked = reason;
    refreshBelow();
}

void ModelConfigEditor::revert()
{
    m_edit->setPlainText(m_served);
}

QString ModelConfigEditor::text() const
{
    return m_edit->toPlainText();
}

bool ModelConfigEditor::isEdited() const
{
    return text() != m_served;
}

QString ModelConfigEditor::diff() const
{
    return m_diff->toPlainText();
}

void ModelConfigEditor::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        refreshBelow(); // texts keep the colours they were written with
}

void ModelConfigEditor::refreshBelow()
{
    underlineProblems();
    refreshDiff();
    m_problems->clear();
    for (const proto::ConfigProblem& problem : m_found)
        m_problems->addItem(tr("Line %1, column %2: %3").arg(problem.line).arg(problem.column).arg(toQString(problem.message)));
    m_below->setCurrentWidget(m_found.empty() ? static_cast<QWidget*>(m_diff) : m_problems);
    if (!m_found.empty())
        m_heading->setText(tr("The text cannot be read (Enter goes to the place):"));
    else if (!m_unchecked.isEmpty())
        m_heading->setText(tr("Not checked: %1").arg(m_unchecked));
    else
        m_heading->setText(isEdited() ? tr("What the edit changes:") : tr("Nothing is edited."));
}

void ModelConfigEditor::refreshDiff()
{
    using Kind = app::DiffLine::Kind;
    const widgets::Theme& theme = widgets::Theme::forPalette(palette());
    m_diff->clear();
    QTextCursor cursor(m_diff->document());
    bool isFirst = true;
    for (const app::DiffLine& line : app::unifiedDiff(m_served.toStdString(), text().toStdString())) {
        QTextCharFormat format;
        format.setForeground(line.kind == Kind::Added     ? theme.good
                             : line.kind == Kind::Removed ? theme.bad
                             : line.kind == Kind::Hunk    ? theme.weakText
                                                          : theme.text);
        const QString shown = toQString(app::diffText({line}));
        cursor.insertText((isFirst ? QString() : QStringLiteral("\n")) + shown.chopped(1), format);
        isFirst = false;
    }
}

void ModelConfigEditor::underlineProblems()
{
    QList<QTextEdit::ExtraSelection> marks;
    for (const proto::ConfigProblem& problem : m_found) {
        QTextEdit::ExtraSelection mark;
        mark.cursor = cursorAt(*m_edit->document(), problem);
        mark.cursor.select(QTextCursor::LineUnderCursor);
        mark.format.setUnderlineStyle(QTextCharFormat::WaveUnderline);
        mark.format.setUnderlineColor(widgets::Theme::forPalette(palette()).bad);
        marks << mark;
    }
    m_edit->setExtraSelections(marks);
}

void ModelConfigEditor::goTo(const proto::ConfigProblem& problem)
{
    m_edit->setTextCursor(cursorAt(*m_edit->document(), problem));
    m_edit->ensureCursorVisible();
    m_edit->setFocus();
}

} // namespace gantry::desktop
