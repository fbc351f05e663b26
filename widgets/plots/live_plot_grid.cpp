#include "widgets/plots/live_plot_grid.h"

#include "widgets/plots/panel_view.h"
#include "widgets/theme/theme.h"

#include <QElapsedTimer>
#include <QEvent>
#include <QGridLayout>
#include <QKeyEvent>

#include <algorithm>
#include <utility>

namespace gantry::widgets {

LivePlotGrid::LivePlotGrid(QWidget* parent) :
    QWidget(parent),
    m_grid(new QGridLayout(this))
{
    setObjectName(QStringLiteral("livePlots"));
    setFocusPolicy(Qt::ClickFocus); // Esc ends a panel that fills the page
    m_grid->setContentsMargins(8, 8, 8, 4);
    m_grid->setSpacing(8);
    m_nextSlice.setSingleShot(true);
    connect(&m_nextSlice, &QTimer::timeout, this, &LivePlotGrid::drawNext);
}

LivePlotGrid::~LivePlotGrid() = default;

PanelView& LivePlotGrid::viewOf(const PlotPanel& panel)
{
    std::unique_ptr<PanelView>& view = m_views[panel.key];
    // Line and area are one view that draws both.
    const auto before = std::find_if(m_places.begin(), m_places.end(), [&](const Place& place) { return place.key == panel.key; });
    if (view && before != m_places.end() && before->kind == panel.kind)
        return *view;
    view = PanelView::make(panel.kind);
    view->setParent(this);
    connect(view.get(), &PanelView::cursorMoved, this, &LivePlotGrid::setCursorTime);
    connect(view.get(), &PanelView::bandActivated, this, &LivePlotGrid::bandActivated);
    connect(view.get(), &PanelView::menuRequested, this, &LivePlotGrid::menuRequested);
    connect(view.get(), &PanelView::titleActivated, this,
            [this, key = panel.key] { fillWith(m_filledWith.isEmpty() ? key : QString()); });
    return *view;
}

/// Panels come and go with the hardware of the node: laid out anew, plots that stay keep their curves.
void LivePlotGrid::arrange(const std::vector<PlotPanel>& panels)
{
    std::vector<Place> wanted;
    for (const PlotPanel& panel : panels)
        wanted.push_back({panel.key, panel.kind, std::clamp(panel.columns, 1, m_columns)});
    if (wanted == m_places && m_isArranged)
        return;
    std::erase_if(m_views, [&](const auto& entry) {
        return std::none_of(wanted.begin(), wanted.end(), [&](const Place& place) { return place.key == entry.first; });
    });
    if (!m_views.contains(m_filledWith))
        m_filledWith.clear();
    while (QLayoutItem* item = m_grid->takeAt(0))
        delete item;
    // A row or column that stretches takes its share even when nothing is in it.
    for (int row = 0; row < m_grid->rowCount(); ++row)
        m_grid->setRowStretch(row, 0);
    for (int column = 0; column < std::max(m_columns, m_grid->columnCount()); ++column)
        m_grid->setColumnStretch(column, column < m_columns && m_filledWith.isEmpty() ? 1 : 0);
    int row = 0, column = 0;
    for (std::size_t i = 0; i < wanted.size(); ++i) {
        PanelView& view = viewOf(panels[i]);
        view.setVisible(m_filledWith.isEmpty() || wanted[i].key == m_filledWith);
        if (!view.isVisibleTo(this))
            continue;
        if (!m_filledWith.isEmpty()) {
            m_grid->addWidget(&view, 0, 0);
            m_grid->setRowStretch(0, 1);
            m_grid->setColumnStretch(0, 1);
            continue;
        }
        // One that does not fit beside the others begins a row; the last one of a row takes what is left of it.
        if (column + wanted[i].columns > m_columns) {
            ++row;
            column = 0;
        }
        const bool isLast = i + 1 == wanted.size() || column + wanted[i].columns + wanted[i + 1].columns > m_columns;
        m_grid->addWidget(&view, row, column, 1, isLast ? m_columns - column : wanted[i].columns);
        m_grid->setRowStretch(row, 1);
        column += wanted[i].columns;
    }
    m_places = std::move(wanted);
    m_isArranged = true;
    m_isLaidOut = false;
    applyTheme();
}

void LivePlotGrid::setPanels(std::vector<PlotPanel> panels, TimeRange window, DurationNs longestGap, const std::vector<TimestampNs>& breaks,
                             std::optional<TimestampNs> now)
{
    arrange(panels);
    m_time = PlotTime{window, now.value_or(window.end), longestGap, 0, breaks};
    // Those first that had no turn: where drawing all takes longer than it is until the next time, each is drawn at last.
    std::stable_partition(panels.begin(), panels.end(), [this](const PlotPanel& panel) {
        return std::any_of(m_toDraw.begin(), m_toDraw.end(), [&](const PlotPanel& waiting) { return waiting.key == panel.key; });
    });
    m_toDraw.clear();
    for (PlotPanel& panel : panels)
        if (isInView(panel.key))
            m_toDraw.push_back(std::move(panel));
    drawNext();
}

void LivePlotGrid::drawNext()
{
    const Theme& theme = Theme::forPalette(palette());
    QElapsedTimer slice;
    slice.start();
    while (!m_toDraw.empty()) {
        if (std::chrono::milliseconds(slice.elapsed()) >= m_slice)
            return m_nextSlice.start(0);
        PlotPanel panel = std::move(m_toDraw.front());
        m_toDraw.pop_front();
        const auto view = m_views.find(panel.key);
        if (view == m_views.end()) // it has gone since
            continue;
        view->second->setBands(m_bands);
        view->second->setInstant(m_instant, m_instantLabel);
        view->second->setPanel(std::move(panel), m_time, theme);
    }
    emit drawn();
}

bool LivePlotGrid::isInView(const QString& key) const
{
    const auto found = m_views.find(key);
    if (found == m_views.end())
        return true;
    if (!found->second->isVisibleTo(this))
        return false; // beside one that fills the page
    return !isVisible() || !m_isLaidOut || visibleRegion().boundingRect().intersects(found->second->geometry());
}

void LivePlotGrid::setBands(std::vector<PlotBand> bands)
{
    m_bands = std::move(bands);
}

void LivePlotGrid::setInstant(std::optional<TimestampNs> time, const QString& label)
{
    m_instant = time;
    m_instantLabel = label;
    for (const auto& [key, view] : m_views)
        view->setInstant(time, label);
}

void LivePlotGrid::setColumns(int columns)
{
    if (std::exchange(m_columns, std::max(1, columns)) != columns)
        m_isArranged = false;
}

void LivePlotGrid::fillWith(const QString& key)
{
    const QString wanted = m_views.contains(key) ? key : QString();
    if (std::exchange(m_filledWith, wanted) == wanted)
        return;
    setFocus();
    std::vector<PlotPanel> panels;
    for (const Place& place : m_places)
        panels.push_back(m_views[place.key]->panel());
    for (std::size_t i = 0; i < panels.size(); ++i) { // one that has drawn nothing yet knows no more than its place
        panels[i].key = m_places[i].key;
        panels[i].kind = m_places[i].kind;
        panels[i].columns = m_places[i].columns;
    }
    m_isArranged = false;
    arrange(panels);
    emit filled(m_filledWith);
}

void LivePlotGrid::setCursorTime(std::optional<TimestampNs> time)
{
    for (const auto& [key, view] : m_views)
        view->setCursor(time);
    emit cursorMoved(time);
}

QString LivePlotGrid::legendText(const QString& key) const
{
    const auto found = m_views.find(key);
    return found == m_views.end() ? QString() : found->second->legendText();
}

void LivePlotGrid::applyTheme()
{
    const Theme& theme = Theme::forPalette(palette());
    for (const auto& [key, view] : m_views)
        view->applyTheme(theme, font());
}

bool LivePlotGrid::event(QEvent* event)
{
    const bool isHandled = QWidget::event(event);
    if (event->type() == QEvent::LayoutRequest)
        m_isLaidOut = true;
    return isHandled;
}

void LivePlotGrid::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange)
        applyTheme();
}

void LivePlotGrid::keyPressEvent(QKeyEvent* event)
{
    if (event->key() == Qt::Key_Escape && !m_filledWith.isEmpty())
        return fillWith({});
    QWidget::keyPressEvent(event);
}

} // namespace gantry::widgets
