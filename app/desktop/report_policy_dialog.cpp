#include "app/desktop/report_policy_dialog.h"

#include "app/desktop/text.h"

#include <QCheckBox>
#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QGridLayout>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace gantry::desktop {

namespace {

constexpr double kGiB = 1024.0 * 1024.0 * 1024.0;
constexpr double kDayNs = 24 * 3600e9;
constexpr double kMost = 1'000'000; ///< GiB or days

QString ageText(DurationNs age)
{
    const double days = static_cast<double>(age) / kDayNs;
    return days == 1 ? ReportPolicyDialog::tr("1 day") : ReportPolicyDialog::tr("%1 days").arg(widgets::formatNumber(days, 3));
}

} // namespace

QString policyText(const proto::ReportPolicy& policy)
{
    QStringList bounds;
    if (policy.maxTotalBytes > 0)
        bounds << ReportPolicyDialog::tr("at most %1 in all").arg(formatBytes(policy.maxTotalBytes));
    if (policy.maxAgeNs > 0)
        bounds << ReportPolicyDialog::tr("at most %1 old").arg(ageText(policy.maxAgeNs));
    if (policy.minFreeDiskBytes > 0)
        bounds << ReportPolicyDialog::tr("%1 of the disk stay free").arg(formatBytes(policy.minFreeDiskBytes));
    return bounds.isEmpty() ? ReportPolicyDialog::tr("all reports stay until somebody deletes them") : bounds.join(QStringLiteral(" · "));
}

ReportPolicyDialog::ReportPolicyDialog(const QString& nodeTitle, const proto::ReportPolicy& policy, QWidget* parent)
    : QDialog(parent),
      m_total(makeBound("policyTotal", tr("All of them take at &most"), tr(" GiB"), kGiB, static_cast<double>(policy.maxTotalBytes), 20)),
      m_age(makeBound("policyAge", tr("None is &older than"), tr(" days"), kDayNs, static_cast<double>(policy.maxAgeNs), 30)),
      m_free(makeBound("policyFree", tr("Of the disk stay &free"), tr(" GiB"), kGiB, static_cast<double>(policy.minFreeDiskBytes), 10)),
      m_note(new QLabel(this))
{
    setWindowTitle(tr("Reports that %1 keeps").arg(nodeTitle));
    auto* intro = new QLabel(tr("The oldest reports are deleted on the node until all of this holds:"), this);
    intro->setWordWrap(true);
    m_note->setWordWrap(true);
    m_note->setForegroundRole(QPalette::PlaceholderText);
    auto* grid = new QGridLayout;
    grid->setColumnStretch(1, 1);
    int row = 0;
    for (const Bound& bound : {m_total, m_age, m_free}) {
        grid->addWidget(bound.isBound, row, 0);
        grid->addWidget(bound.value, row, 1);
        connect(bound.isBound, &QCheckBox::toggled, this, &ReportPolicyDialog::refresh);
        ++row;
    }
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this);
    buttons->button(QDialogButtonBox::Ok)->setText(tr("Apply"));
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* column = new QVBoxLayout(this);
    column->addWidget(intro);
    column->addLayout(grid);
    column->addWidget(m_note);
    column->addStretch(1);
    column->addWidget(buttons);
    resize(460, sizeHint().height());
    refresh();
}

ReportPolicyDialog::Bound ReportPolicyDialog::makeBound(const char* name, const QString& text, const QString& suffix, double unit,
                                                        double now, double usual)
{
    Bound bound{new QCheckBox(text, this), new QDoubleSpinBox(this), unit};
    bound.isBound->setObjectName(QLatin1String(name));
    bound.isBound->setChecked(now > 0);
    bound.value->setObjectName(QLatin1String(name) + QStringLiteral("Value"));
    bound.value->setAccessibleName(QString(text).remove(QLatin1Char('&')));
    bound.value->setRange(0.01, kMost);
    bound.value->setDecimals(2);
    bound.value->setSuffix(suffix);
    bound.value->setValue(now > 0 ? now / unit : usual);
    return bound;
}

double ReportPolicyDialog::valueOf(const Bound& bound)
{
    return bound.isBound->isChecked() ? bound.value->value() * bound.unit : 0;
}

proto::ReportPolicy ReportPolicyDialog::policy() const
{
    proto::ReportPolicy policy;
    policy.maxTotalBytes = static_cast<std::uint64_t>(valueOf(m_total));
    policy.maxAgeNs = static_cast<DurationNs>(valueOf(m_age));
    policy.minFreeDiskBytes = static_cast<std::uint64_t>(valueOf(m_free));
    return policy;
}

void ReportPolicyDialog::refresh()
{
    bool isBound = false;
    for (const Bound& bound : {m_total, m_age, m_free}) {
        bound.value->setEnabled(bound.isBound->isChecked());
        isBound = isBound || bound.isBound->isChecked();
    }
    m_note->setText(isBound ? tr("It is applied at once, after each report and every hour. Reports marked Keep stay in any case, and "
                                 "copies on this machine are not touched.")
                            : tr("Without a bound, all reports stay until somebody deletes them."));
}

} // namespace gantry::desktop
