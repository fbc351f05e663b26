#include "app/desktop/clock_offsets_dialog.h"

#include "app/desktop/text.h"

#include <QCheckBox>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

#include <cmath>

namespace gantry::desktop {

namespace {

constexpr double kNsPerMs = 1e6;
constexpr double kFurthestMs = 3e11; // nine years: see areEventTimes()

} // namespace

ClockOffsetsDialog::ClockOffsetsDialog(const std::vector<trace::LoadFile>& files, const std::vector<importing::ImportReport>& imports,
                                       QWidget* parent)
    : QDialog(parent)
{
    setWindowTitle(tr("Clock offsets"));
    auto* help = new QLabel(
        tr("Times of a file are moved by its offset. Without one by hand it is found by what the clocks of the files have in common."),
        this);
    help->setWordWrap(true);
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(14);
    grid->setColumnStretch(0, 1);
    for (std::size_t i = 0; i < files.size(); ++i) {
        const int row = static_cast<int>(2 * i);
        const QString name = pathText(files[i].path.filename());
        auto* file = new QLabel(name, this);
        file->setTextFormat(Qt::PlainText);
        file->setToolTip(pathText(files[i].path));
        auto* found = new QLabel(i < imports.size() ? toQString(importing::clockText(imports[i])) : QString(), this);
        found->setTextFormat(Qt::PlainText);
        found->setWordWrap(true);
        found->setForegroundRole(QPalette::PlaceholderText);
        auto* isByHand = new QCheckBox(tr("by hand"), this);
        isByHand->setAccessibleName(tr("Offset of %1 by hand").arg(name));
        auto* milliseconds = new QDoubleSpinBox(this);
        milliseconds->setAccessibleName(tr("Offset of %1").arg(name));
        milliseconds->setDecimals(6);
        milliseconds->setRange(-kFurthestMs, kFurthestMs);
        milliseconds->setSuffix(tr(" ms"));
        milliseconds->setFixedWidth(190);
        connect(isByHand, &QCheckBox::toggled, milliseconds, &QWidget::setEnabled);
        isByHand->setChecked(files[i].offset.has_value());
        milliseconds->setEnabled(files[i].offset.has_value());
        milliseconds->setValue(static_cast<double>(files[i].offset.value_or(i < imports.size() ? imports[i].offset : 0)) / kNsPerMs);
        found->setContentsMargins(0, 0, 0, 8);
        grid->addWidget(file, row, 0);
        grid->addWidget(isByHand, row, 1);
        grid->addWidget(milliseconds, row, 2);
        grid->addWidget(found, row + 1, 0, 1, 3);
        m_lines.push_back({isByHand, milliseconds});
    }
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Apply | QDialogButtonBox::Cancel, this);
    buttons->button(QDialogButtonBox::Apply)->setDefault(true);
    connect(buttons->button(QDialogButtonBox::Apply), &QPushButton::clicked, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* layout = new QVBoxLayout(this);
    layout->addWidget(help);
    layout->addLayout(grid);
    layout->addStretch(1);
    layout->addWidget(buttons);
    setMinimumWidth(640);
    layout->setSizeConstraint(QLayout::SetMinimumSize); // wrapped sentences need their height
}

std::vector<std::optional<DurationNs>> ClockOffsetsDialog::offsets() const
{
    std::vector<std::optional<DurationNs>> offsets;
    for (const Line& line : m_lines)
        offsets.push_back(line.isByHand->isChecked() ? std::optional<DurationNs>(std::llround(line.milliseconds->value() * kNsPerMs))
                                                     : std::nullopt);
    return offsets;
}

} // namespace gantry::desktop
