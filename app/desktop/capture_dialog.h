#pragma once

#include "app/desktop/capture_options.h"

#include <QDialog>

#include <array>
#include <initializer_list>
#include <map>

class QCheckBox;
class QComboBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QPushButton;
class QSpinBox;
class QTabWidget;
class QTimeEdit;

namespace gantry::desktop {

/// Asks when a capture records, what it records, and how it is called. What cannot be is said at the field, and Start waits for it. UI
/// thread.
class CaptureDialog : public QDialog
{
    Q_OBJECT

public:
    /// What is captured, for the first sentence.
    struct Subject
    {
        QString target, node;
        CaptureLimits limits;
    };

    CaptureDialog(const CaptureOptions& options, Subject subject, QWidget* parent = nullptr);

    [[nodiscard]] CaptureOptions options() const;
    /// What the node will do, or what cannot be of the page that is not shown.
    [[nodiscard]] QString summary() const;

private:
    QWidget* makeEngines(const CaptureOptions& options);
    QWidget* makeTimes(const CaptureOptions& options);
    QWidget* makeContent(const CaptureOptions& options);
    void addRow(QFormLayout& form, const QString& title, std::initializer_list<QWidget*> controls);
    void addProblem(QFormLayout& form, CaptureField field);
    void refresh();
    void refreshTimes(const CaptureOptions& now);
    /// What the engine cannot be asked for is disabled, and says why.
    void refreshLimits(const CaptureOptions& now);

    Subject m_subject;
    QComboBox* m_engine = nullptr;
    QTabWidget* m_tabs;
    QFormLayout* m_times = nullptr;
    std::map<QWidget*, int> m_rows; ///< of m_times, by the row's first control
    QComboBox* m_opening;
    QComboBox* m_begin;
    QDoubleSpinBox* m_delay;
    QTimeEdit* m_at;
    QComboBox* m_end;
    QDoubleSpinBox* m_length;
    QSpinBox* m_requests;
    QSpinBox* m_iterations;
    QSpinBox* m_size;
    QLineEdit* m_iterationRange;
    QSpinBox* m_windows;
    QDoubleSpinBox* m_period;
    QSpinBox* m_kept;
    QSpinBox* m_keptOf;
    QLineEdit* m_range;
    QSpinBox* m_ranges;
    QSpinBox* m_rangesKept;
    QSpinBox* m_rangeEvery;
    QCheckBox* m_endsServer;
    QLineEdit* m_label;
    QCheckBox* m_mayQueue;
    std::array<QCheckBox*, 13> m_content{};
    QLabel* m_contentNote = nullptr; ///< what the others mean for an engine that is not Gantry's own
    QComboBox* m_gpuMetrics;
    std::map<CaptureField, QLabel*> m_problems;
    QLabel* m_summary;
    QPushButton* m_start;
};

} // namespace gantry::desktop
