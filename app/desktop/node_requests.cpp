#include "app/desktop/node_requests.h"

#include "app/desktop/node_controller.h"
#include "app/desktop/text.h"

#include <QMessageBox>
#include <QPushButton>

#include <functional>
#include <utility>

namespace gantry::desktop {

namespace {

struct Words
{
    Q_DECLARE_TR_FUNCTIONS(gantry::desktop::NodeRequests)
};

struct Question
{
    QString title, sentence, besides;
    QString confirm; ///< of the button
    QMessageBox::ButtonRole role = QMessageBox::DestructiveRole;
};

void ask(NodeController& node, const Question& question, QWidget& window, std::function<void()> onConfirmed)
{
    auto* box = new QMessageBox(QMessageBox::Question, question.title, question.sentence, QMessageBox::Cancel, &window);
    box->setInformativeText(question.besides);
    box->setTextFormat(Qt::PlainText);
    box->setAttribute(Qt::WA_DeleteOnClose);
    QPushButton* confirm = box->addButton(question.confirm, question.role);
    QObject::connect(confirm, &QAbstractButton::clicked, &node, std::move(onConfirmed));
    box->open();
}

QString nameOf(const NodeController& node, const QString& targetId)
{
    const proto::Target* target = node.target(targetId.toStdString());
    return target ? toQString(target->name) : targetId;
}

} // namespace

void askToDeleteReport(NodeController& node, const QString& reportName, QWidget& window)
{
    ask(node,
        {Words::tr("Delete report"), Words::tr("Delete %1 on %2?").arg(reportName, node.title()),
         Words::tr("Copies that were fetched to this machine stay."), Words::tr("Delete")},
        window, [&node, reportName] { node.deleteReport(reportName.toStdString()); });
}

void askToStopTarget(NodeController& node, const QString& targetId, QWidget& window)
{
    ask(node,
        {Words::tr("Stop server"), Words::tr("Stop %1 on %2?").arg(nameOf(node, targetId), node.title()),
         Words::tr("Its clients lose their connections."), Words::tr("Stop")},
        window, [&node, targetId] { node.stopTarget(targetId.toStdString()); });
}

void askToRestartTarget(NodeController& node, const QString& targetId, QWidget& window)
{
    const proto::Target* target = node.target(targetId.toStdString());
    const bool isRunning = target && target->state == proto::TargetState::Running;
    ask(node,
        {Words::tr("Start server again"), Words::tr("Start %1 on %2 again, as it was launched?").arg(nameOf(node, targetId), node.title()),
         isRunning ? Words::tr("It is stopped first: its clients lose their connections.") : Words::tr("It does not run now."),
         Words::tr("Start again"), QMessageBox::AcceptRole},
        window, [&node, targetId] { node.restartTarget(targetId.toStdString()); });
}

} // namespace gantry::desktop
