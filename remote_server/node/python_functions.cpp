#include "remote_server/node/python_functions.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>
#include <system_error>
#include <utility>

namespace gantry::node {
namespace {

using nlohmann::json;

constexpr std::size_t kMostBytes = std::size_t{1} << 20;
constexpr std::size_t kMostFunctions = 10'000;
constexpr std::size_t kLongestName = 255;
constexpr char kDefaultDomain[] = "Python";
constexpr std::uint32_t kOpaque = 0xFF000000u;

// Those of CSS that people use for ranges, and the two of the nvtx package.
constexpr std::array<std::pair<const char*, std::uint32_t>, 22> kColors{{
    {"black", 0x000000},   {"white", 0xFFFFFF},     {"gray", 0x808080},  {"grey", 0x808080},   {"silver", 0xC0C0C0}, {"red", 0xFF0000},
    {"maroon", 0x800000},  {"orange", 0xFFA500},    {"brown", 0xA52A2A}, {"yellow", 0xFFFF00}, {"olive", 0x808000},  {"green", 0x008000},
    {"lime", 0x00FF00},    {"darkgreen", 0x006400}, {"cyan", 0x00FFFF},  {"teal", 0x008080},   {"blue", 0x0000FF},   {"navy", 0x000080},
    {"magenta", 0xFF00FF}, {"purple", 0x800080},    {"pink", 0xFFC0CB},  {"rapids", 0x7400FF},
}};

Error badInput(std::string sentence)
{
    return {ErrorCode::BadInput, "Python functions: " + std::move(sentence), {}};
}

std::optional<std::uint32_t> number(std::string_view digits, int base)
{
    std::uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    return error == std::errc() && end == digits.data() + digits.size() ? std::optional(value) : std::nullopt;
}

/// 0xRRGGBB or 0xAARRGGBB; absent: the text is no color.
std::optional<std::uint32_t> colorOf(std::string text)
{
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    for (const auto& [name, color] : kColors)
        if (text == name)
            return color;
    const std::size_t prefix = text.starts_with("0x") ? 2 : text.starts_with("#") ? 1 : 0;
    if (prefix > 0)
        return text.size() > prefix + 8 ? std::nullopt : number(std::string_view(text).substr(prefix), 16);
    return number(text, 10);
}

Result<std::uint32_t> colorOf(const json& value, const std::string& where)
{
    std::optional<std::uint32_t> color;
    if (value.is_string())
        color = colorOf(value.get<std::string>());
    else if (value.is_number_unsigned() && value.get<std::uint64_t>() <= UINT32_MAX)
        color = value.get<std::uint32_t>();
    if (!color)
        return badInput(where + ": color must be a name such as blue, \"#RRGGBB\", \"0xRRGGBB\" or a number, not " + value.dump());
    return *color > 0xFFFFFF ? *color : *color | kOpaque;
}

/// A text of one line.
Result<std::string> textOf(const json& value, const std::string& where, const char* key)
{
    if (!value.is_string())
        return badInput(where + ": " + key + " must be a text, not " + value.dump());
    auto text = value.get<std::string>();
    if (text.size() > kLongestName || std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < ' ' || c == 0x7F; }))
        return badInput(where + ": " + key + " must be one line of at most " + std::to_string(kLongestName) + " bytes");
    return text;
}

/// Names with dots between them.
Result<std::string> nameOf(const json& value, const std::string& where, const char* key)
{
    GANTRY_TRY(std::string text, textOf(value, where, key));
    const auto isOfName = [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '.' || c >= 0x80; };
    if (text.empty() || text.front() == '.' || text.back() == '.' || text.find("..") != std::string::npos ||
        std::isdigit(static_cast<unsigned char>(text.front())) || !std::all_of(text.begin(), text.end(), isOfName))
        return badInput(where + ": " + key + " must be a name of Python such as module.Class.method, not " + value.dump());
    return text;
}

