#pragma once

#include "remote_server/proto/node_types.h"

#include <QString>
#include <QWidget>

#include <vector>

class QLabel;
class QListWidget;
class QPlainTextEdit;
class QStackedWidget;

namespace gantry::desktop {

/// The text of a config.pbtxt to be edited, and under it what is wrong with it or, when nothing is, what the edit changes as a unified
/// diff. Knows no node: whoever reads the text tells what is wrong. UI thread.
class ModelConfigEditor : public QWidget
{
    Q_OBJECT

public:
    explicit ModelConfigEditor(QWidget* parent = nullptr);

    /// Begins anew with what is served, and with `draft` where an edit of it was begun before.
    void showConfig(const QString& served, const QString& draft);
    /// Nothing to edit, and why.
    void showNothing(const QString& reason);
    /// Another text is served now; the edit goes on against that.
    void setServed(const QString& served);
    /// What is wrong with text(); empty: nothing.
    void setProblems(const std::vector<proto::ConfigProblem>& problems);
    /// It could not be found out whether something is wrong.
    void setUnchecked(const QString& reason);
    void revert();

    [[nodiscard]] QString text() const;
    [[nodiscard]] bool isEdited() const;
    [[nodiscard]] QPlainTextEdit* edit() const { return m_edit; }
    [[nodiscard]] QListWidget* problems() const { return m_problems; }
    /// The diff in words of `diff -u`.
    [[nodiscard]] QString diff() const;

signals:
    /// The user changed the text.
    void edited();

protected:
    void changeEvent(QEvent* event) override;

private:
    void refreshBelow();
    void refreshDiff();
    void underlineProblems();
    void goTo(const proto::ConfigProblem& problem);

    QString m_served;
    QString m_unchecked; ///< why it is not known whether something is wrong
    std::vector<proto::ConfigProblem> m_found;
    QPlainTextEdit* m_edit;
    QLabel* m_heading; ///< of what is below
    QStackedWidget* m_below;
    QListWidget* m_problems;
    QPlainTextEdit* m_diff;
};

} // namespace gantry::desktop
