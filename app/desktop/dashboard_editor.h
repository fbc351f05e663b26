#pragma once

#include "app/desktop/metric_picker.h"
#include "trace_model/metrics/dashboard.h"

#include <QDialog>
#include <QString>

#include <functional>
#include <utility>
#include <vector>

class QCheckBox;
class QComboBox;
class QDialogButtonBox;
class QDoubleSpinBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QListWidget;
class QPushButton;
class QSpinBox;
class QTableWidget;

namespace gantry::desktop {

/// Title, panels and queries of a dashboard, to be changed; what a query has wrong is said while it is typed. UI thread.
class DashboardEditor : public QDialog
{
    Q_OBJECT

public:
    using Metrics = std::function<std::vector<KnownMetric>()>; ///< of the node that is looked at

    DashboardEditor(const metrics::Dashboard& dashboard, Metrics metrics, QWidget* parent = nullptr);

    /// As it is now. Errors: BadInput, with the panel and what is wrong.
    [[nodiscard]] Result<metrics::Dashboard> dashboard() const;

private:
    /// A panel whose queries may be half typed.
    struct Draft
    {
        metrics::DashboardPanel panel;                    ///< but for its queries
        std::vector<std::pair<QString, QString>> queries; ///< and their legends
        QString thresholds, states;                       ///< as typed
    };

    void buildForm(QFormLayout& form);
    QWidget* buildPanelList();
    QWidget* buildQueries();
    void showPanel();
    void takePanel();
    void listPanels(int current);
    void addPanel();
    void removePanel();
    void movePanel(int by);
    void addQuery(const QString& query);
    void pickMetric();
    void refresh();
    [[nodiscard]] Draft* current();
    [[nodiscard]] static Result<metrics::DashboardPanel> panelOf(const Draft& draft);
    [[nodiscard]] static Draft draftOf(const metrics::DashboardPanel& panel);

    metrics::Dashboard m_before;
    Metrics m_metrics;
    std::vector<Draft> m_drafts;
    bool m_isShowing = false; ///< fields change because another panel is shown
    QLineEdit *m_name, *m_prometheus;
    QSpinBox* m_columns;
    QListWidget* m_panels;
    QWidget* m_form;
    QLineEdit *m_title, *m_unit, *m_help, *m_thresholds, *m_states;
    QComboBox* m_kind;
    QTableWidget* m_queries;
    QDoubleSpinBox *m_atLeast, *m_atMost;
    QSpinBox* m_width;
    QCheckBox* m_isShownEmpty;
    QLabel* m_problem;
    QDialogButtonBox* m_buttons;
};

} // namespace gantry::desktop
