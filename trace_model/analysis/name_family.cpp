#include "trace_model/analysis/name_family.h"

#include "trace_model/import/kernel_name.h"

#include <algorithm>
#include <array>
#include <set>

namespace gantry::analysis {
namespace {

bool isDigit(char c)
{
    return c >= '0' && c <= '9';
}

/// "128x64", "64x3", "8": numbers with x between them.
bool isSize(std::string_view word)
{
    return !word.empty() && isDigit(word.front()) && isDigit(word.back()) &&
           std::all_of(word.begin(), word.end(), [](char c) { return isDigit(c) || c == 'x'; });
}

/// Of Triton's specialisation: "0d1d2de3".
bool isSpecialisation(std::string_view word)
{
    return word.size() >= 2 && isDigit(word.front()) && word.find('d') != std::string_view::npos &&
           std::all_of(word.begin(), word.end(), [](char c) { return isDigit(c) || c == 'd' || c == 'e' || c == 'c'; });
}

bool isHash(std::string_view word)
{
    return word.size() >= 6 && std::any_of(word.begin(), word.end(), isDigit) &&
           std::all_of(word.begin(), word.end(), [](char c) { return isDigit(c) || (c >= 'a' && c <= 'f'); });
}

/// What libraries write of their choice: "tilesize128x64x32", "stage4", "align8", "sm80", "hopper".
bool isChoice(std::string_view word)
{
    static constexpr std::array<std::string_view, 8> kArchitectures = {"volta", "turing", "ampere", "ada", "hopper", "blackwell", "maxwell", "pascal"};
    static constexpr std::array<std::string_view, 14> kSettings = {"tilesize", "tile",  "stages", "stage",   "warpsize", "warpgroupsize", "tensor",
                                                                   "align",    "ldg",   "splitk", "cluster", "sm",       "bz",            "cga"};
    if (std::find(kArchitectures.begin(), kArchitectures.end(), word) != kArchitectures.end())
        return true;
    return std::any_of(kSettings.begin(), kSettings.end(), [&](std::string_view setting) {
        return word.starts_with(setting) && (isSize(word.substr(setting.size())) || (word == setting && setting != "tensor" && setting != "sm"));
    });
}

} // namespace

std::string kernelFamily(std::string_view demangledName)
{
    const std::string_view name = importing::shortKernelName(demangledName);
    std::string family;
    for (std::size_t at = 0; at <= name.size();) {
        const std::size_t end = std::min(name.find('_', at), name.size());
        const std::string_view word = name.substr(at, end - at);
        at = end + 1;
        if (word.empty() || isSize(word) || isSpecialisation(word) || isHash(word) || isChoice(word))
            continue;
        if (!family.empty())
            family += '_';
        family += word;
    }
    return family.empty() ? std::string(name) : family;
}

std::string_view callFamily(std::string_view name)
{
    const std::size_t version = name.rfind("_v");
    if (version != std::string_view::npos && version > 0 && version + 2 < name.size() &&
        name.find_first_not_of("0123456789", version + 2) == std::string_view::npos)
        name = name.substr(0, version);
    for (const std::string_view stream : {"_ptsz", "_ptds"})
        if (name.ends_with(stream))
            name.remove_suffix(stream.size());
    return name;
}

std::string numberedFamily(std::string_view name)
{
    std::string family;
    for (const char c : name) {
        if (!isDigit(c))
            family += c;
        else if (family.empty() || family.back() != '#')
            family += '#';
    }
    return family;
}

MatchedNames matchNames(const std::vector<std::string>& a, const std::vector<std::string>& b, std::string (*familyOf)(std::string_view))
{
    const std::set<std::string> namesA(a.begin(), a.end()), namesB(b.begin(), b.end());
    std::set<std::string> familiesA, familiesB;
    const auto collect = [&](const std::set<std::string>& own, const std::set<std::string>& other, std::set<std::string>& families) {
        for (const std::string& name : own)
            if (!other.contains(name))
                families.insert(familyOf(name));
    };
    collect(namesA, namesB, familiesA);
    collect(namesB, namesA, familiesB);
    MatchedNames result;
    const auto assign = [&](const std::set<std::string>& own, const std::set<std::string>& other, std::map<std::string, std::string>& rows) {
        for (const std::string& name : own) {
            const std::string family = other.contains(name) ? std::string() : familyOf(name);
            const bool isMatched = !family.empty() && familiesA.contains(family) && familiesB.contains(family);
            rows[name] = isMatched ? family : name;
        }
    };
    assign(namesA, namesB, result.rowOfA);
    assign(namesB, namesA, result.rowOfB);
    return result;
}

} // namespace gantry::analysis
