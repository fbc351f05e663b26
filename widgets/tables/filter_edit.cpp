#include "widgets/tables/filter_edit.h"

#include "trace_model/analysis/event_filter.h"
#include "widgets/theme/format.h"

#include <QAbstractItemView>
#include <QCompleter>
#include <QKeyEvent>
#include <QStandardItemModel>

#include <algorithm>

namespace gantry::widgets {
namespace {

constexpr int kSettleMs = 120;    // letters of one word come faster
constexpr int kWidestPopup = 560; // px: a demangled name has no end
constexpr int kPopupPadding = 40; // px: frame, margins and a scroll bar

} // namespace

QString filterHelp()
{
    QString rows;
    for (const analysis::FilterKeyInfo& key : analysis::filterKeys())
        rows += QStringLiteral("<tr><td><code>%1</code>&nbsp;&nbsp;</td><td>%2</td></tr>")
                    .arg(toQString(key.example).toHtmlEscaped(), toQString(key.help).toHtmlEscaped());
    return QStringLiteral("<table>%1</table>").arg(rows);
}

FilterEdit::FilterEdit(QWidget* parent) : QLineEdit(parent), m_completer(new QCompleter(this)), m_model(new QStandardItemModel(this))
{
    setClearButtonEnabled(true);
    m_completer->setModel(m_model);
    m_completer->setCompletionMode(QCompleter::UnfilteredPopupCompletion);
    m_completer->setWidget(this); // not setCompleter(): that one completes the whole text
    m_settle.setSingleShot(true);
    m_settle.setInterval(kSettleMs);
    connect(&m_settle, &QTimer::timeout, this, [this] { emit textSettled(text()); });
    connect(this, &QLineEdit::textEdited, this, [this] {
        m_settle.start();
        offerCompletions();
    });
    connect(this, &QLineEdit::returnPressed, this, [this] {
        m_settle.stop();
        emit textSettled(text());
    });
    connect(m_completer, qOverload<const QModelIndex&>(&QCompleter::activated), this, &FilterEdit::complete);
}

void FilterEdit::setTrace(std::shared_ptr<const trace::Trace> trace)
{
    if (trace == m_trace)
        return;
    m_trace = std::move(trace);
    m_words.reset();
    m_completer->popup()->hide();
}

void FilterEdit::offerCompletions()
{
    if (!m_words)
        m_words = m_trace ? std::make_unique<FilterWords>(*m_trace) : std::make_unique<FilterWords>();
    m_offered = m_words->at(text(), cursorPosition());
    m_model->clear();
    int widest = width();
    for (const Completion& option : m_offered.options) {
        m_model->appendRow(new QStandardItem(option.shown));
        widest = std::max(widest, fontMetrics().horizontalAdvance(option.shown) + kPopupPadding);
    }
    if (m_offered.options.empty())
        return m_completer->popup()->hide();
    QAbstractItemView& popup = *m_completer->popup();
    popup.setTextElideMode(Qt::ElideMiddle); // kernels differ at their ends
    m_completer->complete(QRect(0, 0, std::min(widest, std::max(width(), kWidestPopup)), height()));
    popup.setCurrentIndex({}); // Return looks for what is typed
}

void FilterEdit::complete(const QModelIndex& index)
{
    const auto row = static_cast<std::size_t>(index.row());
    if (row >= m_offered.options.size())
        return;
    const QString option = m_offered.options[row].text;
    setSelection(static_cast<int>(m_offered.start), static_cast<int>(m_offered.length));
    insert(option); // as typed: it can be undone
    m_settle.start();
}

void FilterEdit::keyPressEvent(QKeyEvent* event)
{
    QAbstractItemView& popup = *m_completer->popup();
    if (popup.isVisible()) {
        const bool isReturn = event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter;
        if ((isReturn || event->key() == Qt::Key_Tab) && popup.currentIndex().isValid())
            return event->ignore(); // the completer takes the option
        if (isReturn)
            popup.hide();
    }
    QLineEdit::keyPressEvent(event);
}

} // namespace gantry::widgets
