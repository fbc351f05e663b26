#include "app/desktop/node_dialog.h"

#include "app/desktop/text.h"
#include "app/remote/node_address.h"
#include "widgets/theme/theme.h"

#include <QApplication>
#include <QComboBox>
#include <QDialogButtonBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QKeyEvent>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

#include <algorithm>
#include <set>

namespace gantry::desktop {

namespace {

constexpr int kAddressRole = Qt::UserRole;
constexpr QSize kWanted{620, 520}, kLeast{360, 280};
constexpr int kMargin = 24;       ///< px that a window keeps around the dialog
constexpr int kVerdictLines = 3;  ///< that have room, so that nothing moves while one types
constexpr int kLabelGap = 4;      ///< px
constexpr int kShortDialog = 440; ///< px below which the spacing is tight

QString tagText(const QStringList& tags)
{
    return tags.join(QStringLiteral(", "));
}

QStringList tagsOf(const QString& text)
{
    QStringList tags;
    for (const QString& tag : text.split(QLatin1Char(','))) {
        if (const QString name = tag.simplified(); !name.isEmpty() && !tags.contains(name))
            tags << name;
    }
    return tags;
}

/// What the user knows a node by, besides its address.
QString describe(const NodeEntry& entry)
{
    QStringList parts;
    for (const QString& part : {entry.name, entry.group, tagText(entry.tags)})
        if (!part.isEmpty())
            parts << part;
    return parts.join(QStringLiteral(" · "));
}

/// What connecting to a valid address will do.
QString meaningOf(const app::NodeAddress& address, bool isEmpty)
{
    using Transport = app::NodeAddress::Transport;
    switch (address.transport) {
    case Transport::UnixSocket:
        return isEmpty ? NodeDialog::tr("The gantryd of this machine, at its usual socket.")
                       : NodeDialog::tr("A gantryd on this machine, at %1.").arg(toQString(address.socketPath));
    case Transport::Tcp:
        return NodeDialog::tr("A gantryd at port %1 of this machine, without encryption.").arg(address.port);
    case Transport::Tls:
        return NodeDialog::tr("A gantryd at %1, by TLS.").arg(toQString(address.channelTarget()));
    case Transport::Command:
        return NodeDialog::tr("The gantryd that a command of this machine leads to.");
    case Transport::Ssh:
        break;
    }
    const QString how = NodeDialog::tr("Over SSH to %1, as your ssh configuration says.").arg(toQString(address.host));
    return how + QLatin1Char(' ') +
           (!address.remoteSocket.empty() || !address.remoteTcp.empty() ? NodeDialog::tr("gantryd must run there already.")
            : address.mayDeploy ? NodeDialog::tr("gantryd is put there and started if it is missing; no rights of root are needed.")
                                : NodeDialog::tr("gantryd must run there already."));
}

} // namespace

NodeDialog::NodeDialog(Purpose purpose, const std::vector<NodeEntry>& known, const QStringList& recent, jobs::JobRunner& runner,
                       QWidget* parent)
    : QDialog(parent),
      m_purpose(purpose),
      m_known(known),
      m_hosts(runner),
      m_address(new QLineEdit(this)),
      m_choices(new QTreeWidget(this)),
      m_verdict(new QLabel(this)),
      m_name(new QLineEdit(this)),
      m_group(new QComboBox(this)),
      m_tags(new QLineEdit(this))
{
    setWindowTitle(purpose == Purpose::Add ? tr("Add a node") : tr("Name, group and tags"));
    m_address->setObjectName(QStringLiteral("nodeAddress"));
    m_address->setPlaceholderText(tr("gpu-07, or ssh://user@host; empty: this machine"));
    m_address->setClearButtonEnabled(true);
    m_address->installEventFilter(this);
    m_choices->setObjectName(QStringLiteral("nodeChoices"));
    m_choices->setColumnCount(2);
    m_choices->setHeaderHidden(true);
    m_choices->setIndentation(12);
    m_choices->setUniformRowHeights(true);
    m_choices->setRootIsDecorated(false);
    m_choices->setItemsExpandable(false);
    m_choices->setTextElideMode(Qt::ElideMiddle);
    m_choices->setAccessibleName(tr("Known addresses"));
    m_choices->header()->setStretchLastSection(true);
    m_choices->header()->setSectionResizeMode(0, QHeaderView::ResizeToContents);
    m_verdict->setObjectName(QStringLiteral("nodeVerdict"));
    m_verdict->setTextFormat(Qt::PlainText);
    m_verdict->setWordWrap(true);
    m_verdict->setAlignment(Qt::AlignTop | Qt::AlignLeft);
    m_verdict->setMinimumHeight(fontMetrics().lineSpacing() * kVerdictLines);
    m_name->setObjectName(QStringLiteral("nodeName"));
    m_name->setPlaceholderText(tr("its host name"));
    m_group->setObjectName(QStringLiteral("nodeGroup"));
    m_group->setEditable(true);
    m_group->lineEdit()->setPlaceholderText(tr("none"));
    m_tags->setObjectName(QStringLiteral("nodeTags"));
    m_tags->setPlaceholderText(tr("h100, staging"));

    const auto label = [this](const QString& text, QWidget* field) {
        auto* made = new QLabel(text, this);
        made->setBuddy(field);
        made->setMinimumWidth(made->sizeHint().width() + kLabelGap);
        return made;
    };
    QLabel* addressLabel = label(tr("&Address"), m_address);
    auto* addressRow = new QHBoxLayout;
    addressRow->addWidget(addressLabel);
    addressRow->addWidget(m_address, 1);
    auto* names = new QGridLayout;
    names->addWidget(label(tr("&Name"), m_name), 0, 0);
    names->addWidget(m_name, 0, 1, 1, 3);
    names->addWidget(label(tr("&Group"), m_group), 1, 0);
    names->addWidget(m_group, 1, 1);
    names->addWidget(label(tr("&Tags"), m_tags), 1, 2);
    names->addWidget(m_tags, 1, 3);
    names->setColumnMinimumWidth(0, addressLabel->minimumWidth());
    names->setColumnStretch(1, 1);
    names->setColumnStretch(3, 1);

    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, this);
    m_ok = buttons->addButton(purpose == Purpose::Add ? tr("Connect") : tr("Save"), QDialogButtonBox::AcceptRole);
    m_ok->setObjectName(QStringLiteral("nodeOk"));
    m_ok->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* column = new QVBoxLayout(this);
    column->addLayout(addressRow);
    column->addWidget(m_verdict);
    column->addWidget(m_choices, 1);
    column->addLayout(names);
    column->addWidget(buttons);