/// Domain, category and color of an object in the place of those around it.
Result<void> takeLooks(const json& object, const std::string& where, PythonFunction& function)
{
    if (const auto domain = object.find("domain"); domain != object.end()) {
        GANTRY_TRY(function.domain, textOf(*domain, where, "domain"));
    }
    if (const auto category = object.find("category"); category != object.end()) {
        const json text = category->is_number_integer() ? json(category->dump()) : *category;
        GANTRY_TRY(function.category, textOf(text, where, "category"));
    }
    if (const auto color = object.find("color"); color != object.end()) {
        GANTRY_TRY(function.color, colorOf(*color, where));
    }
    return {};
}

Result<void> addModule(const json& object, const std::string& where, std::vector<PythonFunction>& functions)
{
    if (!object.is_object())
        return badInput(where + " must be an object with module and functions");
    PythonFunction ofModule;
    ofModule.domain = kDefaultDomain;
    GANTRY_CHECK(takeLooks(object, where, ofModule));
    if (!object.contains("module"))
        return badInput(where + " has no module");
    GANTRY_TRY(ofModule.module, nameOf(object["module"], where, "module"));
    const auto names = object.find("functions");
    if (names == object.end() || !names->is_array() || names->empty())
        return badInput(where + " (module " + ofModule.module + ") needs functions: a list of names");
    for (std::size_t i = 0; i < names->size(); ++i) {
        const json& entry = (*names)[i];
        const std::string place = where + " (module " + ofModule.module + "), function " + std::to_string(i + 1);
        PythonFunction function = ofModule;
        if (entry.is_object() && !entry.contains("function"))
            return badInput(place + " has no function");
        GANTRY_TRY(function.name, nameOf(entry.is_object() ? entry["function"] : entry, place, "function"));
        if (entry.is_object())
            GANTRY_CHECK(takeLooks(entry, place, function));
        functions.push_back(std::move(function));
    }
    return {};
}

std::string lineAndColumn(const std::string& text, std::size_t byte)
{
    const std::size_t at = std::min(byte > 0 ? byte - 1 : 0, text.size());
    const auto line = std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
    const std::size_t lineBegin = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
    const std::size_t column = at - (lineBegin == std::string::npos ? 0 : lineBegin + 1) + 1;
    return "line " + std::to_string(line) + ", column " + std::to_string(column);
}

} // namespace

Result<std::vector<PythonFunction>> parsePythonFunctions(const std::string& text)
{
    if (text.size() > kMostBytes)
        return badInput("the file is larger than 1 MiB");
    std::vector<PythonFunction> functions;
    try {
        const json document = json::parse(text);
        if (!document.is_array() || document.empty())
            return badInput("the file must be a list of objects with module and functions");
        for (std::size_t i = 0; i < document.size(); ++i)
            GANTRY_CHECK(addModule(document[i], "object " + std::to_string(i + 1), functions));
    } catch (const json::parse_error& error) {
        return badInput("the file is no JSON: " + lineAndColumn(text, error.byte) + " cannot be read");
    } catch (const json::exception& error) { // a text that is no UTF-8, met when it is to be shown
        return badInput(error.what());
    }
    if (functions.size() > kMostFunctions)
        return badInput("at most " + std::to_string(kMostFunctions) + " functions can be traced, not " + std::to_string(functions.size()));
    return functions;
}

std::string pythonFunctionLines(const std::vector<PythonFunction>& functions)
{
    std::string lines;
    for (const PythonFunction& function : functions) {
        char color[9] = {};
        std::to_chars(color, color + 8, function.color, 16);
        lines += function.module + '\t' + function.name + '\t' + function.domain + '\t' + function.category + '\t' + color + '\n';
    }
    return lines;
}

Result<void> addPythonFunctions(std::map<std::string, std::string>& environment, const std::filesystem::path& captureLibrary,
                                const std::filesystem::path& file)
{
    const std::filesystem::path folder = captureLibrary.parent_path() / "gantry-python";
    std::error_code error;
    if (!std::filesystem::exists(folder / "sitecustomize.py", error))
        return Error{ErrorCode::Unsupported, "Python functions cannot be traced: there is no " + folder.string() + " on the node", {}};
    std::string& path = environment["PYTHONPATH"];
    path = path.empty() ? folder.string() : folder.string() + ":" + path;
    environment["GANTRY_PYTHON_FUNCTIONS"] = file.string();
    return {};
}

} // namespace gantry::node
