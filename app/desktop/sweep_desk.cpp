#include "app/desktop/sweep_desk.h"

#include "app/desktop/page_area.h"
#include "app/desktop/report_page.h"
#include "app/desktop/sweep_page.h"
#include "app/desktop/text.h"

#include <QAction>
#include <QFileDialog>

#include <filesystem>
#include <utility>
#include <vector>

namespace gantry::desktop {

SweepDesk::SweepDesk(QAction& action, PageArea& pages, QWidget& window) : QObject(&window), m_pages(pages), m_window(window)
{
    connect(&action, &QAction::triggered, this, &SweepDesk::open);
    connect(&m_pages, &PageArea::sweepOpened, this, [this](SweepPage* page) {
        connect(page, &SweepPage::folderRequested, this, [this] { choose(Choice::Folder); });
        connect(page, &SweepPage::filesRequested, this, [this] { choose(Choice::Files); });
    });
}

void SweepDesk::open()
{
    SweepPage& page = m_pages.openSweep();
    // The reports that are open, unless the user chose before.
    std::vector<std::filesystem::path> reports;
    for (const ReportPage* report : m_pages.reports())
        if (report->files().size() == 1)
            reports.push_back(report->path());
    if (page.paths().empty() && reports.size() >= 2)
        page.setPaths(std::move(reports));
}

void SweepDesk::choose(Choice choice)
{
    const bool isFolder = choice == Choice::Folder;
    auto* dialog = new QFileDialog(&m_window, isFolder ? tr("Open the folder of a sweep") : tr("Add reports and tables"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setFileMode(isFolder ? QFileDialog::Directory : QFileDialog::ExistingFiles);
    if (!isFolder)
        dialog->setNameFilter(tr("Reports, tables and sweeps (*.gantry *.csv *.sweep.json);;All files (*)"));
    connect(dialog, &QFileDialog::filesSelected, this, [this, isFolder](const QStringList& files) {
        std::vector<std::filesystem::path> paths;
        for (const QString& file : files)
            paths.push_back(toPath(file));
        SweepPage& page = m_pages.openSweep();
        if (isFolder)
            page.setPaths(std::move(paths));
        else
            page.addPaths(paths);
    });
    dialog->open();
}

} // namespace gantry::desktop
