#include "app/desktop/connect_panel.h"

#include "app/desktop/open_failure_panel.h"
#include "app/desktop/text.h"
#include "app/remote/node_address.h"
#include "widgets/theme/elided_label.h"
#include "widgets/theme/theme.h"

#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QVBoxLayout>

namespace gantry::desktop {

namespace {

constexpr int kSteps = static_cast<int>(app::ConnectStep::Ready) + 1;
constexpr int kMarkSize = 16; // px

QString nameOf(app::ConnectStep step)
{
    switch (step) {
    case app::ConnectStep::Resolve:
        return ConnectPanel::tr("Resolve the name");
    case app::ConnectStep::Connect:
        return ConnectPanel::tr("Connect");
    case app::ConnectStep::HostKey:
        return ConnectPanel::tr("Check the host's key");
    case app::ConnectStep::Authenticate:
        return ConnectPanel::tr("Authenticate");
    case app::ConnectStep::Check:
        return ConnectPanel::tr("Look what is there");
    case app::ConnectStep::Deploy:
        return ConnectPanel::tr("Deploy gantryd");
    case app::ConnectStep::Start:
        return ConnectPanel::tr("Start gantryd");
    case app::ConnectStep::Ready:
        return ConnectPanel::tr("Ready");
    }
    return {};
}

bool hasSteps(const NodeController& node)
{
    const Result<app::NodeAddress> address = app::NodeAddress::parse(node.address());
    return address && address->transport == app::NodeAddress::Transport::Ssh;
}

} // namespace

/// What became of a step, by shape and by colour.
class ConnectPanel::Mark : public QWidget
{
public:
    enum class Kind
    {
        Waiting,
        Now,
        Done,
        NotNeeded,
        Failed
    };

    explicit Mark(QWidget* parent) : QWidget(parent) { setFixedSize(kMarkSize, kMarkSize); }

