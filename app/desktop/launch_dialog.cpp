#include "app/desktop/launch_dialog.h"

#include "app/desktop/settings.h"
#include "app/desktop/text.h"
#include "trace_model/import/nsys_output.h"

#include <QCheckBox>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QScrollArea>
#include <QStyledItemDelegate>
#include <QTableWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <iterator>
#include <utility>

namespace gantry::desktop {

namespace {

using Variable = LaunchProfile::Variable;

constexpr int kEnvironmentRows = 3;         // that are seen at once
constexpr int kIsSecretRole = Qt::UserRole; ///< of the last column, whose box is a widget: what a view paints cannot be seen in the dark
enum Column
{
    kName,
    kValue,
    kSecret
};

/// Values of secrets are dots, also while they are typed.
class ValueDelegate : public QStyledItemDelegate
{
public:
    using QStyledItemDelegate::QStyledItemDelegate;

    QWidget* createEditor(QWidget* parent, const QStyleOptionViewItem& option, const QModelIndex& index) const override
    {
        QWidget* editor = QStyledItemDelegate::createEditor(parent, option, index);
        if (auto* line = qobject_cast<QLineEdit*>(editor); line && isSecret(index))
            line->setEchoMode(QLineEdit::Password);
        return editor;
    }

protected:
    void initStyleOption(QStyleOptionViewItem* option, const QModelIndex& index) const override
    {
        QStyledItemDelegate::initStyleOption(option, index);
        if (isSecret(index) && !option->text.isEmpty())
            option->text = QString(8, QChar(0x2022)); // as many as ever: their number says something, too
    }

private:
    static bool isSecret(const QModelIndex& index) { return index.siblingAtColumn(kSecret).data(kIsSecretRole).toBool(); }
};

/// Shown by programs that manage keyrings, so in words.
std::vector<Variable> secretsOf(const LaunchProfile& profile)
{
    std::vector<Variable> secrets;
    std::copy_if(profile.environment.begin(), profile.environment.end(), std::back_inserter(secrets),
                 [](const Variable& variable) { return variable.isSecret; });
    return secrets;
}

QString keyOf(const LaunchProfile& profile, const Variable& variable)
{
    return QStringLiteral("variable %1 of the launch profile %2").arg(variable.name, profile.name);
}

} // namespace

LaunchDialog::LaunchDialog(std::vector<LaunchPlace> places, Settings& settings, Keyring* keyring, QWidget* parent)
    : QDialog(parent),
      m_places(std::move(places)),
      m_settings(settings),
      m_keyring(keyring),
      m_profiles(new QComboBox(this)),
      m_save(new QPushButton(tr("&Save"), this)),
      m_remove(new QPushButton(tr("&Delete"), this)),
      m_launch(nullptr),
      m_form(new QFormLayout),
      m_environment(new QTableWidget(0, 3, this)),
      m_inject(new QCheckBox(tr("With the &capture library, so that it can be captured"), this)),
      m_keep(new QCheckBox(tr("&Keep secret values in the keyring of this desktop"), this)),
      m_preview(new QLabel(this)),
      m_problem(new QLabel(this))
{
    setWindowTitle(m_places.size() == 1 ? tr("Launch on %1").arg(m_places.front().node) : tr("Launch on %1 nodes").arg(m_places.size()));
    build();
    fillProfiles();
    refresh();
}

LaunchDialog::~LaunchDialog() = default;

QLineEdit* LaunchDialog::addLine(const char* name, const QString& label, const QString& placeholder, const QString& tip)
{
    auto* line = new QLineEdit(this);
    line->setObjectName(QLatin1String(name));
    line->setPlaceholderText(placeholder);
    line->setToolTip(tip);
    connect(line, &QLineEdit::textChanged, this, &LaunchDialog::refresh);
    m_form->addRow(label, line);
    return line;
}

void LaunchDialog::build()
{
    m_profiles->setObjectName(QStringLiteral("launchProfile"));
    m_profiles->setEditable(true);
    m_profiles->setInsertPolicy(QComboBox::NoInsert);
    m_profiles->lineEdit()->setPlaceholderText(tr("a name, to save this for another time"));
    m_profiles->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    m_profiles->setAccessibleName(tr("Profile"));
    m_save->setObjectName(QStringLiteral("launchSave"));
    m_remove->setObjectName(QStringLiteral("launchRemove"));
    for (QPushButton* button : {m_save, m_remove})
        button->setAutoDefault(false);
    auto* profileRow = new QHBoxLayout;
    profileRow->addWidget(m_profiles, 1);
    profileRow->addWidget(m_save);
    profileRow->addWidget(m_remove);
    m_form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    m_form->addRow(tr("Profile"), profileRow);
    const QString substituted = tr("{rank}, {ranks}, {node} and {first} stand for the place of the node among the chosen ones (from 0), "
                                   "their number, its host name and that of the first.");
    m_command = addLine("launchCommand", tr("Co&mmand"), tr("python3 serve.py --port 8000"),
                        tr("The program and its arguments, quoted as for a shell; no shell reads it.\n%1").arg(substituted));
    m_container = addLine("launchContainer", tr("C&ontainer"), tr("apptainer exec --nv image.sif"),
                          tr("Words before the command, which bring it into a container.\n%1").arg(substituted));
    m_wrapper = addLine("launchWrapper", tr("&Rank wrapper"), tr("mpirun -np 8"),
                        tr("Words before all others, which start several ranks on the node.\n%1").arg(substituted));
    m_folder = addLine("launchFolder", tr("Working &folder"), tr("that of gantryd"), substituted);
    m_form->addRow(tr("&Environment"), buildEnvironment());
    m_grpc = addLine("launchGrpc", tr("&gRPC address"), tr("HOST:PORT"),
                     tr("KServe v2 endpoint of the server: its models are shown, and ready means that it answers"));
    m_metrics = addLine("launchMetrics", tr("Metrics &URL"), tr("http://HOST:PORT/metrics"),
                        tr("Prometheus endpoint of the server, sampled live and into every report"));
    m_inject->setObjectName(QStringLiteral("launchInject"));
    m_inject->setChecked(true);
    m_form->addRow(QString(), m_inject);

    m_preview->setObjectName(QStringLiteral("launchPreview"));
    m_preview->setTextFormat(Qt::PlainText);
    m_preview->setWordWrap(true);
    m_preview->setTextInteractionFlags(Qt::TextSelectableByMouse);
    m_preview->setForegroundRole(QPalette::PlaceholderText);
    m_problem->setObjectName(QStringLiteral("launchProblem"));
    m_problem->setTextFormat(Qt::PlainText);
    m_problem->setWordWrap(true);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_launch = buttons->addButton(tr("&Launch"), QDialogButtonBox::AcceptRole);
    m_launch->setObjectName(QStringLiteral("launchButton"));
    m_launch->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    connect(m_profiles, &QComboBox::activated, this, &LaunchDialog::chooseProfile);
    connect(m_profiles, &QComboBox::editTextChanged, this, &LaunchDialog::refresh);
    connect(m_save, &QPushButton::clicked, this, &LaunchDialog::save);
    connect(m_remove, &QPushButton::clicked, this, &LaunchDialog::remove);

    auto* fields = new QWidget(this);
    auto* fieldColumn = new QVBoxLayout(fields);
    fieldColumn->addLayout(m_form);
    fieldColumn->addWidget(m_preview);
    fieldColumn->addStretch(1);
    auto* area = new QScrollArea(this); // so that the buttons are in a small window, too
    area->setFrameShape(QFrame::NoFrame);
    area->setWidgetResizable(true);
    area->setWidget(fields);
    auto* column = new QVBoxLayout(this);
    column->addWidget(area, 1);
    column->addWidget(m_problem);
    column->addWidget(buttons);
    resize(620, std::min(600, parentWidget() ? parentWidget()->window()->height() - 20 : 600));
}

QWidget* LaunchDialog::buildEnvironment()
{
    auto* widget = new QWidget(this);
    m_environment->setObjectName(QStringLiteral("launchEnvironment"));
    m_environment->setAccessibleName(tr("Environment"));
    m_environment->setHorizontalHeaderLabels({tr("Name"), tr("Value"), tr("Secret")});
    m_environment->horizontalHeaderItem(kSecret)->setToolTip(tr("Its value is shown as dots and not saved with the profile"));
    m_environment->horizontalHeader()->setSectionResizeMode(kValue, QHeaderView::Stretch);
    m_environment->setColumnWidth(kName, 180);
    m_environment->setColumnWidth(kSecret, 60);
    m_environment->verticalHeader()->hide();
    m_environment->setItemDelegateForColumn(kValue, new ValueDelegate(m_environment));
    m_environment->setTabKeyNavigation(false);
    m_environment->setFixedHeight(m_environment->verticalHeader()->defaultSectionSize() * (kEnvironmentRows + 1) + 6);
    auto* add = new QPushButton(tr("&Add variable"), widget);
    add->setObjectName(QStringLiteral("launchAddVariable"));
    auto* drop = new QPushButton(tr("Remo&ve"), widget);
    for (QPushButton* button : {add, drop})
        button->setAutoDefault(false);
    m_keep->setObjectName(QStringLiteral("launchKeep"));
    m_keep->setVisible(m_keyring != nullptr);
    connect(add, &QPushButton::clicked, this, [this] {
        addVariable({});
        m_environment->setCurrentCell(m_environment->rowCount() - 1, kName);
        m_environment->editItem(m_environment->currentItem());
    });
    connect(drop, &QPushButton::clicked, this, [this] {
        m_environment->removeRow(m_environment->currentRow());
        refresh();
    });
    connect(m_environment, &QTableWidget::itemChanged, this, [this] {
        m_environment->viewport()->update(); // a value becomes dots
        refresh();
    });
    auto* buttons = new QHBoxLayout;
    buttons->addWidget(add);
    buttons->addWidget(drop);
    buttons->addStretch(1);
    auto* column = new QVBoxLayout(widget);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_environment);
    column->addLayout(buttons);
    column->addWidget(m_keep);
    return widget;
}

