#pragma once

#include "trace_model/analysis/comparison.h"
#include "trace_model/base/result.h"

#include <QImage>
#include <QString>

#include <filesystem>

namespace gantry::desktop {

/// What a summary of a comparison shows.
struct ComparisonSummary
{
    QString nameA, nameB; ///< of the reports
    analysis::Comparison comparison;
    QImage picture; ///< of the page; null: none
};

/// Writes an A4 summary for a ticket: the verdict, what changed and what cannot be concluded, the page's picture, and the rows. Replaces
/// the file. Any thread but the UI's: it takes some hundred ms. Errors: CannotWrite and what NewFile makes.
[[nodiscard]] Result<void> writeComparisonPdf(const ComparisonSummary& summary, const std::filesystem::path& path);

} // namespace gantry::desktop
