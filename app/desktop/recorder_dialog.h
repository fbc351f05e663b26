#pragma once

#include "trace_model/base/time.h"

#include <QDialog>

#include <cstdint>

class QDoubleSpinBox;
class QSpinBox;

namespace gantry::desktop {

/// Asks how far a flight recorder reaches back and how much memory it may have on the node. UI thread.
class RecorderDialog : public QDialog
{
    Q_OBJECT

public:
    RecorderDialog(const QString& target, const QString& node, DurationNs keeps, std::uint64_t bytes, QWidget* parent = nullptr);

    [[nodiscard]] DurationNs keeps() const;
    [[nodiscard]] std::uint64_t bytes() const;

private:
    QDoubleSpinBox* m_keeps;
    QSpinBox* m_size;
};

} // namespace gantry::desktop