    void set(Kind kind)
    {
        m_kind = kind;
        setAccessibleName(text());
        update();
    }
    [[nodiscard]] QString text() const
    {
        switch (m_kind) {
        case Kind::Now:
            return tr("now");
        case Kind::Done:
            return tr("done");
        case Kind::NotNeeded:
            return tr("not needed");
        case Kind::Failed:
            return tr("failed");
        case Kind::Waiting:
            break;
        }
        return {};
    }

protected:
    void paintEvent(QPaintEvent*) override
    {
        const widgets::Theme& theme = widgets::Theme::forPalette(palette());
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        const auto pen = [](const QColor& colour) { return QPen(colour, 2, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin); };
        switch (m_kind) {
        case Kind::Done:
            painter.setPen(pen(theme.good));
            painter.drawPolyline(QPolygonF{{3.5, 8.5}, {6.5, 11.5}, {12.5, 4.5}});
            break;
        case Kind::Now:
            painter.setPen(Qt::NoPen);
            painter.setBrush(theme.accent);
            painter.drawEllipse(QPointF(8, 8), 4.5, 4.5);
            break;
        case Kind::Failed:
            painter.setPen(pen(theme.bad));
            painter.drawLine(QPointF(4, 4), QPointF(12, 12));
            painter.drawLine(QPointF(12, 4), QPointF(4, 12));
            break;
        case Kind::NotNeeded:
            painter.setPen(pen(theme.weakText));
            painter.drawLine(QPointF(5, 8), QPointF(11, 8));
            break;
        case Kind::Waiting:
            painter.setPen(QPen(theme.border, 1.5));
            painter.drawEllipse(QPointF(8, 8), 3.5, 3.5);
            break;
        }
    }

private:
    Kind m_kind = Kind::Waiting;
};

ConnectPanel::ConnectPanel(QWidget* parent)
    : QScrollArea(parent),
      m_heading(new QLabel),
      m_steps(new QWidget),
      m_text(new QLabel),
      m_notes(new QLabel),
      m_cancel(new QPushButton(tr("Cancel"))),
      m_open(new QPushButton)
{
    setFrameShape(QFrame::NoFrame);
    setWidgetResizable(true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setMinimumHeight(40); // less than Qt asks for, so that the sentence above it is whole in a small window
    QFont font = m_heading->font();
    font.setPointSizeF(font.pointSizeF() * 1.3);
    font.setBold(true);
    m_heading->setFont(font);
    for (QLabel* label : {m_heading, m_text, m_notes}) {
        label->setTextFormat(Qt::PlainText);
        label->setWordWrap(true);
    }
    m_heading->setObjectName(QStringLiteral("connectHeading"));
    m_text->setObjectName(QStringLiteral("connectText"));
    m_text->setForegroundRole(QPalette::PlaceholderText);
    m_notes->setObjectName(QStringLiteral("connectNotes"));
    m_notes->setForegroundRole(QPalette::PlaceholderText);
    m_notes->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_cancel->setObjectName(QStringLiteral("cancelConnecting"));
    m_open->setObjectName(QStringLiteral("openNode"));

    auto* grid = new QGridLayout(m_steps);
    grid->setContentsMargins(0, 0, 0, 0);
    grid->setHorizontalSpacing(8);
    grid->setVerticalSpacing(3);
    grid->setColumnStretch(2, 1);
    for (int i = 0; i < kSteps; ++i) {
        auto* detail = new widgets::ElidedLabel(Qt::ElideMiddle, m_steps);
        detail->setForegroundRole(QPalette::PlaceholderText);
        const Row row{new Mark(m_steps), new QLabel(nameOf(static_cast<app::ConnectStep>(i)), m_steps), detail};
        grid->addWidget(row.mark, i, 0);
        grid->addWidget(row.name, i, 1);
        grid->addWidget(row.detail, i, 2);
        m_rows.push_back(row);
    }
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(m_open);
    buttons->addWidget(m_cancel);
    buttons->addStretch(1);
    connect(m_cancel, &QPushButton::clicked, this, &ConnectPanel::cancelRequested);
    connect(m_open, &QPushButton::clicked, this, &ConnectPanel::openRequested);

    auto* page = new QWidget;
    QVBoxLayout* column = centredColumn(page);
    column->addStretch(1);
    column->addWidget(m_heading);
    column->addWidget(m_text);
    column->addWidget(m_steps);
    column->addWidget(m_notes);
    column->addLayout(buttons);
    column->addStretch(2);
    setWidget(page); // takes what is in the column as well
}

void ConnectPanel::showNode(const NodeController& node)
{
    using State = NodeController::State;
    const State state = node.state();
    const bool isLost = state == State::Lost, isConnecting = state == State::Connecting;
    m_heading->setText(isLost                      ? tr("%1 is not connected").arg(node.title())
                       : isConnecting              ? tr("Connecting to %1").arg(node.title())
                       : state == State::Connected ? tr("Connected to %1").arg(node.title())
                                                   : tr("%1 is disconnected").arg(node.title()));
    m_text->setText(state == State::Connected      ? tr("Waiting for its first samples.")
                    : state == State::Disconnected ? tr("Connect to see its metrics.")
                                                   : QString());
    m_text->setVisible(!m_text->text().isEmpty());
    m_steps->setVisible((isLost || isConnecting) && hasSteps(node));
    m_cancel->setVisible(isConnecting || (isLost && !node.needsPerson()));
    m_cancel->setText(isConnecting ? tr("Cancel") : tr("Stop trying"));
    m_open->setVisible(isLost || state == State::Disconnected);
    m_open->setText(isLost ? tr("Retry now") : tr("Connect"));
    m_notes->setText(node.notes().join(QLatin1Char('\n')));
    m_notes->setVisible(!node.notes().isEmpty());

    const ConnectProgress& progress = node.progress();
    for (int i = 0; i < kSteps; ++i) {
        const auto step = static_cast<app::ConnectStep>(i);
        const auto detail = progress.details.find(step);
        const bool wasTaken = detail != progress.details.end();
        auto kind = Mark::Kind::Waiting;
        if (progress.now && step < *progress.now)
            kind = wasTaken ? Mark::Kind::Done : Mark::Kind::NotNeeded;
        else if (progress.now && step == *progress.now)
            kind = isLost ? Mark::Kind::Failed : Mark::Kind::Now;
        else if (!progress.now && i == 0)
            kind = isLost ? Mark::Kind::Failed : Mark::Kind::Now;
        const Row& row = m_rows[static_cast<std::size_t>(i)];
        row.mark->set(kind);
        row.detail->setText(kind == Mark::Kind::NotNeeded ? tr("not needed") : wasTaken ? detail->second : QString());
        row.name->setForegroundRole(kind == Mark::Kind::Waiting || kind == Mark::Kind::NotNeeded ? QPalette::PlaceholderText
                                                                                                 : QPalette::WindowText);
    }
}

std::pair<QString, QString> ConnectPanel::step(app::ConnectStep step) const
{
    const Row& row = m_rows[static_cast<std::size_t>(step)];
    return {row.mark->text(), row.detail->text()};
}

} // namespace gantry::desktop
