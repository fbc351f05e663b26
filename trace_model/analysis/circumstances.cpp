#include "trace_model/analysis/circumstances.h"

#include "trace_model/analysis/change_text.h"
#include "trace_model/report/meta_keys.h"
#include "trace_model/trace/counter_window.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

namespace gantry::analysis {
namespace {

using trace::Trace;
using Of = CircumstanceChange::Of;

constexpr const char* kUnknown = "–";

using Facts = std::map<std::pair<Of, std::string>, std::string>;

/// Settings that are one thing, and what people call it.
constexpr std::array<std::pair<std::string_view, std::pair<Of, std::string_view>>, 12> kSettings = {{
    {"GANTRY_DRIVER_VERSION", {Of::Software, "driver"}},
    {"GANTRY_CUDA_DRIVER_VERSION", {Of::Software, "CUDA"}},
    {"GANTRY_OS", {Of::Software, "system"}},
    {"GANTRY_KERNEL", {Of::Software, "kernel of the system"}},
    {"GANTRY_CPU", {Of::Software, "CPU"}},
    {"GANTRY_DAEMON_VERSION", {Of::Software, "gantryd"}},
    {"GANTRY_ENGINE", {Of::Software, "recorded by"}},
    {report::meta::kHostName, {Of::Software, "host"}},
    {report::meta::kTargetName, {Of::Software, "server"}},
    {report::meta::kTargetCommand, {Of::Flags, "command line"}},
    {"GANTRY_RECIPE_NAME", {Of::Load, "recipe"}},
    {"GANTRY_SERVER_VERSION", {Of::Software, "server version"}},
}};

void takeSettings(Facts& facts, const Trace& trace)
{
    for (const auto& [key, fact] : kSettings)
        if (const auto found = trace.meta.settings.find(std::string(key)); found != trace.meta.settings.end())
            facts[{fact.first, std::string(fact.second)}] = found->second;
    for (const auto& [key, value] : trace.meta.settings)
        if (key.starts_with(report::meta::kEnvironmentPrefix))
            facts[{Of::Environment, key.substr(std::string_view(report::meta::kEnvironmentPrefix).size())}] = value;
    std::vector<std::string> gpus;
    for (const trace::GpuInfo& gpu : trace.meta.gpus)
        gpus.push_back(gpu.name);
    std::sort(gpus.begin(), gpus.end());
    if (!gpus.empty())
        facts[{Of::Gpu, "GPUs"}] = fmt::format("{}", fmt::join(gpus, ", "));
    if (trace.meta.format != "gantry")
        facts[{Of::Software, "recorded by"}] = trace.meta.producer;
}

/// The words, texts and signs of a configuration in protobuf's text format.
std::vector<std::string> tokensOf(const std::string& text)
{
    constexpr std::string_view kSigns = "{}[]:,;<>";
    std::vector<std::string> tokens;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        std::size_t end = at + 1;
        if (c == '#') {
            end = std::min(text.find('\n', at), text.size());
        } else if (c == '"' || c == '\'') {
            end = std::min(text.find(c, at + 1), text.size() - 1) + 1;
            tokens.push_back(text.substr(at, end - at));
        } else if (kSigns.find(c) != std::string_view::npos) {
            tokens.emplace_back(1, c);
        } else if (!std::isspace(static_cast<unsigned char>(c))) {
            while (end < text.size() && !std::isspace(static_cast<unsigned char>(text[end])) && kSigns.find(text[end]) == std::string_view::npos)
                ++end;
            tokens.push_back(text.substr(at, end - at));
        }
        at = end;
    }
    return tokens;
}

/// "instance_group.count" → "2": each value of a configuration by the messages that it is in; those of a list one after the other.
void takeConfig(Facts& facts, const std::string& model, const std::string& text)
{
    std::vector<std::string> messages, lists; // names that are open; "" for a list of values
    std::string name;
    bool isValue = false;
    constexpr std::size_t kDeepest = 32, kLongestPath = 1000; // of a file that nobody wrote by hand
    const auto take = [&](const std::string& value) {
        std::string path;
        for (const std::string& message : messages)
            path += message + '.';
        if (path.size() + name.size() > kLongestPath)
            return;
        std::string& fact = facts[{Of::ModelConfig, path + name + " of " + model}];
        fact += (fact.empty() ? "" : ", ") + value;
    };
    for (const std::string& token : tokensOf(text)) {
        if (token == "{") {
            if (messages.size() >= kDeepest)
                return;
            messages.push_back(name.empty() && !lists.empty() ? lists.back() : name);
            name.clear();
            isValue = false;
        } else if (token == "}") {
            if (!messages.empty())
                messages.pop_back();
        } else if (token == "[") {
            lists.push_back(isValue ? std::string() : name);
            if (!isValue)
                name.clear();
        } else if (token == "]") {
            if (!lists.empty())
                lists.pop_back();
            isValue = false;
        } else if (token == ":") {
            isValue = true;
        } else if (isValue && token != "," && token != ";") {
            take(token);
            isValue = !lists.empty() && lists.back().empty();
        } else if (!isValue && token != "," && token != ";") {
            name = token;
        }
    }
}

void takeConfigs(Facts& facts, const Trace& trace)
{
    for (const auto& [key, value] : trace.meta.settings)
        if (key.starts_with(report::meta::kModelConfigPrefix))
            takeConfig(facts, key.substr(std::string_view(report::meta::kModelConfigPrefix).size()), value);
}

void takeModels(Facts& facts, const Trace& trace)
{
    struct Model
    {
        std::set<trace::StringId> versions;
        std::set<std::pair<std::uint64_t, trace::StringId>> instances;
        std::size_t executions = 0, batched = 0;
    };
    std::map<std::string, Model> models;
    for (const trace::Request& request : trace.requests)
        if (!request.version.isNone())
            models[std::string(trace.strings[request.model])].versions.insert(request.version);
    for (const trace::Execution& execution : trace.executions) {
        Model& model = models[std::string(trace.strings[execution.model])];
        model.instances.emplace(execution.globalTid, execution.instance);
        model.executions += execution.memberCount > 0;
        model.batched += execution.memberCount > 1;
    }
    constexpr std::size_t kEnoughToTell = 50; // executions: of fewer, none may have found a second request waiting
    for (const auto& [name, model] : models) {
        std::vector<std::string> versions;
        for (const trace::StringId version : model.versions)
            versions.emplace_back(trace.strings[version]);
        if (!versions.empty())
            facts[{Of::Model, "version of " + name}] = fmt::format("{}", fmt::join(versions, ", "));
        if (!model.instances.empty())
            facts[{Of::Model, "instances of " + name + " that executed"}] = std::to_string(model.instances.size());
        // Now and then two requests come together; a tenth of executions is more than that.
        if (model.executions >= kEnoughToTell && (model.batched == 0 || model.batched * 10 >= model.executions))
            facts[{Of::Batching, "batching of " + name}] = model.batched == 0 ? "none: each execution has one request" : "several requests in an execution";
    }
}

/// Which kinds of host memory copies of a direction use, but for the odd one.
void takeCopies(Facts& facts, const Trace& trace)
{
    std::map<trace::CopyKind, std::map<trace::MemoryKind, std::size_t>> kinds;
    for (const trace::CopyRoute& route : trace.memcpys.route)
        if (route.hostMemory() != trace::MemoryKind::Unknown)
            ++kinds[route.kind][route.hostMemory()];
    for (const auto& [direction, memories] : kinds) {
        std::size_t all = 0;
        for (const auto& [memory, count] : memories)
            all += count;
        std::vector<std::string> used;
        for (const auto& [memory, count] : memories)
            if (count * 10 >= all)
                used.emplace_back(name(memory));
        facts[{Of::Copies, fmt::format("host memory of {} copies", name(direction))}] = fmt::format("{}", fmt::join(used, " and "));
    }
}

struct Mean
{
    double value = 0;
    std::string_view unit;
};

/// Of a gauge, in the window; absent: there is none of that name.
std::optional<Mean> meanOf(const Trace& trace, std::string_view metric)
{
    double sum = 0;
    std::size_t count = 0;
    std::string_view unit;
    for (const trace::Track& track : trace.tracks) {
        if (track.kind != trace::TrackKind::Counter || track.counter.isDerived || (!track.name.starts_with(metric) && !track.counter.source.starts_with(metric)))
            continue;
        const trace::SamplesInWindow samples = trace::samplesInWindow(trace, track.counter);
        for (std::size_t i = samples.begin; i < samples.end; ++i)
            if (!std::isnan(track.counter.value[i])) {
                sum += track.counter.value[i];
                ++count;
                unit = track.counter.unit;
            }
    }
    return count > 0 ? std::optional(Mean{sum / static_cast<double>(count), unit}) : std::nullopt;
}

/// Of what is measured, values that differ by a share of less than this are the same.
struct Gauge
{
    std::string_view metric, name;
    double negligible;
};
constexpr std::array kGauges = {Gauge{"gpu_sm_clock_hz", "SM clock", 0.03}, Gauge{"gpu_memory_clock_hz", "memory clock", 0.03},
                                Gauge{"gpu_power_limit_w", "power cap", 0.01}};

void compareGauges(std::vector<CircumstanceChange>& changes, const Trace& a, const Trace& b)
{
    for (const Gauge& gauge : kGauges) {
        const auto x = meanOf(a, gauge.metric), y = meanOf(b, gauge.metric);
        if (x && y && x->unit == y->unit &&
            std::abs(y->value - x->value) > gauge.negligible * std::max(std::abs(x->value), std::abs(y->value)))
            changes.push_back({Of::Gpu, std::string(gauge.name), valueText(x->value, x->unit), valueText(y->value, y->unit)});
    }
}

/// What held clocks down for at least a tenth of the window.
void takeThrottles(Facts& facts, const Trace& trace)
{
    std::set<std::string> reasons;
    bool isKnown = false;
    for (const trace::Track& track : trace.tracks) {
        if (track.kind != trace::TrackKind::Counter || !track.counter.source.starts_with("gpu_throttled") || track.counter.value.empty())
            continue;
        const trace::SamplesInWindow samples = trace::samplesInWindow(trace, track.counter);
        const auto begin = track.counter.value.begin();
        const auto throttled = std::count_if(begin + static_cast<std::ptrdiff_t>(samples.begin),
                                             begin + static_cast<std::ptrdiff_t>(samples.end), [](double value) { return value > 0; });
        if (samples.size() == 0)
            continue;
        isKnown = true;
        const std::size_t from = track.counter.source.find("reason=\"");
        if (static_cast<std::size_t>(throttled) * 10 >= samples.size())
            reasons.insert(from == std::string::npos ? "throttled" : track.counter.source.substr(from + 8, track.counter.source.find('"', from + 8) - from - 8));
    }
    if (isKnown)
        facts[{Of::Gpu, "clocks held down by"}] = reasons.empty() ? "nothing" : fmt::format("{}", fmt::join(reasons, ", "));
}

Facts factsOf(const Trace& trace)
{
    Facts facts;
    takeSettings(facts, trace);
    takeConfigs(facts, trace);
    takeModels(facts, trace);
    takeCopies(facts, trace);
    takeThrottles(facts, trace);
    return facts;
}

/// Whether a report says anything of that kind: then what it does not mention was not set.
bool saysAnythingOf(const Facts& facts, Of of)
{
    return std::any_of(facts.begin(), facts.end(), [of](const auto& fact) { return fact.first.first == of; });
}

} // namespace

