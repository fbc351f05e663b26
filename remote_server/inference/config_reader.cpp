#include "remote_server/inference/config_reader.h"

#include <algorithm>
#include <fmt/format.h>
#include <google/protobuf/io/tokenizer.h>
#include <utility>

namespace gantry::inference_server {
namespace {

// A configuration is some hundred lines; what is larger or deeper is none, and the parser's stack has an end.
constexpr std::size_t kMostBytes = 1 << 20;
constexpr int kMostNesting = 32;

/// The field that a message of protobuf's parser names: `… no field named "x"`, `… for field "x"`.
std::string_view fieldNamedIn(std::string_view message)
{
    for (const std::string_view before : {"field named \"", "field \""}) {
        const std::size_t at = message.find(before);
        if (at == std::string_view::npos)
            continue;
        const std::string_view rest = message.substr(at + before.size());
        return rest.substr(0, rest.find('"'));
    }
    return {};
}

/// Keeps the first error of the text-format parser, and its warnings.
class ParserMessages : public google::protobuf::io::ErrorCollector
{
public:
    explicit ParserMessages(std::string_view text) : m_text(text) {}

    void AddError(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override
    {
        if (m_error)
            return;
        TextPlace place{std::max(line, 0), std::max(column, 0)}; // protobuf says -1 where it means the whole text
        // It says the place behind a value that it cannot take, where the next field may be.
        if (const auto name = fieldNamedIn(message); !name.empty())
            place = nameBefore(m_text, place, name).value_or(place);
        const std::string field = fieldAt(m_text, place.line, place.column);
        m_error = {place, field.empty() ? message : field + ": " + message};
    }
    void AddWarning(int line, google::protobuf::io::ColumnNumber column, const std::string& message) override
    {
        m_warnings.push_back({{line, column}, message});
    }

    [[nodiscard]] std::optional<PlacedProblem>& error() { return m_error; }
    [[nodiscard]] std::vector<PlacedProblem>& warnings() { return m_warnings; }

private:
    std::string_view m_text;
    std::optional<PlacedProblem> m_error;
    std::vector<PlacedProblem> m_warnings;
};

} // namespace

ConfigReader::ConfigReader(std::string text) : m_text(std::move(text))
{
    if (m_text.size() > kMostBytes) {
        m_problem = {{}, fmt::format("{} bytes are no configuration", m_text.size())};
        return;
    }
    if (const auto [line, column, depth] = deepestNesting(m_text); depth > kMostNesting) {
        m_problem = {{line, column}, fmt::format("messages are nested {} deep; no field is deeper than {}", depth, kMostNesting)};
        return;
    }
    ParserMessages messages(m_text);
    google::protobuf::TextFormat::Parser parser;
    parser.RecordErrorsTo(&messages);
    parser.WriteLocationsTo(&m_locations);
    if (!parser.ParseFromString(m_text, &m_config))
        m_problem = messages.error().value_or(PlacedProblem{{}, "the text is no configuration"});
    m_warnings = std::move(messages.warnings());
}

bool ConfigReader::says(const char* field) const
{
    const auto* descriptor = inference::ModelConfig::descriptor()->FindFieldByName(field);
    return descriptor && m_locations.GetLocation(descriptor, descriptor->is_repeated() ? 0 : -1).line >= 0;
}

/// Which of several a step means; -1: there is one. The entries of a map have no order of their own: the text has.
int ConfigReader::indexOf(const google::protobuf::FieldDescriptor& field, const FieldStep& step) const
{
    if (!field.is_repeated())
        return -1;
    if (step.key.empty())
        return step.index;
    for (int index = 0; m_locations.GetLocation(&field, index).line >= 0; ++index) {
        const auto* entry = m_locations.GetTreeForNested(&field, index);
        const auto key = entry ? entry->GetLocation(field.message_type()->map_key(), -1) : m_locations.GetLocation(&field, index);
        if (quotedFrom(m_text, {key.line, key.column}) == step.key)
            return index;
    }
    return step.index;
}

TextPlace ConfigReader::placeOf(const FieldPath& path) const
{
    TextPlace found;
    const auto* tree = &m_locations;
    const google::protobuf::Descriptor* message = inference::ModelConfig::descriptor();
    for (const FieldStep& step : path) {
        const auto* field = message ? message->FindFieldByName(step.name) : nullptr;
        if (!field || !tree)
            break;
        const int index = indexOf(*field, step);
        auto location = tree->GetLocation(field, index);
        for (int before = index; location.line < 0 && before > 0;) // a list of values has the place of its first alone
            location = tree->GetLocation(field, --before);
        if (location.line < 0)
            break;
        found = {location.line, location.column};
        tree = field->message_type() ? tree->GetTreeForNested(field, index) : nullptr;
        message = field->message_type();
    }
    return found;
}

std::optional<PlacedProblem> problemOfText(std::string text, ConfigRules rules)
{
    const ConfigReader reader(std::move(text));
    if (reader.problem())
        return reader.problem();
    if (const auto problem = problemOf(reader.config(), rules, ConfigExtent::AsWritten))
        return PlacedProblem{reader.placeOf(problem->path), problem->text()};
    return {};
}

} // namespace gantry::inference_server
