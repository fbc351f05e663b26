#pragma once

#include "app/desktop/settings.h"
#include "app/jobs/job_slot.h"
#include "app/remote/ssh_config.h"

#include <QDialog>

#include <vector>

class QComboBox;
class QLabel;
class QLineEdit;
class QPushButton;
class QTreeWidget;
class QTreeWidgetItem;

namespace gantry::desktop {

/// Asks for a node: its address, typed or picked from those that are known and the hosts of the user's ssh configuration, and how it is to
/// be called. Also to change the latter of a node that is there. UI thread; files are read on a worker.
class NodeDialog : public QDialog
{
    Q_OBJECT

public:
    enum class Purpose
    {
        Add,
        Change ///< name, group and tags alone
    };

    /// `recent`: addresses, last used first.
    NodeDialog(Purpose purpose, const std::vector<NodeEntry>& known, const QStringList& recent, jobs::JobRunner& runner,
               QWidget* parent = nullptr);

    void setEntry(const NodeEntry& entry);
    /// Without white space around what was typed.
    [[nodiscard]] NodeEntry entry() const;
    /// Offers the hosts of a configuration, once they are read.
    void offerHostsOf(const app::SshConfigPlaces& places);

    /// What is said of the address as it stands, and whether it can be used.
    [[nodiscard]] QString verdict() const;
    [[nodiscard]] bool isUsable() const;

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void fillKnown(const QStringList& recent);
    void fillForms();
    QTreeWidgetItem* addSection(const QString& title, int place);
    void addChoice(QTreeWidgetItem* section, const QString& address, const QString& what);
    void filterChoices(const QString& typed);
    void pick(const QTreeWidgetItem* item);
    void refreshVerdict();
    void fitParent();

    const Purpose m_purpose;
    const std::vector<NodeEntry> m_known;
    jobs::JobSlot m_hosts;
    QLineEdit* m_address;
    QTreeWidget* m_choices;
    QLabel* m_verdict;
    QLineEdit* m_name;
    QComboBox* m_group;
    QLineEdit* m_tags;
    QPushButton* m_ok;
};

} // namespace gantry::desktop
