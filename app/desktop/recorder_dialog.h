#pragma once

#include "remote_server/proto/node_types.h"
#include "trace_model/base/time.h"

#include <QDialog>

#include <cstdint>

class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;

namespace gantry::desktop {

/// Asks how far a flight recorder reaches back, how much memory it may have on the node, and whether it saves by itself when a metric says
/// so. UI thread.
class RecorderDialog : public QDialog
{
    Q_OBJECT

public:
    RecorderDialog(const QString& target, const QString& node, DurationNs keeps, std::uint64_t bytes, QWidget* parent = nullptr);

    [[nodiscard]] DurationNs keeps() const;
    [[nodiscard]] std::uint64_t bytes() const;
    /// Without a condition: it does not save by itself.
    [[nodiscard]] proto::SaveWhen saveWhen() const;

private:
    QDoubleSpinBox* newSeconds(const char* name, const QString& accessibleName, double least, double seconds);
    void check();

    QDoubleSpinBox* m_keeps;
    QSpinBox* m_size;
    QLineEdit* m_condition;
    QDoubleSpinBox *m_for, *m_last, *m_next;
    QSpinBox* m_atMost;
    QLabel* m_problem;
    QPushButton* m_start;
};

} // namespace gantry::desktop
