#pragma once

#include "widgets/tables/filter_completion.h"

#include <QLineEdit>
#include <QTimer>

#include <memory>

class QCompleter;
class QStandardItemModel;

namespace gantry::widgets {

/// What can be typed into a filter, as rich text: keys, operators and what they mean.
[[nodiscard]] QString filterHelp();

/// A field for filters of events, with completion of their keys and of what a report holds. UI thread.
class FilterEdit : public QLineEdit
{
    Q_OBJECT

public:
    explicit FilterEdit(QWidget* parent = nullptr);

    /// Completes with what is in this report; null: with keys alone.
    void setTrace(std::shared_ptr<const trace::Trace> trace);
    [[nodiscard]] const QCompleter& completions() const { return *m_completer; }

signals:
    /// The text has been left alone for a moment, or Return was pressed.
    void textSettled(const QString& text);

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

} // namespace gantry::widgets
