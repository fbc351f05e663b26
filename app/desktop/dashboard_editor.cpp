#include "app/desktop/dashboard_editor.h"

#include "app/desktop/text.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPushButton>
#include <QScrollArea>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QTableWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>

namespace gantry::desktop {

namespace {

constexpr double kLargestLimit = 1e15;
constexpr int kMostColumns = 6; // as dashboard.h reads them

QDoubleSpinBox* limitBox(const char* name, QWidget* parent)
{
    auto* box = new QDoubleSpinBox(parent);
    box->setObjectName(QLatin1String(name));
    box->setRange(0, kLargestLimit);
    box->setDecimals(3);
    box->setSpecialValueText(DashboardEditor::tr("as the values need"));
    box->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    return box;
}

Error badField(const QString& what)
{
    return Error{ErrorCode::BadInput, what.toStdString(), {}};
}

/// "90, 98!": the mark of exclamation is critical.
Result<std::vector<metrics::PanelThreshold>> thresholdsOf(const QString& text)
{
    std::vector<metrics::PanelThreshold> thresholds;
    for (QString part : text.split(QLatin1Char(','), Qt::SkipEmptyParts)) {
        part = part.trimmed();
        metrics::PanelThreshold threshold;
        threshold.isCritical = part.endsWith(QLatin1Char('!'));
        if (threshold.isCritical)
            part.chop(1);
        bool isNumber = false;
        threshold.value = part.toDouble(&isNumber);
        if (!isNumber || !std::isfinite(threshold.value))
            return badField(DashboardEditor::tr("the threshold \"%1\" is no number: write 90, 98! (with a mark: critical)").arg(part));
        thresholds.push_back(threshold);
    }
    std::sort(thresholds.begin(), thresholds.end(), [](const auto& a, const auto& b) { return a.value < b.value; });
    return thresholds;
}

QString textOf(const std::vector<metrics::PanelThreshold>& thresholds)
{
    QStringList parts;
    for (const metrics::PanelThreshold& threshold : thresholds)
        parts << QString::number(threshold.value, 'g', 12) + (threshold.isCritical ? QStringLiteral("!") : QString());
    return parts.join(QStringLiteral(", "));
}

/// "0=idle, 1=busy"
Result<std::map<double, std::string>> statesOf(const QString& text)
{
    std::map<double, std::string> states;
    for (const QString& part : text.split(QLatin1Char(','), Qt::SkipEmptyParts)) {
        const qsizetype equals = part.indexOf(QLatin1Char('='));
        bool isNumber = false;
        const double value = part.left(equals).trimmed().toDouble(&isNumber);
        if (equals < 0 || !isNumber || !std::isfinite(value))
            return badField(DashboardEditor::tr("the state \"%1\" is no number with a name: write 0=idle, 1=busy").arg(part.trimmed()));
        states[value] = part.mid(equals + 1).trimmed().toStdString();
    }
    return states;
}

QString textOf(const std::map<double, std::string>& states)
{
    QStringList parts;
    for (const auto& [value, text] : states)
        parts << QStringLiteral("%1=%2").arg(QString::number(value, 'g', 12), toQString(text));
    return parts.join(QStringLiteral(", "));
}

} // namespace

DashboardEditor::DashboardEditor(const metrics::Dashboard& dashboard, Metrics metrics, QWidget* parent)
    : QDialog(parent),
      m_before(dashboard),
      m_metrics(std::move(metrics)),
      m_name(new QLineEdit(toQString(dashboard.title), this)),
      m_prometheus(new QLineEdit(toQString(dashboard.prometheus.url), this)),
      m_columns(new QSpinBox(this)),
      m_panels(new QListWidget(this)),
      m_form(new QWidget(this)),
      m_title(new QLineEdit(this)),
      m_unit(new QLineEdit(this)),
      m_help(new QLineEdit(this)),
      m_thresholds(new QLineEdit(this)),
      m_states(new QLineEdit(this)),
      m_kind(new QComboBox(this)),
      m_queries(new QTableWidget(0, 2, this)),
      m_atLeast(limitBox("panelAtLeast", this)),
      m_atMost(limitBox("panelAtMost", this)),
      m_width(new QSpinBox(this)),
      m_isShownEmpty(new QCheckBox(tr("is there while it &waits for samples"), this)),
      m_problem(new QLabel(this)),
      m_buttons(new QDialogButtonBox(QDialogButtonBox::Save | QDialogButtonBox::Cancel, this))
{
    setWindowTitle(tr("Dashboard"));
    for (const metrics::DashboardPanel& panel : dashboard.panels)
        m_drafts.push_back(draftOf(panel));
    m_name->setObjectName(QStringLiteral("dashboardTitle"));
    m_columns->setObjectName(QStringLiteral("dashboardColumns"));
    m_columns->setRange(1, kMostColumns);
    m_columns->setValue(dashboard.columns);
    m_problem->setObjectName(QStringLiteral("dashboardProblem"));
    m_problem->setWordWrap(true);
    m_problem->setTextFormat(Qt::PlainText);
    auto* head = new QHBoxLayout;
    head->addWidget(new QLabel(tr("Title"), this));
    head->addWidget(m_name, 1);
    head->addWidget(new QLabel(tr("Panels beside each other"), this));
    head->addWidget(m_columns);
    m_prometheus->setObjectName(QStringLiteral("dashboardPrometheus"));
    m_prometheus->setPlaceholderText(QStringLiteral("http://host:9090"));
    m_prometheus->setToolTip(tr("Of panels whose queries begin with promql: — a login, a period and certificates are set in the file"));
    auto* server = new QHBoxLayout;
    server->addWidget(new QLabel(tr("Prometheus server"), this));
    server->addWidget(m_prometheus, 1);
    auto* form = new QFormLayout(m_form);
    form->setContentsMargins(0, 0, 0, 0);
    buildForm(*form);
    auto* middle = new QHBoxLayout;
    middle->addWidget(buildPanelList(), 1);
    auto* scrolled = new QScrollArea(this); // a small screen has no room for all fields
    scrolled->setFrameShape(QFrame::NoFrame);
    scrolled->setWidgetResizable(true);
    scrolled->setWidget(m_form);
    middle->addWidget(scrolled, 3);
    auto* column = new QVBoxLayout(this);
    column->addLayout(head);
    column->addLayout(server);
    column->addLayout(middle, 1);
    column->addWidget(m_problem);
    column->addWidget(m_buttons);
    const QSize most = parent ? parent->window()->size() : QSize();
    resize(QSize(820, 560).boundedTo(most.isValid() ? most : QSize(820, 560)));
    connect(m_buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(m_buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_name, &QLineEdit::textChanged, this, &DashboardEditor::refresh);
    connect(m_columns, &QSpinBox::valueChanged, this, &DashboardEditor::refresh);
    connect(m_prometheus, &QLineEdit::textChanged, this, &DashboardEditor::refresh);
    if (m_drafts.empty())
        addPanel();
    else
        listPanels(0);
}

QWidget* DashboardEditor::buildPanelList()
{
    auto* side = new QWidget(this);
    m_panels->setObjectName(QStringLiteral("dashboardPanels"));
    auto* buttons = new QHBoxLayout;
    const auto add = [&](const char* name, const QString& text, const QString& tip, auto act) {
        auto* button = new QPushButton(text, side);
        button->setObjectName(QLatin1String(name));
        button->setToolTip(tip);
        button->setAutoDefault(false);
        connect(button, &QPushButton::clicked, this, act);
        buttons->addWidget(button, text.size() > 1 ? 1 : 0);
        if (text.size() == 1) // an arrow
            button->setFixedWidth(30);
    };
    add("addPanel", tr("&Add"), tr("Another panel after this one"), [this] { addPanel(); });
    add("removePanel", tr("&Remove"), tr("Removes the panel"), [this] { removePanel(); });
    add("panelUp", QStringLiteral("↑"), tr("Further to the front"), [this] { movePanel(-1); });
    add("panelDown", QStringLiteral("↓"), tr("Further to the back"), [this] { movePanel(1); });
    auto* column = new QVBoxLayout(side);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_panels, 1);
    column->addLayout(buttons);
    connect(m_panels, &QListWidget::currentRowChanged, this, &DashboardEditor::showPanel);
    return side;
}

QWidget* DashboardEditor::buildQueries()
{
    auto* part = new QWidget(this);
    m_queries->setObjectName(QStringLiteral("panelQueries"));
    m_queries->setHorizontalHeaderLabels({tr("Query"), tr("Legend")});
    m_queries->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
    m_queries->horizontalHeader()->setSectionResizeMode(1, QHeaderView::Interactive);
    m_queries->horizontalHeader()->resizeSection(1, 140);
    m_queries->verticalHeader()->hide();
    m_queries->setMinimumHeight(100);
    m_queries->setToolTip(tr("gpu_power_w — a gauge as it is\nrate(nv_inference_count) — growth of a counter per second\n"
                             "p99(vllm:time_to_first_token_seconds) — of a histogram\nsum by (gpu) (a), a / b, any(new, old)\n"
                             "Legend: {model} is replaced by what the label says"));
    auto* buttons = new QHBoxLayout;
    const auto add = [&](const char* name, const QString& text, auto act) {
        auto* button = new QPushButton(text, part);
        button->setObjectName(QLatin1String(name));
        button->setAutoDefault(false);
        connect(button, &QPushButton::clicked, this, act);
        buttons->addWidget(button);
    };
    add("pickMetric", tr("Add &metric…"), [this] { pickMetric(); });
    add("addQuery", tr("Add &query"), [this] { addQuery({}); });
    add("removeQuery", tr("Remove q&uery"), [this] {
        if (m_queries->currentRow() >= 0)
            m_queries->removeRow(m_queries->currentRow());
        takePanel();
    });
    buttons->addStretch(1);
    auto* column = new QVBoxLayout(part);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_queries, 1);
    column->addLayout(buttons);
    connect(m_queries, &QTableWidget::itemChanged, this, &DashboardEditor::takePanel);
    return part;
}

