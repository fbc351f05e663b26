#pragma once

#include "trace_model/analysis/comparison.h"

#include <QWidget>

#include <vector>

class QLabel;

namespace gantry::widgets {

class ElidedLabel;

/// The straight answer above a comparison: the verdict with what it rests on, the likeliest causes, and what cannot be concluded. A line
/// that is cut is whole in its tooltip. UI thread.
class VerdictPanel : public QWidget
{
    Q_OBJECT

public:
    explicit VerdictPanel(QWidget* parent = nullptr);

    void setComparison(const analysis::Comparison& comparison);
    /// How many lines of causes and of limits there is room for.
    void setLines(int lines);

protected:
    void changeEvent(QEvent* event) override;

private:
    void colour();
    void showLines();

    analysis::Comparison m_comparison;
    QLabel* m_headline;
    ElidedLabel* m_reason;
    std::vector<ElidedLabel*> m_lines; ///< causes, then limits
    int m_room = 0;
};

} // namespace gantry::widgets
