#include "app/desktop/command_line.h"

#include "app/cli/duration.h"
#include "app/cli/printable.h"
#include "app/desktop/text.h"

#include <CLI/CLI.hpp>

#include <sstream>
#include <vector>

namespace gantry::desktop {

namespace {

constexpr int kUsage = 64; // sysexits.h EX_USAGE

std::optional<QSize> parseSize(const std::string& text)
{
    const QStringList parts = toQString(text).split(QLatin1Char('x'));
    if (parts.size() != 2)
        return std::nullopt;
    bool widthIsNumber = false, heightIsNumber = false;
    const QSize size(parts[0].toInt(&widthIsNumber), parts[1].toInt(&heightIsNumber));
    constexpr int kLargest = 16384; // what a QImage of four bytes a pixel holds without trouble
    if (!widthIsNumber || !heightIsNumber || size.width() < 320 || size.height() < 240 || size.width() > kLargest || size.height() > kLargest)
        return std::nullopt;
    return size;
}

} // namespace

std::variant<CommandLine, EarlyExit> parseCommandLine(int argc, const char* const* argv)
{
    CLI::App app{"Gantry: why is this request slow, and what on the GPU made it so?\n"
                 "Opens reports, connects to nodes that run gantryd, captures and compares.",
                 "gantry"};
    std::vector<std::string> files, compare, sweep, offsets, nodes;
    std::string screenshot, tour, size, theme, page, request, view, select, dataFolder, record;
    int seconds = 2;
    app.add_option("FILE", files, "Reports and traces to open; the format is recognised by content");
    bool together = false;
    app.add_flag("--together", together, "Open the FILEs as one report on one clock");
    app.add_option("--offset", offsets,
                   "With --together: added to the times of the second FILE, again for each after it: 1.5ms, -20us, auto")
        ->type_name("TIME")
        ->allow_extra_args(false);
    app.add_option("--request", request, "Show this request of the first FILE")->type_name("ID|slowest");
    app.add_option("--compare", compare, "Open two reports beside each other")->type_name("A B")->expected(2);
    app.add_option("--sweep", sweep, "Open folders of sweeps, reports and tables as points of throughput against p99")
        ->type_name("PATH...")
        ->expected(1, -1);
    app.add_option("--view", view, "Show this range of the first FILE, counted from its start: 12.5ms..14ms")->type_name("START..END");
    app.add_option("--select", select, "Select this event of the first FILE, as Copy link writes it: kernel:12")->type_name("KIND:ROW");
    app.add_option("--node", nodes,
                   "Connect to a node: unix:/path, grpc://host:port, exec:COMMAND; '' is this machine's. Several: the first is shown")
        ->type_name("ADDR")
        ->allow_extra_args(false);
    app.add_option("--screenshot", screenshot, "Render to a PNG without a display and end; two FILEs are compared unless --together")->type_name("OUT.png");
    app.add_option("--size", size, "Size of the window, 320x240 to 16384x16384")->type_name("WxH");
    app.add_option("--theme", theme, "Colours")->type_name("light|dark")->check(CLI::IsMember({"light", "dark"}));
    app.add_option("--page", page, "Page of the screenshot")->type_name("timeline|compare|live")->check(CLI::IsMember({"timeline", "compare", "live"}));
    app.add_option("--tour", tour, "Play the main job on --node: live metrics, capture, fetch, open; pictures go to this folder")->type_name("DIR");
    app.add_option("--seconds", seconds, "Length of the tour's capture window")->type_name("N")->check(CLI::Range(1, 60));
    app.add_option("--data-folder", dataFolder, "Keep settings and fetched reports here")->type_name("DIR");
    app.add_option("--record", record, "Write how long each paint of a timeline took, a line of JSON each")->type_name("FILE");
    app.set_version_flag("--version", "gantry " GANTRY_VERSION);
    app.footer("Exit codes: 0 done, 2 cannot say, 64 usage, 65 bad input file, 69 node unreachable, 73 cannot write, 75 busy, 77 not permitted.");

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& failure) {
        std::ostringstream out, err;
        const int code = app.exit(failure, out, err);
        return EarlyExit{code == 0 ? 0 : kUsage, code == 0 ? out.str() : err.str()};
    }

