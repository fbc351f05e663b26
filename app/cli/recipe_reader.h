#pragma once

#include "trace_model/base/result.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <yaml-cpp/yaml.h>

namespace gantry::cli {

/// One mapping of a recipe. What it reads is optional: an absent key leaves the value as it is. Errors name file, line and key.
class RecipeReader
{
public:
    /// The whole document. JSON is read as the YAML that it is, once it is proved to be JSON. Errors: BadInput.
    [[nodiscard]] static Result<RecipeReader> parse(const std::string& text, const std::string& file);

    /// Each key is one of these, and there once. Errors: BadInput, with the nearest of them.
    [[nodiscard]] Result<void> hasOnly(const std::vector<std::string>& keys) const;
    [[nodiscard]] bool has(const std::string& key) const;
    [[nodiscard]] bool isText(const std::string& key) const; ///< and not a mapping or a list
    [[nodiscard]] std::optional<YAML::Node> node(const std::string& key) const;
    [[nodiscard]] Result<std::optional<RecipeReader>> mapping(const std::string& key) const;

    [[nodiscard]] Result<void> read(const std::string& key, std::string& value) const;
    [[nodiscard]] Result<void> read(const std::string& key, bool& value) const;
    [[nodiscard]] Result<void> read(const std::string& key, double& value, double least, double most) const;
    [[nodiscard]] Result<void> read(const std::string& key, std::uint64_t& value, std::uint64_t least, std::uint64_t most) const;
    /// A list of texts, or one text.
    [[nodiscard]] Result<void> read(const std::string& key, std::vector<std::string>& values) const;
    /// A text in a form of its own.
    template <typename Value, typename Parse>
    [[nodiscard]] Result<void> read(const std::string& key, Value& value, const Parse& parse) const
    {
        std::string text;
        GANTRY_CHECK(read(key, text));
        if (!has(key))
            return {};
        auto parsed = parse(text);
        if (!parsed)
            return error(key, parsed.error().message);
        value = std::move(*parsed);
        return {};
    }
    /// Each key of a mapping with its text.
    [[nodiscard]] Result<void> each(const std::string& key,
                                    const std::function<Result<void>(const std::string&, const YAML::Node&)>& take) const;

    /// The sentence with file, line and key; of a key that is absent the line of the mapping.
    [[nodiscard]] Error error(const std::string& key, std::string_view sentence) const;
    [[nodiscard]] Error errorAt(const YAML::Node& node, const std::string& key, std::string_view sentence) const;

private:
    RecipeReader(YAML::Node node, std::string path, std::string file);
    [[nodiscard]] std::string pathOf(const std::string& key) const;
    [[nodiscard]] Result<std::optional<std::string>> scalar(const std::string& key) const;

    YAML::Node m_node; ///< a mapping
    std::string m_path, m_file;
};

} // namespace gantry::cli