void DashboardEditor::buildForm(QFormLayout& form)
{
    for (const metrics::PanelKind kind : metrics::panelKinds())
        m_kind->addItem(QLatin1String(metrics::name(kind)), static_cast<int>(kind));
    m_width->setRange(1, kMostColumns);
    m_thresholds->setPlaceholderText(QStringLiteral("90, 98!"));
    m_thresholds->setToolTip(tr("Values from which on it is coloured; with a mark, critical"));
    m_states->setPlaceholderText(QStringLiteral("0=idle, 1=busy"));
    m_states->setToolTip(tr("What values are called, where the panel shows states"));
    m_title->setObjectName(QStringLiteral("panelTitle"));
    m_unit->setObjectName(QStringLiteral("panelUnit"));
    m_kind->setObjectName(QStringLiteral("panelKind"));
    m_thresholds->setObjectName(QStringLiteral("panelThresholds"));
    m_states->setObjectName(QStringLiteral("panelStates"));
    form.addRow(tr("Title"), m_title);
    form.addRow(tr("Unit"), m_unit);
    form.addRow(tr("Kind"), m_kind);
    form.addRow(tr("Queries"), buildQueries());
    form.addRow(tr("Thresholds"), m_thresholds);
    form.addRow(tr("States"), m_states);
    form.addRow(tr("Axis at least"), m_atLeast);
    form.addRow(tr("Axis at most"), m_atMost);
    form.addRow(tr("Columns"), m_width);
    form.addRow(tr("Help"), m_help);
    form.addRow(QString(), m_isShownEmpty);
    for (QLineEdit* field : {m_title, m_unit, m_help, m_thresholds, m_states})
        connect(field, &QLineEdit::textChanged, this, &DashboardEditor::takePanel);
    for (QDoubleSpinBox* box : {m_atLeast, m_atMost})
        connect(box, &QDoubleSpinBox::valueChanged, this, &DashboardEditor::takePanel);
    connect(m_width, &QSpinBox::valueChanged, this, &DashboardEditor::takePanel);
    connect(m_kind, &QComboBox::currentIndexChanged, this, &DashboardEditor::takePanel);
    connect(m_isShownEmpty, &QCheckBox::toggled, this, &DashboardEditor::takePanel);
}

