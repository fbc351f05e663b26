#include "widgets/timeline/mark_painter.h"
#include "widgets/timeline/saved_marks.h"
#include "widgets/timeline/timeline_widget.h"

#include <QLineEdit>

#include <algorithm>
#include <utility>

// The marks that a user puts on a timeline.

namespace gantry::widgets {

using trace::TrackId;

namespace {

constexpr int kEditWidth = 180;        // px
constexpr DurationNs kMarkMargin = 20; // a range is shown with a twentieth of its length on both sides

bool isEarlier(const TimelineMark& a, const TimelineMark& b)
{
    return a.time.start < b.time.start;
}

} // namespace

void TimelineWidget::setMarks(std::vector<TimelineMark> marks)
{
    std::stable_sort(marks.begin(), marks.end(), isEarlier);
    m_state.marks = std::move(marks);
    m_currentMark.reset();
    placeMarks();
    redraw(); // the ruler leaves room for flags
    emit marksChanged();
}

void TimelineWidget::placeMarks()
{
    m_state.markRows.assign(m_state.marks.size(), TrackId());
    const auto isBound = [](const TimelineMark& mark) { return !mark.row.empty(); };
    if (!m_state.trace || std::none_of(m_state.marks.begin(), m_state.marks.end(), isBound))
        return;
    const std::vector<std::string> keys = trackKeys(*m_state.trace);
    for (std::size_t i = 0; i < m_state.marks.size(); ++i)
        if (isBound(m_state.marks[i]))
            if (const auto key = std::find(keys.begin(), keys.end(), m_state.marks[i].row); key != keys.end())
                m_state.markRows[i] = TrackId(static_cast<std::uint32_t>(key - keys.begin()));
}

void TimelineWidget::addMark()
{
    if (!m_state.trace || m_state.trace->tracks.empty())
        return;
    const TimestampNs middle = m_state.view.start + m_state.view.duration() / 2;
    const TimestampNs at = m_state.cursor.value_or(middle);
    TimelineMark mark{m_state.measure.value_or(TimeRange{at, at}), tr("Mark %1").arg(m_state.marks.size() + 1), {}};
    if (!m_rowUnderMouse.isNone())
        mark.row = trackKeys(*m_state.trace)[m_rowUnderMouse.value];
    endMeasure();
    const auto place = std::upper_bound(m_state.marks.begin(), m_state.marks.end(), mark, isEarlier);
    m_currentMark = static_cast<std::size_t>(place - m_state.marks.begin());
    m_state.marks.insert(place, mark);
    placeMarks();
    redraw();
    emit marksChanged();
    editMark(*m_currentMark);
}

void TimelineWidget::editMark(std::size_t index)
{
    if (index >= m_state.marks.size())
        return;
    m_currentMark = index;
    auto* field = new QLineEdit(m_state.marks[index].text, viewport());
    field->setObjectName(QStringLiteral("markText"));
    field->setAccessibleName(tr("Text of the mark"));
    field->setMaxLength(kLongestMark);
    const QRect ruler = m_state.geometry.ruler(), flag = markFlags(m_state, TimelineFonts(font()).small)[index];
    const int left = std::clamp(flag.left(), ruler.left(), std::max(ruler.left(), ruler.right() - kEditWidth));
    field->setGeometry(left, ruler.top(), std::min(kEditWidth, ruler.width()), ruler.height());
    field->selectAll();
    field->show();
    field->setFocus();
    // Enter and a click elsewhere keep what was typed, Esc does not.
    connect(field, &QLineEdit::editingFinished, this, [this, field, time = m_state.marks[index].time] {
        field->disconnect(this);
        field->deleteLater();
        if (const QString text = field->text().simplified(); !text.isEmpty())
            for (TimelineMark& mark : m_state.marks)
                if (mark.time == time)
                    mark.text = text;
        setFocus();
        redraw();
        emit marksChanged();
    });
    field->installEventFilter(this);
}

void TimelineWidget::goToMark(std::size_t index)
{
    if (index >= m_state.marks.size())
        return;
    m_currentMark = index;
    const TimeRange time = m_state.marks[index].time;
    const DurationNs margin = time.isEmpty() ? m_state.view.duration() / 2 : time.duration() / kMarkMargin;
    setVisibleRange({time.start - margin, time.end + margin});
    if (const TrackId track = m_state.markRows[index]; !track.isNone()) {
        showRowOf(track);
        if (const TimelineRow* row = m_state.layout.rowOf(track))
            bringIntoView(*row, row->y, row->height);
    }
}

void TimelineWidget::stepMark(int direction)
{
    if (m_state.marks.empty())
        return;
    const std::size_t count = m_state.marks.size();
    if (m_currentMark)
        return goToMark((*m_currentMark + count + static_cast<std::size_t>(static_cast<int>(count) + direction)) % count);
    const auto next = std::upper_bound(m_state.marks.begin(), m_state.marks.end(), TimelineMark{m_state.view, {}, {}}, isEarlier);
    const auto index = static_cast<std::size_t>(next - m_state.marks.begin()) % count;
    goToMark(direction > 0 ? index : (index + count - 1) % count);
}

void TimelineWidget::removeMark()
{
    if (!m_currentMark || *m_currentMark >= m_state.marks.size())
        return;
    m_state.marks.erase(m_state.marks.begin() + static_cast<std::ptrdiff_t>(*m_currentMark));
    m_currentMark.reset();
    placeMarks();
    redraw();
    emit marksChanged();
}

std::optional<std::size_t> TimelineWidget::markAt(QPoint point) const
{
    const std::vector<QRect> flags = markFlags(m_state, TimelineFonts(font()).small);
    const auto flag = std::find_if(flags.begin(), flags.end(), [point](const QRect& each) { return each.contains(point); });
    return flag == flags.end() ? std::nullopt : std::optional(static_cast<std::size_t>(flag - flags.begin()));
}

bool TimelineWidget::pressMark(QPoint point)
{
    const auto mark = markAt(point);
    if (mark)
        m_currentMark = mark;
    return mark.has_value();
}

} // namespace gantry::widgets
