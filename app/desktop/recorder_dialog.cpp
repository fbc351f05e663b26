#include "app/desktop/recorder_dialog.h"

#include "trace_model/metrics/metric_condition.h"
#include "widgets/theme/format.h"

#include <QDialogButtonBox>
#include <QDoubleSpinBox>
#include <QFormLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QSpinBox>
#include <QVBoxLayout>

#include <algorithm>
#include <cmath>
#include <initializer_list>

namespace gantry::desktop {

namespace {

constexpr double kLongest = 600;  // s; gantryd's capture plan
constexpr int kLargest = 1 << 20; // MiB
constexpr std::uint64_t kMebibyte = 1 << 20;
constexpr int kMostSaves = 1000; // gantryd's save rule

} // namespace

RecorderDialog::RecorderDialog(const QString& target, const QString& node, DurationNs keeps, std::uint64_t bytes, QWidget* parent)
    : QDialog(parent),
      m_keeps(newSeconds("keeps", tr("How far the recorder reaches back"), 0.1, static_cast<double>(keeps) / 1e9)),
      m_size(new QSpinBox(this)),
      m_condition(new QLineEdit(this)),
      m_for(newSeconds("saveFor", tr("How long the condition has to hold"), 0, 2)),
      m_last(newSeconds("saveLast", tr("How much before that is saved"), 0.1, 5)),
      m_next(newSeconds("saveNext", tr("How much after that is saved"), 0, 2)),
      m_atMost(new QSpinBox(this)),
      m_problem(new QLabel(this))
{
    setObjectName(QStringLiteral("recorderDialog"));
    setWindowTitle(tr("Start recorder"));
    m_size->setObjectName(QStringLiteral("size"));
    m_size->setAccessibleName(tr("Memory that the recorder may have on the node"));
    m_size->setRange(1, kLargest);
    m_size->setSuffix(tr(" MiB"));
    m_size->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    m_size->setValue(static_cast<int>(bytes / kMebibyte));
    m_condition->setObjectName(QStringLiteral("saveWhen"));
    m_condition->setAccessibleName(tr("The metric and value at which the recorder saves by itself"));
    m_condition->setPlaceholderText(tr("never, or p99 latency > 50ms"));
    m_condition->setToolTip(tr("A metric, a comparison and a value with its unit: queue > 5ms, p99 latency > 50ms, requests < 100/s,\n"
                               "gpu_utilization_ratio < 50%. Any series of the live page by its name; percentiles where the server\n"
                               "publishes them. Gantry names the metrics there are when it does not know one."));
    m_atMost->setObjectName(QStringLiteral("saveAtMost"));
    m_atMost->setAccessibleName(tr("How many reports the recorder saves by itself at most"));
    m_atMost->setRange(1, kMostSaves);
    m_atMost->setSuffix(tr(" reports"));
    m_atMost->setValue(static_cast<int>(proto::SaveWhen().atMost));
    m_problem->setObjectName(QStringLiteral("problem"));
    m_problem->setWordWrap(true);
    m_problem->setTextFormat(Qt::PlainText);

    auto* text = new QLabel(tr("Records %1 on %2 all the time and keeps the end of it, so that what just happened can be saved. It stands "
                               "still while a window is captured, and records until it is stopped, also when this program has ended.")
                                .arg(target, node),
                            this);
    text->setTextFormat(Qt::PlainText);
    text->setWordWrap(true);
    auto* form = new QFormLayout;
    form->addRow(tr("Keep the &last"), m_keeps);
    form->addRow(tr("&Memory, at most"), m_size);
    form->addRow(tr("Save by itself &when"), m_condition);
    form->addRow(tr("… holds &for"), m_for);
    form->addRow(tr("Save what was &before"), m_last);
    form->addRow(tr("… and what comes &after"), m_next);
    form->addRow(tr("At m&ost"), m_atMost);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_start = buttons->addButton(tr("&Start"), QDialogButtonBox::AcceptRole);
    m_start->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_condition, &QLineEdit::textChanged, this, &RecorderDialog::check);
    for (QDoubleSpinBox* seconds : {m_keeps, m_for, m_last, m_next})
        connect(seconds, &QDoubleSpinBox::valueChanged, this, &RecorderDialog::check);
    auto* column = new QVBoxLayout(this);
    column->addWidget(text);
    column->addSpacing(4);
    column->addLayout(form);
    column->addWidget(m_problem);
    column->addStretch(1);
    column->addWidget(buttons);
    check();
    resize(460, std::max(heightForWidth(460), sizeHint().height()));
}

QDoubleSpinBox* RecorderDialog::newSeconds(const char* name, const QString& accessibleName, double least, double seconds)
{
    auto* box = new QDoubleSpinBox(this);
    box->setObjectName(QString::fromLatin1(name));
    box->setAccessibleName(accessibleName);
    box->setDecimals(1);
    box->setRange(least, kLongest);
    box->setSuffix(tr(" s"));
    box->setStepType(QAbstractSpinBox::AdaptiveDecimalStepType);
    box->setValue(seconds);
    return box;
}

/// What the node would refuse is said while it is typed; whether it has the metric only the node knows.
void RecorderDialog::check()
{
    const bool saves = !m_condition->text().trimmed().isEmpty();
    for (QWidget* widget : std::initializer_list<QWidget*>{m_for, m_last, m_next, m_atMost})
        widget->setEnabled(saves);
    QString problem;
    if (saves) {
        const auto parsed = metrics::MetricCondition::parse(m_condition->text().toStdString());
        if (!parsed)
            problem = widgets::toQString(parsed.error().message);
        else if (m_last->value() < m_for->value())
            problem = tr("what is saved does not reach back to where the condition began: save more of what was before");
        else if (m_last->value() + m_next->value() > m_keeps->value())
            problem = tr("the recorder keeps less than what is to be saved: keep more");
    }
    if (!problem.isEmpty())
        problem[0] = problem[0].toUpper();
    m_problem->setText(problem);
    m_start->setEnabled(problem.isEmpty());
}

proto::SaveWhen RecorderDialog::saveWhen() const
{
    proto::SaveWhen when;
    when.condition = m_condition->text().trimmed().toStdString();
    when.forNs = std::llround(m_for->value() * 1e9);
    when.lastNs = std::llround(m_last->value() * 1e9);
    when.nextNs = std::llround(m_next->value() * 1e9);
    when.atMost = static_cast<std::uint32_t>(m_atMost->value());
    return when;
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
