#pragma once

#include "trace_model/metrics/series_store.h"

#include <QDialog>
#include <QString>

#include <vector>

class QDialogButtonBox;
class QLabel;
class QLineEdit;
class QTreeWidget;

namespace gantry::desktop {

/// A metric of a node, of however many series.
struct KnownMetric
{
    enum class Kind
    {
        Gauge,
        Counter,
        Histogram ///< of its buckets alone
    };

    QString name, unit, help; ///< help: what its source says of it
    Kind kind = Kind::Gauge;
    QStringList labels; ///< that its series have
    int series = 0;

    /// What a panel asks for to begin with: the growth of a counter, a percentile of a histogram.
    [[nodiscard]] QString query() const;
    /// Whether each word of a search is in its name or its help.
    [[nodiscard]] bool matches(const QString& search) const;
};

/// The metrics that series belong to, by their names.
[[nodiscard]] std::vector<KnownMetric> metricsOf(const std::vector<const metrics::SeriesDefinition*>& definitions);

/// Lets one of the metrics of a node be chosen, with what its source says of it. UI thread.
class MetricPicker : public QDialog
{
    Q_OBJECT

public:
    explicit MetricPicker(std::vector<KnownMetric> metrics, QWidget* parent = nullptr);

    /// The one that is chosen; null: none.
    [[nodiscard]] const KnownMetric* chosen() const;

private:
    void filter();
    void refresh();

    std::vector<KnownMetric> m_metrics;
    QLineEdit* m_search;
    QTreeWidget* m_list;
    QLabel* m_help;
    QDialogButtonBox* m_buttons;
};

} // namespace gantry::desktop
