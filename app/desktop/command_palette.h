#pragma once

#include <QDialog>
#include <QString>

#include <vector>

class QAction;
class QLineEdit;
class QMenuBar;
class QTreeWidget;

namespace gantry::desktop {

/// Every action of the menus that can be done now, found by typing some of its letters: a list under a line to type in. Enter does the
/// one that is chosen. Made anew each time. UI thread.
class CommandPalette : public QDialog
{
    Q_OBJECT

public:
    explicit CommandPalette(const QMenuBar& menus, QWidget* parent = nullptr);

    /// What is listed for the text typed, best first: "File: Export…".
    [[nodiscard]] QStringList listed() const;

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    struct Command
    {
        QString title;
        QAction* action;
    };

    void collect(const QString& menu, const QList<QAction*>& actions);
    void filter(const QString& typed);
    void run();

    std::vector<Command> m_commands;
    QLineEdit* m_line;
    QTreeWidget* m_list;
};

} // namespace gantry::desktop
