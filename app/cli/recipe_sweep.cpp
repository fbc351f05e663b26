#include "app/cli/recipe_sweep.h"

#include "app/cli/duration.h"
#include "app/cli/load_words.h"
#include "app/cli/recipe.h"
#include "app/cli/recipe_reader.h"
#include "trace_model/base/time.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <functional>
#include <optional>
#include <string_view>

namespace gantry::cli {
namespace {

constexpr std::size_t kMostCombinations = 256;
constexpr std::size_t kMostToCount = 4096;

Result<std::uint64_t> parseWhole(const std::string& text, std::uint64_t least, std::uint64_t most)
{
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < least || value > most)
        return Error{ErrorCode::BadInput, fmt::format("'{}' is no whole number from {} to {}", text, least, most), {}};
    return value;
}

/// A list of values, each once; one that stands alone is a list of one.
template <typename Value>
Result<void> readAxis(const RecipeReader& reader, const std::string& key, std::vector<Value>& values,
                      const std::function<Result<Value>(const std::string&)>& parse)
{
    std::vector<std::string> texts;
    GANTRY_CHECK(reader.read(key, texts));
    if (reader.has(key) && texts.empty())
        return reader.error(key, "this is empty: give the values to go through, such as [1, 2, 4]");
    for (const std::string& text : texts) {
        auto value = parse(text);
        if (!value)
            return reader.error(key, value.error().message);
        if (std::find(values.begin(), values.end(), *value) != values.end())
            return reader.error(key, fmt::format("{} is there twice", text));
        values.push_back(*value);
    }
    return {};
}

Result<void> readLevelAxis(const RecipeReader& reader, Recipe& recipe, RecipeSweep& sweep)
{
    if (reader.has("concurrency") && reader.has("request_rate"))
        return reader.error("request_rate", "a load is a closed loop (concurrency) or an open one (request_rate)");
    for (const bool isRate : {false, true}) {
        const std::string key = isRate ? "request_rate" : "concurrency";
        if (!reader.has(key))
            continue;
        if (isRate != recipe.levels.front().isRate && recipe.levelsGiven)
            return reader.error(key, "the load has levels of the other kind: leave them out there");
        std::vector<std::string> texts;
        GANTRY_CHECK(reader.read(key, texts));
        for (const std::string& text : texts) {
            const auto levels = parseLevels(text, isRate);
            if (!levels)
                return reader.error(key, levels.error().message);
            for (const load::LoadLevel& level : *levels) {
                const std::string words = fmt::format("{:g}", level.value); // as the report of its combination is named
                if (std::any_of(sweep.levels.begin(), sweep.levels.end(),
                                [&](const load::LoadLevel& other) { return fmt::format("{:g}", other.value) == words; }))
                    return reader.error(key, fmt::format("{} is there twice", words));
                sweep.levels.push_back(level);
            }
        }
        if (sweep.levels.empty())
            return reader.error(key, "this is empty: give the values to go through, such as [1, 2, 4]");
        if (isRate && !recipe.levels.front().isRate)
            recipe.load.concurrency = kOpenLoopInFlight;
    }
    return {};
}

/// What a change of the model's configuration needs: one model, and a server that is ours to change.
Result<void> checkModelAxes(const RecipeReader& reader, Recipe& recipe, const RecipeSweep& sweep)
{
    if (!sweep.changesModel())
        return {};
    if (!recipe.server.target.empty())
        return reader.error("", "this changes the configuration of the model, which a sweep does to a server that it starts: a target may "
                                "have other users; leave instances, max_batch_size, dynamic_batching and queue_delay out");
    if (recipe.load.models.size() != 1)
        return reader.error("", "this changes the configuration of one model: the load has several");
    if (recipe.server.keepsRunning)
        return reader.error("", "this starts a server for each configuration, one after the other: leave keep_running out");
    std::vector<std::string>& words = recipe.server.launch.argv;
    const auto isControl = [](const std::string& word) { return word.starts_with("--model-control-mode"); };
    if (recipe.server.isOfRepository && std::none_of(words.begin(), words.end(), isControl))
        words.insert(words.end(), {"--model-control-mode", "explicit", "--load-model", recipe.load.models.front().name});
    return {};
}

} // namespace

std::string Combination::title() const
{
    std::string text;
    for (const auto& [name, value] : parameters)
        text += (text.empty() ? "" : ", ") + name + " " + value;
    return text;
}

std::string Combination::fileName(const std::string& recipe) const
{
    std::string text = recipe;
    for (const auto& [name, value] : parameters) {
        std::string part = '-' + name + '-' + value;
        std::replace(part.begin(), part.end(), ' ', '_');
        if (const std::size_t mu = part.find("µ"); mu != std::string::npos)
            part.replace(mu, std::string_view("µ").size(), "u");
        text += part;
    }
    return text;
}

