#pragma once

#include <QLabel>

namespace gantry::widgets {

/// A line of plain text that is cut where there is no room for it, and whole in the tooltip then. UI thread.
class ElidedLabel : public QLabel
{
public:
    explicit ElidedLabel(Qt::TextElideMode mode, QWidget* parent = nullptr);

    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    [[nodiscard]] QString elidedText() const;

    Qt::TextElideMode m_mode;
};

} // namespace gantry::widgets
