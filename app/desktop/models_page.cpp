#include "app/desktop/models_page.h"

#include "app/desktop/message_bar.h"
#include "app/desktop/model_config_editor.h"
#include "app/desktop/model_load_panel.h"
#include "app/desktop/text.h"
#include "app/remote/load_address.h"
#include "widgets/theme/theme.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPlainTextEdit>
#include <QPushButton>
#include <QSignalBlocker>
#include <QSplitter>
#include <QStackedWidget>
#include <QTabWidget>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <chrono>
#include <tuple>

namespace gantry::desktop {

namespace {

using namespace std::chrono_literals;

constexpr auto kCheckDelay = 300ms; // after the last key
constexpr const char* kReady = "READY";

QString stateText(const proto::ModelInfo& model)
{
    if (model.state.empty())
        return ModelsPage::tr("not loaded");
    return toQString(model.state).toLower();
}

QPushButton* makeButton(const char* name, const QString& text, const QString& tip, QWidget* parent)
{
    auto* button = new QPushButton(text, parent);
    button->setObjectName(QLatin1String(name));
    button->setToolTip(tip);
    button->setAutoDefault(true); // Enter presses the one with the focus
    return button;
}

} // namespace

ModelsPage::ModelsPage(NodeController& node, std::string targetId, jobs::JobRunner& runner, QWidget* parent)
    : QWidget(parent),
      m_node(&node),
      m_targetId(std::move(targetId)),
      m_messages(new MessageBar(this)),
      m_stack(new QStackedWidget(this)),
      m_runner(runner),
      m_listSlot(runner),
      m_configSlot(runner),
      m_checkSlot(runner),
      m_actionSlot(runner)
{
    const proto::Target* target = node.target(m_targetId);
    m_serverName = target ? toQString(target->name) : toQString(m_targetId);
    m_stack->addWidget(buildNotice());
    m_stack->addWidget(buildModels());
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addWidget(m_messages);
    column->addWidget(m_stack, 1);
    m_messages->hide();

    m_checkTimer.setSingleShot(true);
    m_checkTimer.setInterval(kCheckDelay);
    connect(&m_checkTimer, &QTimer::timeout, this, &ModelsPage::check);
    connect(&node, &NodeController::contentChanged, this, &ModelsPage::refresh);
    connect(&node, &NodeController::stateChanged, this, &ModelsPage::refresh);
    connect(&node, &QObject::destroyed, this, [this] {
        m_listSlot.cancel();
        m_actionSlot.cancel();
        showState(State::Failed, tr("The node was removed from the list."));
    });
    showState(State::Loading);
    refresh();
}

ModelsPage::~ModelsPage() = default;

QString ModelsPage::title() const
{
    return tr("Models of %1").arg(m_serverName);
}

QWidget* ModelsPage::buildNotice()
{
    auto* page = new QWidget(this);
    m_notice = new QLabel(page);
    m_notice->setObjectName(QStringLiteral("modelsNotice"));
    m_notice->setTextFormat(Qt::PlainText);
    m_notice->setWordWrap(true);
    m_notice->setAlignment(Qt::AlignHCenter);
    m_notice->setForegroundRole(QPalette::PlaceholderText);
    m_retry = makeButton("modelsRetry", tr("&Try again"), {}, page);
    connect(m_retry, &QPushButton::clicked, this, [this] {
        if (m_node && m_node->state() != NodeController::State::Connected)
            m_node->open(); // its models are asked for when it is
        else
            refresh();
    });
    auto* column = new QVBoxLayout(page);
    column->addStretch(1);
    column->addWidget(m_notice); // in full width, so that its height is right for its lines
    column->addSpacing(6);
    column->addWidget(m_retry, 0, Qt::AlignHCenter);
    column->addStretch(2);
    return page;
}

QWidget* ModelsPage::buildModels()
{
    auto* page = new QWidget(this);
    m_heading = new QLabel(page);
    m_heading->setTextFormat(Qt::PlainText);
    m_status = new QLabel(page);
    m_status->setObjectName(QStringLiteral("modelsStatus"));
    m_status->setTextFormat(Qt::PlainText);
    m_status->setForegroundRole(QPalette::PlaceholderText);
    m_tree = new QTreeWidget(page);
    m_tree->setObjectName(QStringLiteral("modelsTree"));
    m_tree->setAccessibleName(tr("Models of the server"));
    m_tree->setHeaderLabels({tr("Model"), tr("Version"), tr("State"), tr("Reason")});
    m_tree->setRootIsDecorated(false);
    m_tree->setUniformRowHeights(true);
    m_tree->setFrameShape(QFrame::NoFrame);
    m_tree->header()->setSectionResizeMode(QHeaderView::ResizeToContents);
    m_tree->header()->setStretchLastSection(true);
    m_editor = new ModelConfigEditor(page);
    auto* split = new QSplitter(Qt::Horizontal, page);
    split->addWidget(m_tree);
    m_loadPanel = new ModelLoadPanel(m_runner, page);
    m_tabs = new QTabWidget(page);
    m_tabs->setDocumentMode(true);
    m_tabs->addTab(m_editor, tr("Confi&guration"));
    m_tabs->addTab(m_loadPanel, tr("Re&quests"));
    m_tabs->setTabToolTip(1, tr("Send requests to the model, and see how fast they are answered"));
    split->addWidget(m_tabs);
    split->setStretchFactor(0, 2);
    split->setStretchFactor(1, 3);
    split->setChildrenCollapsible(false);

    m_load = makeButton("modelLoad", tr("&Load"), tr("With the config.pbtxt of the server's repository"), page);
    m_unload = makeButton("modelUnload", tr("&Unload"), tr("Requests under way are answered first"), page);
    m_apply =
        makeButton("modelApply", tr("Load with the e&dit"),
                   tr("With this text instead of the repository's, until the model is loaded again; no file on the node is changed"), page);
    m_revert = makeButton("modelRevert", tr("&Revert"), tr("Back to the configuration that is served"), page);
    m_refresh = makeButton("modelsRefresh", tr("Refresh"), tr("Ask the server again"), page);
    auto* top = new QHBoxLayout;
    top->setContentsMargins(8, 6, 8, 0);
    top->addWidget(m_heading);
    top->addSpacing(6);
    top->addWidget(m_status, 1);
    auto* buttons = new QHBoxLayout;
    buttons->setContentsMargins(8, 4, 8, 6);
    for (QPushButton* button : {m_load, m_unload, m_apply, m_revert})
        buttons->addWidget(button);
    buttons->addStretch(1);
    buttons->addWidget(m_refresh);
    auto* column = new QVBoxLayout(page);
    column->setContentsMargins(0, 0, 0, 0);
    column->setSpacing(0);
    column->addLayout(top);
    column->addLayout(buttons);
    column->addWidget(split, 1);

    connect(m_tree, &QTreeWidget::currentItemChanged, this, &ModelsPage::onSelected);
    connect(m_tree, &QTreeWidget::itemActivated, this, &ModelsPage::showRequests);
    connect(m_editor, &ModelConfigEditor::edited, this, &ModelsPage::onEdited);
    connect(m_refresh, &QPushButton::clicked, this, &ModelsPage::refresh);
    connect(m_load, &QPushButton::clicked, this, [this] { act(Action::Load); });
    connect(m_unload, &QPushButton::clicked, this, [this] { act(Action::Unload); });
    connect(m_apply, &QPushButton::clicked, this, [this] { act(Action::LoadEdited); });
    connect(m_revert, &QPushButton::clicked, m_editor, &ModelConfigEditor::revert);
    return page;
}

void ModelsPage::showState(State state, const QString& sentence)
{
    m_state = state;
    // What a load measured, or measures still, stays in sight when the server does not.
    const bool isKept = m_loadPanel->hasContent();
    m_stack->setCurrentIndex(state == State::Ready || isKept ? 1 : 0);
    if (isKept && state == State::Failed)
        m_messages->showMessage({MessageBar::Kind::Warning, sentence, {}, {}, {}, QStringLiteral("state")});
    else
        m_messages->clearTopic(QStringLiteral("state"));
    m_notice->setText(state == State::Loading ? tr("Asking the server for its models…")
                      : state == State::Empty
                          ? tr("The repository of this server has no models.\n\nPut a folder with a config.pbtxt into it.")
                          : sentence);
    m_retry->setVisible(state == State::Failed || state == State::Empty);
}

void ModelsPage::select(const QString& model)
{
    m_wanted = model.toStdString();
    if (m_state == State::Ready)
        fillTree();
}

void ModelsPage::refresh()
{
    if (!m_node)
        return;
    if (!m_node->client() || m_node->state() != NodeController::State::Connected) {
        m_listSlot.cancel();
        return showState(State::Failed, tr("%1 is not connected; connect to it, and its models are asked for again.").arg(m_node->title()));
    }
    if (m_state != State::Ready)
        showState(State::Loading);
    m_listSlot.run(
        [client = m_node->client(), id = m_targetId](const jobs::JobContext& context) { return client->models(id, context.stop()); },
        [this](Result<std::vector<proto::ModelInfo>> models) {
            if (models)
                showModels(std::move(*models));
            else
                showState(State::Failed, describe(models.error()).sentence);
        });
}

void ModelsPage::showModels(std::vector<proto::ModelInfo> models)
{
    m_models = std::move(models);
    std::sort(m_models.begin(), m_models.end(),
              [](const auto& a, const auto& b) { return std::tie(a.name, a.version) < std::tie(b.name, b.version); });
    refreshAddress();
    m_heading->setText(tr("%1 on %2").arg(m_serverName, m_node ? m_node->title() : QString()));
    showState(m_models.empty() ? State::Empty : State::Ready);
    fillTree();
    readConfig(); // the same model may be served with another one now
}

void ModelsPage::refreshAddress()
{
    const proto::Target* target = m_node ? m_node->target(m_targetId) : nullptr;
    if (!target || !m_node->client())
        return;
    const auto node = app::NodeAddress::parse(m_node->address());
    m_loadPanel->setAddress(app::loadAddress({target->grpcAddress, m_serverName.toStdString(), m_node->name().toStdString(),
                                              node ? *node : app::NodeAddress(), app::isThisMachine(m_node->client()->hello().bootId)}));
}

void ModelsPage::showRequests()
{
    m_tabs->setCurrentWidget(m_loadPanel);
    m_loadPanel->startButton()->setFocus();
}

void ModelsPage::fillTree()
{
    const Key kept = m_shown.value_or(Key());
    const std::string wanted = std::exchange(m_wanted, {});
    const widgets::Theme& theme = widgets::Theme::forPalette(palette());
    QTreeWidgetItem *current = nullptr, *namesake = nullptr; // a model has another version, or none, once it is loaded or unloaded
    {
        const QSignalBlocker quiet(m_tree);
        m_tree->clear();
        for (const proto::ModelInfo& model : m_models) {
            auto* item =
                new QTreeWidgetItem(m_tree, {toQString(model.name), model.version.empty() ? QStringLiteral("–") : toQString(model.version),
                                             stateText(model), toQString(model.reason)});
            item->setForeground(2, model.state == kReady                                ? theme.good
                                   : model.reason.empty() || model.reason == "unloaded" ? theme.weakText
                                                                                        : theme.bad);
            item->setToolTip(3, toQString(model.reason));
            if (wanted.empty() ? Key(model.name, model.version) == kept : model.name == wanted && !current)
                current = item;
            if (!namesake && model.name == kept.first)
                namesake = item;
        }
        m_tree->setCurrentItem(current ? current : namesake ? namesake : m_tree->topLevelItem(0));
    }
    onSelected();
}

const proto::ModelInfo* ModelsPage::selected() const
{
    const int row = m_tree->indexOfTopLevelItem(m_tree->currentItem());
    return row >= 0 && static_cast<std::size_t>(row) < m_models.size() ? &m_models[static_cast<std::size_t>(row)] : nullptr;
}

void ModelsPage::onSelected()
{
    const proto::ModelInfo* model = selected();
    const std::optional<Key> key = model ? std::optional<Key>(Key(model->name, model->version)) : std::nullopt;
    if (key == m_shown)
        return refreshButtons();
    m_shown = key;
    m_isChecked = false;
    m_checkSlot.cancel();
    m_checkTimer.stop();
    m_editor->showNothing(model ? tr("Asking the server for the configuration of %1…").arg(toQString(model->name)) : tr("Choose a model."));
    readConfig();
}

void ModelsPage::readConfig()
{
    const proto::ModelInfo* model = selected();
    refreshButtons();
    if (!model || !m_node || !m_node->client())
        return;
    const auto show = [this](const QString& served) {
        if (!m_shown)
            return;
        const auto draft = m_drafts.find(m_shown->first);
        if (m_editor->edit()->isEnabled())
            m_editor->setServed(served);
        else
            m_editor->showConfig(served, draft == m_drafts.end() ? QString() : draft->second);
        onEdited();
    };
    if (model->state != kReady) {
        m_configSlot.cancel();
        return show({});
    }
    m_configSlot.run(
        [client = m_node->client(), id = m_targetId, name = model->name, version = model->version](const jobs::JobContext& context) {
            return client->modelConfig(id, name, version, context.stop());
        },
        [this, show](Result<proto::ModelConfigText> config) {
            if (!config)
                return m_editor->showNothing(describe(config.error()).sentence);
            if (config->isIncomplete)
                m_messages->showMessage({MessageBar::Kind::Warning,
                                         tr("The server has settings that gantryd has no names for: loading with an edit would lose them."),
                                         {},
                                         {},
                                         {},
                                         QStringLiteral("incomplete")});
            else
                m_messages->clearTopic(QStringLiteral("incomplete"));
            show(toQString(config->text));
        });
}

void ModelsPage::onEdited()
{
    if (!m_shown)
        return;
    m_isChecked = false;
    m_checkSlot.cancel();
    if (m_editor->isEdited()) {
        m_drafts[m_shown->first] = m_editor->text();
        m_checkTimer.start();
    } else {
        m_drafts.erase(m_shown->first);
        m_checkTimer.stop();
    }
    refreshButtons();
}

void ModelsPage::check()
{
    if (!m_node || !m_node->client())
        return;
    m_checkSlot.run([client = m_node->client(), text = m_editor->text().toStdString()](
                        const jobs::JobContext& context) { return client->checkModelConfig(text, context.stop()); },
                    [this](Result<std::vector<proto::ConfigProblem>> problems) {
                        if (problems)
                            m_editor->setProblems(*problems);
                        else
                            m_editor->setUnchecked(describe(problems.error()).sentence);
                        m_isChecked = problems && problems->empty();
                        refreshButtons();
                    });
}

void ModelsPage::act(Action action)
{
    const proto::ModelInfo* model = selected();
    if (!model || !m_node || !m_node->client() || m_actionSlot.isRunning())
        return;
    m_messages->clearTopic(QStringLiteral("models"));
    const std::string text = action == Action::LoadEdited ? m_editor->text().toStdString() : std::string();
    m_status->setText((action == Action::Unload ? tr("Unloading %1…") : tr("Loading %1…")).arg(toQString(model->name)));
    m_actionSlot.run(
        [client = m_node->client(), id = m_targetId, name = model->name, text, action](const jobs::JobContext& context) {
            return action == Action::Unload ? client->unloadModel(id, name, context.stop())
                                            : client->loadModel(id, name, text, context.stop());
        },
        [this, action, name = model->name](const Result<void>& done) { onDone(action, name, done); });
    refreshButtons();
}

void ModelsPage::onDone(Action action, const std::string& model, const Result<void>& done)
{
    const QString name = toQString(model);
    m_configSlot.cancel(); // of before
    if (!done) {
        const UserMessage message = describe(done.error());
        const auto was =
            std::find_if(m_models.begin(), m_models.end(), [&](const auto& m) { return m.name == model && m.state == kReady; });
        const QString rest = action != Action::Unload && was != m_models.end() ? tr(" What was served before goes on.") : QString();
        m_messages->showMessage(
            {MessageBar::Kind::Error,
             (action == Action::Unload ? tr("%1 was not unloaded: %2") : tr("%1 was not loaded: %2")).arg(name, message.sentence) + rest,
             message.details,
             {},
             {},
             QStringLiteral("models")});
        m_status->clear();
    } else {
        if (action == Action::LoadEdited) {
            // The server completes what it was given: what it serves now is the text to go on with.
            m_drafts.erase(model);
            if (m_shown && m_shown->first == model)
                m_shown.reset();
        }
        m_status->setText((action == Action::Unload       ? tr("%1 is unloaded.")
                           : action == Action::LoadEdited ? tr("%1 is loaded with the edit.")
                                                          : tr("%1 is loaded with the repository's configuration."))
                              .arg(name));
    }
    if (m_wanted.empty())
        m_wanted = model;
    refreshButtons();
    refresh();
}

void ModelsPage::refreshButtons()
{
    const proto::ModelInfo* model = selected();
    const bool canAct = model && !m_actionSlot.isRunning();
    const bool isServed = model && model->state == kReady;
    const bool isEdited = m_editor->isEdited();
    m_loadPanel->setModel(model ? toQString(model->name) : QString(), isServed);
    m_load->setText(isServed ? tr("Re&load") : tr("&Load"));
    m_load->setEnabled(canAct);
    m_unload->setEnabled(canAct && isServed);
    m_revert->setEnabled(isEdited);
    m_apply->setEnabled(canAct && isEdited && m_isChecked && !m_editor->text().isEmpty());
}

void ModelsPage::changeEvent(QEvent* event)
{
    QWidget::changeEvent(event);
    if (event->type() == QEvent::PaletteChange && m_state == State::Ready)
        fillTree(); // items keep the colours they were made with
}

} // namespace gantry::desktop
