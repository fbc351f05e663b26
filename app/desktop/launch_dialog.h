#pragma once

#include "app/desktop/keyring.h"
#include "app/desktop/launch_profile.h"

#include <QDialog>

#include <memory>
#include <vector>

class QCheckBox;
class QComboBox;
class QFormLayout;
class QLabel;
class QLineEdit;
class QPushButton;
class QTableWidget;

namespace gantry::desktop {

class Settings;

/// Asks what is to be started on one or several nodes, and keeps that as a profile where the person wants it. Values of secrets are kept
/// in the keyring where that is ticked, and else nowhere. UI thread.
class LaunchDialog : public QDialog
{
    Q_OBJECT

public:
    /// Where it is started: at least one. `keyring` may be null. All outlive the dialog.
    LaunchDialog(std::vector<LaunchPlace> places, Settings& settings, Keyring* keyring, QWidget* parent = nullptr);
    ~LaunchDialog() override;

    [[nodiscard]] LaunchProfile profile() const;
    void setProfile(const LaunchProfile& profile);
    /// Saves the profile under its name.
    void save();
    void remove();

    /// What is started at each place, when the person has said so. Valid after accept().
    [[nodiscard]] std::vector<proto::LaunchRequest> requests() const;

private:
    void build();
    [[nodiscard]] QWidget* buildEnvironment();
    [[nodiscard]] QLineEdit* addLine(const char* name, const QString& label, const QString& placeholder, const QString& tip);
    void fillProfiles();
    void chooseProfile(int index);
    void addVariable(const LaunchProfile::Variable& variable);
    /// Secrets that the keyring may have.
    void findSecrets(const LaunchProfile& profile);
    void keepSecrets(const LaunchProfile& profile);
    void refresh();

    std::vector<LaunchPlace> m_places;
    Settings& m_settings;
    Keyring* m_keyring;
    std::shared_ptr<int> m_alive = std::make_shared<int>(); ///< the keyring may answer after the dialog is gone
    QComboBox* m_profiles;
    QPushButton *m_save, *m_remove, *m_launch;
    QFormLayout* m_form;
    QLineEdit *m_command, *m_container, *m_wrapper, *m_folder, *m_grpc, *m_metrics;
    QTableWidget* m_environment;
    QCheckBox *m_inject, *m_keep;
    QLabel *m_preview, *m_problem;
};

} // namespace gantry::desktop
