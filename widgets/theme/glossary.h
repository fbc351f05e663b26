#pragma once

#include <QString>

#include <span>

namespace gantry::widgets {

/// A word of the interface and what it means.
struct GlossaryTerm
{
    const char* term; ///< as it is written: "Compute input"
    const char* help; ///< a sentence or two
    const char* unit; ///< what its numbers are in; empty: it has none
};

/// Every term that is explained, once: heads of columns, details, headers and the legend take their tooltips from here.
[[nodiscard]] std::span<const GlossaryTerm> glossary();

/// What a term means, as rich text with its unit; empty for one that is not in the glossary. The case of letters does not count. Of what
/// is made of several terms ("Memcpy HtoD (Pageable)") all are explained.
[[nodiscard]] QString termToolTip(const QString& term);

} // namespace gantry::widgets
