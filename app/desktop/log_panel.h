#pragma once

#include "app/remote/log_filter.h"
#include "remote_server/proto/node_types.h"

#include <QTimer>
#include <QWidget>

#include <cstddef>
#include <deque>
#include <vector>

class QComboBox;
class QHBoxLayout;
class QLabel;
class QLineEdit;
class QPlainTextEdit;
class QToolButton;

namespace gantry::desktop {

/// The tail of a log, newest line last: levels have colours and can be left out, and a text is found and stepped through. Follows the end
/// unless the user scrolled up; keeps a bounded number of lines. UI thread.
class LogPanel : public QWidget
{
    Q_OBJECT

public:
    static constexpr std::size_t kMostLines = 5000;

    explicit LogPanel(QWidget* parent = nullptr);

    /// `dropped`: lines lost on the way to the window since the last call.
    void append(const std::vector<proto::LogLine>& lines, std::size_t dropped);
    void clear();
    /// What stands where no line is.
    void setPlaceholder(const QString& sentence);
    /// Puts a widget before the others of the bar above the lines.
    void addToBar(QWidget& widget);

    /// Lines below are left out; one that says no level is of the level of the line before it. Unknown: none.
    void setLeastLevel(proto::LogLevel least);
    [[nodiscard]] QString text() const;
    /// Goes to the next match below (1) or above (-1), and from the last to the first.
    void stepMatch(int direction);
    [[nodiscard]] QLineEdit& searchEdit() const { return *m_search; }
    /// "2 of 7", "no match".
    [[nodiscard]] QString matchText() const;

protected:
    void changeEvent(QEvent* event) override;

private:
    struct Line
    {
        QString text;
        proto::LogLevel level = proto::LogLevel::Unknown;
    };

    void buildBar();
    void add(Line line);
    void show(const Line& line);
    /// All lines anew: what is left out, or the colours, are others.
    void showAll();
    void refreshMatches();

    std::deque<Line> m_lines;
    app::LogFilter m_levels; ///< knows the level of a line that says none
    proto::LogLevel m_least = proto::LogLevel::Unknown;
    QPlainTextEdit* m_text;
    QHBoxLayout* m_bar;
    QComboBox* m_level;
    QLineEdit* m_search;
    QToolButton *m_previous, *m_next;
    QLabel* m_matches;
    QTimer m_matchTimer; ///< after lines that came
};

} // namespace gantry::desktop
