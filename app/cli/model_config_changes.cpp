#include "app/cli/model_config_changes.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <vector>

namespace gantry::cli {
namespace {

constexpr DurationNs kNsPerUs = 1000;

/// A field of a message with its value, as [begin, end) of the text.
struct Field
{
    std::string name;
    std::size_t begin = 0, value = 0, end = 0; ///< `value`: behind the name and the colon
};

bool isName(char c)
{
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

/// Behind blanks, signs between fields and comments.
std::size_t skipBlanks(std::string_view text, std::size_t at, std::string_view blanks = " \t\r\n,;")
{
    while (at < text.size() && (blanks.find(text[at]) != std::string_view::npos || text[at] == '#'))
        at = text[at] == '#' ? std::min(text.find('\n', at), text.size()) : at + 1;
    return at;
}

/// Behind one quoted text, message, list or word.
Result<std::size_t> skipValue(std::string_view text, std::size_t at)
{
    std::vector<char> open;
    do {
        at = open.empty() ? at : skipBlanks(text, at, " \t\r\n,;:");
        if (at >= text.size())
            return Error{ErrorCode::BadInput, "the configuration of the model ends within a block", {}};
        const char c = text[at];
        if (c == '{' || c == '[' || c == '<') {
            open.push_back(c);
            ++at;
        } else if (c == '}' || c == ']' || c == '>') {
            if (open.empty() || open.back() != (c == ']' ? '[' : c == '}' ? '{' : '<'))
                return Error{ErrorCode::BadInput, fmt::format("a '{}' of the model's configuration closes nothing", c), {}};
            open.pop_back();
            ++at;
        } else if (c == '"' || c == '\'') {
            for (++at; at < text.size() && text[at] != c; ++at)
                at += text[at] == '\\' ? 1 : 0;
            at = std::min(at + 1, text.size());
        } else {
            const std::size_t end = text.find_first_of(" \t\r\n,;:{}[]<>\"'#", at);
            at = std::max(at + 1, std::min(end, text.size()));
        }
    } while (!open.empty());
    return at;
}

Result<std::vector<Field>> fieldsOf(std::string_view text)
{
    std::vector<Field> fields;
    for (std::size_t at = skipBlanks(text, 0); at < text.size(); at = skipBlanks(text, at)) {
        Field field{{}, at, at, at};
        while (field.value < text.size() && isName(text[field.value]))
            ++field.value;
        field.name = text.substr(at, field.value - at);
        if (field.name.empty())
            return Error{ErrorCode::BadInput, fmt::format("the model's configuration has a '{}' where a name should be", text[at]), {}};
        field.value = skipBlanks(text, field.value, " \t\r\n:");
        GANTRY_TRY(field.end, skipValue(text, field.value));
        at = field.end;
        fields.push_back(std::move(field));
    }
    return fields;
}

/// The message or messages of a value without their braces, as places in `text`.
Result<std::vector<Field>> messagesOf(std::string_view text, const Field& field)
{
    std::vector<Field> messages;
    const bool isList = text[field.value] == '[';
    std::size_t at = isList ? field.value + 1 : field.value;
    while ((at = skipBlanks(text, at)) < field.end && text[at] != ']') {
        GANTRY_TRY(const std::size_t end, skipValue(text, at));
        if (text[at] == '{' || text[at] == '<')
            messages.push_back({field.name, at + 1, at + 1, end - 1});
        at = end;
    }
    return messages;
}

/// The text with a field of that value in the place of those that it has by that name; an empty value takes them out.
Result<std::string> withField(std::string_view text, std::string_view name, const std::string& value)
{
    GANTRY_TRY(const std::vector<Field> fields, fieldsOf(text));
    std::string result;
    std::size_t at = 0;
    bool isDone = value.empty();
    for (const Field& field : fields) {
        if (field.name != name)
            continue;
        result += text.substr(at, field.begin - at);
        result += isDone ? std::string() : value;
        isDone = true;
        at = field.end;
    }
    result += text.substr(at);
    if (!isDone)
        result += (result.empty() || result.ends_with('\n') ? "" : " ") + value + "\n";
    return result;
}

/// The same inside of each message of a field; where there is none, one that has nothing else.
Result<std::string> withInnerField(std::string_view text, std::string_view message, std::string_view name, const std::string& value)
{
    GANTRY_TRY(const std::vector<Field> fields, fieldsOf(text));
    std::string result;
    std::size_t at = 0;
    for (const Field& field : fields) {
        if (field.name != message)
            continue;
        GANTRY_TRY(const std::vector<Field> places, messagesOf(text, field));
        for (const Field& place : places) {
            GANTRY_TRY(const std::string inner, withField(text.substr(place.begin, place.end - place.begin), name, value));
            result += text.substr(at, place.begin - at);
            result += inner;
            at = place.end;
        }
    }
    if (at == 0)
        return std::string(text) + fmt::format("{}{} {{ {} }}\n", text.empty() || text.ends_with('\n') ? "" : "\n", message, value);
    return result + std::string(text.substr(at));
}

bool hasField(std::string_view text, std::string_view name)
{
    const auto fields = fieldsOf(text);
    return fields && std::any_of(fields->begin(), fields->end(), [&](const Field& field) { return field.name == name; });
}

} // namespace

Result<std::string> changedConfig(std::string_view text, const ModelConfigChanges& changes)
{
    std::string config(text);
    if (changes.instances) {
        GANTRY_TRY(config, withInnerField(config, "instance_group", "count", fmt::format("count: {}", *changes.instances)));
    }
    if (changes.maxBatchSize) {
        GANTRY_TRY(config, withField(config, "max_batch_size", fmt::format("max_batch_size: {}", *changes.maxBatchSize)));
        // A server fills in its largest batch where none is preferred: that of before would be too much, or too little.
        if (hasField(config, "dynamic_batching")) {
            GANTRY_TRY(config, withInnerField(config, "dynamic_batching", "preferred_batch_size", ""));
        }
    }
    const bool isOn = changes.dynamicBatching.value_or(changes.queueDelay.has_value());
    if (changes.dynamicBatching && !isOn) {
        GANTRY_TRY(config, withField(config, "dynamic_batching", ""));
    }
    if (isOn && changes.queueDelay) {
        const std::string delay = fmt::format("max_queue_delay_microseconds: {}", *changes.queueDelay / kNsPerUs);
        GANTRY_TRY(config, withInnerField(config, "dynamic_batching", "max_queue_delay_microseconds", delay));
    } else if (isOn && !hasField(config, "dynamic_batching")) {
        GANTRY_TRY(config, withField(config, "dynamic_batching", "dynamic_batching { }"));
    }
    return config;
}

} // namespace gantry::cli