void LaunchDialog::addVariable(const Variable& variable)
{
    const int row = m_environment->rowCount();
    m_environment->insertRow(row);
    m_environment->setItem(row, kName, new QTableWidgetItem(variable.name));
    m_environment->setItem(row, kValue, new QTableWidgetItem(variable.value));
    auto* secret = new QTableWidgetItem;
    secret->setFlags(Qt::ItemIsEnabled);
    secret->setData(kIsSecretRole, variable.isSecret);
    m_environment->setItem(row, kSecret, secret);
    auto* box = new QCheckBox(m_environment);
    box->setAccessibleName(tr("Secret"));
    box->setChecked(variable.isSecret);
    connect(box, &QCheckBox::toggled, this, [secret](bool isSecret) { secret->setData(kIsSecretRole, isSecret); }); // both go with the row
    m_environment->setCellWidget(row, kSecret, box);
}

void LaunchDialog::fillProfiles()
{
    const QString name = m_profiles->currentText();
    m_profiles->clear();
    for (const LaunchProfile& profile : m_settings.launchProfiles())
        m_profiles->addItem(profile.name);
    m_profiles->setCurrentIndex(-1);
    m_profiles->setEditText(name);
}

void LaunchDialog::chooseProfile(int index)
{
    const std::vector<LaunchProfile> profiles = m_settings.launchProfiles();
    if (index < 0 || static_cast<std::size_t>(index) >= profiles.size())
        return;
    setProfile(profiles[static_cast<std::size_t>(index)]);
    findSecrets(profiles[static_cast<std::size_t>(index)]);
}

