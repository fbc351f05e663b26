#include "trace_model/import/chrome_scout.h"

#include "trace_model/import/json_text.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>

namespace gantry::importing {
namespace {

constexpr std::size_t kTimesCompared = 64;
// Half of what areEventTimes() allows, so that what lies around time 0 fits.
constexpr TimestampNs kFarAway = TimestampNs{1} << 57;

constexpr std::uint64_t kWindowBytes = std::uint64_t{1} << 18, kLeastWindowBytes = std::uint64_t{1} << 14;
constexpr std::uint64_t kTailBytes = std::uint64_t{1} << 20; // PyTorch writes names last
constexpr std::size_t kWindows = 32;
// So many events in a row must be right where the file is cut: text inside a string looks like one at most.
constexpr int kEventsToTrust = 3;

/// Text of the file from an offset on, padded.
Result<std::string> textAt(const report::ByteSource& source, std::uint64_t offset, std::size_t bytes)
{
    std::string text(bytes + json::kPadding, json::kPaddingByte);
    GANTRY_TRY(const std::size_t count, source.readAt(offset, {text.data(), bytes}));
    text.resize(count);
    text.append(json::kPadding, json::kPaddingByte);
    return text;
}

/// Reads one event and the comma behind it.
bool readEvent(EventParser& parser, const char*& p, const char* end, TraceEvent& event)
{
    if (p >= end || *p != '{' || parser.parse(p, end, Quotes::Escaped, event) != EventParser::Outcome::Whole || event.phase.empty())
        return false;
    while (p < end && (json::isSpace(*p) || *p == ','))
        ++p;
    return true;
}

/// The first place in [p, end) where events begin; nullptr: none found.
const char* findEvents(EventParser& parser, const char* p, const char* end)
{
    TraceEvent event;
    for (p = findNextEvent(p, end); p; p = findNextEvent(p + 1, end)) {
        const char* q = p;
        int trusted = 0;
        while (trusted < kEventsToTrust && readEvent(parser, q, end, event))
            ++trusted;
        if (trusted == kEventsToTrust)
            return p;
    }
    return nullptr;
}

} // namespace

std::optional<TimestampNs> findTimeZero(const char* p, const char* end)
{
    EventParser parser;
    TraceEvent event;
    std::vector<TimestampNs> times;
    p = std::find(p, end, '{');
    while (times.size() < kTimesCompared && readEvent(parser, p, end, event))
        if (event.phase != "M" && event.has(Number::Time))
            times.push_back(event.number(Number::Time));
    if (times.empty())
        return std::nullopt;
    std::vector<TimestampNs> sorted = times;
    const auto middle = sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2);
    std::nth_element(sorted.begin(), middle, sorted.end());
    for (const TimestampNs time : times) {
        TimestampNs distance = 0;
        if (!__builtin_sub_overflow(time, *middle, &distance) && distance > -kFarAway && distance < kFarAway)
            return time;
    }
    return times.front();
}

Result<ChromeSurvey> survey(const report::ByteSource& source, std::uint64_t eventsOffset, std::size_t parts, TrackIds& ids)
{
    ChromeSurvey found;
    EventParser parser;
    TraceEvent event;
    const TrackNames none;
    TrackFinder tracks(ids, none);
    const std::uint64_t length = source.fileBytes() - std::min(source.fileBytes(), eventsOffset);

    const auto look = [&](const char* p, const char* end) {
        while (readEvent(parser, p, end, event)) {
            const CategoryKind kind = categoryKind(event.category);
            if (event.phase == "X" &&
                (kind == CategoryKind::RuntimeCall || kind == CategoryKind::DriverCall || kind == CategoryKind::LegacyCall)) {
                const std::uint64_t pid = tracks.globalTidOf(event) & ~std::uint64_t{0xFFFFFF};
                if (std::find(found.callingPids.begin(), found.callingPids.end(), pid) == found.callingPids.end())
                    found.callingPids.push_back(pid);
            } else if (event.phase == "M") {
                noteName(event, tracks);
            }
        }
    };
    const std::size_t windows = std::max(kWindows, parts);
    const std::size_t windowBytes = std::clamp(length / windows, kLeastWindowBytes, kWindowBytes);
    GANTRY_TRY(const std::string head, textAt(source, eventsOffset, windowBytes));
    look(std::find(head.data(), head.data() + head.size() - json::kPadding, '{'), head.data() + head.size() - json::kPadding);

    for (std::size_t window = 1; window < windows; ++window) {
        const std::uint64_t offset = eventsOffset + length / windows * window;
        GANTRY_TRY(const std::string text, textAt(source, offset, windowBytes));
        const char* const end = text.data() + text.size() - json::kPadding;
        const char* const begin = findEvents(parser, text.data(), end);
        if (!begin)
            continue;
        if (window * parts / windows != (window - 1) * parts / windows)
            found.starts.push_back(offset + static_cast<std::uint64_t>(begin - text.data()));
        look(begin, end);
    }

    const std::uint64_t tailBytes = std::min(kTailBytes, length);
    GANTRY_TRY(const std::string tail, textAt(source, source.fileBytes() - tailBytes, tailBytes));
    const char* const tailEnd = tail.data() + tail.size() - json::kPadding;
    if (const char* const begin = findEvents(parser, tail.data(), tailEnd))
        look(begin, tailEnd);
    found.names = std::move(tracks.names());
    return found;
}

} // namespace gantry::importing