bool isListOfAll(Of of)
{
    return of == Of::ModelConfig || of == Of::Environment;
}

std::vector<Circumstance> circumstancesOf(const Trace& trace)
{
    std::vector<Circumstance> circumstances;
    for (const auto& [key, value] : factsOf(trace))
        circumstances.push_back({key.first, key.second, value});
    return circumstances;
}

std::string sentenceOf(const CircumstanceChange& change)
{
    return fmt::format("{}: {} in A, {} in B", change.name, change.a, change.b);
}

std::vector<CircumstanceChange> circumstanceChanges(const Trace& a, const Trace& b)
{
    const Facts x = factsOf(a), y = factsOf(b);
    std::vector<CircumstanceChange> changes;
    const auto lacks = [](const Facts& facts, const std::pair<Of, std::string>& key) {
        return !isListOfAll(key.first) || !saysAnythingOf(facts, key.first);
    };
    for (const auto& [key, value] : x) {
        const auto other = y.find(key);
        if (other != y.end() ? other->second != value : !lacks(y, key))
            changes.push_back({key.first, key.second, value, other != y.end() ? other->second : kUnknown});
    }
    for (const auto& [key, value] : y)
        if (!x.contains(key) && !lacks(x, key))
            changes.push_back({key.first, key.second, kUnknown, value});
    compareGauges(changes, a, b);
    std::stable_sort(changes.begin(), changes.end(), [](const CircumstanceChange& p, const CircumstanceChange& q) { return p.of < q.of; });
    return changes;
}

} // namespace gantry::analysis
