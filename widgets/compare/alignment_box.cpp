#include "widgets/compare/alignment_box.h"

#include "widgets/theme/format.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QSignalBlocker>
#include <QSpinBox>

namespace gantry::widgets {

using By = analysis::WindowAlignment::By;

AlignmentBox::AlignmentBox(QWidget* parent) : QWidget(parent), m_by(new QComboBox(this)), m_number(new QSpinBox(this))
{
    auto* layout = new QHBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(4);
    auto* label = new QLabel(tr("Align by"), this);
    label->setBuddy(m_by);
    layout->addWidget(label);
    layout->addWidget(m_by);
    layout->addWidget(m_number);
    m_by->setObjectName(QStringLiteral("alignBy"));
    m_by->setAccessibleName(tr("What both timelines are aligned by"));
    m_by->setSizeAdjustPolicy(QComboBox::AdjustToMinimumContentsLengthWithIcon);
    m_by->setMinimumContentsLength(10);
    m_number->setObjectName(QStringLiteral("alignNumber"));
    m_number->setAccessibleName(tr("Which of them"));
    m_number->setRange(1, 1'000'000);
    m_number->setPrefix(QStringLiteral("#"));
    setChoices(false, {});
    connect(m_by, &QComboBox::currentIndexChanged, this, [this] {
        m_number->setVisible(alignment().by != By::Start);
        emit alignmentChanged();
    });
    connect(m_number, &QSpinBox::valueChanged, this, &AlignmentBox::alignmentChanged);
}

void AlignmentBox::setChoices(bool hasRequests, const std::vector<std::string>& ranges)
{
    const QSignalBlocker blocker(m_by), otherBlocker(m_number);
    m_by->clear();
    m_by->addItem(tr("start"), static_cast<int>(By::Start));
    if (hasRequests)
        m_by->addItem(tr("request"), static_cast<int>(By::Request));
    for (const std::string& range : ranges) {
        m_by->addItem(tr("range %1").arg(toQString(range)), static_cast<int>(By::Range));
        m_by->setItemData(m_by->count() - 1, toQString(range), Qt::UserRole + 1);
    }
    m_number->setValue(1);
    m_number->setVisible(false);
}

analysis::WindowAlignment AlignmentBox::alignment() const
{
    analysis::WindowAlignment alignment;
    alignment.by = static_cast<By>(m_by->currentData().toInt());
    alignment.text = m_by->currentData(Qt::UserRole + 1).toString().toStdString();
    alignment.index = static_cast<std::size_t>(m_number->value() - 1);
    return alignment;
}

} // namespace gantry::widgets
