#pragma once

#include "trace_model/trace/trace.h"

#include <QWidget>

#include <vector>

class QHBoxLayout;
class QLabel;

namespace gantry::widgets {

/// How far a report can be trusted, in one line: what was dropped, how well its clocks agree, what the window cost, whether it
/// is whole. Each says more in its tooltip. Nothing is left out because it is good: "dropped 0" is an answer too.
class TrustStrip : public QWidget
{
    Q_OBJECT

public:
    enum class Grade { Good, Unknown, Warning, Bad };

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

signals:
    void importRequested();

protected:
    void changeEvent(QEvent* event) override;

private:
    void colorLabels();

    std::vector<Item> m_items;
    std::vector<QLabel*> m_labels; ///< one for each item
    QHBoxLayout* m_row;
};

} // namespace gantry::widgets
