#include "app/desktop/command_palette.h"

#include <QAction>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLineEdit>
#include <QMenu>
#include <QMenuBar>
#include <QPointer>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <optional>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr int kCommandRole = Qt::UserRole;

QString plainText(const QAction& action)
{
    return action.text().remove(QLatin1Char('&'));
}

/// How far a title is from what was typed: 0 where it holds it as it is, else the letters between those that were typed; nothing where
/// some of them are missing.
std::optional<int> distance(const QString& title, const QString& typed)
{
    if (title.contains(typed, Qt::CaseInsensitive))
        return 0;
    qsizetype at = -1, first = -1;
    for (const QChar letter : typed) {
        if (letter.isSpace())
            continue;
        at = title.indexOf(letter, at + 1, Qt::CaseInsensitive);
        if (at < 0)
            return std::nullopt;
        if (first < 0)
            first = at;
    }
    return static_cast<int>(at - first) + 1;
}

} // namespace

CommandPalette::CommandPalette(const QMenuBar& menus, QWidget* parent) :
    QDialog(parent),
    m_line(new QLineEdit(this)),
    m_list(new QTreeWidget(this))
{
    setWindowTitle(tr("Commands"));
    for (const QAction* menu : menus.actions()) {
        if (menu->menu())
            collect(plainText(*menu), menu->menu()->actions());
    }
    m_line->setPlaceholderText(tr("Type some letters of a command"));
    m_line->installEventFilter(this);
    m_list->setColumnCount(2);
    m_list->header()->hide();
    m_list->header()->setStretchLastSection(false);
    m_list->header()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_list->header()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
    m_list->setRootIsDecorated(false);
    m_list->setUniformRowHeights(true);
    m_list->setFocusPolicy(Qt::NoFocus);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(6, 6, 6, 6);
    layout->addWidget(m_line);
    layout->addWidget(m_list, 1);
    resize(520, 420);
    connect(m_line, &QLineEdit::textChanged, this, &CommandPalette::filter);
    connect(m_line, &QLineEdit::returnPressed, this, &CommandPalette::run);
    connect(m_list, &QTreeWidget::itemClicked, this, &CommandPalette::run);
    filter({});
}

void CommandPalette::collect(const QString& menu, const QList<QAction*>& actions)
{
    for (QAction* action : actions) {
        if (action->menu())
            collect(plainText(*action), action->menu()->actions());
        else if (!action->isSeparator() && action->isEnabled() && action->isVisible())
            m_commands.push_back({QStringLiteral("%1: %2").arg(menu, plainText(*action)), action});
    }
}

void CommandPalette::filter(const QString& typed)
{
    std::vector<std::pair<int, std::size_t>> found;
    for (std::size_t i = 0; i < m_commands.size(); ++i) {
        if (const auto far = distance(m_commands[i].title, typed.trimmed()))
            found.emplace_back(*far, i);
    }
    std::stable_sort(found.begin(), found.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    m_list->clear();
    for (const auto& [far, i] : found) {
        auto* item = new QTreeWidgetItem(m_list, {m_commands[i].title, m_commands[i].action->shortcut().toString(QKeySequence::NativeText)});
        item->setData(0, kCommandRole, static_cast<qulonglong>(i));
        item->setForeground(1, palette().color(QPalette::PlaceholderText));
    }
    if (m_list->topLevelItemCount() > 0)
        m_list->setCurrentItem(m_list->topLevelItem(0));
}

QStringList CommandPalette::listed() const
{
    QStringList titles;
    for (int i = 0; i < m_list->topLevelItemCount(); ++i)
        titles << m_list->topLevelItem(i)->text(0);
    return titles;
}

void CommandPalette::run()
{
    const QTreeWidgetItem* item = m_list->currentItem();
    if (!item)
        return;
    const QPointer<QAction> action = m_commands[item->data(0, kCommandRole).toULongLong()].action;
    accept(); // first: what the action opens stands above nothing
    if (action)
        action->trigger();
}

bool CommandPalette::eventFilter(QObject* watched, QEvent* event)
{
    // The line keeps the keys; those that move in a list are the list's.
    if (watched == m_line && event->type() == QEvent::KeyPress) {
        const int key = static_cast<QKeyEvent*>(event)->key();
        const int count = m_list->topLevelItemCount();
        const int step = key == Qt::Key_Down ? 1 : key == Qt::Key_Up ? -1 : 0;
        if (step != 0 && count > 0) {
            const int row = m_list->indexOfTopLevelItem(m_list->currentItem());
            m_list->setCurrentItem(m_list->topLevelItem((row + step + count) % count));
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace gantry::desktop
