#include "app/desktop/question_dialogs.h"

#include "app/cli/printable.h"
#include "app/desktop/secret_edit.h"
#include "app/desktop/text.h"
#include "widgets/theme/theme.h"

#include <QApplication>
#include <QCheckBox>
#include <QClipboard>
#include <QCoreApplication>
#include <QDialogButtonBox>
#include <QFontDatabase>
#include <QFormLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

#include <algorithm>
#include <utility>

namespace gantry::desktop {

namespace {

constexpr int kWidth = 500, kLeastWidth = 300; // px

struct Words
{
    Q_DECLARE_TR_FUNCTIONS(QuestionDialogs)
};

/// What a host or a file says is text, whatever it looks like.
QString plain(const std::string& text)
{
    return toQString(cli::printable(text));
}

/// The same of several lines.
QString plainLines(const std::string& text)
{
    QStringList lines;
    for (const QString& line : toQString(text).split(QLatin1Char('\n')))
        lines << plain(line.trimmed().toStdString());
    return lines.join(QLatin1Char('\n')).trimmed();
}

QLabel* paragraph(const QString& text, QWidget* parent)
{
    auto* label = new QLabel(text, parent);
    label->setTextFormat(Qt::PlainText);
    label->setWordWrap(true);
    label->setTextInteractionFlags(Qt::TextSelectableByMouse);
    return label;
}

QLabel* heading(const QString& text, QWidget* parent)
{
    QLabel* label = paragraph(text, parent);
    QFont font = label->font();
    font.setBold(true);
    font.setPointSizeF(font.pointSizeF() * 1.15);
    label->setFont(font);
    label->setObjectName(QStringLiteral("questionHeading"));
    return label;
}

/// As wide as the window leaves room for; the height follows from what is in it.
void fit(QDialog& dialog)
{
    const int room = dialog.parentWidget() ? dialog.parentWidget()->width() - 40 : kWidth;
    const int width = std::clamp(room, kLeastWidth, kWidth);
    dialog.setFixedWidth(width);
    dialog.layout()->activate();
    dialog.resize(width, dialog.layout()->totalHeightForWidth(width));
}

QDialog* makeHostKeyDialog(const app::HostKeyQuestion& asked, std::shared_ptr<PersonQuestion> question, QWidget* parent)
{
    auto* dialog = new QDialog(parent);
    dialog->setWindowTitle(Words::tr("Key of a host"));
    auto* column = new QVBoxLayout(dialog);
    column->addWidget(heading(Words::tr("Is this really %1?").arg(plain(asked.host)), dialog));
    column->addWidget(paragraph(Words::tr("This host was not seen before: no key of it is known."), dialog));

    auto* form = new QFormLayout;
    form->setRowWrapPolicy(QFormLayout::WrapLongRows);
    form->setFieldGrowthPolicy(QFormLayout::AllNonFixedFieldsGrow);
    form->addRow(Words::tr("Host"), paragraph(plain(asked.name), dialog));
    form->addRow(Words::tr("Key"), paragraph(plain(asked.keyType), dialog));
    // Wraps at any letter: a fingerprint has no blanks.
    QString shown = plain(asked.fingerprint);
    QLabel* fingerprint = paragraph(shown, dialog);
    fingerprint->setFont(QFontDatabase::systemFont(QFontDatabase::FixedFont));
    fingerprint->setObjectName(QStringLiteral("fingerprint"));
    fingerprint->setWordWrap(false);
    auto* copy = new QToolButton(dialog);
    copy->setText(Words::tr("Copy"));
    copy->setAutoRaise(true);
    QObject::connect(copy, &QToolButton::clicked, dialog, [shown] { QApplication::clipboard()->setText(shown); });
    auto* line = new QHBoxLayout;
    line->addWidget(fingerprint);
    line->addWidget(copy);
    line->addStretch(1);
    form->addRow(Words::tr("Fingerprint"), line);
    column->addLayout(form);

    if (asked.hasAuthority)
        column->addWidget(paragraph(
            Words::tr("An authority is known for this host, but Gantry cannot check the certificates of hosts: compare the key itself."),
            dialog));
    column->addWidget(
        paragraph(Words::tr("Compare the fingerprint with the one that the host's owner gives, or that ssh-keygen -lf prints there of "
                            "a key in /etc/ssh. If it is another one, somebody may be listening in."),
                  dialog));
    QLabel* kept =
        paragraph(Words::tr("A key that is right is kept in %1 and not asked about again.").arg(pathText(asked.knownHostsFile)), dialog);
    kept->setForegroundRole(QPalette::PlaceholderText);
    column->addWidget(kept);
    column->addStretch(1);

    auto* buttons = new QDialogButtonBox(dialog);
    QPushButton* accept = buttons->addButton(Words::tr("It is right, connect"), QDialogButtonBox::AcceptRole);
    QPushButton* refuse = buttons->addButton(Words::tr("Do not connect"), QDialogButtonBox::RejectRole);
    accept->setObjectName(QStringLiteral("acceptKey"));
    accept->setAutoDefault(false); // not by a Return that was meant for something else
    refuse->setDefault(true);
    QObject::connect(buttons, &QDialogButtonBox::accepted, dialog, &QDialog::accept);
    QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    QObject::connect(dialog, &QDialog::finished, dialog,
                     [question = std::move(question)](int how) { question->acceptKey(how == QDialog::Accepted); });
    column->addWidget(buttons);
    refuse->setFocus();
    fit(*dialog);
    return dialog;
}

struct SecretWords
{
    QString title, heading, text, field;
};

SecretWords wordsOf(const app::SecretQuestion& asked)
{
    const QString host = plain(asked.host), user = plain(asked.user);
    switch (asked.kind) {
    case app::SecretQuestion::Kind::Passphrase:
        return {
            Words::tr("Passphrase"), Words::tr("Passphrase of %1").arg(plain(asked.file)),
            Words::tr("%1 wants this key. Its passphrase stays in memory until you disconnect; an ssh-agent keeps it longer.").arg(host),
            Words::tr("Passphrase")};
    case app::SecretQuestion::Kind::Password:
        return {Words::tr("Password"), Words::tr("Password of %1 at %2").arg(user, host),
                Words::tr("It stays in memory until you disconnect. With a key (ssh-copy-id) nobody is asked."), Words::tr("Password")};
    case app::SecretQuestion::Kind::Interactive:
        break;
    }
    const QString prompt = plainLines(asked.prompt);
    return {Words::tr("Question of a host"), Words::tr("%1 asks %2").arg(host, user), plainLines(asked.instruction),
            prompt.isEmpty() ? Words::tr("Answer") : prompt};
}

QDialog* makeSecretDialog(const app::SecretQuestion& asked, std::shared_ptr<PersonQuestion> question, QWidget* parent, OnKeep onKeep)
{
    const SecretWords words = wordsOf(asked);
    auto* dialog = new QDialog(parent);
    dialog->setWindowTitle(words.title);
    auto* column = new QVBoxLayout(dialog);
    column->addWidget(heading(words.heading, dialog));
    if (asked.attempt > 1) {
        QLabel* wrong = paragraph(Words::tr("That was not right. Once more:"), dialog);
        wrong->setObjectName(QStringLiteral("wrong"));
        QPalette palette = wrong->palette();
        palette.setColor(QPalette::WindowText, widgets::Theme::forPalette(QApplication::palette()).bad);
        wrong->setPalette(palette);
        column->addWidget(wrong);
    }
    if (!words.text.isEmpty())
        column->addWidget(paragraph(words.text, dialog));
    QLabel* field = paragraph(words.field, dialog);
    const bool isShown = asked.kind == app::SecretQuestion::Kind::Interactive && asked.isShown;
    QLineEdit* edit = isShown ? new QLineEdit(dialog) : new SecretEdit(dialog);
    edit->setObjectName(QStringLiteral("answer"));
    edit->setAccessibleName(words.field);
    field->setBuddy(edit);
    column->addSpacing(4);
    column->addWidget(field);
    column->addWidget(edit);
    QCheckBox* keep = nullptr;
    if (onKeep) {
        keep = new QCheckBox(Words::tr("&Keep in the keyring of this desktop"), dialog);
        keep->setObjectName(QStringLiteral("keepSecret"));
        keep->setToolTip(Words::tr("It is answered from there the next time, and forgotten when it is wrong"));
        column->addWidget(keep);
    }
    column->addStretch(1);

    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel, dialog);
    buttons->addButton(Words::tr("Continue"), QDialogButtonBox::AcceptRole)->setDefault(true);
    QObject::connect(buttons, &QDialogButtonBox::accepted, dialog, &QDialog::accept);
    QObject::connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    QObject::connect(dialog, &QDialog::finished, dialog, [edit, keep, onKeep = std::move(onKeep), question = std::move(question)](int how) {
        auto* hidden = qobject_cast<SecretEdit*>(edit);
        app::Secret secret = hidden ? hidden->take() : app::Secret(edit->text().toStdString());
        if (how != QDialog::Accepted)
            return question->giveUp();
        if (keep && keep->isChecked())
            onKeep(secret);
        question->answer(std::move(secret));
    });
    column->addWidget(buttons);
    edit->setFocus();
    fit(*dialog);
    return dialog;
}

} // namespace

QDialog* makeQuestionDialog(std::shared_ptr<PersonQuestion> question, QWidget* parent, OnKeep onKeep)
{
    if (const auto* key = std::get_if<app::HostKeyQuestion>(&question->what()))
        return makeHostKeyDialog(*key, question, parent);
    return makeSecretDialog(std::get<app::SecretQuestion>(question->what()), question, parent, std::move(onKeep));
}

} // namespace gantry::desktop