    CommandLine line;
    for (const std::string& file : files)
        line.reports << toQString(file);
    line.isTogether = together;
    if (together && files.size() < 2)
        return EarlyExit{kUsage, "--together needs two or more files.\n"};
    if (!offsets.empty() && (!together || offsets.size() >= files.size()))
        return EarlyExit{kUsage, "--offset shifts the second file of --together and those after it: give it once for each.\n"};
    for (const std::string& text : offsets) {
        const auto offset = cli::parseOffset(text);
        if (!offset)
            return EarlyExit{kUsage, "--offset: " + cli::printable(offset.error().message) + ".\n"};
        line.offsets.push_back(*offset);
    }
    if (!nodes.empty()) {
        line.node = nodes.front();
        line.otherNodes.assign(nodes.begin() + 1, nodes.end());
    }
    if (compare.size() == 2)
        line.compare = {toQString(compare[0]), toQString(compare[1])};
    for (const std::string& path : sweep)
        line.sweep << toQString(path);
    if (!sweep.empty() && line.compare)
        return EarlyExit{kUsage, "--sweep and --compare are different pages: give one of them.\n"};
    line.screenshot = toQString(screenshot);
    if (!screenshot.empty() && !line.screenshot.endsWith(QLatin1String(".png"), Qt::CaseInsensitive))
        return EarlyExit{kUsage, "--screenshot writes a PNG: give the file a name that ends in .png.\n"};
    line.tour = toQString(tour);
    line.tourSeconds = seconds;
    line.request = toQString(request);
    line.dataFolder = toQString(dataFolder);
    line.record = toQString(record);
    if (!theme.empty())
        line.theme = theme == "dark" ? ColorScheme::Dark : ColorScheme::Light;
    if (!page.empty())
        line.page = page == "compare" ? PageKind::Compare : page == "live" ? PageKind::Live : PageKind::Timeline;
    if (!size.empty()) {
        const auto parsed = parseSize(size);
        if (!parsed)
            return EarlyExit{kUsage, "--size: '" + size + "' is not a size between 320x240 and 16384x16384.\n"};
        line.size = *parsed;
        line.hasSize = true;
    }
    if (!line.request.isEmpty() && (line.reports.isEmpty() || line.compare))
        return EarlyExit{kUsage, "--request needs a report to find it in.\n"};
    if ((!view.empty() || !select.empty()) && (line.reports.isEmpty() || line.compare))
        return EarlyExit{kUsage, "--view and --select need a report to show.\n"};
    if (!view.empty()) {
        const auto range = parseViewRange(view);
        if (!range)
            return EarlyExit{kUsage, "--view: " + cli::printable(range.error().message) + ".\n"};
        line.place.range = *range;
    }
    if (!select.empty()) {
        const auto event = parseSelected(select);
        if (!event)
            return EarlyExit{kUsage, "--select: " + cli::printable(event.error().message) + ".\n"};
        line.place.selected = *event;
    }
    const bool wantsLive = line.page == PageKind::Live;
    if (!line.screenshot.isEmpty()) {
        if (wantsLive && !line.node)
            return EarlyExit{kUsage, "--screenshot of the live page needs --node ADDR.\n"};
        if (line.page == PageKind::Compare && !line.compare && line.reports.size() != 2)
            return EarlyExit{kUsage, "--page compare needs two reports.\n"};
        if (!wantsLive && line.reports.isEmpty() && !line.compare && line.sweep.isEmpty())
            return EarlyExit{kUsage, "--screenshot needs a report to render.\n"};
        if (!line.compare && !line.isTogether && line.reports.size() == 2 && line.page != PageKind::Timeline && !wantsLive)
            line.compare = {line.reports[0], line.reports[1]};
        if (!line.compare && !line.isTogether && line.reports.size() > 2)
            return EarlyExit{kUsage, "--screenshot renders one report, or two beside each other.\n"};
    }
    if (!line.tour.isEmpty() && !line.node)
        return EarlyExit{kUsage, "--tour needs --node ADDR.\n"};
    return line;
}

} // namespace gantry::desktop
