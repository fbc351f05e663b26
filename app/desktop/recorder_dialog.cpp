#include "app/desktop/recorder_dialog.h"

#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

#include <cmath>

namespace gantry::desktop {

namespace {

constexpr double kLongest = 600;  // s; gantryd's capture plan
constexpr int kLargest = 1 << 20; // MiB
constexpr std::uint64_t kMebibyte = 1 << 20;

} // namespace

RecorderDialog::RecorderDialog(const QString& target, const QString& node, DurationNs keeps, std::uint64_t bytes, QWidget* parent)
    : QDialog(parent), m_keeps(new QDoubleSpinBox(this)), m_size(new QSpinBox(this))
{
    setObjectName(QStringLiteral("recorderDialog"));
    setWindowTitle(tr("Start recorder"));
    m_keeps->setObjectName(QStringLiteral("keeps"));
    m_keeps->setAccessibleName(tr("How far the recorder reaches back"));
    m_keeps->setDecimals(1);
    m_keeps->setRange(0.1, kLongest);
    m_keeps->setSuffix(tr(" s"));
    m_keeps->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    m_keeps->setValue(static_cast<double>(keeps) / 1e9);
    m_size->setObjectName(QStringLiteral("size"));
    m_size->setAccessibleName(tr("Memory that the recorder may have on the node"));
    m_size->setRange(1, kLargest);
    m_size->setSuffix(tr(" MiB"));
    m_size->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    m_size->setValue(static_cast<int>(bytes / kMebibyte));

    auto* text = new QLabel(tr("Records %1 on %2 all the time and keeps the end of it, so that what just happened can be saved. It stands "
                               "still while a window is captured, and records until it is stopped, also when this program has ended.")
                                .arg(target, node),
                            this);
    text->setTextFormat(Qt::PlainText);
    text->setWordWrap(true);
    auto* form = new QFormLayout;
    form->addRow(tr("Keep the &last"), m_keeps);
    form->addRow(tr("&Memory, at most"), m_size);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    buttons->addButton(tr("&Start"), QDialogButtonBox::AcceptRole)->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* column = new QVBoxLayout(this);
    column->addWidget(text);
    column->addSpacing(4);
    column->addLayout(form);
    column->addStretch(1);
    column->addWidget(buttons);
    resize(460, heightForWidth(460));
}

DurationNs RecorderDialog::keeps() const
{
    return std::llround(m_keeps->value() * 1e9);
}

std::uint64_t RecorderDialog::bytes() const
{
    return static_cast<std::uint64_t>(m_size->value()) * kMebibyte;
}

} // namespace gantry::desktop
