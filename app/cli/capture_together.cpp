#include "app/cli/capture_together.h"

#include "app/cli/capture_steps.h"
#include "app/cli/report_summary.h"
#include "app/remote/node_session.h"

#include <algorithm>
#include <cctype>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

namespace gantry::cli {
namespace {

struct Member
{
    TogetherNode node;
    Result<app::SessionMember> ready = Error{ErrorCode::Internal, "not connected", {}};
    std::string host;
    Result<app::SessionReport> report = Error{ErrorCode::Internal, "not captured", {}};

    [[nodiscard]] std::string name() const { return node.address.empty() ? "this machine" : node.address; }
    [[nodiscard]] const Error* error() const { return !ready ? &ready.error() : !report ? &report.error() : nullptr; }
};

/// A host's name as part of a file's.
std::string filePart(const std::string& host)
{
    std::string part;
    for (const char c : host)
        part += std::isalnum(static_cast<unsigned char>(c)) || c == '.' || c == '-' || c == '_' ? c : '_';
    return part.empty() || part.front() == '.' ? "node" + part : part;
}

/// "ranks.gantry" of the host gpu-08 is "ranks-gpu-08.gantry"; of several with one name, "ranks-gpu-08-2.gantry" is the second's.
void nameFiles(std::vector<Member>& members, const std::filesystem::path& output)
{
    const std::filesystem::path base = output.empty() ? std::filesystem::path("together.gantry") : output;
    const std::string extension = base.has_extension() ? base.extension().string() : ".gantry";
    std::set<std::string> used;
    for (Member& member : members) {
        if (!member.ready)
            continue;
        const std::string host = filePart(member.host);
        std::string part = host;
        for (int number = 2; !used.insert(part).second; ++number)
            part = host + "-" + std::to_string(number);
        member.ready->destination = base.parent_path() / (base.stem().string() + "-" + part + extension);
    }
}

Result<app::SessionMember> connectTo(const CommonOptions& common, const TogetherNode& node, proto::EngineKind engine, std::string& host)
{
    CommonOptions there = common;
    there.node = node.address;
    GANTRY_TRY(auto client, connect(there));
    host = client->hello().hostName;
    std::string target = node.targetId;
    if (target.empty()) {
        GANTRY_TRY(target, chooseTarget(*client, engine));
    }
    return app::SessionMember{std::move(client), std::move(target), {}, engine};
}

/// One after the other: a node may ask for a password.
void connectAll(const CommonOptions& common, std::vector<Member>& members, proto::EngineKind engine)
{
    for (Member& member : members)
        member.ready = connectTo(common, member.node, engine, member.host);
}

/// "gpu-07 capturing 1.2 s · gpu-08 fetching 40 %".
class TogetherProgress
{
public:
    explicit TogetherProgress(std::vector<std::string> names) : m_names(std::move(names)), m_states(m_names.size(), "waiting") {}

