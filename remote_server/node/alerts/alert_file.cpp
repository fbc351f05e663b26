#include "remote_server/node/alerts/alert_file.h"

#include "remote_server/node/small_file.h"
#include "trace_model/base/new_file.h"

#include <nlohmann/json.hpp>
#include <string>

namespace gantry::node {
namespace {

constexpr std::size_t kMostFileBytes = 4u << 20;
constexpr proto::AlertAction kActions[] = {proto::AlertAction::Mark, proto::AlertAction::SaveRecorder, proto::AlertAction::Capture};

nlohmann::json toJson(const proto::AlertRule& rule)
{
    return {{"id", rule.id},
            {"name", rule.name},
            {"condition", rule.condition},
            {"for_ns", rule.forNs},
            {"cooldown_ns", rule.cooldownNs},
            {"quiet_hours", rule.quietHours},
            {"action", proto::name(rule.action)},
            {"target_id", rule.targetId},
            {"off", rule.isOff},
            {"notify", rule.notifies}};
}

proto::AlertRule fromJson(const nlohmann::json& json)
{
    proto::AlertRule rule;
    rule.id = json.at("id").get<std::string>();
    rule.name = json.at("name").get<std::string>();
    rule.condition = json.at("condition").get<std::string>();
    rule.forNs = json.at("for_ns").get<DurationNs>();
    rule.cooldownNs = json.at("cooldown_ns").get<DurationNs>();
    rule.quietHours = json.at("quiet_hours").get<std::string>();
    rule.targetId = json.at("target_id").get<std::string>();
    rule.isOff = json.at("off").get<bool>();
    rule.notifies = json.at("notify").get<bool>();
    const auto action = json.at("action").get<std::string>();
    for (const proto::AlertAction known : kActions)
        if (action == proto::name(known))
            rule.action = known;
    return rule;
}

} // namespace

Result<AlertFile> readAlertFile(const std::filesystem::path& path)
{
    const auto text = readSmallFile(path, kMostFileBytes);
    if (!text && text.error().code == ErrorCode::NotFound)
        return AlertFile{};
    if (!text)
        return text.error();
    const auto document = nlohmann::json::parse(*text, nullptr, false);
    try {
        AlertFile file;
        file.lastId = document.at("last_id").get<std::uint64_t>();
        for (const nlohmann::json& rule : document.at("rules"))
            file.rules.push_back(fromJson(rule));
        return file;
    } catch (const nlohmann::json::exception&) {
        return Error{
            ErrorCode::BadInput, path.string() + " is damaged: which alerts there were is not known; move it away to begin anew", {}};
    }
}

Result<void> writeAlertFile(const std::filesystem::path& path, const AlertFile& file)
{
    nlohmann::json rules = nlohmann::json::array();
    for (const proto::AlertRule& rule : file.rules)
        rules.push_back(toJson(rule));
    const nlohmann::json document{{"last_id", file.lastId}, {"rules", rules}};
    GANTRY_TRY(NewFile written, NewFile::create(path, FileAccess::OwnerOnly));
    GANTRY_CHECK(written.write(document.dump(2, ' ', false, nlohmann::json::error_handler_t::replace) + "\n"));
    return written.publish();
}

} // namespace gantry::node