    m_address->setReadOnly(purpose == Purpose::Change);
    m_choices->setVisible(purpose == Purpose::Add);
    m_verdict->setVisible(purpose == Purpose::Add);
    std::set<QString> groups;
    for (const NodeEntry& entry : m_known)
        if (!entry.group.isEmpty())
            groups.insert(entry.group);
    m_group->addItem(QString());
    for (const QString& group : groups)
        m_group->addItem(group);
    fillKnown(recent);
    fillForms();
    connect(m_address, &QLineEdit::textEdited, this, &NodeDialog::filterChoices);
    connect(m_address, &QLineEdit::textChanged, this, &NodeDialog::refreshVerdict);
    connect(m_choices, &QTreeWidget::currentItemChanged, this, [this](QTreeWidgetItem* item) { pick(item); });
    connect(m_choices, &QTreeWidget::itemClicked, this, [this](QTreeWidgetItem* item) { pick(item); });
    connect(m_choices, &QTreeWidget::itemActivated, this, [this](QTreeWidgetItem* item) {
        pick(item);
        if (!item->data(0, kAddressRole).isNull() && isUsable())
            accept();
    });
    refreshVerdict();
    fitParent();
    (purpose == Purpose::Add ? m_address : m_name)->setFocus();
}

void NodeDialog::fitParent()
{
    const QSize room = parentWidget() ? parentWidget()->size() - QSize(kMargin, kMargin) : kWanted;
    const QSize size = kWanted.boundedTo(room).expandedTo(kLeast);
    if (size.height() < kShortDialog) {
        layout()->setSpacing(4);
        layout()->setContentsMargins(8, 8, 8, 8);
        m_verdict->setMinimumHeight(0);
    }
    if (m_purpose == Purpose::Add)
        return resize(size);
    resize(size.width() * 3 / 4, sizeHint().height());
}

void NodeDialog::setEntry(const NodeEntry& entry)
{
    m_address->setText(entry.address);
    m_name->setText(entry.name);
    m_group->setCurrentText(entry.group);
    m_tags->setText(tagText(entry.tags));
}

NodeEntry NodeDialog::entry() const
{
    return {m_address->text().trimmed(), m_name->text().simplified(), m_group->currentText().simplified(), tagsOf(m_tags->text())};
}

void NodeDialog::offerHostsOf(const app::SshConfigPlaces& places)
{
    m_hosts.run([places](const jobs::JobContext&) -> Result<std::vector<std::string>> { return app::sshHostNames(places); },
                [this](Result<std::vector<std::string>> hosts) {
                    if (!hosts || hosts->empty())
                        return;
                    QTreeWidgetItem* section = addSection(tr("Hosts of your ssh configuration"), m_choices->topLevelItemCount() - 1);
                    for (const std::string& host : *hosts)
                        addChoice(section, toQString(host), {});
                    section->setExpanded(true);
                    filterChoices(m_address->isModified() ? m_address->text() : QString());
                });
}

