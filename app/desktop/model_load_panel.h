#pragma once

#include "app/jobs/job_slot.h"
#include "remote_server/load/load_generator.h"
#include "trace_model/base/result.h"

#include <QString>
#include <QWidget>

#include <map>
#include <optional>
#include <stop_token>
#include <string>

class QComboBox;
class QDoubleSpinBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QScrollArea;
class QSpinBox;
class QTreeWidget;

namespace gantry::widgets {
enum class CopyFormat;
}

namespace gantry::desktop {

class MessageBar;

/// Sends made-up requests to a model, from this process, and shows how fast they were answered and where the time went. What was measured
/// of each model stays until it is measured again. One load at a time, which goes on while another model is looked at. The load's threads
/// stand behind the window's in priority: on a busy machine gantryctl measures shorter latencies. UI thread; nothing here blocks.
class ModelLoadPanel : public QWidget
{
    Q_OBJECT

public:
    explicit ModelLoadPanel(jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ModelLoadPanel() override;

    /// The model that is looked at; empty: none.
    void setModel(const QString& model, bool isServed);
    /// Where the server is reached, or why it is not; an address that the user gave stays.
    void setAddress(const Result<std::string>& address);

    /// As the fields say. Nothing where it cannot be started, or one runs.
    void start();
    /// Nothing leaves any more, and what was measured until now is shown.
    void stop();
    [[nodiscard]] bool isRunning() const { return m_slot.isRunning(); }
    /// There is something to be seen: a load that runs, or what one measured.
    [[nodiscard]] bool hasContent() const { return isRunning() || !m_outcomes.empty(); }

    [[nodiscard]] QPushButton* startButton() const { return m_start; }
    [[nodiscard]] QPushButton* stopButton() const { return m_stopButton; }
    [[nodiscard]] QLabel* status() const { return m_status; }
    [[nodiscard]] QTreeWidget* results() const { return m_results; }
    [[nodiscard]] MessageBar* messages() const { return m_messages; }
    [[nodiscard]] QLineEdit* addressEdit() const { return m_address; }

protected:
    void changeEvent(QEvent* event) override;

private:
    struct Outcome
    {
        QString heading;
        load::LoadResult result;
    };

    void buildFields();
    [[nodiscard]] QWidget* buildForm();
    [[nodiscard]] QWidget* buildResults();
    /// Of the fields. Errors: BadInput.
    [[nodiscard]] Result<load::LoadOptions> options() const;
    [[nodiscard]] QString headingOf(const load::LoadOptions& options) const;
    void onProgress(const load::LoadProgress& progress);
    void onDone(const QString& model, const QString& heading, Result<load::LoadResult> result);
    void refresh();
    void showOutcome();
    /// Scrolls to them, in a window that has no room for all.
    void showResults();
    void scrollToResults();
    void copyResults(widgets::CopyFormat format) const;

    jobs::JobSlot m_slot;
    std::stop_source m_stopSource; ///< of the load that runs
    QString m_model, m_loaded;     ///< looked at; the one that is loaded
    bool m_isServed = false, m_isStopping = false;
    bool m_isLookedFor = false; ///< the results, and the user has not scrolled since
    std::optional<Error> m_whyNoAddress;
    QString m_offered; ///< the address that the field was filled with
    QString m_progress;
    std::map<QString, Outcome> m_outcomes; ///< by model

    MessageBar* m_messages;
    QScrollArea* m_scroll;
    QComboBox* m_loop;
    QSpinBox* m_concurrency;
    QDoubleSpinBox *m_rate, *m_duration;
    QSpinBox *m_sequence, *m_tokens;
    QLineEdit *m_shapes, *m_address;
    QPushButton *m_start, *m_stopButton;
    QLabel *m_status, *m_heading;
    QTreeWidget* m_results = nullptr; ///< the palette may change while the others are made
};

} // namespace gantry::desktop
