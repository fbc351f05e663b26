#pragma once

#include "trace_model/trace/trace.h"

#include <QColor>
#include <QRect>
#include <QString>
#include <QWidget>

#include <functional>
#include <initializer_list>
#include <vector>

namespace gantry::widgets {

struct Theme;

/// What the colours of one or two timelines mean: only those that occur in their traces.
class Legend : public QWidget
{
    Q_OBJECT

public:
    explicit Legend(QWidget* parent = nullptr);

    void setTraces(std::initializer_list<const trace::Trace*> traces);
    /// Names of the entries, in order.
    [[nodiscard]] std::vector<QString> names() const;

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;
    /// Entries that do not fit beside the others are on a line below.
    [[nodiscard]] int heightForWidth(int width) const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    struct Entry
    {
        QString name;
        std::function<QColor(const Theme&)> color;
    };
    [[nodiscard]] std::vector<QRect> places(int width) const;

    std::vector<Entry> m_entries;
};

} // namespace gantry::widgets
