#include "widgets/tables/filter_completion.h"

#include "trace_model/analysis/event_filter.h"
#include "widgets/theme/format.h"

#include <algorithm>
#include <set>
#include <utility>

namespace gantry::widgets {
namespace {

using analysis::FilterKey;
using analysis::FilterKeyInfo;

constexpr qsizetype kShortestName = 2; // letters from which on names are offered

QStringList numbers(const std::set<std::uint64_t>& values)
{
    QStringList texts;
    for (const std::uint64_t value : values)
        texts << QString::number(value);
    return texts;
}

QStringList sorted(const std::set<std::string_view>& values)
{
    QStringList texts;
    for (const std::string_view value : values)
        if (!value.empty())
            texts << toQString(value);
    return texts;
}

/// As it has to be typed to be one value.
QString quoted(const QString& value)
{
    const bool isPlain = std::none_of(value.begin(), value.end(), [](QChar c) { return c.isSpace() || c == QLatin1Char('"'); }) &&
                         !value.startsWith(QLatin1Char('/')) && !value.startsWith(QLatin1Char('~'));
    return isPlain ? value : QLatin1Char('"') + value + QLatin1Char('"');
}

/// Where the term that holds `cursor` begins: after a space that is in no quotes.
qsizetype termStart(const QString& text, qsizetype cursor)
{
    qsizetype start = 0;
    bool isQuoted = false;
    for (qsizetype i = 0; i < cursor; ++i) {
        if (text[i] == QLatin1Char('"'))
            isQuoted = !isQuoted;
        else if (text[i].isSpace() && !isQuoted)
            start = i + 1;
    }
    return start;
}

const FilterKeyInfo* keyOf(const QString& word)
{
    for (const FilterKeyInfo& key : analysis::filterKeys())
        if (toQString(key.word) == word || (!key.longer.empty() && toQString(key.longer) == word))
            return &key;
    return nullptr;
}

} // namespace

FilterWords::FilterWords(const trace::Trace& trace)
{
    std::set<std::string_view> names, domains, models;
    std::set<std::uint64_t> devices, streams, threads, processes;
    for (const trace::KernelName& name : trace.kernels.names.values())
        names.insert(trace.strings[name.shortName]);
    for (int k = 0; k < trace::kEventKindCount; ++k) {
        const auto kind = static_cast<trace::EventKind>(k);
        if (trace.columns(kind).size() > 0)
            m_kinds << toQString(trace::name(kind));
        trace::Trace::visit(trace, kind, [&](const auto& columns) {
            using Columns = std::remove_cvref_t<decltype(columns)>;
            if constexpr (std::is_base_of_v<trace::GpuEventColumns, Columns>) {
                for (const trace::GpuPlace& place : columns.places.values()) {
                    devices.insert(place.device);
                    if (place.stream != 0xFFFFFFFFu) // of no single stream
                        streams.insert(place.stream);
                    processes.insert(trace::Trace::pidOf(place.globalPid));
                }
            }
            if constexpr (std::is_base_of_v<trace::ThreadEventColumns, Columns>) {
                for (const std::uint64_t thread : columns.threads.values()) {
                    threads.insert(trace::Trace::tidOf(thread));
                    processes.insert(trace::Trace::pidOf(thread));
                }
            }
            if constexpr (std::is_same_v<Columns, trace::CallColumns>)
                for (const trace::Callee& callee : columns.callees.values())
                    names.insert(trace.strings[callee.name]);
            if constexpr (std::is_same_v<Columns, trace::NvtxColumns>) {
                for (const trace::NvtxLabel& label : columns.labels.values()) {
                    names.insert(trace.strings[label.text]);
                    domains.insert(trace.strings[label.domain]);
                }
            }
        });
    }
    for (const trace::Request& request : trace.requests)
        models.insert(trace.strings[request.model]);
    m_names = sorted(names);
    m_domains = sorted(domains);
    m_models = sorted(models);
    m_devices = numbers(devices);
    m_streams = numbers(streams);
    m_threads = numbers(threads);
    m_processes = numbers(processes);
}

CompletionList FilterWords::at(const QString& text, qsizetype cursor, std::size_t limit) const
{
    CompletionList list;
    list.start = termStart(text, cursor);
    list.length = cursor - list.start;
    const QString term = text.mid(list.start, list.length);
    if (term.isEmpty() || term.startsWith(QLatin1Char('"')) || term.startsWith(QLatin1Char('/')) || term.startsWith(QLatin1Char('~')))
        return list;
    const auto offer = [&](const QString& option, const QString& shown) {
        if (list.options.size() < limit && option != term)
            list.options.push_back({option, shown});
    };

    const auto* const end = std::find_if(term.begin(), term.end(), [](QChar c) { return !c.isLetter(); });
    const auto wordLength = end - term.begin();
    const FilterKeyInfo* key = keyOf(term.left(wordLength));
    qsizetype valueStart = wordLength;
    while (valueStart < term.size() && QStringLiteral("=!<>~").contains(term[valueStart]))
        ++valueStart;
    if (key && valueStart > wordLength) {
        // The last of several values.
        valueStart = std::max(valueStart, term.lastIndexOf(QLatin1Char(',')) + 1);
        const QString before = term.left(valueStart);
        const QString typed = term.mid(valueStart).remove(QLatin1Char('"'));
        static constexpr std::pair<FilterKey, QStringList FilterWords::*> kValues[] = {
            {FilterKey::Name, &FilterWords::m_names},     {FilterKey::Kind, &FilterWords::m_kinds},
            {FilterKey::Device, &FilterWords::m_devices}, {FilterKey::Stream, &FilterWords::m_streams},
            {FilterKey::Thread, &FilterWords::m_threads}, {FilterKey::Process, &FilterWords::m_processes},
            {FilterKey::Domain, &FilterWords::m_domains}, {FilterKey::Model, &FilterWords::m_models},
        };
        const auto* const values =
            std::find_if(std::begin(kValues), std::end(kValues), [key](const auto& each) { return each.first == key->key; });
        if (values == std::end(kValues))
            return list;
        for (const QString& value : this->*values->second)
            if (key->key == FilterKey::Name ? value.contains(typed, Qt::CaseInsensitive) : value.startsWith(typed, Qt::CaseInsensitive))
                offer(before + quoted(value), before + quoted(value));
        return list;
    }
    if (wordLength == term.size())
        for (const FilterKeyInfo& each : analysis::filterKeys())
            if (const QString word = toQString(each.word); word.startsWith(term))
                offer(word, QStringLiteral("%1 — %2").arg(toQString(each.example), toQString(each.help)));
    if (term.size() >= kShortestName)
        for (const QString& name : m_names)
            if (name.contains(term, Qt::CaseInsensitive))
                offer(quoted(name), name);
    return list;
}

} // namespace gantry::widgets
