#include "remote_server/node/target_profiles.h"

#include "trace_model/base/nearest_words.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>
#include <string_view>
#include <system_error>

namespace gantry::node {
namespace {

using Json = nlohmann::json;

std::string fileName(const std::string& path)
{
    return std::filesystem::path(path).filename().string();
}

bool isPython(const std::string& executable)
{
    const std::string name = fileName(executable);
    return name.starts_with("python");
}

std::optional<int> portIn(std::string_view text)
{
    int port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port < 1 || port > 65535)
        return {};
    return port;
}

std::vector<std::string> textsIn(const Json& json, const char* key)
{
    return json.value(key, std::vector<std::string>());
}

std::optional<ProfilerCall> callIn(const Json& profiler, const char* key)
{
    const Json& call = profiler.at(key);
    ProfilerCall result{call.at("method").get<std::string>(), call.at("path").get<std::string>(), {}};
    if (call.contains("body"))
        result.body = call.at("body").dump();
    if ((result.method != "GET" && result.method != "POST") || !result.path.starts_with('/'))
        throw std::invalid_argument(std::string("\"") + key + "\" needs GET or POST, and a path that begins with /");
    return result;
}

} // namespace

bool TargetProfile::isOf(const std::vector<std::string>& argv) const
{
    if (argv.empty())
        return false;
    const auto isKnown = [&](const std::string& path) {
        return std::find(executables.begin(), executables.end(), fileName(path)) != executables.end();
    };
    if (isKnown(argv.front()))
        return true;
    if (!isPython(argv.front()))
        return false;
    for (std::size_t i = 1; i < argv.size(); ++i) { // python [-u …] (-m module | script)
        if (argv[i] == "-m" && i + 1 < argv.size())
            return std::any_of(modules.begin(), modules.end(),
                               [&](const std::string& module) { return argv[i + 1] == module || argv[i + 1].starts_with(module + "."); });
        if (!argv[i].starts_with('-'))
            return isKnown(argv[i]);
    }
    return false;
}

int TargetProfile::portOf(const std::vector<std::string>& argv, const std::map<std::string, std::string>& environment) const
{
    for (std::size_t i = 1; i < argv.size(); ++i)
        for (const std::string& option : portArguments) {
            const std::string text = argv[i] == option && i + 1 < argv.size() ? argv[i + 1]
                                     : argv[i].starts_with(option + "=")      ? argv[i].substr(option.size() + 1)
                                                                              : std::string();
            if (const auto said = portIn(text))
                return *said;
        }
    if (const auto variable = environment.find(portVariable); variable != environment.end())
        if (const auto said = portIn(variable->second))
            return *said;
    return port;
}

std::vector<std::string> TargetProfile::withArguments(std::vector<std::string> argv) const
{
    if (launchArguments.empty())
        return argv;
    const std::string& first = launchArguments.front();
    if (std::none_of(argv.begin(), argv.end(), [&](const std::string& word) { return word == first || word.starts_with(first + "="); }))
        argv.insert(argv.end(), launchArguments.begin(), launchArguments.end());
    return argv;
}

Result<std::map<std::string, std::string>> TargetProfile::iterationEnvironment(const std::string& range) const
{
    if (iterationVariables.empty())
        return Error{ErrorCode::Unsupported, title + " takes no range of iterations: capture its windows by the clock", {}};
    std::uint64_t from = 0, to = 0;
    const char* const end = range.data() + range.size();
    const auto [dash, isFrom] = std::from_chars(range.data(), end, from);
    const bool isPair = isFrom == std::errc() && dash != end && *dash == '-';
    const auto [last, isTo] = isPair ? std::from_chars(dash + 1, end, to) : std::from_chars_result{dash, std::errc::invalid_argument};
    if (isTo != std::errc() || last != end || from >= to)
        return Error{ErrorCode::BadInput, fmt::format("'{}' is no range of iterations: write A-B, such as 100-150", range), {}};
    std::map<std::string, std::string> environment;
    for (const std::string& variable : iterationVariables)
        environment[variable] = range;
    return environment;
}

Result<TargetProfile> TargetProfiles::parse(const std::string& text)
{
    try {
        const Json json = Json::parse(text);
        TargetProfile profile;
        profile.name = json.at("name").get<std::string>();
        profile.title = json.at("title").get<std::string>();
        const Json& detect = json.at("detect");
        profile.executables = textsIn(detect, "executables");
        profile.modules = textsIn(detect, "modules");
        if (json.contains("iterations"))
            profile.iterationVariables = json.at("iterations").at("variables").get<std::vector<std::string>>();
        profile.launchArguments = textsIn(json, "launch_arguments");
        profile.notes = textsIn(json, "notes");
        if (json.contains("profiler")) {
            const Json& profiler = json.at("profiler");
            profile.start = callIn(profiler, "start");
            profile.stop = callIn(profiler, "stop");
            profile.port = profiler.at("port").get<int>();
            profile.portArguments = textsIn(profiler, "port_arguments");
            profile.portVariable = profiler.value("port_variable", std::string());
        }
        if (profile.name.empty() || profile.name == "auto")
            return Error{ErrorCode::BadInput, "a profile needs a name other than \"auto\"", {}};
        return profile;
    } catch (const std::exception& exception) { // of the JSON library
        return Error{ErrorCode::BadInput, exception.what(), {}};
    }
}

TargetProfiles TargetProfiles::read(const std::filesystem::path& folder)
{
    TargetProfiles result;
    std::error_code error;
    for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end; entry.increment(error)) {
        if (entry->path().extension() != ".json")
            continue;
        std::ifstream file(entry->path(), std::ios::binary);
        auto profile = parse({std::istreambuf_iterator<char>(file), {}});
        if (profile)
            result.m_profiles.push_back(std::move(*profile));
        else
            spdlog::warn("the target profile {} is left out: {}", entry->path().string(), profile.error().text());
    }
    std::sort(result.m_profiles.begin(), result.m_profiles.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return result;
}

const TargetProfile* TargetProfiles::detect(const std::vector<std::string>& argv) const
{
    const auto found = std::find_if(m_profiles.begin(), m_profiles.end(), [&](const TargetProfile& profile) { return profile.isOf(argv); });
    return found == m_profiles.end() ? nullptr : &*found;
}

Result<const TargetProfile*> TargetProfiles::find(const std::string& name, const std::vector<std::string>& argv) const
{
    std::vector<std::string> names;
    for (const TargetProfile& profile : m_profiles) {
        names.push_back(profile.name);
        if (profile.name == name)
            return &profile;
    }
    if (name != "auto")
        return Error{ErrorCode::NotFound,
                     fmt::format("there is no target profile '{}' on this node: there are {}", name,
                                 fmt::join(nearestWords(name, std::move(names)), ", ")),
                     {}};
    if (const TargetProfile* profile = detect(argv))
        return profile;
    return Error{ErrorCode::NotFound,
                 fmt::format("the command line is of no engine that is known: name its profile, there are {}", fmt::join(names, ", ")),
                 {}};
}

} // namespace gantry::node
