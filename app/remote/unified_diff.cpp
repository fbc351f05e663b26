#include "app/remote/unified_diff.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>

namespace gantry::app {
namespace {

using Kind = DiffLine::Kind;
using Lines = std::vector<std::string_view>;

constexpr std::size_t kMostCells = 4'000'000; // of the table of common lengths, 16 MB

Lines linesOf(std::string_view text)
{
    Lines lines;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        lines.push_back(text.substr(0, end));
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return lines;
}

void append(std::vector<DiffLine>& script, Kind kind, Lines::const_iterator begin, Lines::const_iterator end)
{
    for (; begin != end; ++begin)
        script.push_back({kind, std::string(*begin)});
}

/// Of what is between the common beginning and end, by the longest common subsequence.
void appendMiddle(std::vector<DiffLine>& script, const Lines& a, const Lines& b)
{
    const std::size_t width = b.size() + 1;
    if (a.size() > kMostCells / width) {
        append(script, Kind::Removed, a.begin(), a.end());
        append(script, Kind::Added, b.begin(), b.end());
        return;
    }
    std::vector<std::uint32_t> common((a.size() + 1) * width, 0); // of the ends that begin at (i, j)
    for (std::size_t i = a.size(); i-- > 0;)
        for (std::size_t j = b.size(); j-- > 0;)
            common[i * width + j] =
                a[i] == b[j] ? common[(i + 1) * width + j + 1] + 1 : std::max(common[(i + 1) * width + j], common[i * width + j + 1]);
    std::size_t i = 0, j = 0;
    while (i < a.size() || j < b.size()) {
        if (i < a.size() && j < b.size() && a[i] == b[j]) {
            script.push_back({Kind::Same, std::string(a[i])});
            ++i, ++j;
        } else if (i < a.size() && (j == b.size() || common[(i + 1) * width + j] >= common[i * width + j + 1])) {
            script.push_back({Kind::Removed, std::string(a[i++])});
        } else {
            script.push_back({Kind::Added, std::string(b[j++])});
        }
    }
}

/// "3,4", and as diff writes it "3" for one line and the line before for none.
std::string range(std::size_t first, std::size_t count)
{
    return count == 1 ? fmt::format("{}", first + 1) : fmt::format("{},{}", count == 0 ? first : first + 1, count);
}

/// The parts of a script with changes, each under its heading.
std::vector<DiffLine> hunksOf(const std::vector<DiffLine>& script, std::size_t around)
{
    std::vector<DiffLine> diff;
    const auto isChange = [](const DiffLine& line) { return line.kind != Kind::Same; };
    std::size_t oldLine = 0, newLine = 0, at = 0;
    const auto pass = [&](std::size_t to) {
        for (; at < to; ++at) {
            oldLine += script[at].kind != Kind::Added ? 1 : 0;
            newLine += script[at].kind != Kind::Removed ? 1 : 0;
        }
    };
    for (;;) {
        const auto change = std::find_if(script.begin() + static_cast<std::ptrdiff_t>(at), script.end(), isChange);
        if (change == script.end())
            return diff;
        const auto first = static_cast<std::size_t>(change - script.begin());
        pass(first > at + around ? first - around : at);
        std::size_t end = first, last = first;
        while (end < script.size() && end - last <= 2 * around + 1) { // nearer changes are of the same part
            if (isChange(script[end]))
                last = end;
            ++end;
        }
        end = std::min(last + around + 1, script.size());
        const std::size_t oldFirst = oldLine, newFirst = newLine, begin = at;
        pass(end);
        diff.push_back(
            {Kind::Hunk, fmt::format("@@ -{} +{} @@", range(oldFirst, oldLine - oldFirst), range(newFirst, newLine - newFirst))});
        diff.insert(diff.end(), script.begin() + static_cast<std::ptrdiff_t>(begin), script.begin() + static_cast<std::ptrdiff_t>(end));
    }
}

} // namespace

std::vector<DiffLine> unifiedDiff(std::string_view before, std::string_view after, std::size_t around)
{
    const Lines a = linesOf(before), b = linesOf(after);
    const auto [aFrom, bFrom] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
    auto aTo = a.end(), bTo = b.end();
    while (aTo != aFrom && bTo != bFrom && *(aTo - 1) == *(bTo - 1))
        --aTo, --bTo;
    std::vector<DiffLine> script;
    append(script, Kind::Same, a.begin(), aFrom);
    appendMiddle(script, Lines(aFrom, aTo), Lines(bFrom, bTo));
    append(script, Kind::Same, aTo, a.end());
    return hunksOf(script, around);
}

std::string diffText(const std::vector<DiffLine>& diff)
{
    std::string text;
    for (const DiffLine& line : diff) {
        switch (line.kind) {
        case Kind::Hunk:
            break;
        case Kind::Same:
            text += ' ';
            break;
        case Kind::Removed:
            text += '-';
            break;
        case Kind::Added:
            text += '+';
            break;
        }
        text += line.text + '\n';
    }
    return text;
}

} // namespace gantry::app
