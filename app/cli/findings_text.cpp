#include "app/cli/findings_text.h"

#include "app/cli/printable.h"
#include "trace_model/analysis/findings/words.h"

#include <algorithm>
#include <fmt/format.h>
#include <sstream>
#include <string_view>

namespace gantry::cli {
namespace {

using findings::Diagnosis;
using findings::Evidence;
using findings::Finding;
using findings::Remedy;
using nlohmann::json;

constexpr std::size_t kColumns = 100;

/// Lines of at most kColumns, broken between words; the first begins with `first`, the others with `indent`.
std::string wrapped(const std::string& text, const std::string& first, const std::string& indent)
{
    std::istringstream words(printable(text));
    std::string result = first;
    std::size_t column = first.size();
    bool isFirst = true;
    for (std::string word; words >> word;) {
        if (!isFirst && column + 1 + word.size() > kColumns) {
            result += '\n' + indent;
            column = indent.size();
            isFirst = true;
        }
        result += (isFirst ? "" : " ") + word;
        column += word.size() + (isFirst ? 0 : 1);
        isFirst = false;
    }
    return result + '\n';
}

std::string linesOf(const std::string& text, const std::string& indent)
{
    std::string result;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);)
        result += indent + printable(line) + '\n';
    return result;
}

std::string whereText(const Evidence& evidence, const trace::Trace& trace)
{
    std::string text = fmt::format("see {} (at {}", evidence.what, formatDuration(evidence.time.start - trace.time.start));
    if (!evidence.request.isNone())
        text += fmt::format(", request {}", trace.requests[evidence.request.value].id);
    return text + ")";
}

std::string paragraph(const Finding& finding, const trace::Trace& trace)
{
    const std::string indent(9, ' ');
    std::string text = wrapped(finding.sentence, fmt::format("{:<9}", findings::name(finding.severity)), indent);
    std::string place = finding.rule;
    if (finding.share)
        place += fmt::format(" · {} {}", findings::percent(*finding.share), findings::text(finding.shareOf));
    if (!finding.evidence.empty())
        place += " · " + whereText(finding.evidence.front(), trace);
    text += indent + printable(place) + '\n';
    for (const Remedy& remedy : finding.remedies) {
        text += wrapped(remedy.advice, indent + "- ", indent + "  ");
        text += linesOf(remedy.edit, indent + "      ");
    }
    return text + '\n';
}

json toJson(const Evidence& evidence, const trace::Trace& trace)
{
    const TimestampNs start = trace.time.start;
    json document = {{"what", evidence.what},
                     {"time_range_ns", {evidence.time.start - start, evidence.time.end - start}},
                     {"event", nullptr},
                     {"request_id", nullptr}};
    if (!evidence.event.isNone())
        document["event"] = {
            {"kind", trace::name(evidence.event.kind())}, {"row", evidence.event.row()}, {"name", trace.nameOf(evidence.event)}};
    if (!evidence.request.isNone())
        document["request_id"] = trace.requests[evidence.request.value].id;
    return document;
}

json toJson(const Finding& finding, const trace::Trace& trace)
{
    json evidence = json::array(), remedies = json::array();
    for (const Evidence& each : finding.evidence)
        evidence.push_back(toJson(each, trace));
    for (const Remedy& remedy : finding.remedies)
        remedies.push_back({{"advice", remedy.advice}, {"edit", remedy.edit.empty() ? json() : json(remedy.edit)}});
    return {{"rule", finding.rule},
            {"severity", findings::name(finding.severity)},
            {"sentence", finding.sentence},
            {"share", finding.share ? json(*finding.share) : json()},
            {"share_of", finding.share ? json(findings::name(finding.shareOf)) : json()},
            {"evidence", std::move(evidence)},
            {"remedies", std::move(remedies)}};
}

} // namespace

std::string findingsText(const Diagnosis& diagnosis, const trace::Trace& trace)
{
    std::string text;
    for (const Finding& finding : diagnosis.findings)
        text += paragraph(finding, trace);
    if (diagnosis.findings.empty())
        text += "Nothing was found.\n\n";
    std::string silent;
    for (const findings::RuleName& rule : diagnosis.silent)
        silent += (silent.empty() ? "" : ", ") + std::string(rule.id);
    if (!silent.empty())
        text += wrapped(silent, "looked for, and not found: ", "  ");
    if (diagnosis.unjudged.empty())
        return text;
    text += "not judged:\n";
    for (const findings::Unjudged& each : diagnosis.unjudged)
        text += wrapped(each.why, fmt::format("  {:<20} ", each.rule.id), std::string(23, ' '));
    return text;
}

json findingsJson(const Diagnosis& diagnosis, const trace::Trace& trace)
{
    json found = json::array(), silent = json::array(), unjudged = json::array();
    for (const Finding& finding : diagnosis.findings)
        found.push_back(toJson(finding, trace));
    for (const findings::RuleName& rule : diagnosis.silent)
        silent.push_back(rule.id);
    for (const findings::Unjudged& each : diagnosis.unjudged)
        unjudged.push_back({{"rule", each.rule.id}, {"reason", each.why}});
    return {{"findings", std::move(found)}, {"silent", std::move(silent)}, {"not_judged", std::move(unjudged)}};
}

int findingsStatus(const Diagnosis& diagnosis, findings::Severity failOn)
{
    const auto& found = diagnosis.findings;
    if (std::any_of(found.begin(), found.end(), [&](const Finding& finding) { return finding.severity <= failOn; }))
        return 1;
    const bool isTooLittle = std::any_of(found.begin(), found.end(),
                                         [](const Finding& finding) { return finding.rule == "too-short" || finding.rule == "losses"; });
    return isTooLittle ? 2 : 0;
}

} // namespace gantry::cli
