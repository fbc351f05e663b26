#pragma once

#include "app/jobs/job_slot.h"
#include "trace_model/base/result.h"
#include "trace_model/trace/trace.h"
#include "widgets/timeline/timeline_picture.h"

#include <QDialog>
#include <QPointer>
#include <QString>

#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

class QComboBox;
class QLabel;
class QLineEdit;
class QProgressBar;
class QPushButton;

namespace gantry::widgets {
class TimelineWidget;
}

namespace gantry::desktop {

/// Asks for a format and a file, says what that format cannot hold, and writes it: a job with progress, which Cancel ends. UI thread.
class ExportDialog : public QDialog
{
    Q_OBJECT

public:
    enum class Format
    {
        ChromeJson,
        PackedChromeJson,
        Csv,
        Sqlite,
        Png,
        Svg
    };

    /// `timeline`: what pictures are of; null: there is none. `sources`: the files that the trace was read from, which are never replaced.
    ExportDialog(std::shared_ptr<const trace::Trace> trace, widgets::TimelineWidget* timeline, std::vector<std::filesystem::path> sources,
                 jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ExportDialog() override;

    [[nodiscard]] Format format() const;
    void setFormat(Format format);
    void setTable(const QString& table);
    void setFile(const std::filesystem::path& path);
    [[nodiscard]] std::filesystem::path file() const;
    /// What the file will not hold, and whether it replaces another; may be empty.
    [[nodiscard]] QString notes() const;
    [[nodiscard]] QString error() const;
    void startExport();
    /// Ends what runs; with nothing running, the dialog.
    void reject() override;

signals:
    void exported(const QString& path);

private:
    using Work = std::function<Result<void>(const std::filesystem::path&, const jobs::JobContext&)>;

    [[nodiscard]] Work workOf(Format format) const;
    /// A name that no file has yet.
    [[nodiscard]] std::filesystem::path suggestionIn(const std::filesystem::path& folder) const;
    void offerAreas();
    [[nodiscard]] widgets::PictureArea area() const;
    void browse();
    void refreshFormat();
    void refreshNotes();
    void refreshButtons();
    void onDone(const Result<void>& done, const QString& path);

    std::shared_ptr<const trace::Trace> m_trace;
    QPointer<widgets::TimelineWidget> m_timeline;
    std::vector<std::filesystem::path> m_sources;
    std::filesystem::path m_suggested; ///< in m_file, unless the user typed something
    QComboBox* m_format;
    QComboBox* m_table;
    QLabel* m_tableLabel;
    QComboBox* m_time; ///< of a picture
    QLabel* m_timeLabel;
    QComboBox* m_rows; ///< of a picture
    QLabel* m_rowsLabel;
    std::vector<std::optional<TimeRange>> m_times; ///< by entry of m_time; nothing: what is visible
    QLineEdit* m_file;
    QLabel* m_notes;
    QLabel* m_error;
    QProgressBar* m_progress;
    QPushButton* m_export;
    jobs::JobSlot m_slot;
};

} // namespace gantry::desktop
