#include "app/desktop/open_failure_panel.h"

#include "app/desktop/text.h"
#include "trace_model/import/file_format.h"

#include <QApplication>
#include <QClipboard>
#include <QHBoxLayout>
#include <QLabel>
#include <QMenu>
#include <QPushButton>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::desktop {

namespace {

QLabel* selectableText(QWidget* parent)
{
    auto* label = new QLabel(parent);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    return label;
}

} // namespace

QVBoxLayout* centredColumn(QWidget* page)
{
    auto* outer = new QHBoxLayout(page);
    auto* column = new QVBoxLayout;
    outer->addStretch(1);
    outer->addLayout(column, 3);
    outer->addStretch(1);
    column->setSpacing(10);
    return column;
}

OpenFailurePanel::OpenFailurePanel(QWidget* parent)
    : QWidget(parent),
      m_heading(new QLabel(this)),
      m_sentence(selectableText(this)),
      m_details(selectableText(this)),
      m_nodeHint(new QLabel(tr("No connected node has Nsight Systems."), this)),
      m_export(new QPushButton(this)),
      m_connect(new QPushButton(tr("Connect to a node…"), this))
{
    QFont font = m_heading->font();
    font.setPointSizeF(font.pointSizeF() * 1.3);
    font.setBold(true);
    m_heading->setFont(font);
    m_heading->setObjectName(QStringLiteral("errorHeading"));
    m_heading->setWordWrap(true);
    m_sentence->setObjectName(QStringLiteral("errorSentence"));
    m_details->setForegroundRole(QPalette::PlaceholderText);
    m_nodeHint->setForegroundRole(QPalette::PlaceholderText);
    m_export->setObjectName(QStringLiteral("exportOnNode"));
    m_connect->setObjectName(QStringLiteral("connectNode"));

    auto* remedies = new QHBoxLayout;
    remedies->addWidget(m_export);
    remedies->addWidget(m_connect);
    remedies->addWidget(m_nodeHint);
    remedies->addStretch(1);
    auto* buttons = new QHBoxLayout;
    auto* retry = new QPushButton(tr("Try again"), this);
    auto* copy = new QPushButton(tr("Copy details"), this);
    auto* close = new QPushButton(tr("Close"), this);
    buttons->addWidget(retry);
    buttons->addWidget(copy);
    buttons->addWidget(close);
    buttons->addStretch(1);
    connect(m_export, &QPushButton::clicked, this, [this] {
        if (m_offers.size() == 1)
            emit exportRequested(NsysOffer(m_offers.front())); // a copy: the answer may bring other offers
    });
    connect(m_connect, &QPushButton::clicked, this, &OpenFailurePanel::nodeRequested);
    connect(retry, &QPushButton::clicked, this, &OpenFailurePanel::retryRequested);
    connect(copy, &QPushButton::clicked, this,
            [this] { QApplication::clipboard()->setText(m_sentence->text() + QLatin1Char('\n') + m_details->text()); });
    connect(close, &QPushButton::clicked, this, &OpenFailurePanel::closeRequested);

    QVBoxLayout* column = centredColumn(this);
    column->addStretch(1);
    column->addWidget(m_heading);
    column->addWidget(m_sentence);
    column->addWidget(m_details);
    column->addSpacing(6);
    column->addLayout(remedies);
    column->addLayout(buttons);
    column->addStretch(2);
    refreshOffers();
}

OpenFailurePanel::Remedy OpenFailurePanel::remedyFor(const Error& error, std::span<const trace::LoadFile> files)
{
    const bool isBroken = error.code == ErrorCode::Truncated || error.code == ErrorCode::NotAReport || error.code == ErrorCode::NotFound ||
                          error.code == ErrorCode::NotPermitted;
    const auto isOfNsys = [](const trace::LoadFile& file) {
        const auto format = importing::recogniseFormat(file.path);
        return format && *format == importing::FileFormat::NsysReport;
    };
    return !isBroken && std::any_of(files.begin(), files.end(), isOfNsys) ? Remedy::Nsys : Remedy::None;
}

QString OpenFailurePanel::headingFor(const Error& error, Remedy remedy, const QString& side)
{
    if (remedy == Remedy::Nsys && error.code == ErrorCode::Unsupported)
        return side.isEmpty() ? tr("Nsight Systems is needed to open this report")
                              : tr("Nsight Systems is needed to open report %1").arg(side);
    return side.isEmpty() ? tr("This report was not opened") : tr("Report %1 was not opened").arg(side);
}

void OpenFailurePanel::showFailure(const Error& error, std::span<const trace::LoadFile> files, Remedy remedy, const QString& side)
{
    const UserMessage message = describe(error);
    m_remedy = remedy;
    m_heading->setText(headingFor(error, remedy, side));
    m_sentence->setText(message.sentence);
    QStringList details;
    for (const trace::LoadFile& file : files)
        details << pathText(file.path);
    m_details->setText((details << message.details).join(QLatin1Char('\n')));
    refreshOffers();
}

void OpenFailurePanel::setOffers(std::vector<NsysOffer> offers)
{
    const auto looksTheSame = [](const NsysOffer& a, const NsysOffer& b) { return a.node == b.node && a.version == b.version; };
    const bool isTheSame = std::equal(m_offers.begin(), m_offers.end(), offers.begin(), offers.end(), looksTheSame);
    m_offers = std::move(offers); // always: a node that was connected again has another exporter
    if (!isTheSame)               // the menu may be open
        refreshOffers();
}

void OpenFailurePanel::refreshOffers()
{
    const bool isOffered = m_remedy == Remedy::Nsys && !m_offers.empty();
    m_export->setVisible(isOffered);
    m_connect->setVisible(m_remedy == Remedy::Nsys && !isOffered);
    m_nodeHint->setVisible(m_connect->isVisibleTo(this));
    delete m_export->menu();
    if (!isOffered)
        return;
    const auto about = [](const NsysOffer& offer) {
        return offer.version.isEmpty()
                   ? tr("Sends the report to %1 and fetches its export.").arg(offer.node)
                   : tr("Sends the report to %1, which has Nsight Systems %2, and fetches its export.").arg(offer.node, offer.version);
    };
    if (m_offers.size() == 1) {
        m_export->setText(tr("Export on %1").arg(m_offers.front().node));
        m_export->setToolTip(about(m_offers.front()));
        return;
    }
    m_export->setText(tr("Export on a node"));
    m_export->setToolTip(tr("Sends the report to a node that has Nsight Systems and fetches its export."));
    auto* menu = new QMenu(m_export);
    menu->setToolTipsVisible(true);
    for (std::size_t i = 0; i < m_offers.size(); ++i)
        menu->addAction(m_offers[i].node, this, [this, i] { emit exportRequested(NsysOffer(m_offers[i])); })
            ->setToolTip(about(m_offers[i]));
    m_export->setMenu(menu);
}

} // namespace gantry::desktop
