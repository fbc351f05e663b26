#pragma once

#include <QObject>

class QAction;
class QWidget;

namespace gantry::desktop {

class PageArea;
class SweepPage;

/// What leads to the sweep's page: its action, and the dialogs for folders and files. UI thread.
class SweepDesk : public QObject
{
    Q_OBJECT

public:
    /// `window`: parent of the dialogs. All outlive this.
    SweepDesk(QAction& action, PageArea& pages, QWidget& window);

private:
    enum class Choice
    {
        Folder, ///< in the place of what is shown
        Files   ///< added to it
    };
    void open();
    void choose(Choice choice);

    PageArea& m_pages;
    QWidget& m_window;
};

} // namespace gantry::desktop
