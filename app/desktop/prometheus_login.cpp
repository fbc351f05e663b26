#include "app/desktop/prometheus_login.h"

#include "app/desktop/secret_edit.h"
#include "app/desktop/text.h"
#include "trace_model/metrics/dashboard.h"

#include <QCheckBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QLabel>
#include <QVBoxLayout>

namespace gantry::desktop {

PrometheusLogin::PrometheusLogin(const metrics::PrometheusSource& source, const QString& sentence, bool canKeep, QWidget* parent)
    : QDialog(parent), m_secret(new SecretEdit(this)), m_keep(new QCheckBox(tr("&Keep it in the keyring"), this))
{
    setWindowTitle(tr("Log in to a Prometheus server"));
    auto* text = new QLabel(sentence, this);
    text->setTextFormat(Qt::PlainText);
    text->setWordWrap(true);
    text->setMinimumWidth(360);
    m_secret->setObjectName(QStringLiteral("prometheusSecret"));
    m_keep->setVisible(canKeep);
    auto* form = new QFormLayout;
    form->addRow(source.user.empty() ? tr("&Bearer token") : tr("&Password of %1").arg(toQString(source.user)), m_secret);
    form->addRow(QString(), m_keep);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Ok | QDialogButtonBox::Cancel, this);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    auto* column = new QVBoxLayout(this);
    column->addWidget(text);
    column->addLayout(form);
    column->addWidget(buttons);
}

app::Secret PrometheusLogin::takeSecret()
{
    return m_secret->take();
}

bool PrometheusLogin::isKept() const
{
    return m_keep->isVisibleTo(this) && m_keep->isChecked();
}

} // namespace gantry::desktop
