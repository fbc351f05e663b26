#pragma once

#include "trace_model/trace/trace.h"

#include <QString>
#include <QStringList>

#include <vector>

namespace gantry::widgets {

/// What could stand in the place of the term that is being typed.
struct Completion
{
    QString text;  ///< the whole term: "stream=7"
    QString shown; ///< what is listed: "stream=7", "dur  how long it lasted"
};

struct CompletionList
{
    qsizetype start = 0, length = 0; ///< of the term, in the text
    std::vector<Completion> options; ///< none: nothing to offer
};

/// What of a report the terms of a filter can be completed with: names and numbers that are in it. Any thread once made.
class FilterWords
{
public:
    FilterWords() = default;
    explicit FilterWords(const trace::Trace& trace);

    /// Options for the term at `cursor`, at most `limit`: keys for the first letters of one, values after a key and its operator, and
    /// names that hold what is typed.
    [[nodiscard]] CompletionList at(const QString& text, qsizetype cursor, std::size_t limit = 12) const;

private:
    QStringList m_names; ///< of kernels, calls and ranges; those are sorted
    QStringList m_devices, m_streams, m_threads, m_processes, m_domains, m_models, m_kinds;
};

} // namespace gantry::widgets
