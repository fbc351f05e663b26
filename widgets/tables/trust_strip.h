#pragma once

#include "trace_model/report/window_cost.h"
#include "trace_model/trace/trace.h"

#include <QRect>
#include <QWidget>

#include <vector>

class QLabel;

namespace gantry::widgets {

/// How far a report can be trusted, in a line: what was dropped, how well its clocks agree, what the window cost, whether it
/// is whole. Each says more in its tooltip. Nothing is left out because it is good: "dropped 0" is an answer too.
class TrustStrip : public QWidget
{
    Q_OBJECT

public:
    enum class Grade
    {
        Good,
        Unknown,
        Warning,
        Bad
    };

    struct Item
    {
        QString text;
        QString help;
        Grade grade = Grade::Good;
        bool opensImport = false; ///< a click says more: importRequested()
    };

    explicit TrustStrip(QWidget* parent = nullptr);

    void setTrace(const trace::Trace& trace);
    [[nodiscard]] const std::vector<Item>& items() const { return m_items; }

    [[nodiscard]] static std::vector<Item> itemsOf(const trace::Trace& trace);

    /// What the window cost has been measured anew since the trace was read.
    void setCost(const report::WindowCost& cost);

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;
    /// Items that do not fit beside the others are on a line below.
    [[nodiscard]] int heightForWidth(int width) const override;

signals:
    void importRequested();

protected:
    void changeEvent(QEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    [[nodiscard]] std::vector<QRect> places(int width) const;
    void showItems();
    void placeLabels();
    void colorLabels();

    std::vector<Item> m_items;
    std::vector<QLabel*> m_labels; ///< one for each item
};

} // namespace gantry::widgets
