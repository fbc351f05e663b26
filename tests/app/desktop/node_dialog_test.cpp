#include "app/desktop/node_dialog.h"
#include "app/jobs/job_runner.h"
#include "tests/support/temporary_folder.h"

#include <QComboBox>
#include <QLineEdit>
#include <QPushButton>
#include <QTest>
#include <QTreeWidget>

#include <fstream>

using namespace gantry;
using namespace gantry::desktop;

class NodeDialogTest : public QObject
{
    Q_OBJECT

private slots:
    void saysWhatAnAddressMeansOrWhatIsWrongWithItAsItIsTyped()
    {
        NodeDialog dialog(NodeDialog::Purpose::Add, {}, {}, m_runner);
        QVERIFY2(dialog.isUsable() && dialog.verdict().contains(QStringLiteral("this machine")), qPrintable(dialog.verdict()));
        type(dialog, QStringLiteral("gpu-07"));
        QVERIFY2(dialog.isUsable() && dialog.verdict().startsWith(QStringLiteral("Over SSH to gpu-07")), qPrintable(dialog.verdict()));
        type(dialog, QStringLiteral("grpc://gpu-07:8800"));
        QVERIFY(!dialog.isUsable());
        QVERIFY2(dialog.verdict().contains(QStringLiteral("use ssh://gpu-07, or grpcs:// with ca=FILE")), qPrintable(dialog.verdict()));
        QTest::keyClick(&dialog, Qt::Key_Return);
        QVERIFY(dialog.result() != QDialog::Accepted);
        type(dialog, QStringLiteral("  unix:/run/gantryd.sock "));
        QVERIFY(dialog.isUsable());
        QCOMPARE(dialog.entry().address, QStringLiteral("unix:/run/gantryd.sock"));
    }

    void offersWhatIsKnownAndTheHostsOfTheConfigurationAndFiltersAsOneTypes()
    {
        const test::TemporaryFolder folder;
        std::ofstream(folder / "config") << "Host gpu-07 gpu-08\n User me\nHost *.example\n";
        app::SshConfigPlaces places;
        places.userFile = folder / "config";
        NodeDialog dialog(NodeDialog::Purpose::Add,
                          {{QStringLiteral("ssh://h200"), QStringLiteral("big one"), {}, {QStringLiteral("lab")}}},
                          {QStringLiteral("ssh://old"), QStringLiteral("ssh://h200")}, m_runner);
        dialog.offerHostsOf(places);
        QTRY_VERIFY(choices(dialog).contains(QStringLiteral("gpu-08")));
        QCOMPARE(choices(dialog).mid(0, 4), (QStringList{QStringLiteral("ssh://old"), QStringLiteral("ssh://h200"),
                                                         QStringLiteral("gpu-07"), QStringLiteral("gpu-08")}));
        type(dialog, QStringLiteral("08"));
        QCOMPARE(choices(dialog).front(), QStringLiteral("gpu-08"));
        type(dialog, QStringLiteral("LAB")); // a tag
        QCOMPARE(choices(dialog).front(), QStringLiteral("ssh://h200"));
        QTest::keyClick(dialog.findChild<QLineEdit*>(QStringLiteral("nodeAddress")), Qt::Key_Down);
        QCOMPARE(dialog.entry(), (NodeEntry{QStringLiteral("ssh://h200"), QStringLiteral("big one"), {}, {QStringLiteral("lab")}}));
    }

    void nameGroupAndTagsAreKeptInTheSettings()
    {
        const test::TemporaryFolder folder;
        const QString file = QString::fromStdString((folder / "gantry.ini").string());
        NodeDialog dialog(NodeDialog::Purpose::Add, {}, {}, m_runner);
        type(dialog, QStringLiteral("gpu-07"));
        dialog.findChild<QLineEdit*>(QStringLiteral("nodeName"))->setText(QStringLiteral("Trainer"));
        dialog.findChild<QComboBox*>(QStringLiteral("nodeGroup"))->setCurrentText(QStringLiteral("cluster a"));
        dialog.findChild<QLineEdit*>(QStringLiteral("nodeTags"))->setText(QStringLiteral("h100, staging,h100, "));
        const NodeEntry entry = dialog.entry();
        QCOMPARE(entry.tags, (QStringList{QStringLiteral("h100"), QStringLiteral("staging")}));
        {
            Settings settings({}, file);
            settings.setNodeEntry(entry);
            settings.setNodeEntry({QStringLiteral("a"), QStringLiteral("x"), {}, {}});
            settings.setNodeEntry({QStringLiteral("a"), {}, {}, {}});
        }
        const Settings settings({}, file);
        QCOMPARE(settings.nodeEntries(), std::vector{entry});
        QCOMPARE(settings.nodeEntry(QStringLiteral("b")), (NodeEntry{QStringLiteral("b"), {}, {}, {}}));
    }

private:
    static void type(NodeDialog& dialog, const QString& text)
    {
        auto* line = dialog.findChild<QLineEdit*>(QStringLiteral("nodeAddress"));
        line->clear();
        QTest::keyClicks(line, text);
    }
    static QStringList choices(const NodeDialog& dialog)
    {
        QStringList shown;
        const auto* tree = dialog.findChild<QTreeWidget*>();
        for (int i = 0; i < tree->topLevelItemCount(); ++i)
            for (int j = 0; j < tree->topLevelItem(i)->childCount(); ++j)
                if (!tree->topLevelItem(i)->isHidden() && !tree->topLevelItem(i)->child(j)->isHidden())
                    shown << tree->topLevelItem(i)->child(j)->text(0);
        return shown;
    }

    jobs::JobRunner m_runner{1};
};

QTEST_MAIN(NodeDialogTest)
#include "node_dialog_test.moc"
