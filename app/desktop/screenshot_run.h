#pragma once

#include "app/desktop/command_line.h"
#include "app/desktop/unattended_run.h"

namespace gantry::desktop {

/// `gantry --screenshot`: opens what the command line asks for, waits until it is loaded and drawn, saves the window and ends.
class ScreenshotRun : public UnattendedRun
{
    Q_OBJECT

public:
    ScreenshotRun(MainWindow& window, CommandLine line);
    void start() override;

private:
    void showReport();
    void showComparison();
    void showSweep();
    void showLive();
    void save();

    CommandLine m_line;
};

} // namespace gantry::desktop
