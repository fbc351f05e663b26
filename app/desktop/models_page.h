#pragma once

#include "app/desktop/node_controller.h"
#include "app/jobs/job_slot.h"

#include <QPointer>
#include <QTimer>
#include <QWidget>

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

class QLabel;
class QPushButton;
class QStackedWidget;
class QTabWidget;
class QTreeWidget;

namespace gantry::desktop {

class MessageBar;
class ModelConfigEditor;
class ModelLoadPanel;

/// The models of one server on a node: their states, their configurations to be edited, loading and unloading them, and sending requests
/// to them. What it shows is
/// asked from the server when the page is opened, when gantryd sees another state, and after each request. Edits that were begun are kept
/// per model while the page is open. UI thread.
class ModelsPage : public QWidget
{
    Q_OBJECT

public:
    /// The page outlives neither `runner` nor, except for saying so, the node.
    ModelsPage(NodeController& node, std::string targetId, jobs::JobRunner& runner, QWidget* parent = nullptr);
    ~ModelsPage() override;

    [[nodiscard]] const std::string& targetId() const { return m_targetId; }
    [[nodiscard]] const NodeController* node() const { return m_node; }
    [[nodiscard]] QString title() const;
    /// Chooses a model as soon as it is known.
    void select(const QString& model);
    void refresh();

    enum class State
    {
        Loading,
        Empty,
        Ready,
        Failed
    };
    [[nodiscard]] State state() const { return m_state; }
    [[nodiscard]] QTreeWidget* tree() const { return m_tree; }
    [[nodiscard]] ModelConfigEditor* editor() const { return m_editor; }
    /// Brings the requests to the front, where a load is started.
    void showRequests();
    [[nodiscard]] ModelLoadPanel* loadPanel() const { return m_loadPanel; }
    [[nodiscard]] QTabWidget* tabs() const { return m_tabs; }
    [[nodiscard]] MessageBar* messages() const { return m_messages; }
    [[nodiscard]] QPushButton* loadButton() const { return m_load; }
    [[nodiscard]] QPushButton* unloadButton() const { return m_unload; }
    [[nodiscard]] QPushButton* applyButton() const { return m_apply; }
    [[nodiscard]] QPushButton* revertButton() const { return m_revert; }

protected:
    void changeEvent(QEvent* event) override;

private:
    using Key = std::pair<std::string, std::string>; ///< name and version
    enum class Action
    {
        Load,
        LoadEdited,
        Unload
    };

    [[nodiscard]] QWidget* buildModels();
    [[nodiscard]] QWidget* buildNotice();
    void showState(State state, const QString& sentence = {});
    void showModels(std::vector<proto::ModelInfo> models);
    void fillTree();
    void onSelected();
    void readConfig();
    void onEdited();
    void check();
    void act(Action action);
    void onDone(Action action, const std::string& model, const Result<void>& done);
    void refreshButtons();
    void refreshAddress();
    [[nodiscard]] const proto::ModelInfo* selected() const;

    QPointer<NodeController> m_node;
    std::string m_targetId;
    QString m_serverName;
    State m_state = State::Loading;
    std::vector<proto::ModelInfo> m_models;
    std::optional<Key> m_shown;              ///< whose configuration the editor has
    std::string m_wanted;                    ///< a model to be chosen
    std::map<std::string, QString> m_drafts; ///< by model: it is loaded as a whole
    bool m_isChecked = false;                ///< the text of the editor, and nothing is wrong
    QTimer m_checkTimer;

    MessageBar* m_messages;
    QStackedWidget* m_stack;
    QLabel* m_notice;
    QPushButton* m_retry;
    QLabel* m_heading;
    QLabel* m_status;
    QTreeWidget* m_tree;
    ModelConfigEditor* m_editor;
    ModelLoadPanel* m_loadPanel;
    QTabWidget* m_tabs;
    QPushButton *m_load, *m_unload, *m_apply, *m_revert, *m_refresh;
    jobs::JobRunner& m_runner;
    jobs::JobSlot m_listSlot, m_configSlot, m_checkSlot, m_actionSlot;
};

} // namespace gantry::desktop
