#include "trace_model/import/chrome_outline.h"

#include "trace_model/import/json_text.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace gantry::importing {
namespace {

constexpr std::size_t kMaxString = std::size_t{16} << 20; // longer: a quote is missing
constexpr std::size_t kMaxKept = std::size_t{4} << 20;    // of a container; more is skipped
constexpr std::size_t kMaxSettings = 256;
constexpr std::size_t kMaxSettingBytes = 1024;
constexpr std::string_view kEventsKey = "traceEvents";

} // namespace

Result<bool> ChromeOutline::skipSpace(TextWindow& window)
{
    while (true) {
        window.cursor = json::skipSpace(window.cursor, window.end());
        if (window.cursor < window.end())
            return true;
        GANTRY_TRY(const bool hasMore, window.more());
        if (!hasMore)
            return false;
    }
}

Result<std::optional<std::string>> ChromeOutline::readString(TextWindow& window)
{
    while (true) {
        bool hasEscapes = false;
        const char* const begin = window.cursor + 1;
        if (const char* const end = json::findStringEnd(begin, window.end(), hasEscapes)) {
            std::string content(begin, end);
            window.cursor = end + 1;
            return std::optional(std::move(content));
        }
        if (static_cast<std::size_t>(window.end() - begin) > kMaxString)
            return std::optional<std::string>{};
        GANTRY_TRY(const bool hasMore, window.more());
        if (!hasMore)
            return std::optional<std::string>{};
    }
}

Result<bool> ChromeOutline::findEvents(TextWindow& window)
{
    if (m_state == State::InArray) {
        m_state = State::Closed;
        return false;
    }
    GANTRY_TRY(bool hasText, skipSpace(window));
    if (m_state == State::Start && hasText && *window.cursor == '\xEF') {
        // The byte order mark of UTF-8.
        while (window.cursor < window.end() && static_cast<unsigned char>(*window.cursor) >= 0x80)
            ++window.cursor;
        GANTRY_TRY(hasText, skipSpace(window));
    }
    if (m_state == State::Start) {
        const char first = hasText ? *window.cursor : '\0';
        if (first == '[' || first == '{')
            ++window.cursor;
        m_isArray = first == '[';
        m_state = first == '[' ? State::InArray : first == '{' ? State::Members : State::Broken;
        if (m_isArray)
            return true;
    }
    while (m_state == State::Members) {
        GANTRY_TRY(hasText, skipSpace(window));
        if (!hasText)
            break;
        if (*window.cursor == ',') {
            ++window.cursor;
            continue;
        }
        if (*window.cursor == '}') {
            m_state = State::Closed;
            break;
        }
        if (*window.cursor != '"') {
            m_state = State::Broken;
            break;
        }
        GANTRY_TRY(const std::optional<std::string> key, readString(window));
        GANTRY_TRY(hasText, skipSpace(window));
        if (!key || !hasText || *window.cursor != ':') {
            m_state = State::Broken;
            break;
        }
        ++window.cursor;
        GANTRY_TRY(hasText, skipSpace(window));
        if (!hasText)
            break;
        if (*key == kEventsKey && *window.cursor == '[') {
            ++window.cursor;
            return true;
        }
        GANTRY_TRY(const bool isRead, readValue(window, *key));
        if (!isRead)
            m_state = State::Broken;
    }
    return false;
}

Result<bool> ChromeOutline::readValue(TextWindow& window, const std::string& key)
{
    const char first = *window.cursor;
    if (first == '"') {
        GANTRY_TRY(const std::optional<std::string> value, readString(window));
        if (value)
            takeScalar(key, *value, true);
        return value.has_value();
    }
    std::string kept;
    if (first == '{' || first == '[') {
        json::ContainerScan scan;
        ++window.cursor;
        kept += first;
        while (true) {
            const char* const closed = json::skipContainer(window.cursor, window.end(), scan);
            const char* const end = closed ? closed : window.end();
            kept.append(window.cursor, std::min(static_cast<std::size_t>(end - window.cursor), kMaxKept - std::min(kMaxKept, kept.size())));
            window.cursor = end;
            if (closed)
                break;
            GANTRY_TRY(const bool hasMore, window.more());
            if (!hasMore)
                return false;
        }
        takeContainer(key, kept);
        return true;
    }
    while (true) {
        const char c = *window.cursor;
        if (c == ',' || c == '}' || json::isSpace(c) || kept.size() > kMaxSettingBytes)
            break;
        kept += c;
        if (++window.cursor < window.end())
            continue;
        GANTRY_TRY(const bool hasMore, window.more());
        if (!hasMore)
            return false; // a number that may go on
    }
    takeScalar(key, kept, false);
    return !kept.empty();
}

void ChromeOutline::takeScalar(const std::string& key, std::string_view value, bool isString)
{
    if (m_settings.size() < kMaxSettings && key.size() <= kMaxSettingBytes && value.size() <= kMaxSettingBytes && value != "null")
        m_settings.insert_or_assign(json::unescaped(key), isString ? json::unescaped(value) : std::string(value));
}

void ChromeOutline::takeContainer(const std::string& key, std::string_view text)
{
    if (key == "deviceProperties") {
        json::forEachMember(text, [&](const json::Member& device) {
            GpuInfo gpu;
            bool hasId = false;
            json::forEachMember(device.value, [&](const json::Member& member) {
                if (member.key == "id") {
                    const auto id = json::integerOf(member.value);
                    hasId = id && *id >= 0 && *id <= std::numeric_limits<std::uint32_t>::max();
                    gpu.device = hasId ? static_cast<std::uint32_t>(*id) : 0;
                } else if (member.key == "name") {
                    gpu.name = json::unescaped(member.value);
                } else if (member.key == "uuid") {
                    gpu.uuid = json::unescaped(member.value);
                }
            });
            if (hasId && m_gpus.size() < kMaxSettings)
                m_gpus.push_back(std::move(gpu));
        });
        return;
    }
    if (text.starts_with('{'))
        json::forEachMember(text, [&](const json::Member& member) {
            if (member.kind != json::Member::Kind::Container)
                takeScalar(key + "." + std::string(member.key), member.value, member.kind == json::Member::Kind::String);
        });
}

bool ChromeOutline::isKineto() const
{
    return m_settings.contains("schemaVersion") || m_settings.contains("baseTimeNanoseconds") || m_settings.contains("cupti_version") ||
           m_settings.contains("roctracer_version");
}

std::string ChromeOutline::producer() const
{
    for (const char* key :
         {"producer", "otherData.producer", "otherData.version", "metadata.producer", "metadata.product-version", "generator"})
        if (const auto found = m_settings.find(key); found != m_settings.end())
            return found->second;
    return {};
}

std::optional<std::int64_t> ChromeOutline::baseTimeNs() const
{
    for (const char* key : {"baseTimeNanoseconds", "traceStartUnixNs"})
        if (const auto found = m_settings.find(key); found != m_settings.end())
            if (const auto base = json::integerOf(found->second))
                return base;
    return std::nullopt;
}

} // namespace gantry::importing
