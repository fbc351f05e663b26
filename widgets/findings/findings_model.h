#pragma once

#include "trace_model/analysis/findings/findings.h"

#include <QAbstractTableModel>

#include <memory>

namespace gantry::widgets {

/// Findings as rows, in the order in which they were judged to matter. UI thread.
class FindingsModel : public QAbstractTableModel
{
    Q_OBJECT

public:
    enum Column
    {
        Severity,
        Share,
        Sentence,
        ColumnCount
    };

    explicit FindingsModel(QObject* parent = nullptr);
    /// Null: no rows.
    void setDiagnosis(std::shared_ptr<const findings::Diagnosis> diagnosis);
    [[nodiscard]] const findings::Finding& finding(int row) const { return m_diagnosis->findings[static_cast<std::size_t>(row)]; }

    [[nodiscard]] int rowCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] int columnCount(const QModelIndex& parent = {}) const override;
    [[nodiscard]] QVariant data(const QModelIndex& index, int role) const override;
    [[nodiscard]] QVariant headerData(int section, Qt::Orientation orientation, int role) const override;

private:
    std::shared_ptr<const findings::Diagnosis> m_diagnosis;
};

/// "Problem", "Advice", "Note".
[[nodiscard]] QString severityText(findings::Severity severity);

} // namespace gantry::widgets