QTreeWidgetItem* NodeDialog::addSection(const QString& title, int place)
{
    auto* section = new QTreeWidgetItem({title});
    m_choices->insertTopLevelItem(place, section);
    section->setFlags(Qt::ItemIsEnabled);
    section->setFirstColumnSpanned(true);
    section->setForeground(0, widgets::Theme::forPalette(QApplication::palette()).weakText);
    return section;
}

void NodeDialog::addChoice(QTreeWidgetItem* section, const QString& address, const QString& what)
{
    auto* item = new QTreeWidgetItem(section, {address.isEmpty() ? tr("this machine") : address, what});
    item->setData(0, kAddressRole, address);
    item->setForeground(1, widgets::Theme::forPalette(QApplication::palette()).weakText);
    item->setToolTip(0, address);
    item->setToolTip(1, what);
}

void NodeDialog::fillKnown(const QStringList& recent)
{
    QStringList addresses = recent;
    for (const NodeEntry& entry : m_known)
        if (!addresses.contains(entry.address))
            addresses << entry.address;
    if (addresses.isEmpty())
        return;
    QTreeWidgetItem* section = addSection(tr("Used before"), 0);
    for (const QString& address : std::as_const(addresses)) {
        const auto known = std::find_if(m_known.begin(), m_known.end(), [&](const NodeEntry& entry) { return entry.address == address; });
        addChoice(section, address, known == m_known.end() ? QString() : describe(*known));
    }
    section->setExpanded(true);
}

void NodeDialog::fillForms()
{
    QTreeWidgetItem* section = addSection(tr("Forms of an address"), m_choices->topLevelItemCount());
    const auto add = [&](const char* form, const QString& what) { addChoice(section, QString::fromLatin1(form), what); };
    add("HOST", tr("over SSH, as `ssh HOST` goes there"));
    add("ssh://USER@HOST:22", tr("the same, with the user and the port"));
    add("unix:/PATH/gantryd.sock", tr("a gantryd on this machine"));
    add("grpc://127.0.0.1:PORT?token-file=FILE", tr("a port of this machine, as of a tunnel"));
    add("grpcs://HOST:PORT?ca=FILE", tr("another machine by TLS"));
    if (app::NodeAddress::parse("exec:true"))
        add("exec:kubectl exec -i POD -- gantryd --stdio", tr("a command that leads to it, as into a pod"));
    section->setExpanded(true);
}

void NodeDialog::filterChoices(const QString& typed)
{
    const QString wanted = typed.trimmed();
    for (int i = 0; i < m_choices->topLevelItemCount(); ++i) {
        QTreeWidgetItem* section = m_choices->topLevelItem(i);
        const bool isHelp = i == m_choices->topLevelItemCount() - 1;
        int shown = 0;
        for (int j = 0; j < section->childCount(); ++j) {
            QTreeWidgetItem* item = section->child(j);
            const bool fits =
                isHelp || item->text(0).contains(wanted, Qt::CaseInsensitive) || item->text(1).contains(wanted, Qt::CaseInsensitive);
            item->setHidden(!fits);
            shown += fits ? 1 : 0;
        }
        section->setHidden(shown == 0);
    }
}

void NodeDialog::pick(const QTreeWidgetItem* item)
{
    const QVariant address = item ? item->data(0, kAddressRole) : QVariant();
    if (address.isNull())
        return;
    const auto known =
        std::find_if(m_known.begin(), m_known.end(), [&](const NodeEntry& entry) { return entry.address == address.toString(); });
    if (known != m_known.end())
        return setEntry(*known);
    m_address->setText(address.toString());
}

void NodeDialog::refreshVerdict()
{
    const QString typed = m_address->text().trimmed();
    const Result<app::NodeAddress> address = app::NodeAddress::parse(typed.toStdString());
    const widgets::Theme& theme = widgets::Theme::forPalette(QApplication::palette());
    QPalette palette = m_verdict->palette();
    palette.setColor(QPalette::WindowText, address ? theme.weakText : theme.bad);
    m_verdict->setPalette(palette);
    m_verdict->setText(address ? meaningOf(*address, typed.isEmpty()) : gantry::desktop::describe(address.error()).sentence);
    m_ok->setEnabled(address.hasValue());
}

QString NodeDialog::verdict() const
{
    return m_verdict->text();
}

bool NodeDialog::isUsable() const
{
    return m_ok->isEnabled();
}

bool NodeDialog::eventFilter(QObject* watched, QEvent* event)
{
    if (watched == m_address && event->type() == QEvent::KeyPress && static_cast<QKeyEvent*>(event)->key() == Qt::Key_Down) {
        for (QTreeWidgetItem* item = m_choices->topLevelItem(0); item; item = m_choices->itemBelow(item)) {
            if (item->isHidden() || item->data(0, kAddressRole).isNull())
                continue;
            m_choices->setFocus();
            m_choices->setCurrentItem(item);
            return true;
        }
    }
    return QDialog::eventFilter(watched, event);
}

} // namespace gantry::desktop