DashboardEditor::Draft DashboardEditor::draftOf(const metrics::DashboardPanel& panel)
{
    Draft draft{panel, {}, textOf(panel.thresholds), textOf(panel.states)};
    for (const metrics::PanelQuery& query : panel.queries)
        draft.queries.emplace_back(toQString(query.text()), toQString(query.legend));
    return draft;
}

Result<metrics::DashboardPanel> DashboardEditor::panelOf(const Draft& draft)
{
    metrics::DashboardPanel panel = draft.panel;
    if (panel.title.empty())
        return badField(tr("it has no title"));
    panel.queries.clear();
    for (const auto& [text, legend] : draft.queries) {
        GANTRY_TRY(auto query, metrics::PanelQuery::parse(text.trimmed().toStdString(), legend.toStdString()));
        panel.queries.push_back(std::move(query));
    }
    if (panel.queries.empty())
        return badField(tr("it has no query: add a metric"));
    GANTRY_TRY(panel.thresholds, thresholdsOf(draft.thresholds));
    GANTRY_TRY(panel.states, statesOf(draft.states));
    return panel;
}

Result<metrics::Dashboard> DashboardEditor::dashboard() const
{
    metrics::Dashboard dashboard = m_before;
    dashboard.title = m_name->text().trimmed().toStdString();
    dashboard.columns = m_columns->value();
    const std::string server = m_prometheus->text().trimmed().toStdString();
    dashboard.prometheus.url = server;
    if (server.empty())
        dashboard.prometheus = {}; // a login without a server is nobody's
    dashboard.panels.clear();
    if (dashboard.title.empty())
        return badField(tr("The dashboard has no title."));
    if (m_drafts.empty())
        return badField(tr("A dashboard has at least one panel: add one."));
    for (const Draft& draft : m_drafts) {
        auto panel = panelOf(draft);
        if (!panel)
            return badField(
                tr("%1: %2").arg(toQString(draft.panel.title.empty() ? "…" : draft.panel.title), toQString(panel.error().message)));
        panel->columns = std::min(panel->columns, dashboard.columns);
        dashboard.panels.push_back(std::move(*panel));
    }
    // It is offered where what it asks for is measured.
    if (dashboard.appliesTo.empty())
        for (const metrics::DashboardPanel& panel : dashboard.panels)
            for (const metrics::PanelQuery& query : panel.queries)
                for (const std::string& name : query.query.names())
                    if (std::find(dashboard.appliesTo.begin(), dashboard.appliesTo.end(), name) == dashboard.appliesTo.end() &&
                        dashboard.appliesTo.size() < 100)
                        dashboard.appliesTo.push_back(name);
    return metrics::Dashboard::parse(dashboard.toJson()); // what is saved can be read again
}