void LaunchDialog::setProfile(const LaunchProfile& profile)
{
    m_profiles->setEditText(profile.name);
    m_command->setText(profile.command);
    m_container->setText(profile.container);
    m_wrapper->setText(profile.wrapper);
    m_folder->setText(profile.folder);
    m_grpc->setText(profile.grpcAddress);
    m_metrics->setText(profile.metricsUrl);
    m_inject->setChecked(profile.isInjected);
    m_keep->setChecked(false);
    m_environment->setRowCount(0);
    for (const Variable& variable : profile.environment)
        addVariable(variable);
    refresh();
}

LaunchProfile LaunchDialog::profile() const
{
    LaunchProfile profile{m_profiles->currentText().trimmed(),
                          m_command->text(),
                          m_container->text(),
                          m_wrapper->text(),
                          m_folder->text(),
                          m_grpc->text(),
                          m_metrics->text(),
                          {},
                          m_inject->isChecked()};
    for (int row = 0; row < m_environment->rowCount(); ++row) {
        const auto* name = m_environment->item(row, kName);
        const auto* value = m_environment->item(row, kValue);
        const auto* secret = m_environment->item(row, kSecret);
        if (name && value && secret && !(name->text().isEmpty() && value->text().isEmpty())) // a line that is not filled in
            profile.environment.push_back({name->text().trimmed(), value->text(), secret->data(kIsSecretRole).toBool()});
    }
    return profile;
}

