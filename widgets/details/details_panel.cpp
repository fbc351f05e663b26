#include "widgets/details/details_panel.h"

#include <QAction>
#include <QApplication>
#include <QClipboard>
#include <QHeaderView>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace gantry::widgets {

namespace {

constexpr int kLinkRole = Qt::UserRole; // index into m_links

} // namespace

DetailsPanel::DetailsPanel(QWidget* parent) :
    QWidget(parent),
    m_tree(new QTreeWidget(this))
{
    m_tree->setObjectName(QStringLiteral("details"));
    m_tree->setColumnCount(2);
    m_tree->setHeaderHidden(true);
    m_tree->setFrameShape(QFrame::NoFrame);
    m_tree->setIndentation(12);
    m_tree->setWordWrap(true);
    m_tree->setTextElideMode(Qt::ElideRight);
    m_tree->setRootIsDecorated(true);
    m_tree->header()->setStretchLastSection(true);
    m_tree->header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    m_tree->header()->setMaximumSectionSize(160);
    // Wrapped lines change height with the column; the view does not notice by itself.
    connect(m_tree->header(), &QHeaderView::sectionResized, this, [this] { m_tree->doItemsLayout(); });
    m_tree->setContextMenuPolicy(Qt::ActionsContextMenu);
    auto* copy = new QAction(tr("Copy all"), m_tree);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetShortcut);
    m_tree->addAction(copy);
    connect(copy, &QAction::triggered, this, [this] { QApplication::clipboard()->setText(text()); });
    connect(m_tree, &QTreeWidget::itemActivated, this, [this](QTreeWidgetItem* item) { activate(item); });
    connect(m_tree, &QTreeWidget::itemClicked, this, [this](QTreeWidgetItem* item) { activate(item); });
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->addWidget(m_tree);
}

void DetailsPanel::show(std::shared_ptr<const trace::Trace> trace, trace::EventId event, trace::RequestIndex request)
{
    m_trace = std::move(trace);
    std::vector<DetailSection> sections;
    if (m_trace) {
        const auto append = [&sections](std::vector<DetailSection> more) {
            sections.insert(sections.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
        };
        // Of a phase the request says everything; of a kernel the kernel comes first.
        const bool isPhase = event.isNone() || event.kind() == trace::EventKind::Phase;
        if (!isPhase)
            append(eventDetails(*m_trace, event));
        if (!request.isNone())
            append(requestDetails(*m_trace, request));
        if (sections.empty())
            append(reportDetails(*m_trace));
    }
    fill(sections);
}

void DetailsPanel::clear()
{
    m_trace.reset();
    fill({});
}

void DetailsPanel::fill(const std::vector<DetailSection>& sections)
{
    m_tree->clear();
    m_links.clear();
    for (const DetailSection& section : sections) {
        auto* heading = new QTreeWidgetItem(m_tree, {section.title});
        QFont font = heading->font(0);
        font.setBold(true);
        heading->setFont(0, font);
        heading->setFirstColumnSpanned(true);
        for (const DetailLine& line : section.lines) {
            auto* item = new QTreeWidgetItem(heading, {line.name, line.value});
            item->setToolTip(0, line.name);
            item->setToolTip(1, line.value);
            item->setTextAlignment(0, Qt::AlignLeft | Qt::AlignTop);
            item->setTextAlignment(1, Qt::AlignLeft | Qt::AlignTop);
            item->setForeground(0, palette().brush(QPalette::PlaceholderText));
            if (!std::holds_alternative<std::monostate>(line.link)) {
                item->setData(0, kLinkRole, static_cast<int>(m_links.size()));
                item->setForeground(1, palette().brush(QPalette::Link));
                m_links.push_back(line.link);
            }
        }
        heading->setExpanded(true);
    }
}

void DetailsPanel::activate(const QTreeWidgetItem* item)
{
    const QVariant index = item->data(0, kLinkRole);
    if (!index.isValid())
        return;
    // A copy: the receiver's selection refills the tree.
    const DetailLink link = m_links[static_cast<std::size_t>(index.toInt())];
    if (const auto* event = std::get_if<trace::EventId>(&link))
        emit eventRequested(*event);
    else if (const auto* request = std::get_if<trace::RequestIndex>(&link))
        emit requestRequested(*request);
}

QString DetailsPanel::text() const
{
    QString text;
    for (int i = 0; i < m_tree->topLevelItemCount(); ++i) {
        const QTreeWidgetItem* heading = m_tree->topLevelItem(i);
        text += heading->text(0) + QLatin1Char('\n');
        for (int j = 0; j < heading->childCount(); ++j)
            text += QStringLiteral("  %1: %2\n").arg(heading->child(j)->text(0), heading->child(j)->text(1));
    }
    return text;
}

} // namespace gantry::widgets