DashboardEditor::Draft* DashboardEditor::current()
{
    const int row = m_panels->currentRow();
    return row >= 0 && row < static_cast<int>(m_drafts.size()) ? &m_drafts[static_cast<std::size_t>(row)] : nullptr;
}

void DashboardEditor::listPanels(int current)
{
    {
        const QSignalBlocker block(m_panels);
        m_panels->clear();
        for (const Draft& draft : m_drafts)
            m_panels->addItem(toQString(draft.panel.title));
        m_panels->setCurrentRow(current);
    }
    showPanel();
}

void DashboardEditor::showPanel()
{
    const Draft* draft = current();
    m_form->setEnabled(draft != nullptr);
    if (draft) {
        m_isShowing = true;
        const metrics::DashboardPanel& panel = draft->panel;
        m_title->setText(toQString(panel.title));
        m_unit->setText(toQString(panel.unit));
        m_help->setText(toQString(panel.help));
        m_kind->setCurrentIndex(m_kind->findData(static_cast<int>(panel.kind)));
        m_thresholds->setText(draft->thresholds);
        m_states->setText(draft->states);
        m_atLeast->setValue(panel.atLeast);
        m_atMost->setValue(panel.atMost);
        m_width->setValue(panel.columns);
        m_isShownEmpty->setChecked(panel.isShownEmpty);
        m_queries->setRowCount(0);
        for (const auto& [query, legend] : draft->queries) {
            const int row = m_queries->rowCount();
            m_queries->insertRow(row);
            m_queries->setItem(row, 0, new QTableWidgetItem(query));
            m_queries->setItem(row, 1, new QTableWidgetItem(legend));
        }
        m_isShowing = false;
    }
    refresh();
}

