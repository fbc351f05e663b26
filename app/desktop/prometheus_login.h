#pragma once

#include "app/remote/secret.h"

#include <QDialog>

class QCheckBox;

namespace gantry::metrics {
struct PrometheusSource;
}

namespace gantry::desktop {

class SecretEdit;

/// Asks for the password or bearer token of a dashboard's Prometheus server. UI thread.
class PrometheusLogin : public QDialog
{
    Q_OBJECT

public:
    PrometheusLogin(const metrics::PrometheusSource& source, const QString& sentence, bool canKeep, QWidget* parent = nullptr);

    /// What was typed; the dialog does not have it any more.
    [[nodiscard]] app::Secret takeSecret();
    [[nodiscard]] bool isKept() const;

private:
    SecretEdit* m_secret;
    QCheckBox* m_keep;
};

} // namespace gantry::desktop
