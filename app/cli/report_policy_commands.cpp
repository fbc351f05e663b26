#include "app/cli/commands.h"
#include "app/cli/duration.h"
#include "app/cli/window_options.h"

#include <fmt/format.h>
#include <memory>
#include <optional>

namespace gantry::cli {
namespace {

constexpr DurationNs kHourNs = 3'600'000'000'000;
constexpr const char* kNoBound = "none";

/// As they are typed; empty: as it is.
struct PolicyOptions
{
    std::string maxTotal, maxAge, minFree;

    [[nodiscard]] bool isEmpty() const { return maxTotal.empty() && maxAge.empty() && minFree.empty(); }
};

/// An age may also be in days, which no other length of time is.
Result<DurationNs> parseAge(const std::string& text)
{
    if (!text.ends_with('d'))
        return parseDuration(text);
    GANTRY_TRY(const DurationNs hours, parseDuration(text.substr(0, text.size() - 1) + "h"));
    constexpr DurationNs kLongest = 100 * 365 * 24 * kHourNs / 24;
    if (hours > kLongest)
        return Error{ErrorCode::BadInput, "'" + text + "' is longer than a hundred years", {}};
    return hours * 24;
}

Result<void> apply(const PolicyOptions& options, proto::ReportPolicy& policy)
{
    const auto set = [](const std::string& text, auto& value, const auto& parse) -> Result<void> {
        if (text.empty())
            return {};
        if (text == kNoBound) {
            value = 0;
            return {};
        }
        GANTRY_TRY(value, parse(text));
        return {};
    };
    GANTRY_CHECK(set(options.maxTotal, policy.maxTotalBytes, [](const std::string& text) { return parseSize(text); }));
    GANTRY_CHECK(set(options.maxAge, policy.maxAgeNs, parseAge));
    return set(options.minFree, policy.minFreeDiskBytes, [](const std::string& text) { return parseSize(text); });
}

std::string ageText(DurationNs age)
{
    if (age % (24 * kHourNs) == 0)
        return fmt::format("{} days", age / (24 * kHourNs));
    return age % kHourNs == 0 ? fmt::format("{} h", age / kHourNs) : formatDuration(age);
}

void printShelf(const proto::ReportShelf& shelf, const CommonOptions& common)
{
    if (common.json) {
        const auto bound = [](auto value) { return value > 0 ? nlohmann::json(value) : nlohmann::json(); };
        print({{"max_total_bytes", bound(shelf.policy.maxTotalBytes)},
               {"max_age_ns", bound(shelf.policy.maxAgeNs)},
               {"min_free_disk_bytes", bound(shelf.policy.minFreeDiskBytes)},
               {"reports", shelf.reports.size()},
               {"total_bytes", shelf.totalBytes},
               {"disk_free_bytes", shelf.diskFreeBytes ? nlohmann::json(*shelf.diskFreeBytes) : nlohmann::json()}});
        return;
    }
    const proto::ReportPolicy& policy = shelf.policy;
    say("in all     {}\n", policy.maxTotalBytes > 0 ? "at most " + formatBytes(policy.maxTotalBytes) : "no bound");
    say("age        {}\n", policy.maxAgeNs > 0 ? "at most " + ageText(policy.maxAgeNs) : "no bound");
    say("free disk  {}\n", policy.minFreeDiskBytes > 0 ? "at least " + formatBytes(policy.minFreeDiskBytes) : "no bound");
    say("now        {} reports of {} · {}\n", shelf.reports.size(), formatBytes(shelf.totalBytes),
        shelf.diskFreeBytes ? formatBytes(*shelf.diskFreeBytes) + " of the disk free" : "how much of the disk is free is not known");
}

int policy(const CommonOptions& common, const PolicyOptions& options)
{
    proto::ReportPolicy wanted;
    if (const auto parsed = apply(options, wanted); !parsed) // before anything is asked of the node
        return reportUsage(parsed.error().text(), common);
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    auto shelf = (*client)->reportShelf();
    if (shelf && !options.isEmpty()) {
        wanted = shelf->policy;
        if (const auto changed = apply(options, wanted); !changed)
            return reportUsage(changed.error().text(), common);
        shelf = (*client)->setReportPolicy(wanted);
    }
    if (!shelf)
        return report(shelf.error(), common);
    printShelf(*shelf, common);
    return 0;
}

int keep(const CommonOptions& common, const std::string& name, bool isKept)
{
    const auto client = connect(common);
    if (!client)
        return report(client.error(), common);
    const auto kept = (*client)->keepReport(name, isKept);
    if (!kept)
        return report(kept.error(), common);
    if (common.json)
        print({{"name", kept->name}, {"is_kept", kept->isKept}});
    else
        say("{} {}\n", kept->name, kept->isKept ? "stays, whatever the policy says" : "stays for as long as the policy lets it");
    return 0;
}

} // namespace

void addReportPolicyCommands(CLI::App& reportCommands, CommonOptions& common, Action& action)
{
    auto options = std::make_shared<PolicyOptions>();
    auto* setting = reportCommands.add_subcommand("policy", "Which reports stay on the node; without options, says so and changes nothing");
    setting->add_option("--max-total", options->maxTotal, "the oldest go when all take more than this, e.g. 20G; none: no bound");
    setting->add_option("--max-age", options->maxAge, "those go that are older, e.g. 30d or 12h; none: no bound");
    setting->add_option("--min-free", options->minFree, "the oldest go when less of the disk is free, e.g. 10G; none: no bound");
    setting->footer(
        "It is applied at once, after each report and every hour. Reports that are kept, that are being fetched or that are younger "
        "than a minute stay;\nwhat goes is in gantryd's log. Below --min-free in spite of that, a capture says so and starts all the "
        "same; with less than 32 MiB free\nit is refused.\n\n"
        "  gantryctl report policy --max-total 20G --max-age 30d --min-free 10G");
    setting->callback([&, options] { action = [&, options] { return policy(common, *options); }; });
    auto name = std::make_shared<std::string>();
    for (const bool isKept : {true, false}) {
        auto* keeping =
            reportCommands.add_subcommand(isKept ? "keep" : "unkeep", isKept ? "Keep a report on the node, whatever the policy says"
                                                                             : "Leave a report on the node to the policy again");
        keeping->add_option("name", *name, "its name on the node")->required();
        keeping->callback([&, name, isKept] { action = [&, name, isKept] { return keep(common, *name, isKept); }; });
    }
}

} // namespace gantry::cli