/// What is in the fields becomes the draft.
void DashboardEditor::takePanel()
{
    Draft* draft = current();
    if (m_isShowing || !draft)
        return;
    metrics::DashboardPanel& panel = draft->panel;
    panel.title = m_title->text().trimmed().toStdString();
    panel.unit = m_unit->text().trimmed().toStdString();
    panel.help = m_help->text().trimmed().toStdString();
    panel.kind = static_cast<metrics::PanelKind>(m_kind->currentData().toInt());
    panel.atLeast = m_atLeast->value();
    panel.atMost = m_atMost->value();
    panel.columns = m_width->value();
    panel.isShownEmpty = m_isShownEmpty->isChecked();
    draft->thresholds = m_thresholds->text();
    draft->states = m_states->text();
    draft->queries.clear();
    for (int row = 0; row < m_queries->rowCount(); ++row) {
        const auto text = [&](int column) { return m_queries->item(row, column) ? m_queries->item(row, column)->text() : QString(); };
        draft->queries.emplace_back(text(0), text(1));
    }
    m_panels->currentItem()->setText(toQString(panel.title));
    refresh();
}

void DashboardEditor::addPanel()
{
    const int row = m_panels->currentRow() + 1;
    Draft draft;
    draft.panel.title = tr("New panel").toStdString();
    m_drafts.insert(m_drafts.begin() + row, std::move(draft));
    listPanels(row);
}

void DashboardEditor::removePanel()
{
    const int row = m_panels->currentRow();
    if (row < 0)
        return;
    m_drafts.erase(m_drafts.begin() + row);
    listPanels(std::min(row, static_cast<int>(m_drafts.size()) - 1));
}

void DashboardEditor::movePanel(int by)
{
    const int row = m_panels->currentRow(), to = row + by;
    if (row < 0 || to < 0 || to >= static_cast<int>(m_drafts.size()))
        return;
    std::swap(m_drafts[static_cast<std::size_t>(row)], m_drafts[static_cast<std::size_t>(to)]);
    listPanels(to);
}

void DashboardEditor::addQuery(const QString& query)
{
    if (!current())
        return;
    const int row = m_queries->rowCount();
    m_queries->insertRow(row);
    m_queries->setItem(row, 0, new QTableWidgetItem(query));
    m_queries->setCurrentCell(row, 0);
    if (query.isEmpty())
        m_queries->editItem(m_queries->item(row, 0));
    takePanel();
}

void DashboardEditor::pickMetric()
{
    auto* picker = new MetricPicker(m_metrics(), this);
    picker->setAttribute(Qt::WA_DeleteOnClose);
    connect(picker, &QDialog::accepted, this, [this, picker] {
        const KnownMetric* metric = picker->chosen();
        if (!metric)
            return;
        addQuery(metric->query());
        if (m_unit->text().isEmpty())
            m_unit->setText(metric->kind == KnownMetric::Kind::Counter ? metric->unit + QStringLiteral("/s") : metric->unit);
        if (m_help->text().isEmpty())
            m_help->setText(metric->help);
    });
    picker->open();
}

void DashboardEditor::refresh()
{
    m_width->setMaximum(m_columns->value());
    const auto now = dashboard();
    m_problem->setText(now ? QString() : toQString(now.error().message));
    m_buttons->button(QDialogButtonBox::Save)->setEnabled(now.hasValue());
}

} // namespace gantry::desktop