void LaunchDialog::findSecrets(const LaunchProfile& profile)
{
    if (!m_keyring)
        return;
    for (const Variable& variable : secretsOf(profile)) {
        const std::weak_ptr<int> alive = m_alive;
        m_keyring->find(keyOf(profile, variable), [this, alive, of = profile.name, name = variable.name](Keyring::Found found) {
            if (alive.expired() || !found.secret || m_profiles->currentText().trimmed() != of) // another was chosen meanwhile
                return;
            for (int row = 0; row < m_environment->rowCount(); ++row)
                if (m_environment->item(row, kName)->text() == name && m_environment->item(row, kValue)->text().isEmpty())
                    m_environment->item(row, kValue)->setText(toQString(found.secret->text()));
            m_keep->setChecked(true);
        });
    }
}

void LaunchDialog::keepSecrets(const LaunchProfile& profile)
{
    if (!m_keyring)
        return;
    for (const Variable& variable : secretsOf(profile)) {
        const std::weak_ptr<int> alive = m_alive;
        if (m_keep->isChecked() && !variable.value.isEmpty())
            m_keyring->keep(keyOf(profile, variable), app::Secret(variable.value.toStdString()), [this, alive](const QString& reason) {
                if (alive.expired())
                    return;
                m_problem->setText(tr("The keyring did not keep a secret: %1").arg(reason));
                m_problem->show();
            });
        else
            m_keyring->forget(keyOf(profile, variable));
    }
}

void LaunchDialog::save()
{
    const LaunchProfile profile = this->profile();
    m_settings.setLaunchProfile(profile);
    keepSecrets(profile);
    fillProfiles();
    refresh();
}

void LaunchDialog::remove()
{
    const QString name = m_profiles->currentText().trimmed();
    for (const LaunchProfile& profile : m_settings.launchProfiles())
        if (profile.name == name && m_keyring)
            for (const Variable& variable : profile.environment)
                if (variable.isSecret)
                    m_keyring->forget(keyOf(profile, variable));
    m_settings.removeLaunchProfile(name);
    m_profiles->clearEditText();
    fillProfiles();
    refresh();
}

std::vector<proto::LaunchRequest> LaunchDialog::requests() const
{
    std::vector<proto::LaunchRequest> requests;
    for (const LaunchPlace& place : m_places)
        if (auto request = launchRequest(profile(), place))
            requests.push_back(std::move(*request));
    return requests;
}

void LaunchDialog::refresh()
{
    if (!m_launch)
        return; // is being built
    const LaunchProfile profile = this->profile();
    const auto request = launchRequest(profile, m_places.front());
    m_launch->setEnabled(request.hasValue());
    const bool isUntouched = profile.command.trimmed().isEmpty();
    m_problem->setText(request || isUntouched ? QString() : describe(request.error()).sentence);
    m_problem->setVisible(!m_problem->text().isEmpty());
    const QString line = request ? toQString(importing::commandText(request->argv)) : QString();
    m_preview->setText(!request              ? QString()
                       : m_places.size() > 1 ? tr("On %1 it runs: %2").arg(m_places.front().node, line)
                                             : tr("It runs: %1").arg(line));
    m_save->setEnabled(!profile.name.isEmpty() && !isUntouched);
    m_remove->setEnabled(m_profiles->findText(profile.name) >= 0 && !profile.name.isEmpty());
}

} // namespace gantry::desktop
