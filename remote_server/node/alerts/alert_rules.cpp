#include "remote_server/node/alerts/alert_rules.h"

#include "remote_server/node/alerts/alert_file.h"
#include "remote_server/node/clock.h"

#include <algorithm>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <utility>

namespace gantry::node {
namespace {

constexpr std::chrono::milliseconds kPoll{200};
constexpr DurationNs kLeastPause = 60'000'000'000; // a value that trembles around its bound must not fill the disk
constexpr DurationNs kShowEvery = 1'000'000'000;
constexpr DurationNs kLongest = 7LL * 86'400 * 1'000'000'000;
constexpr std::size_t kLongestText = 500;
constexpr std::size_t kMostDeleted = 1000;

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

} // namespace

AlertRules::AlertRules(MetricsSource& metrics, Options options) : m_metrics(metrics), m_options(std::move(options))
{
    if (!m_options.monoNow)
        m_options.monoNow = [] { return monotonicNow(); };
    if (!m_options.utcNow)
        m_options.utcNow = [] { return utcNow(); };
    readFile();
    m_metrics.add(m_queue);
    m_thread = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

AlertRules::~AlertRules()
{
    m_thread.request_stop();
    m_thread = {};
    m_metrics.remove(m_queue);
}

Result<AlertRules::Watched> AlertRules::watched(const proto::AlertRule& rule)
{
    for (const std::string* text : {&rule.name, &rule.condition, &rule.quietHours, &rule.targetId})
        if (text->size() > kLongestText)
            return badInput(fmt::format("a text of an alert has {} characters at most", kLongestText));
    if (rule.forNs < 0 || rule.cooldownNs < 0 || rule.forNs > kLongest || rule.cooldownNs > kLongest)
        return badInput("how long a condition must hold, and the pause after an action, are between nothing and a week");
    if (rule.action == proto::AlertAction::Capture && rule.targetId.empty())
        return badInput("an alert that captures needs the target to capture");
    GANTRY_TRY(metrics::AlertCondition condition, metrics::AlertCondition::parse(rule.condition));
    GANTRY_TRY(const QuietHours quiet, QuietHours::parse(rule.quietHours));
    proto::AlertState state;
    state.rule = rule;
    if (state.rule.name.empty())
        state.rule.name = rule.condition;
    return Watched{std::move(state), std::move(condition), quiet, {}, {}, 0, 0};
}

void AlertRules::readFile()
{
    if (m_options.path.empty())
        return;
    auto rules = readAlertFile(m_options.path);
    if (!rules) {
        m_fileProblem = rules.error().message;
        spdlog::error("{}", m_fileProblem);
        return;
    }
    m_lastId = rules->lastId;
    for (const proto::AlertRule& rule : rules->rules) {
        auto known = watched(rule);
        if (known)
            m_rules.emplace(rule.id, std::move(*known)).first->second.version = ++m_version;
        else
            spdlog::warn("alert {} is left out: {}", rule.name, known.error().message);
    }
}

/// Mutex held, as in those below.
Result<void> AlertRules::writeFile() const
{
    if (m_options.path.empty())
        return {};
    if (!m_fileProblem.empty())
        return badInput(m_fileProblem);
    AlertFile file{m_lastId, {}};
    for (const auto& [id, rule] : m_rules)
        file.rules.push_back(rule.state.rule);
    return writeAlertFile(m_options.path, file);
}

std::vector<proto::AlertState> AlertRules::list() const
{
    return waitForChanges(0, {}).states;
}

Result<proto::AlertState> AlertRules::set(proto::AlertRule rule)
{
    const std::lock_guard lock(m_mutex);
    const auto known = m_rules.find(rule.id);
    if (!rule.id.empty() && known == m_rules.end())
        return Error{ErrorCode::NotFound, "there is no alert " + rule.id + ": `gantryctl alert list` shows which there are", {}};
    if (rule.id.empty() && m_rules.size() >= kMostRules)
        return badInput(fmt::format("a node watches {} alerts at most: delete one", kMostRules));
    if (rule.id.empty())
        rule.id = "a" + std::to_string(++m_lastId);
    GANTRY_TRY(Watched fresh, watched(rule));
    for (const auto& [id, series] : m_series)
        fresh.condition.define(series);
    std::optional<Watched> before;
    if (known != m_rules.end()) {
        before = std::move(known->second);
        fresh.state.events = before->state.events;
    }
    Watched& now = m_rules.insert_or_assign(rule.id, std::move(fresh)).first->second;
    now.state.sinceUtcNs = m_options.utcNow();
    if (const auto written = writeFile(); !written) {
        if (before)
            m_rules.insert_or_assign(rule.id, std::move(*before));
        else
            m_rules.erase(rule.id);
        return written.error();
    }
    changed(now);
    return now.state;
}

Result<void> AlertRules::remove(const std::string& id)
{
    const std::lock_guard lock(m_mutex);
    auto gone = m_rules.extract(id);
    if (gone.empty())
        return Error{ErrorCode::NotFound, "there is no alert " + id + ": `gantryctl alert list` shows which there are", {}};
    if (const auto written = writeFile(); !written) {
        m_rules.insert(std::move(gone));
        return written.error();
    }
    m_deleted[id] = ++m_version;
    if (m_deleted.size() > kMostDeleted)
        m_deleted.erase(m_deleted.begin());
    m_changed.notify_all();
    return {};
}

bool AlertRules::watchesAny() const
{
    const std::lock_guard lock(m_mutex);
    return std::any_of(m_rules.begin(), m_rules.end(), [](const auto& rule) { return !rule.second.state.rule.isOff; });
}

AlertRules::Changes AlertRules::waitForChanges(std::uint64_t known, std::chrono::milliseconds timeout) const
{
    std::unique_lock lock(m_mutex);
    m_changed.wait_for(lock, timeout, [&] { return m_version > known; });
    Changes changes{m_version, {}};
    for (const auto& [id, rule] : m_rules)
        if (rule.version > known)
            changes.states.push_back(rule.state);
    for (const auto& [id, version] : m_deleted)
        if (known > 0 && version > known) {
            proto::AlertState gone;
            gone.rule.id = id;
            gone.isDeleted = true;
            changes.states.push_back(std::move(gone));
        }
    return changes;
}

void AlertRules::run(const std::stop_token& stop)
{
    while (!stop.stop_requested()) {
        try {
            const auto batch = m_queue.take(kPoll);
            const std::vector<proto::AlertRule> due = judgeAll(batch);
            for (const proto::AlertRule& rule : due) // without the mutex: a capture may take its time to begin
                tellDone(rule.id, act(rule));
        } catch (const std::exception& exception) { // no memory, or a library's
            spdlog::error("alerts were not judged: {}", exception.what());
        }
    }
}

std::vector<proto::AlertRule> AlertRules::judgeAll(const std::optional<proto::MetricsBatch>& batch)
{
    const std::vector<std::uint32_t> ended = m_queue.takeRemoved();
    const std::lock_guard lock(m_mutex);
    if (batch)
        take(*batch);
    forget(ended);
    std::vector<proto::AlertRule> due;
    for (auto& [id, rule] : m_rules)
        if (!rule.state.rule.isOff && judge(rule))
            due.push_back(rule.state.rule);
    return due;
}

std::string AlertRules::act(const proto::AlertRule& rule) const
{
    const auto done = m_options.act(rule);
    return done ? *done : "it failed: " + done.error().message;
}

void AlertRules::tellDone(const std::string& id, std::string done)
{
    const std::lock_guard lock(m_mutex);
    const auto rule = m_rules.find(id);
    if (rule == m_rules.end() || rule->second.state.events.empty())
        return;
    rule->second.state.events.back().done = std::move(done);
    changed(rule->second);
}

void AlertRules::take(const proto::MetricsBatch& batch)
{
    for (const metrics::SeriesDefinition& series : batch.definitions) {
        m_series[series.id] = series;
        for (auto& [id, rule] : m_rules)
            rule.condition.define(series);
    }
    for (auto& [id, rule] : m_rules)
        for (const metrics::Sample& sample : batch.samples)
            rule.condition.take(sample);
}

void AlertRules::forget(std::span<const std::uint32_t> seriesIds)
{
    for (const std::uint32_t id : seriesIds)
        m_series.erase(id);
    for (auto& [id, rule] : m_rules)
        rule.condition.forget(seriesIds);
}

void AlertRules::Intake::onRemoved(std::span<const std::uint32_t> seriesIds)
{
    const std::lock_guard lock(m_mutex);
    m_removed.insert(m_removed.end(), seriesIds.begin(), seriesIds.end());
}

std::vector<std::uint32_t> AlertRules::Intake::takeRemoved()
{
    const std::lock_guard lock(m_mutex);
    return std::exchange(m_removed, {});
}

/// True: what it asks for is to be done now.
bool AlertRules::judge(Watched& rule)
{
    bool isDue = false;
    const TimestampNs now = m_options.monoNow();
    const metrics::AlertCondition::Reading reading = rule.condition.read(now);
    proto::AlertState& state = rule.state;
    const bool isNews = state.value != reading.value || state.problem != reading.problem;
    state.value = reading.value;
    state.problem = reading.problem;
    if (!reading.isTrue.value_or(false)) {
        rule.trueSince.reset();
        enter(rule, reading.isTrue ? proto::AlertPhase::Ok : proto::AlertPhase::NoData, {});
    } else {
        if (!rule.trueSince)
            rule.trueSince = now;
        if (now - *rule.trueSince < state.rule.forNs)
            enter(rule, proto::AlertPhase::Pending, {});
        else if (state.phase != proto::AlertPhase::Firing)
            isDue = fire(rule);
    }
    if (isNews && now - rule.lastShown >= kShowEvery)
        changed(rule);
    return isDue;
}

void AlertRules::enter(Watched& rule, proto::AlertPhase phase, std::string done, bool isHeldBack)
{
    proto::AlertState& state = rule.state;
    if (state.phase == phase)
        return;
    const bool wasFiring = std::exchange(state.phase, phase) == proto::AlertPhase::Firing;
    state.sinceUtcNs = m_options.utcNow();
    if (phase == proto::AlertPhase::Firing || wasFiring) {
        state.events.push_back({state.sinceUtcNs, m_options.monoNow(), phase, state.value, std::move(done), isHeldBack});
        if (state.events.size() > kMostEvents)
            state.events.erase(state.events.begin());
        spdlog::info("alert {} ({}): {}{}{}", state.rule.name, rule.condition.text(), name(phase), state.value.empty() ? "" : ", ",
                     state.value);
    }
    changed(rule);
}

/// A sentence where it is left at a note, though it fires: nothing is done, and nobody told.
std::string AlertRules::whyHeldBack(const Watched& rule) const
{
    if (rule.quiet.includes(m_options.utcNow()))
        return "nothing was done: these are its quiet hours";
    const TimestampNs now = m_options.monoNow();
    const DurationNs pause = std::max(rule.state.rule.cooldownNs, kLeastPause);
    if (rule.lastAction && now - *rule.lastAction < pause)
        return fmt::format("nothing was done: its last action is {} ago, its pause is {}", formatDuration(now - *rule.lastAction),
                           formatDuration(pause));
    return {};
}

/// True: something is to be done.
bool AlertRules::fire(Watched& rule)
{
    std::string heldBack = whyHeldBack(rule);
    const bool isHeldBack = !heldBack.empty();
    const bool hasAction = rule.state.rule.action != proto::AlertAction::Mark;
    if (!isHeldBack)
        rule.lastAction = m_options.monoNow();
    if (!hasAction && !rule.state.rule.notifies)
        heldBack.clear(); // a note is all that there is
    else if (hasAction && !isHeldBack && !m_options.act)
        heldBack = "nothing was done: this node captures nothing";
    enter(rule, proto::AlertPhase::Firing, std::move(heldBack), isHeldBack);
    return hasAction && !isHeldBack && m_options.act;
}

void AlertRules::changed(Watched& rule)
{
    rule.lastShown = m_options.monoNow();
    rule.version = ++m_version;
    m_changed.notify_all();
}

} // namespace gantry::node