    void set(std::size_t index, std::string state)
    {
        const std::lock_guard lock(m_mutex);
        m_states[index] = std::move(state);
        std::string text;
        for (std::size_t i = 0; i < m_names.size(); ++i)
            text += fmt::format("{}{} {}", i == 0 ? "" : " · ", m_names[i], m_states[i]);
        m_line.show(text);
    }

private:
    std::mutex m_mutex;
    ProgressLine m_line{true};
    std::vector<std::string> m_names, m_states;
};

void run(const CommonOptions& common, std::vector<Member>& members, const proto::CaptureRequest& request)
{
    std::vector<app::SessionMember> ready;
    std::vector<Member*> of;
    std::vector<std::string> names;
    for (Member& member : members)
        if (member.ready) {
            ready.push_back(*member.ready);
            of.push_back(&member);
            names.push_back(member.host);
        }
    std::stop_source close, giveUp;
    const InterruptScope interrupts(common.interrupts, [&](int count) {
        close.request_stop();
        if (count > 1)
            giveUp.request_stop();
    });
    TogetherProgress progress(names);
    app::SessionWatch watch;
    watch.close = close.get_token();
    watch.giveUp = giveUp.get_token();
    watch.onStatus = [&](std::size_t i, const proto::CaptureStatus& status) {
        progress.set(i, fmt::format("{} {}", proto::name(status.state), formatDuration(status.elapsedNs)));
    };
    watch.onFetch = [&](std::size_t i, std::uint64_t bytes, std::uint64_t total) {
        progress.set(i, fmt::format("fetching {} of {}", formatBytes(bytes), formatBytes(total)));
    };
    auto reports = app::captureTogether(ready, request, watch);
    for (std::size_t i = 0; i < of.size(); ++i)
        of[i]->report = std::move(reports[i]);
}

/// How far apart one instant on two of the nodes may seem; absent with fewer than two clocks.
std::optional<DurationNs> worstError(const std::vector<Member>& members)
{
    std::vector<DurationNs> errors;
    for (const Member& member : members)
        if (member.ready && member.report && member.report->clock)
            errors.push_back(member.report->clock->errorNs);
    if (errors.size() < 2)
        return std::nullopt;
    std::sort(errors.rbegin(), errors.rend());
    return errors[0] + errors[1];
}

nlohmann::json toJson(const Member& member)
{
    const app::SessionReport* report = member.ready && member.report ? &*member.report : nullptr;
    const Error* error = member.error();
    const auto orNone = [&](const auto& value) { return report ? nlohmann::json(value(*report)) : nlohmann::json(); };
    return {{"node", orNull(member.node.address)},
            {"host", orNull(member.host)},
            {"target_id", member.ready ? nlohmann::json(member.ready->targetId) : nlohmann::json()},
            {"file", orNone([](const app::SessionReport& r) { return r.fetched.path.string(); })},
            {"bytes", orNone([](const app::SessionReport& r) { return r.fetched.bytes; })},
            {"node_sha256", orNone([](const app::SessionReport& r) { return r.fetched.sha256; })},
            {"events", orNone([](const app::SessionReport& r) { return r.status.events; })},
            {"dropped", orNone([](const app::SessionReport& r) { return r.status.dropped; })},
            {"clock_error_ns", report && report->clock ? nlohmann::json(report->clock->errorNs) : nlohmann::json()},
            {"message", orNull(report ? report->whyNoClock.empty() ? report->status.message : report->whyNoClock : "")},
            {"error", error ? nlohmann::json({{"code", name(error->code)}, {"message", error->text()}}) : nlohmann::json()}};
}

void sayText(const std::vector<Member>& members)
{
    std::string together;
    for (const Member& member : members) {
        if (const Error* error = member.error()) {
            sayTo(stderr, "gantryctl: {}: {}\n", member.name(), error->text());
            continue;
        }
        const app::SessionReport& report = *member.report;
        say("{:<18}{} · {} events · dropped {} · clock {}\n", member.host, formatDuration(report.status.elapsedNs), report.status.events,
            report.status.dropped, report.clock ? "±" + formatDuration(report.clock->errorNs) : "unknown");
        say("{:<18}{} ({}, SHA-256 verified)\n", "", report.fetched.path.string(), formatBytes(report.fetched.bytes));
        for (const std::string& note : {report.whyNoClock, report.status.message})
            if (!note.empty())
                say("{:<18}{}\n", "note", note);
        together += " " + report.fetched.path.string();
    }
    if (const auto error = worstError(members))
        say("{:<18}one instant on two nodes lies within ±{}; open them as one: gantry --together{}\n", "clocks", formatDuration(*error),
            together);
}

} // namespace

TogetherNode parseTogetherNode(const std::string& text)
{
    const std::size_t hash = text.rfind('#');
    return hash == std::string::npos ? TogetherNode{text, {}} : TogetherNode{text.substr(0, hash), text.substr(hash + 1)};
}

Result<void> checkTogether(const proto::CaptureRequest& request)
{
    const auto cannot = [](const char* what) {
        return Error{ErrorCode::BadInput, std::string("--with opens one window on each node at one instant: it goes without ") + what, {}};
    };
    if (request.windowCount > 1 || request.periodNs > 0)
        return cannot("--repeat and --every");
    if (request.trigger != proto::CaptureTrigger::None)
        return cannot("--capture-range");
    if (request.delayNs > 0 || request.startUtcNs > 0)
        return cannot("--after and --at");
    if (request.mayQueue)
        return cannot("--queue");
    if (request.isPlanOnly)
        return cannot("--dry-run");
    return {};
}

Result<int> captureTogether(const CommonOptions& common, const std::vector<TogetherNode>& nodes, const proto::CaptureRequest& request,
                            const std::filesystem::path& output)
{
    std::vector<Member> members(nodes.size());
    for (std::size_t i = 0; i < nodes.size(); ++i)
        members[i].node = nodes[i];
    connectAll(common, members, request.engine);
    nameFiles(members, output);
    if (std::any_of(members.begin(), members.end(), [](const Member& member) { return member.ready.hasValue(); }))
        run(common, members, request);
    if (common.json) {
        nlohmann::json all = nlohmann::json::array();
        for (const Member& member : members)
            all.push_back(toJson(member));
        const auto error = worstError(members);
        print({{"nodes", all}, {"clock_error_ns", error ? nlohmann::json(*error) : nlohmann::json()}});
    } else {
        sayText(members);
    }
    for (const Member& member : members)
        if (const Error* error = member.error())
            return exitStatus(error->code);
    return 0;
}

} // namespace gantry::cli
