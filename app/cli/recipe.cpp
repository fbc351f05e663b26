#include "app/cli/recipe.h"

#include "app/cli/duration.h"
#include "app/cli/load_words.h"
#include "app/cli/recipe_reader.h"
#include "app/cli/window_options.h"
#include "app/remote/command_words.h"
#include "remote_server/load/input_words.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

namespace gantry::cli {
namespace {

constexpr std::uint64_t kMost = 1'000'000'000;
constexpr int kDeepest = 16; // of lists in inline data

/// What stands behind the last colon of an address: "127.0.0.1:8001" or "http://127.0.0.1:8002/metrics".
Result<std::string> portOf(std::string_view address)
{
    const std::size_t scheme = address.find("://");
    const std::string_view host = scheme == std::string_view::npos ? address : address.substr(scheme + 3);
    const std::string_view place = host.substr(0, host.find('/'));
    const std::size_t colon = place.rfind(':');
    const std::string_view port = colon == std::string_view::npos ? std::string_view() : place.substr(colon + 1);
    if (port.empty() || port.find_first_not_of("0123456789") != std::string_view::npos)
        return Error{ErrorCode::BadInput, fmt::format("'{}' has no port: write HOST:PORT", address), {}};
    return std::string(port);
}

/// The command of a server that is described by its model repository, in tritonserver's flags, which gantry-serve has too.
Result<void> commandOfRepository(const RecipeReader& reader, RecipeServer& server)
{
    proto::LaunchRequest& launch = server.launch;
    server.isOfRepository = true;
    server.isFound = !reader.has("program");
    std::string repository, program = "gantry-serve";
    std::vector<std::string> flags;
    GANTRY_CHECK(reader.read("model_repository", repository));
    GANTRY_CHECK(reader.read("program", program));
    GANTRY_CHECK(reader.read("flags", flags));
    if (launch.grpcAddress.empty())
        launch.grpcAddress = "127.0.0.1:8001";
    if (launch.metricsUrl.empty())
        launch.metricsUrl = "http://127.0.0.1:8002/metrics";
    const auto grpc = portOf(launch.grpcAddress), metrics = portOf(launch.metricsUrl);
    if (!grpc)
        return reader.error("grpc_address", grpc.error().message);
    if (!metrics)
        return reader.error("metrics_url", metrics.error().message);
    launch.argv = {program, "--model-repository", repository, "--grpc-port", *grpc, "--metrics-port", *metrics};
    launch.argv.insert(launch.argv.end(), flags.begin(), flags.end());
    return {};
}

Result<void> readCommand(const RecipeReader& reader, proto::LaunchRequest& launch)
{
    for (const char* key : {"program", "flags"})
        if (reader.has(key))
            return reader.error(key, "this goes with model_repository; a command has its flags in it");
    if (reader.isText("command"))
        return reader.read("command", launch.argv, app::splitCommandWords);
    GANTRY_CHECK(reader.read("command", launch.argv));
    if (launch.argv.empty())
        return reader.error("command", "this is empty: write the program and its arguments");
    return {};
}

Result<void> readServer(const RecipeReader& root, RecipeServer& server)
{
    GANTRY_TRY(const std::optional<RecipeReader> found, root.mapping("server"));
    if (!found)
        return root.error("server", "this is missing: name a command, a model_repository or a target");
    const RecipeReader& reader = *found;
    GANTRY_CHECK(reader.hasOnly({"command", "model_repository", "program", "flags", "target", "name", "grpc_address", "metrics_url",
                                 "environment", "directory", "profile", "inject", "wait_ready", "keep_running"}));
    const int kinds = int(reader.has("command")) + int(reader.has("model_repository")) + int(reader.has("target"));
    if (kinds != 1)
        return root.error("server", "it takes one of command, model_repository and target");
    proto::LaunchRequest& launch = server.launch;
    GANTRY_CHECK(reader.read("target", server.target));
    GANTRY_CHECK(reader.read("name", launch.name));
    GANTRY_CHECK(reader.read("grpc_address", launch.grpcAddress));
    GANTRY_CHECK(reader.read("metrics_url", launch.metricsUrl));
    GANTRY_CHECK(reader.read("directory", launch.workingDirectory));
    GANTRY_CHECK(reader.read("profile", launch.profile));
    GANTRY_CHECK(reader.read("inject", launch.inject));
    GANTRY_CHECK(reader.read("keep_running", server.keepsRunning));
    GANTRY_CHECK(reader.read("wait_ready", server.waitReady, parseDuration));
    GANTRY_CHECK(reader.each("environment", [&](const std::string& key, const YAML::Node& value) -> Result<void> {
        if (!value.IsScalar())
            return Error{ErrorCode::BadInput, "this has to be one value", {}};
        launch.environment[key] = value.Scalar();
        return {};
    }));
    if (reader.has("command"))
        return readCommand(reader, launch);
    if (reader.has("model_repository"))
        return commandOfRepository(reader, server);
    for (const char* key :
         {"program", "flags", "environment", "directory", "profile", "inject", "wait_ready", "keep_running", "name", "metrics_url"})
        if (reader.has(key))
            return reader.error(key, "this is for a server that is started; a target runs already");
    return {};
}

/// Plain scalars are numbers and booleans where they can be, as in JSON; quoted ones are texts.
Result<nlohmann::json> jsonOf(const YAML::Node& node, int depth = 0)
{
    if (depth > kDeepest)
        return Error{ErrorCode::BadInput, "the data is nested too deeply", {}};
    nlohmann::json result;
    if (node.IsSequence()) {
        result = nlohmann::json::array();
        for (const auto& item : node) {
            GANTRY_TRY(nlohmann::json value, jsonOf(item, depth + 1));
            result.push_back(std::move(value));
        }
        return result;
    }
    if (node.IsMap()) {
        result = nlohmann::json::object();
        for (const auto& entry : node) {
            GANTRY_TRY(result[entry.first.IsScalar() ? entry.first.Scalar() : ""], jsonOf(entry.second, depth + 1));
        }
        return result;
    }
    if (!node.IsScalar())
        return result;
    const bool isQuoted = node.Tag() == "!"; // yaml-cpp: the tag of a scalar that is not plain
    if (!isQuoted)
        if (auto parsed = nlohmann::json::parse(node.Scalar(), nullptr, false); !parsed.is_discarded() && parsed.is_primitive())
            return parsed;
    return nlohmann::json(node.Scalar());
}

Result<void> readInputs(const RecipeReader& reader, const std::filesystem::path& folder, load::InputOptions& input)
{
    std::uint64_t batch = 1, sequence = 16, length = 16, tokens = 32;
    GANTRY_CHECK(reader.read("batch", batch, 1, 1'000'000));
    GANTRY_CHECK(reader.read("sequence", sequence, 1, 1'000'000));
    GANTRY_CHECK(reader.read("string_length", length, 0, 1'000'000));
    GANTRY_CHECK(reader.read("output_tokens", tokens, 1, 1'000'000));
    input.outputTokens = static_cast<std::int64_t>(tokens);
    input.batch = static_cast<std::int64_t>(batch);
    input.sequenceLength = static_cast<std::int64_t>(sequence);
    input.stringLength = length;
    GANTRY_CHECK(reader.each("shapes", [&](const std::string& name, const YAML::Node& value) -> Result<void> {
        std::string text;
        for (const auto& item : value)
            text += (text.empty() ? "" : ",") + (item.IsScalar() ? item.Scalar() : std::string("?"));
        GANTRY_TRY(auto shape, load::parseInputShape(name + ":" + (value.IsScalar() ? value.Scalar() : text)));
        input.shape[name] = std::move(shape.second);
        return {};
    }));
    GANTRY_CHECK(reader.each("int_ranges", [&](const std::string& name, const YAML::Node& value) -> Result<void> {
        // "" is no key that one would write: "all" is those that are not named.
        GANTRY_TRY(auto range, load::parseIntegerRange((name == "all" ? "" : name + ":") + (value.IsScalar() ? value.Scalar() : "?")));
        input.ranges[range.first] = range.second;
        return {};
    }));
    const auto data = reader.node("input_data");
    if (data && !data->IsScalar()) {
        const auto document = jsonOf(*data);
        if (!document)
            return reader.error("input_data", document.error().message);
        input.dataText = (document->is_array() ? nlohmann::json{{"data", *document}} : *document).dump();
        return {};
    }
    std::string file;
    GANTRY_CHECK(reader.read("input_data", file));
    input.isZero = file == "zero";
    if (!file.empty() && file != "zero" && file != "random")
        input.dataFile = (folder / file).string();
    return {};
}

Result<void> readModels(const RecipeReader& reader, std::vector<load::ModelShare>& models)
{
    if (reader.has("model") == reader.has("models"))
        return reader.error("model",
                            reader.has("model") ? "name one model, or several under models" : "this is missing: name the model to load");
    if (reader.has("model")) {
        models.resize(1);
        return reader.read("model", models.front().name);
    }
    const auto node = reader.node("models");
    if (!node->IsMap()) {
        std::vector<std::string> names;
        GANTRY_CHECK(reader.read("models", names));
        for (const std::string& name : names) {
            const auto model = parseModelShare(name);
            if (!model)
                return reader.error("models", model.error().message);
            models.push_back(*model);
        }
        return models.empty() ? Result<void>(reader.error("models", "this is empty")) : Result<void>();
    }
    return reader.each("models", [&](const std::string& name, const YAML::Node& value) -> Result<void> {
        GANTRY_TRY(load::ModelShare model, parseModelShare(name + ":" + (value.IsScalar() ? value.Scalar() : "")));
        if (model.name != name)
            return Error{ErrorCode::BadInput, "the share of a model is a number above 0", {}};
        models.push_back(std::move(model));
        return {};
    });
}

Result<void> readLevels(const RecipeReader& reader, Recipe& recipe)
{
    if (reader.has("concurrency") && reader.has("request_rate"))
        return reader.error("request_rate", "a load is a closed loop (concurrency) or an open one (request_rate)");
    recipe.levels = {{false, double(recipe.load.concurrency)}};
    recipe.levelsGiven = reader.has("concurrency") || reader.has("request_rate");
    GANTRY_CHECK(reader.read("concurrency", recipe.levels, [](const std::string& text) { return parseLevels(text, false); }));
    GANTRY_CHECK(reader.read("request_rate", recipe.levels, [](const std::string& text) { return parseLevels(text, true); }));
    GANTRY_CHECK(reader.read("distribution", recipe.load.distribution, parseDistribution));
    std::uint64_t inFlight = kOpenLoopInFlight;
    GANTRY_CHECK(reader.read("max_in_flight", inFlight, 1, 1024));
    if (recipe.levels.front().isRate)
        recipe.load.concurrency = static_cast<int>(inFlight);
    else if (reader.has("max_in_flight"))
        return reader.error("max_in_flight", "this is of an open loop; in a closed one concurrency says it");
    return {};
}

/// When a level of the load ends.
Result<void> readEnd(const RecipeReader& reader, Recipe& recipe, bool isSweep)
{
    GANTRY_CHECK(reader.read("for", recipe.load.duration, parseDuration));
    GANTRY_CHECK(reader.read("count", recipe.load.count, 1, kMost));
    load::StabilityRule rule;
    double percent = rule.ratio * 100;
    std::uint64_t trials = 10;
    GANTRY_CHECK(reader.read("measurement_interval", rule.interval, parseMilliseconds));
    GANTRY_CHECK(reader.read("stability_percentage", percent, 0.001, 1000));
    GANTRY_CHECK(reader.read("max_trials", trials, 1, 10'000));
    rule.ratio = percent / 100;
    rule.maxTrials = static_cast<int>(trials);
    const bool isBounded = recipe.load.duration > 0 || recipe.load.count > 0;
    for (const char* key : {"measurement_interval", "stability_percentage", "max_trials"}) {
        if (reader.has(key) && isBounded)
            return reader.error(key, "this is of a load that ends when its windows agree; this one has for or count");
        if (reader.has(key))
            recipe.load.rule = rule;
    }
    recipe.loadsUntilCaptured = !isBounded && !recipe.load.rule && recipe.capture && (recipe.levels.size() == 1 || isSweep);
    if (!isBounded && !recipe.load.rule && !recipe.loadsUntilCaptured)
        recipe.load.rule = rule;
    return {};
}

Result<void> readLoad(const RecipeReader& root, const std::filesystem::path& folder, Recipe& recipe)
{
    GANTRY_TRY(const std::optional<RecipeReader> reader, root.mapping("load"));
    if (!reader)
        return root.error("load", "this is missing: name a model, and how hard to load it");
    GANTRY_CHECK(reader->hasOnly({"model",        "models", "address",  "concurrency",          "request_rate",         "max_in_flight",
                                  "distribution", "for",    "count",    "measurement_interval", "stability_percentage", "max_trials",
                                  "batch",        "shapes", "sequence", "string_length",        "output_tokens",        "int_ranges",
                                  "input_data",   "seed"}));
    recipe.load.address.clear();
    GANTRY_CHECK(reader->read("address", recipe.load.address));
    GANTRY_CHECK(reader->read("seed", recipe.load.seed, 0, kMost));
    GANTRY_CHECK(readModels(*reader, recipe.load.models));
    GANTRY_CHECK(readLevels(*reader, recipe));
    GANTRY_CHECK(readEnd(*reader, recipe, root.has("sweep")));
    GANTRY_CHECK(readInputs(*reader, folder, recipe.load.input));
    if (recipe.load.address.empty())
        recipe.load.address = recipe.server.launch.grpcAddress; // of a target: its own, once it is known
    if (recipe.load.address.empty() && recipe.server.target.empty())
        return reader->error("address", "this is missing: give the server a grpc_address, or the load an address");
    return {};
}

Result<void> readWarmUp(const RecipeReader& root, Recipe& recipe)
{
    GANTRY_TRY(const std::optional<RecipeReader> reader, root.mapping("warm_up"));
    if (!reader)
        return {};
    GANTRY_CHECK(reader->hasOnly({"for", "requests"}));
    GANTRY_CHECK(reader->read("for", recipe.warmUp, parseDuration));
    GANTRY_CHECK(reader->read("requests", recipe.warmUpCount, 1, kMost));
    return recipe.warmUp > 0 || recipe.warmUpCount > 0 ? Result<void>() : Result<void>(reader->error("", "it takes for or requests"));
}

Result<void> readCapture(const RecipeReader& root, Recipe& recipe)
{
    GANTRY_TRY(const std::optional<RecipeReader> reader, root.mapping("capture"));
    if (!reader)
        return {};
    GANTRY_CHECK(reader->hasOnly({"for", "requests", "iterations", "size", "after", "every", "repeat", "label", "gpu_metrics",
                                  "api_queries", "cuda_memory_usage", "cuda_modules", "context_switches"}));
    WindowOptions window;
    std::uint64_t repeat = 1;
    std::string label = recipe.name;
    for (const auto& [key, text] :
         {std::pair("for", &window.length), std::pair("size", &window.size), std::pair("after", &window.after),
          std::pair("every", &window.every), std::pair("gpu_metrics", &window.gpuMetrics), std::pair("label", &label)})
        GANTRY_CHECK(reader->read(key, *text));
    for (const auto& [key, flag] : {std::pair("api_queries", &window.apiQueries), std::pair("cuda_memory_usage", &window.memoryAllocations),
                                    std::pair("cuda_modules", &window.modules), std::pair("context_switches", &window.contextSwitches)})
        GANTRY_CHECK(reader->read(key, *flag));
    GANTRY_CHECK(reader->read("requests", window.requests, 1, kMost));
    GANTRY_CHECK(reader->read("iterations", window.iterations, 1, kMost));
    GANTRY_CHECK(reader->read("repeat", repeat, 1, 10'000));
    window.repeat = static_cast<std::uint32_t>(repeat);
    if (window.length.empty() && window.requests == 0 && window.iterations == 0 && window.size.empty())
        return reader->error("", "say when the window ends: for, requests, iterations or size");
    const auto request = window.request();
    if (!request)
        return reader->error("", request.error().message);
    recipe.capture = *request;
    recipe.capture->label = label;
    return {};
}

bool isSecretName(std::string name)
{
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
    constexpr std::string_view kWords[] = {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL"};
    return std::any_of(std::begin(kWords), std::end(kWords), [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

/// Where a value stands in the text; nothing: it is not written as it is read (escapes, several lines).
std::optional<std::pair<std::size_t, std::size_t>> placeOf(const YAML::Node& value, const std::string& text)
{
    std::size_t at = static_cast<std::size_t>(std::max(value.Mark().pos, 0));
    while (at < text.size() && text[at] == ' ')
        ++at;
    const bool isQuoted = at < text.size() && (text[at] == '"' || text[at] == '\'');
    const std::size_t from = at + (isQuoted ? 1 : 0), size = value.Scalar().size();
    if (text.compare(std::min(from, text.size()), size, value.Scalar()) != 0)
        return {};
    return std::pair(at, size + (isQuoted ? 2 : 0));
}

/// The text without the values of variables that are secrets by their names: it goes into reports, which are passed on.
std::string withoutSecrets(const std::string& text, const RecipeReader& root)
{
    const std::string kInstead = fmt::format("\"{}\"", kSecretNotKept);
    const auto server = root.mapping("server"); // readServer() has found no mistake in it
    const auto found = server && *server ? (*server)->node("environment") : std::nullopt;
    if (!found || !found->IsMap())
        return text;
    const YAML::Node& environment = *found;
    std::map<std::size_t, std::size_t> places; // and their sizes
    bool hasAll = true;
    for (const auto& entry : environment) {
        if (!isSecretName(entry.first.Scalar()) || entry.second.Scalar().empty())
            continue;
        const auto place = placeOf(entry.second, text);
        hasAll = hasAll && place;
        if (place)
            places.insert(*place);
    }
    if (!hasAll) { // written anew: comments are lost, and no secret is kept
        YAML::Node copy = YAML::Load(text);
        for (auto entry : copy["server"]["environment"])
            if (isSecretName(entry.first.Scalar()))
                entry.second = std::string(kSecretNotKept);
        return YAML::Dump(copy) + "\n";
    }
    std::string kept = text;
    for (auto place = places.rbegin(); place != places.rend(); ++place)
        kept.replace(place->first, place->second, kInstead);
    return kept;
}

Result<std::string> parseFileName(const std::string& text)
{
    if (text.find('/') != std::string::npos || text.starts_with('.'))
        return Error{ErrorCode::BadInput, fmt::format("'{}' is no name for files: leave out folders, -o says them", text), {}};
    return text;
}

} // namespace

Result<Recipe> parseRecipe(const std::string& text, const std::filesystem::path& file)
{
    GANTRY_TRY(const RecipeReader root, RecipeReader::parse(text, file.string()));
    Recipe recipe;
    recipe.text = withoutSecrets(text, root);
    recipe.name = file.stem().empty() ? "recipe" : file.stem().string();
    GANTRY_CHECK(root.hasOnly({"recipe", "name", "server", "warm_up", "load", "capture", "sweep"}));
    std::uint64_t version = 1;
    GANTRY_CHECK(root.read("recipe", version, 1, 1));
    GANTRY_CHECK(root.read("name", recipe.name, parseFileName));
    GANTRY_CHECK(readServer(root, recipe.server));
    GANTRY_CHECK(readCapture(root, recipe));
    GANTRY_CHECK(readLoad(root, file.parent_path(), recipe));
    GANTRY_CHECK(readWarmUp(root, recipe));
    GANTRY_CHECK(readSweep(root, recipe));
    return recipe;
}

Result<Recipe> readRecipe(const std::filesystem::path& file)
{
    std::ifstream stream(file, std::ios::binary);
    if (!stream)
        return Error{ErrorCode::NotFound, fmt::format("the recipe {} cannot be read: is the path right?", file.string()), {}};
    const std::string text(std::istreambuf_iterator<char>(stream), {});
    return parseRecipe(text, file);
}

} // namespace gantry::cli
