#include "trace_model/base/nearest_words.h"

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>

namespace gantry {
namespace {

/// Levenshtein's distance.
std::size_t changesBetween(std::string_view a, std::string_view b)
{
    std::vector<std::size_t> row(b.size() + 1);
    std::iota(row.begin(), row.end(), std::size_t{0});
    for (std::size_t i = 0; i < a.size(); ++i) {
        std::size_t diagonal = std::exchange(row[0], i + 1);
        for (std::size_t j = 0; j < b.size(); ++j) {
            const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = std::min({changed, row[j] + 1, row[j + 1] + 1});
        }
    }
    return row.back();
}

} // namespace

std::vector<std::string> nearestWords(std::string_view typed, std::vector<std::string> words)
{
    std::vector<std::pair<std::size_t, std::string>> ranked;
    for (std::string& word : words) {
        const bool isPart = !typed.empty() && word.find(typed) != std::string::npos;
        const std::size_t changes = isPart ? std::min<std::size_t>(2, changesBetween(typed, word)) : changesBetween(typed, word);
        ranked.emplace_back(changes, std::move(word));
    }
    std::stable_sort(ranked.begin(), ranked.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::transform(ranked.begin(), ranked.end(), words.begin(), [](auto& entry) { return std::move(entry.second); });
    return words;
}

} // namespace gantry
