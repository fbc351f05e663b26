#include "widgets/findings/findings_model.h"

#include "trace_model/analysis/findings/words.h"
#include "widgets/theme/format.h"
#include "widgets/theme/theme.h"

#include <QGuiApplication>
#include <QPainter>
#include <QPalette>
#include <QPixmap>

#include <utility>

namespace gantry::widgets {
namespace {

/// A shape for each severity, so that nobody needs the colour.
QPixmap severityPixmap(findings::Severity severity)
{
    constexpr int kSize = 10;
    const Theme& theme = Theme::forPalette(QGuiApplication::palette());
    const qreal ratio = qGuiApp->devicePixelRatio();
    QPixmap pixmap(QSize(kSize, kSize) * ratio);
    pixmap.setDevicePixelRatio(ratio);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    switch (severity) {
    case findings::Severity::Problem:
        painter.setBrush(theme.bad);
        painter.drawRect(QRectF(1, 1, kSize - 2, kSize - 2));
        break;
    case findings::Severity::Advice:
        painter.setBrush(theme.warning);
        painter.drawPolygon(QPolygonF({QPointF(kSize / 2.0, 0.5), QPointF(kSize - 0.5, kSize - 1), QPointF(0.5, kSize - 1)}));
        break;
    case findings::Severity::Note:
        painter.setBrush(theme.weakText);
        painter.drawEllipse(QRectF(1, 1, kSize - 2, kSize - 2));
        break;
    }
    return pixmap;
}

QString shareText(const findings::Finding& finding)
{
    return finding.share ? toQString(findings::percent(*finding.share)) : QString();
}

} // namespace

QString severityText(findings::Severity severity)
{
    switch (severity) {
    case findings::Severity::Problem:
        return FindingsModel::tr("Problem");
    case findings::Severity::Advice:
        return FindingsModel::tr("Advice");
    case findings::Severity::Note:
        break;
    }
    return FindingsModel::tr("Note");
}

FindingsModel::FindingsModel(QObject* parent) : QAbstractTableModel(parent) {}

void FindingsModel::setDiagnosis(std::shared_ptr<const findings::Diagnosis> diagnosis)
{
    beginResetModel();
    m_diagnosis = std::move(diagnosis);
    endResetModel();
}

int FindingsModel::rowCount(const QModelIndex& parent) const
{
    return parent.isValid() || !m_diagnosis ? 0 : static_cast<int>(m_diagnosis->findings.size());
}

int FindingsModel::columnCount(const QModelIndex& parent) const
{
    return parent.isValid() ? 0 : ColumnCount;
}

QVariant FindingsModel::data(const QModelIndex& index, int role) const
{
    if (!index.isValid() || index.row() >= rowCount())
        return {};
    const findings::Finding& found = finding(index.row());
    if (role == Qt::ToolTipRole && index.column() == Share && found.share)
        return tr("%1 %2").arg(shareText(found), toQString(findings::text(found.shareOf)));
    if (role == Qt::ToolTipRole)
        return toQString(found.sentence);
    if (role == Qt::DecorationRole && index.column() == Severity)
        return severityPixmap(found.severity);
    if (role == Qt::TextAlignmentRole && index.column() == Share)
        return QVariant(Qt::AlignRight | Qt::AlignVCenter);
    if (role != Qt::DisplayRole)
        return {};
    switch (index.column()) {
    case Severity:
        return severityText(found.severity);
    case Share:
        return shareText(found);
    default:
        return toQString(found.sentence);
    }
}

QVariant FindingsModel::headerData(int section, Qt::Orientation orientation, int role) const
{
    if (orientation != Qt::Horizontal)
        return {};
    if (role == Qt::TextAlignmentRole)
        return QVariant((section == Share ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    if (role == Qt::ToolTipRole && section == Share)
        return tr("How much time it is about: of the window, of the requests' time or of the GPU's work, as its row says");
    if (role != Qt::DisplayRole)
        return {};
    switch (section) {
    case Severity:
        return tr("Severity");
    case Share:
        return tr("Share");
    default:
        return tr("Finding");
    }
}

} // namespace gantry::widgets
