#include "widgets/compare/alignment_box.h"

#include "widgets/theme/format.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSpinBox>
#include <QToolButton>

namespace gantry::widgets {

using By = analysis::WindowAlignment::By;

namespace {

constexpr int kTextRole = Qt::UserRole + 1;
constexpr int kWhole = -1; // in place of a By: nothing is cut

} // namespace

AlignmentBox::AlignmentBox(QWidget* parent)
    : QWidget(parent),
      m_by(new QComboBox(this)),
      m_number(new QSpinBox(this)),
      m_offset(new QLabel(this)),
      m_reset(new QToolButton(this)),
      m_selections(new QToolButton(this))
{
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    auto* label = new QLabel(tr("Align by"), this);
    label->setBuddy(m_by);
    for (QWidget* widget : std::initializer_list<QWidget*>{label, m_by, m_number, m_offset, m_reset, m_selections})
        layout->addWidget(widget);
    m_by->setObjectName(QStringLiteral("alignBy"));
    m_by->setAccessibleName(tr("What both timelines are aligned by"));
    m_by->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_by->setMinimumContentsLength(12);
    m_number->setObjectName(QStringLiteral("alignNumber"));
    m_number->setAccessibleName(tr("Which of them"));
    m_number->setRange(1, 1'000'000);
    m_number->setPrefix(QStringLiteral("#"));
    m_number->setKeyboardTracking(false); // each value is a comparison
    m_offset->setObjectName(QStringLiteral("alignOffset"));
    m_reset->setObjectName(QStringLiteral("alignReset"));
    m_reset->setText(tr("Reset"));
    m_reset->setToolTip(tr("Put both beside each other from their start again, and compare all of both"));
    m_selections->setObjectName(QStringLiteral("alignSelections"));
    m_selections->setText(tr("Align selections"));
    m_selections->setToolTip(tr("Put the start of what is selected in A beside the start of what is selected in B"));
    m_selections->setVisible(false);
    setChoices(false, {});
    connect(m_by, &QComboBox::currentIndexChanged, this, [this] {
        choose(m_by->currentIndex());
        emit alignmentChanged();
    });
    connect(m_number, &QSpinBox::valueChanged, this, &AlignmentBox::alignmentChanged);
    connect(m_reset, &QToolButton::clicked, this, [this] { m_by->setCurrentIndex(0); });
    connect(m_selections, &QToolButton::clicked, this, &AlignmentBox::selectionsWanted);
}

void AlignmentBox::setChoices(bool hasRequests, const std::vector<std::string>& ranges)
{
    const QSignalBlocker blocker(m_by), otherBlocker(m_number);
    m_by->clear();
    m_by->addItem(tr("whole windows"), kWhole);
    m_by->setItemData(0, tr("Beside each other from their start; all of both is compared"), Qt::ToolTipRole);
    m_by->addItem(tr("start"), static_cast<int>(By::Start));
    m_by->setItemData(1, tr("The longer one is compared as far as the other one goes"), Qt::ToolTipRole);
    if (hasRequests)
        m_by->addItem(tr("request"), static_cast<int>(By::Request));
    m_by->addItem(tr("iteration"), static_cast<int>(By::Iteration));
    m_by->setItemData(m_by->count() - 1,
                      tr("As many iterations of each: of the range that repeats regularly, else of the model's executions"),
                      Qt::ToolTipRole);
    m_by->addItem(tr("by hand"), static_cast<int>(By::Hand));
    m_by->setItemData(m_by->count() - 1, tr("Drag a timeline with Ctrl and Shift held"), Qt::ToolTipRole);
    for (const std::string& range : ranges) {
        m_by->addItem(tr("range %1").arg(toQString(range)), static_cast<int>(By::Range));
        m_by->setItemData(m_by->count() - 1, toQString(range), kTextRole);
    }
    m_number->setValue(1);
    m_shift = 0;
    choose(0);
}

std::optional<analysis::WindowAlignment> AlignmentBox::alignment() const
{
    const int by = m_by->currentData().toInt();
    if (by == kWhole)
        return {};
    analysis::WindowAlignment alignment;
    alignment.by = static_cast<By>(by);
    alignment.text = m_by->currentData(kTextRole).toString().toStdString();
    if (alignment.by != By::Start && alignment.by != By::Hand)
        alignment.index = static_cast<std::size_t>(m_number->value() - 1);
    alignment.shift = alignment.by == By::Hand ? m_shift : 0;
    return alignment;
}

void AlignmentBox::setByHand(DurationNs shift, DurationNs offset)
{
    const QSignalBlocker blocker(m_by);
    m_shift = shift;
    m_by->setCurrentIndex(m_by->findData(static_cast<int>(By::Hand)));
    choose(m_by->currentIndex());
    m_offset->setText(offset < 0 ? tr("B −%1").arg(formatDuration(-offset)) : tr("B +%1").arg(formatDuration(offset)));
}

void AlignmentBox::setSelectionsInBoth(bool isInBoth)
{
    m_selections->setVisible(isInBoth);
}

void AlignmentBox::choose(int item)
{
    const int by = m_by->itemData(item).toInt();
    m_number->setVisible(by != kWhole && by != static_cast<int>(By::Start) && by != static_cast<int>(By::Hand));
    m_offset->setVisible(by == static_cast<int>(By::Hand));
    m_reset->setVisible(by == static_cast<int>(By::Hand));
    m_by->setToolTip(m_by->itemData(item, Qt::ToolTipRole).toString());
}

} // namespace gantry::widgets
