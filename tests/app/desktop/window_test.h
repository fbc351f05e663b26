#pragma once

#include "app/desktop/main_window.h"
#include "app/desktop/settings.h"
#include "app/jobs/job_runner.h"
#include "tests/support/temporary_folder.h"

#include <QObject>
#include <QSize>
#include <QString>

#include <memory>

namespace gantry::desktop {

/// Base of the tests of the whole window: it is shown, asks nothing of a person, and has settings of its own in a new folder.
class WindowTest : public QObject
{
protected:
    static constexpr int kJobs = 6; ///< at a time

    void openWindow(QSize size = {1200, 800})
    {
        m_folder = std::make_unique<test::TemporaryFolder>();
        m_settings = std::make_unique<Settings>(QString::fromStdString((*m_folder / "data").string()));
        m_runner = std::make_unique<jobs::JobRunner>(kJobs);
        m_window = std::make_unique<MainWindow>(*m_runner, *m_settings);
        m_window->setUnattended();
        m_window->resize(size);
        m_window->show();
    }

    void closeWindow()
    {
        m_window.reset();
        m_runner.reset();
        m_settings.reset(); // writes into the folder, which stays for what still runs there
    }

    std::unique_ptr<test::TemporaryFolder> m_folder;
    std::unique_ptr<Settings> m_settings;
    std::unique_ptr<jobs::JobRunner> m_runner;
    std::unique_ptr<MainWindow> m_window;
};

} // namespace gantry::desktop
