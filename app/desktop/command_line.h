#pragma once

#include "app/desktop/settings.h"
#include "app/desktop/view_link.h"
#include "trace_model/base/time.h"

#include <QSize>
#include <QString>
#include <QStringList>

#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace gantry::desktop {

enum class PageKind { Timeline, Compare, Live };

/// What `gantry` was asked to do.
struct CommandLine
{
    QStringList reports;                            ///< open at start
    bool isTogether = false;                        ///< as one report on one clock
    std::vector<std::optional<DurationNs>> offsets; ///< together: added to the times of the second report and those after it; may be fewer
    std::optional<std::string> node;                ///< connect to; empty text: this machine's
    std::vector<std::string> otherNodes;            ///< connect to, too
    std::optional<std::pair<QString, QString>> compare;
    QStringList sweep;                   ///< folders and files to open as a sweep; empty: none
    QString screenshot;                  ///< PNG to write, then end; empty: an ordinary start
    QString tour;                        ///< folder to write the tour's pictures to, then end
    int tourSeconds = 2;
    QSize size{1600, 1000};              ///< of the window in pictures
    bool hasSize = false;
    std::optional<ColorScheme> theme;
    std::optional<PageKind> page;
    QString request;                     ///< to show in the first report: its id, or "slowest"; empty: none
    ViewPlace place;                     ///< to show in the first report
    QString dataFolder;
    QString record;                      ///< file to write the times of frames to; empty: none

    /// Ends by itself and needs no user: a picture or the tour.
    [[nodiscard]] bool isUnattended() const { return !screenshot.isEmpty() || !tour.isEmpty(); }
};

/// The program ends at once with this: text for --help and --version, or a usage error (64 of sysexits.h).
struct EarlyExit
{
    int code = 0;
    std::string text;
};

[[nodiscard]] std::variant<CommandLine, EarlyExit> parseCommandLine(int argc, const char* const* argv);

} // namespace gantry::desktop