Result<void> readSweep(const RecipeReader& root, Recipe& recipe)
{
    GANTRY_TRY(const std::optional<RecipeReader> found, root.mapping("sweep"));
    if (!found)
        return {};
    const RecipeReader& reader = *found;
    GANTRY_CHECK(
        reader.hasOnly({"instances", "max_batch_size", "dynamic_batching", "queue_delay", "batch", "concurrency", "request_rate"}));
    RecipeSweep sweep;
    const auto whole = [](std::uint64_t least, std::uint64_t most) {
        return [=](const std::string& text) { return parseWhole(text, least, most); };
    };
    GANTRY_CHECK(readAxis<std::uint64_t>(reader, "instances", sweep.instances, whole(1, 1024)));
    GANTRY_CHECK(readAxis<std::uint64_t>(reader, "max_batch_size", sweep.maxBatchSizes, whole(0, 1'000'000)));
    GANTRY_CHECK(readAxis<std::uint64_t>(reader, "batch", sweep.batches, whole(1, 1'000'000)));
    GANTRY_CHECK(readAxis<bool>(reader, "dynamic_batching", sweep.dynamicBatching, [](const std::string& text) -> Result<bool> {
        if (text != "true" && text != "false")
            return Error{ErrorCode::BadInput, fmt::format("'{}' is neither true nor false", text), {}};
        return text == "true";
    }));
    GANTRY_CHECK(readAxis<DurationNs>(reader, "queue_delay", sweep.queueDelays, [](const std::string& text) -> Result<DurationNs> {
        return text == "0" || text == "0us" ? Result<DurationNs>(0) : parseDuration(text);
    }));
    GANTRY_CHECK(readLevelAxis(reader, recipe, sweep));
    GANTRY_CHECK(checkModelAxes(reader, recipe, sweep));
    if (recipe.capture && recipe.capture->windowCount > 1)
        return reader.error("", "a sweep has one window for each combination: leave capture.repeat out");
    std::size_t most = 1; // if each value goes with each: none of them is made before it is known how many
    for (const std::size_t values : {sweep.instances.size(), sweep.maxBatchSizes.size(), sweep.batches.size(), sweep.dynamicBatching.size(),
                                     sweep.queueDelays.size(), sweep.levels.size()})
        most = std::min(most * std::max<std::size_t>(1, values), kMostToCount);
    if (most == kMostToCount)
        return reader.error("", fmt::format("these are {} combinations or more, and a sweep has {} at most: leave some values out",
                                            kMostToCount, kMostCombinations));
    recipe.sweep = std::move(sweep);
    const std::size_t count = combinationsOf(recipe).size();
    if (count > kMostCombinations)
        return reader.error(
            "", fmt::format("these are {} combinations, and a sweep has {} at most: leave some values out", count, kMostCombinations));
    return {};
}

std::vector<Combination> combinationsOf(const Recipe& recipe)
{
    const RecipeSweep& sweep = *recipe.sweep;
    std::vector<Combination> all = {{}};
    all.front().batch = recipe.load.input.batch;
    // Each combination with each value; `set` returns the name and the value in words, or nothing where it does not apply.
    const auto multiply = [&all](const auto& values, const auto& set) {
        if (values.empty())
            return;
        std::vector<Combination> more;
        for (const Combination& one : all)
            for (const auto& value : values) {
                Combination with = one;
                const std::pair<std::string, std::string> words = set(with, value);
                if (!words.first.empty())
                    with.parameters.push_back(words);
                more.push_back(std::move(with));
                if (words.first.empty())
                    break;
            }
        all = std::move(more);
    };
    multiply(sweep.instances, [](Combination& one, std::uint64_t value) {
        one.changes.instances = value;
        return std::pair<std::string, std::string>("instances", std::to_string(value));
    });
    multiply(sweep.maxBatchSizes, [](Combination& one, std::uint64_t value) {
        one.changes.maxBatchSize = value;
        return std::pair<std::string, std::string>("max batch size", std::to_string(value));
    });
    multiply(sweep.dynamicBatching, [](Combination& one, bool value) {
        one.changes.dynamicBatching = value;
        return std::pair<std::string, std::string>("dynamic batching", value ? "on" : "off");
    });
    multiply(sweep.queueDelays, [](Combination& one, DurationNs value) {
        if (one.changes.dynamicBatching == false)
            return std::pair<std::string, std::string>();
        one.changes.queueDelay = value;
        return std::pair<std::string, std::string>("queue delay", fmt::format("{} µs", value / 1000));
    });
    multiply(sweep.batches, [](Combination& one, std::uint64_t value) {
        one.batch = static_cast<std::int64_t>(value);
        return std::pair<std::string, std::string>("batch", std::to_string(value));
    });
    multiply(sweep.levels.empty() ? recipe.levels : sweep.levels, [](Combination& one, const load::LoadLevel& level) {
        one.level = level;
        return std::pair<std::string, std::string>(level.isRate ? "request rate" : "concurrency", fmt::format("{:g}", level.value));
    });
    return all;
}

} // namespace gantry::cli
