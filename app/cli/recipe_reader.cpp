#include "app/cli/recipe_reader.h"

#include "trace_model/base/nearest_words.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

namespace gantry::cli {
namespace {

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, std::move(sentence), {}};
}

template <typename Number>
std::optional<Number> numberOf(std::string_view text)
{
    Number value{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return error == std::errc() && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool looksLikeJson(std::string_view text)
{
    const std::size_t first = text.find_first_not_of(" \t\r\n");
    return first != std::string_view::npos && text[first] == '{';
}

/// YAML takes what is no JSON, such as a key without quotes: who wrote braces is told of a slip in JSON's words.
Result<void> checkJson(const std::string& text, const std::string& file)
{
    try {
        [[maybe_unused]] const auto document = nlohmann::json::parse(text);
    } catch (const nlohmann::json::parse_error& error) {
        const auto end = text.begin() + static_cast<std::ptrdiff_t>(std::min(error.byte > 0 ? error.byte - 1 : 0, text.size()));
        return badInput(fmt::format("{}:{}: this is no JSON: {}", file, std::count(text.begin(), end, '\n') + 1, error.what()));
    }
    return {};
}

} // namespace

RecipeReader::RecipeReader(YAML::Node node, std::string path, std::string file)
    : m_node(std::move(node)), m_path(std::move(path)), m_file(std::move(file))
{
}

Result<RecipeReader> RecipeReader::parse(const std::string& text, const std::string& file)
{
    if (looksLikeJson(text))
        GANTRY_CHECK(checkJson(text, file));
    try {
        YAML::Node root = YAML::Load(text);
        if (!root.IsMap())
            return badInput(fmt::format("{}:1: a recipe is a mapping with the keys server, load, capture, …", file));
        return RecipeReader(std::move(root), {}, file);
    } catch (const YAML::Exception& error) {
        return badInput(fmt::format("{}:{}: this is no YAML: {}", file, error.mark.line + 1, error.msg));
    }
}

std::string RecipeReader::pathOf(const std::string& key) const
{
    return m_path.empty() ? key : key.empty() ? m_path : m_path + "." + key;
}

Error RecipeReader::errorAt(const YAML::Node& node, const std::string& key, std::string_view sentence) const
{
    return badInput(fmt::format("{}:{}: {}: {}", m_file, node.Mark().line + 1, pathOf(key), sentence));
}

Error RecipeReader::error(const std::string& key, std::string_view sentence) const
{
    const auto value = node(key);
    return errorAt(value ? *value : m_node, key, sentence);
}

std::optional<YAML::Node> RecipeReader::node(const std::string& key) const
{
    for (const auto& entry : m_node)
        if (entry.first.IsScalar() && entry.first.Scalar() == key)
            return entry.second;
    return {};
}

Result<void> RecipeReader::hasOnly(const std::vector<std::string>& keys) const
{
    std::set<std::string> seen;
    for (const auto& entry : m_node) {
        const std::string key = entry.first.IsScalar() ? entry.first.Scalar() : "";
        if (std::find(keys.begin(), keys.end(), key) == keys.end())
            return errorAt(entry.first, key, fmt::format("there is no such key; there are: {}", fmt::join(nearestWords(key, keys), ", ")));
        if (!seen.insert(key).second)
            return errorAt(entry.first, key, "this key is there twice");
    }
    return {};
}

bool RecipeReader::has(const std::string& key) const
{
    return node(key).has_value();
}

bool RecipeReader::isText(const std::string& key) const
{
    const auto value = node(key);
    return value && value->IsScalar();
}

Result<std::optional<RecipeReader>> RecipeReader::mapping(const std::string& key) const
{
    const auto value = node(key);
    if (!value)
        return std::optional<RecipeReader>();
    if (!value->IsMap())
        return error(key, "this has to be a mapping of keys to values");
    return std::optional(RecipeReader(*value, pathOf(key), m_file));
}

Result<std::optional<std::string>> RecipeReader::scalar(const std::string& key) const
{
    const auto value = node(key);
    if (!value)
        return std::optional<std::string>();
    if (!value->IsScalar())
        return error(key, "this has to be one value");
    return std::optional(value->Scalar());
}

Result<void> RecipeReader::read(const std::string& key, std::string& value) const
{
    GANTRY_TRY(const std::optional<std::string> text, scalar(key));
    if (text && text->empty())
        return error(key, "this is empty: leave the key out, or give it a value");
    value = text.value_or(value);
    return {};
}

Result<void> RecipeReader::read(const std::string& key, bool& value) const
{
    GANTRY_TRY(const std::optional<std::string> text, scalar(key));
    if (!text)
        return {};
    if (*text != "true" && *text != "false")
        return error(key, fmt::format("'{}' is neither true nor false", *text));
    value = *text == "true";
    return {};
}

Result<void> RecipeReader::read(const std::string& key, double& value, double least, double most) const
{
    GANTRY_TRY(const std::optional<std::string> text, scalar(key));
    if (!text)
        return {};
    const auto number = numberOf<double>(*text);
    if (!number || !(*number >= least && *number <= most))
        return error(key, fmt::format("'{}' is no number from {:g} to {:g}", *text, least, most));
    value = *number;
    return {};
}

Result<void> RecipeReader::read(const std::string& key, std::uint64_t& value, std::uint64_t least, std::uint64_t most) const
{
    GANTRY_TRY(const std::optional<std::string> text, scalar(key));
    if (!text)
        return {};
    const auto number = numberOf<std::uint64_t>(*text);
    if (!number || *number < least || *number > most)
        return error(key, fmt::format("'{}' is no whole number from {} to {}", *text, least, most));
    value = *number;
    return {};
}

Result<void> RecipeReader::read(const std::string& key, std::vector<std::string>& values) const
{
    const auto list = node(key);
    if (!list)
        return {};
    if (list->IsScalar()) {
        values = {list->Scalar()};
        return {};
    }
    if (!list->IsSequence())
        return error(key, "this has to be a list of texts");
    values.clear();
    for (const auto& item : *list) {
        if (!item.IsScalar())
            return errorAt(item, key, "each item of this list has to be a text");
        values.push_back(item.Scalar());
    }
    return {};
}

Result<void> RecipeReader::each(const std::string& key,
                                const std::function<Result<void>(const std::string&, const YAML::Node&)>& take) const
{
    GANTRY_TRY(const std::optional<RecipeReader> inner, mapping(key));
    if (!inner)
        return {};
    for (const auto& entry : inner->m_node) {
        const std::string name = entry.first.IsScalar() ? entry.first.Scalar() : "";
        if (name.empty())
            return errorAt(entry.first, key, "this has to be a name");
        if (const auto taken = take(name, entry.second); !taken)
            return inner->errorAt(entry.second, name, taken.error().message);
    }
    return {};
}

} // namespace gantry::cli
