#include "app/desktop/export_dialog.h"

#include "app/desktop/text.h"
#include "trace_model/base/new_file.h"
#include "trace_model/exporting/export_format.h"
#include "widgets/timeline/timeline_picture.h"
#include "widgets/timeline/timeline_widget.h"

#include <QBuffer>
#include <QComboBox>
#include <QCoreApplication>
#include <QDialogButtonBox>
#include <QFileDialog>
#include <QFileInfo>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QProgressBar>
#include <QPushButton>
#include <QStandardItemModel>
#include <QVBoxLayout>

#include <algorithm>
#include <optional>
#include <string>
#include <system_error>
#include <utility>

namespace gantry::desktop {

namespace {

using Format = ExportDialog::Format;

constexpr int kSteps = 1000;
constexpr int kMostNotes = 5;      ///< that are shown of what a format cannot hold
constexpr qreal kPictureScale = 2; // sharp on the screens that people read documents on

struct FormatText
{
    Format format;
    const char* title;
    const char* extension;
    std::optional<exporting::ExportFormat> ofTrace; ///< nothing: a picture
};

constexpr FormatText kFormats[] = {
    {Format::ChromeJson, QT_TRANSLATE_NOOP("gantry::desktop::ExportDialog", "Chrome trace (JSON), for Perfetto and chrome://tracing"),
     "json", exporting::ExportFormat::ChromeJson},
    {Format::PackedChromeJson, QT_TRANSLATE_NOOP("gantry::desktop::ExportDialog", "Chrome trace (JSON), compressed"), "json.gz",
     exporting::ExportFormat::ChromeJson},
    {Format::Csv, QT_TRANSLATE_NOOP("gantry::desktop::ExportDialog", "One table (CSV)"), "csv", exporting::ExportFormat::Csv},
    {Format::Sqlite, QT_TRANSLATE_NOOP("gantry::desktop::ExportDialog", "Report in the Nsight Systems schema (SQLite)"), "sqlite",
     exporting::ExportFormat::NsysSqlite},
    {Format::Png, QT_TRANSLATE_NOOP("gantry::desktop::ExportDialog", "Picture of the timeline (PNG)"), "png", {}},
    {Format::Svg, QT_TRANSLATE_NOOP("gantry::desktop::ExportDialog", "Picture of the timeline (SVG)"), "svg", {}},
};

const FormatText& textOf(Format format)
{
    return *std::find_if(std::begin(kFormats), std::end(kFormats), [format](const FormatText& text) { return text.format == format; });
}

/// The name without what says its format.
std::string stemOf(const std::filesystem::path& path)
{
    std::filesystem::path name = path.filename();
    for (const char* extension : {".zst", ".gz", ".gantry", ".sqlite", ".json", ".nsys-rep", ".qdrep", ".csv", ".log", ".txt"}) {
        if (name.extension() == extension && !name.stem().empty())
            name = name.stem();
    }
    return name.string();
}

Result<void> writeBytes(const std::filesystem::path& path, const QByteArray& bytes)
{
    GANTRY_TRY(NewFile file, NewFile::create(path, FileAccess::ByUmask));
    GANTRY_CHECK(file.write(std::string_view(bytes.constData(), static_cast<std::size_t>(bytes.size()))));
    return file.publish();
}

/// The first of many, and how many more there are: a report has columns enough to fill a screen with.
QStringList shortened(const QStringList& lost)
{
    if (lost.size() <= kMostNotes)
        return lost;
    return lost.first(kMostNotes - 1) << QCoreApplication::translate("gantry::desktop::ExportDialog", "and %n more; all are in the tooltip",
                                                                     nullptr, static_cast<int>(lost.size() - kMostNotes + 1));
}

/// The name without the extension of the formats to export to; the name itself where it has none of them.
std::string withoutExtension(const std::string& name)
{
    std::size_t longest = 0;
    for (const FormatText& text : kFormats) {
        const std::string extension = std::string(".") + text.extension;
        if (name.size() > extension.size() && name.ends_with(extension))
            longest = std::max(longest, extension.size());
    }
    return name.substr(0, name.size() - longest);
}

} // namespace

ExportDialog::ExportDialog(std::shared_ptr<const trace::Trace> trace, widgets::TimelineWidget* timeline,
                           std::vector<std::filesystem::path> sources, jobs::JobRunner& runner, QWidget* parent)
    : QDialog(parent),
      m_trace(std::move(trace)),
      m_timeline(timeline),
      m_sources(std::move(sources)),
      m_format(new QComboBox(this)),
      m_table(new QComboBox(this)),
      m_tableLabel(new QLabel(tr("Table"), this)),
      m_time(new QComboBox(this)),
      m_timeLabel(new QLabel(tr("Time"), this)),
      m_rows(new QComboBox(this)),
      m_rowsLabel(new QLabel(tr("Rows"), this)),
      m_file(new QLineEdit(this)),
      m_notes(new QLabel(this)),
      m_error(new QLabel(this)),
      m_progress(new QProgressBar(this)),
      m_slot(runner)
{
    setWindowTitle(tr("Export"));
    for (const FormatText& text : kFormats)
        m_format->addItem(tr(text.title), static_cast<int>(text.format));
    for (const std::string& table : exporting::exportTables(*m_trace))
        m_table->addItem(toQString(table));
    auto* items = qobject_cast<QStandardItemModel*>(m_format->model());
    const auto offer = [&](Format format, bool isOffered) {
        items->item(m_format->findData(static_cast<int>(format)))->setEnabled(isOffered);
    };
    offer(Format::Csv, m_table->count() > 0);
    offer(Format::Png, m_timeline != nullptr);
    offer(Format::Svg, m_timeline != nullptr);
    if (m_timeline)
        offerAreas();
    m_format->setObjectName(QStringLiteral("exportFormat"));
    m_time->setObjectName(QStringLiteral("exportTime"));
    m_rows->setObjectName(QStringLiteral("exportRows"));
    m_file->setObjectName(QStringLiteral("exportFile"));
    m_file->setMinimumWidth(420);
    for (QLabel* label : {m_notes, m_error}) {
        label->setTextFormat(Qt::PlainText);
        label->setWordWrap(true);
    }
    m_notes->setForegroundRole(QPalette::PlaceholderText);
    m_error->setForegroundRole(QPalette::BrightText); // the theme's colour of what is wrong
    m_error->hide();
    m_progress->setRange(0, kSteps);
    m_progress->hide();

    auto* browse = new QPushButton(tr("Browse…"), this);
    auto* file = new QHBoxLayout;
    file->addWidget(m_file, 1);
    file->addWidget(browse);
    auto* form = new QFormLayout;
    form->addRow(tr("Format"), m_format);
    form->addRow(m_tableLabel, m_table);
    form->addRow(m_timeLabel, m_time);
    form->addRow(m_rowsLabel, m_rows);
    form->addRow(tr("File"), file);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_export = buttons->addButton(tr("Export"), QDialogButtonBox::AcceptRole);
    m_export->setDefault(true);
    auto* layout = new QVBoxLayout(this);
    layout->addLayout(form);
    layout->addWidget(m_notes);
    layout->addWidget(m_error);
    layout->addWidget(m_progress);
    layout->addStretch(1);
    layout->addWidget(buttons);
    connect(m_format, &QComboBox::currentIndexChanged, this, &ExportDialog::refreshFormat);
    connect(m_table, &QComboBox::currentIndexChanged, this, &ExportDialog::refreshFormat);
    connect(m_file, &QLineEdit::textChanged, this, &ExportDialog::refreshNotes);
    connect(m_rows, &QComboBox::currentIndexChanged, this, &ExportDialog::refreshNotes);
    connect(browse, &QPushButton::clicked, this, &ExportDialog::browse);
    connect(m_export, &QPushButton::clicked, this, &ExportDialog::startExport);
    connect(buttons, &QDialogButtonBox::rejected, this, &ExportDialog::reject);
    refreshFormat();
}

ExportDialog::~ExportDialog() = default;

/// The times and rows that a picture can be of: the first one is what the screen shows.
void ExportDialog::offerAreas()
{
    const widgets::TimelineState& state = m_timeline->state();
    const auto add = [this](const QString& what, std::optional<TimeRange> time, DurationNs duration) {
        m_time->addItem(tr("%1 (%2)").arg(what, widgets::formatDuration(duration)));
        m_times.push_back(time);
    };
    add(tr("Visible"), {}, state.view.duration());
    if (state.measure && !state.measure->isEmpty())
        add(tr("Measured"), state.measure, state.measure->duration());
    add(tr("Whole report"), m_trace->time, m_trace->time.duration());
    m_rows->addItem(tr("Visible"));
    m_rows->addItem(tr("All that are not hidden or folded"));
}

widgets::PictureArea ExportDialog::area() const
{
    return {m_times[static_cast<std::size_t>(m_time->currentIndex())], m_rows->currentIndex() == 1};
}

Format ExportDialog::format() const
{
    return static_cast<Format>(m_format->currentData().toInt());
}

void ExportDialog::setFormat(Format format)
{
    m_format->setCurrentIndex(m_format->findData(static_cast<int>(format)));
}

void ExportDialog::setTable(const QString& table)
{
    m_table->setCurrentText(table);
}

void ExportDialog::setFile(const std::filesystem::path& path)
{
    m_file->setText(pathText(path));
}

std::filesystem::path ExportDialog::file() const
{
    return toPath(m_file->text());
}

QString ExportDialog::notes() const
{
    return m_notes->text();
}

QString ExportDialog::error() const
{
    return m_error->text();
}

std::filesystem::path ExportDialog::suggestionIn(const std::filesystem::path& folder) const
{
    std::string stem = stemOf(m_sources.front());
    if (format() == Format::Csv)
        stem += '-' + m_table->currentText().toStdString();
    const std::string extension = std::string(".") + textOf(format()).extension;
    // Never one that is there: it may be what the report is read from, whatever the user opened.
    std::filesystem::path path = folder / (stem + extension);
    const auto isTaken = [&] {
        std::error_code unknown;
        return std::filesystem::exists(path, unknown) || std::find(m_sources.begin(), m_sources.end(), path) != m_sources.end();
    };
    for (int number = 1; isTaken(); ++number)
        path = folder / (stem + "-exported" + (number == 1 ? std::string() : '-' + std::to_string(number)) + extension);
    return path;
}

void ExportDialog::refreshFormat()
{
    m_table->setVisible(format() == Format::Csv);
    m_tableLabel->setVisible(format() == Format::Csv);
    const bool isPicture = !textOf(format()).ofTrace && m_timeline;
    for (QWidget* input : std::initializer_list<QWidget*>{m_time, m_timeLabel, m_rows, m_rowsLabel})
        input->setVisible(isPicture);
    const std::filesystem::path typed = file();
    if (typed.filename() == m_suggested.filename()) { // at most the folder is the user's choice
        const std::filesystem::path folder = typed.parent_path().empty() ? m_sources.front().parent_path() : typed.parent_path();
        m_suggested = suggestionIn(folder);
        setFile(m_suggested);
    } else if (const std::string stem = withoutExtension(typed.filename().string()); stem != typed.filename().string()) {
        setFile(typed.parent_path() /
                (stem + '.' + textOf(format()).extension)); // what the user typed stays but for what the format decides
    }
    refreshNotes();
}

void ExportDialog::refreshNotes()
{
    QStringList notes;
    QString all;
    if (const auto ofTrace = textOf(format()).ofTrace) {
        QStringList lost;
        for (const std::string_view what : exporting::notKept(*m_trace, *ofTrace))
            lost << toQString(what);
        if (!lost.isEmpty())
            notes << tr("Such a file cannot hold: %1.").arg(shortened(lost).join(QStringLiteral("; ")));
        if (lost.size() > kMostNotes)
            all = lost.join(QLatin1Char('\n'));
    } else if (m_timeline && m_rows->currentIndex() == 1 &&
               widgets::TimelineGeometry::rowsTop() + m_timeline->state().layout.height() > widgets::kTallestPicture)
        notes << tr("Rows below %1 pixels are left out: hide or fold some.").arg(widgets::kTallestPicture);
    if (QFileInfo::exists(m_file->text()))
        notes << tr("The file of that name will be replaced.");
    m_notes->setToolTip(all);
    m_notes->setText(notes.join(QLatin1Char('\n')));
    m_export->setText(QFileInfo::exists(m_file->text()) ? tr("Replace") : tr("Export"));
    m_error->hide();
    refreshButtons();
}

void ExportDialog::refreshButtons()
{
    const bool isRunning = m_slot.isRunning();
    m_progress->setVisible(isRunning);
    m_export->setEnabled(!isRunning && !m_file->text().isEmpty());
    for (QWidget* input : std::initializer_list<QWidget*>{m_format, m_table, m_time, m_rows, m_file})
        input->setEnabled(!isRunning);
}

void ExportDialog::browse()
{
    auto* dialog = new QFileDialog(this, tr("Export to"), m_file->text());
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setAcceptMode(QFileDialog::AcceptSave);
    connect(dialog, &QFileDialog::fileSelected, m_file, &QLineEdit::setText);
    dialog->open();
}

ExportDialog::Work ExportDialog::workOf(Format format) const
{
    if (const auto ofTrace = textOf(format).ofTrace) {
        return [trace = m_trace, ofTrace = *ofTrace, table = m_table->currentText().toStdString()](const std::filesystem::path& path,
                                                                                                   const jobs::JobContext& context) {
            exporting::ExportOptions options;
            options.table = table;
            options.progress = [&context](double fraction) { context.progress(fraction, {}); };
            options.stop = context.stop();
            return exporting::exportTrace(*trace, ofTrace, path, options);
        };
    }
    if (!m_timeline)
        return [](const std::filesystem::path&, const jobs::JobContext&) -> Result<void> {
            return Error{ErrorCode::NotFound, "the timeline was closed; open the report again", {}};
        };
    // Painted here, as it is on the screen now; packed and written by the job.
    const widgets::TimelineState shown = widgets::pictured(m_timeline->state(), area());
    if (format == Format::Svg)
        return [svg = widgets::timelineSvg(shown, m_timeline->font())](const std::filesystem::path& path, const jobs::JobContext&) {
            return writeBytes(path, svg);
        };
    return [image = widgets::timelineImage(shown, m_timeline->font(), kPictureScale)](const std::filesystem::path& path,
                                                                                      const jobs::JobContext&) -> Result<void> {
        QBuffer png;
        png.open(QIODevice::WriteOnly);
        if (!image.save(&png, "PNG"))
            return Error{ErrorCode::Internal, "the picture could not be packed; make the window smaller and try again", {}};
        return writeBytes(path, png.data());
    };
}

void ExportDialog::startExport()
{
    const std::filesystem::path path = file();
    m_error->hide();
    m_progress->setValue(0);
    m_slot.run(
        [path, sources = m_sources, work = workOf(format())](const jobs::JobContext& context) -> Result<void> {
            GANTRY_CHECK(exporting::checkIsNoSource(path, sources));
            return work(path, context);
        },
        [this, name = pathText(path)](const Result<void>& done) { onDone(done, name); },
        [this](double fraction, const std::string&) { m_progress->setValue(static_cast<int>(fraction * kSteps)); });
    refreshButtons();
}

void ExportDialog::onDone(const Result<void>& done, const QString& path)
{
    refreshButtons();
    if (done) {
        emit exported(path);
        return accept();
    }
    m_error->setText(describe(done.error()).sentence);
    m_error->show();
}

void ExportDialog::reject()
{
    if (!m_slot.isRunning())
        return QDialog::reject();
    m_slot.cancel();
    refreshButtons();
    m_error->setText(tr("Cancelled."));
    m_error->show();
}

} // namespace gantry::desktop
