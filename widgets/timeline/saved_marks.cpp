#include "widgets/timeline/saved_marks.h"

#include <QJsonObject>

#include <utility>

namespace gantry::widgets {

namespace {

const QString kStart = QStringLiteral("start_ns"), kEnd = QStringLiteral("end_ns"), kText = QStringLiteral("text"),
              kRow = QStringLiteral("row");
constexpr qsizetype kLongestRow = 4096; // of the key of a row: names of all that it is in

} // namespace

QJsonArray savedMarks(const trace::Trace& trace, const std::vector<TimelineMark>& marks)
{
    QJsonArray saved;
    for (const TimelineMark& mark : marks) {
        QJsonObject object{{kStart, static_cast<qint64>(mark.time.start - trace.time.start)},
                           {kEnd, static_cast<qint64>(mark.time.end - trace.time.start)},
                           {kText, mark.text}};
        if (!mark.row.empty())
            object[kRow] = QString::fromStdString(mark.row);
        saved.append(object);
    }
    return saved;
}

std::vector<TimelineMark> restoredMarks(const trace::Trace& trace, const QJsonArray& saved)
{
    std::vector<TimelineMark> marks;
    for (const QJsonValue& value : saved) {
        const QJsonObject object = value.toObject();
        TimeRange time{object[kStart].toInteger(), object[kEnd].toInteger()};
        constexpr qint64 kFurthest = qint64{1} << 59; // so that the start can be added
        const bool isTime = object[kStart].isDouble() && object[kEnd].isDouble() && time.start <= time.end && time.start > -kFurthest &&
                            time.end < kFurthest;
        const QString row = object[kRow].toString();
        if (!isTime || row.size() > kLongestRow)
            continue;
        time = {time.start + trace.time.start, time.end + trace.time.start};
        marks.push_back({time, object[kText].toString().left(kLongestMark), row.toStdString()});
    }
    return marks;
}

} // namespace gantry::widgets
