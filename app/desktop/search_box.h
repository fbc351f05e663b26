#pragma once

#include "app/desktop/filter_completion.h"

#include <QLineEdit>
#include <QTimer>

#include <memory>

class QCompleter;
class QStandardItemModel;

namespace gantry::desktop {

/// Where people type what to look for, with completion of the keys of filters and of what the report in front holds. UI thread.
class SearchBox : public QLineEdit
{
    Q_OBJECT

public:
    explicit SearchBox(QWidget* parent = nullptr);

    /// Completes with what is in this report; null: with keys alone.
    void setTrace(std::shared_ptr<const trace::Trace> trace);
    [[nodiscard]] const QCompleter& completions() const { return *m_completer; }

signals:
    /// The text has been left alone for a moment, or Return was pressed.
    void searchRequested(const QString& text);
    /// Return: to the first match.
    void stepRequested();

protected:
    void keyPressEvent(QKeyEvent* event) override;

private:
    void offerCompletions();
    void complete(const QModelIndex& index);

    std::shared_ptr<const trace::Trace> m_trace;
    std::unique_ptr<FilterWords> m_words; ///< of the trace; made when first needed
    CompletionList m_offered;
    QCompleter* m_completer;
    QStandardItemModel* m_model;
    QTimer m_settle;
};

} // namespace gantry::desktop
