#pragma once

#include <QColor>
#include <QString>
#include <QWidget>

#include <map>
#include <vector>

namespace gantry::widgets {

/// One curve as the head of its plot names it.
struct LegendEntry
{
    QString name, value;
    QColor color;      ///< of the curve
    QColor valueColor; ///< invalid: that of text
};

/// Title of a plot and behind it the names and newest values of its curves, in as few lines as they need and kMostLines at most; what has
/// no room is counted. UI thread.
class PlotHead : public QWidget
{
    Q_OBJECT

public:
    static constexpr int kMostLines = 2;

    explicit PlotHead(QWidget* parent = nullptr);

    /// `help`: said under the mouse.
    void setTitle(const QString& title, const QString& help);
    [[nodiscard]] QString title() const { return m_title; }
    /// `whenEmpty` stands in the place of entries where there are none; `toolTip`: all of them.
    void setEntries(std::vector<LegendEntry> entries, const QString& whenEmpty, const QString& toolTip);
    /// Title and entries as they are shown, those without room too.
    [[nodiscard]] QString text() const;
    /// Entries that a head of this width has no room for.
    [[nodiscard]] int hidden(int width) const;

    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;
    [[nodiscard]] bool hasHeightForWidth() const override { return true; }
    [[nodiscard]] int heightForWidth(int width) const override;

signals:
    /// The title was clicked twice.
    void activated();

protected:
    bool event(QEvent* event) override;
    void paintEvent(QPaintEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;

private:
    struct Place
    {
        int x = 0, line = 0, width = 0;
    };
    struct Arrangement
    {
        int titleWidth = 0;
        std::vector<Place> places; ///< of the first entries
        int lines = 1;
        int moreX = 0; ///< where it says how many are left
    };

    [[nodiscard]] QFont titleFont() const;
    [[nodiscard]] int lineHeight() const;
    [[nodiscard]] int widthOf(const LegendEntry& entry) const;
    [[nodiscard]] int nameWidth(const LegendEntry& entry) const;
    [[nodiscard]] Arrangement arranged(int width) const;
    void paintEntry(class QPainter& painter, const LegendEntry& entry, const Place& place) const;

    QString m_title, m_help, m_whenEmpty, m_toolTip;
    std::vector<LegendEntry> m_entries;
    mutable std::map<QString, int> m_nameWidths;
};

} // namespace gantry::widgets
