#include "app/desktop/theme.h"

#include <QApplication>
#include <QStyle>
#include <QStyleFactory>

namespace gantry::desktop {

namespace {

constexpr int kFusionOutline = 140; // percent by which Fusion darkens the window for an outline (QFusionStyle, Qt 6.4)

QColor fieldOutline(const widgets::Theme& theme)
{
    return theme.border.lighter(190);
}

} // namespace

void applyTheme(widgets::ColorScheme scheme)
{
    const widgets::Theme& theme = widgets::Theme::of(scheme);
    // Fusion takes its colours from the palette on every platform; native styles do not.
    if (QApplication::style()->name() != QLatin1String("fusion"))
        QApplication::setStyle(QStyleFactory::create(QStringLiteral("fusion")));
    QApplication::setPalette(theme.palette());
    // Fusion outlines in a darker shade of the window, which nobody sees in the dark. A style sheet would draw the arrows of these, too.
    QPalette outlined = theme.palette();
    if (scheme == widgets::ColorScheme::Dark)
        outlined.setColor(QPalette::Window, fieldOutline(theme).lighter(kFusionOutline));
    QApplication::setPalette(outlined, "QAbstractSpinBox");
    QPalette menus = theme.palette();
    if (scheme == widgets::ColorScheme::Dark) // it would be as dark as what it covers; popups of combo boxes are filled with its window
        for (const auto role : {QPalette::Base, QPalette::Window})
            menus.setColor(role, theme.button);
    QApplication::setPalette(menus, "QMenu");
    const QString border = theme.border.name();
    const QString outlines =
        scheme == widgets::ColorScheme::Light
            ? QString()
            : QStringLiteral("QLineEdit { border: 1px solid %1; border-radius: 2px; padding: 1px 2px; background: palette(base); }"
                             "QLineEdit:focus { border-color: %2; }"
                             "QComboBox QLineEdit, QAbstractSpinBox QLineEdit { border: none; padding: 0; }"
                             "QCheckBox::indicator:unchecked { border: 1px solid %1; border-radius: 2px; width: 11px; height: 11px; "
                             "background: palette(base); }")
                  .arg(fieldOutline(theme).name(), theme.accent.name());
    qApp->setStyleSheet(
        outlines +
        QStringLiteral("QToolTip { color: %1; background: %2; border: 1px solid %3; padding: 4px; }"
                       "QMainWindow::separator { background: %3; width: 1px; height: 1px; }"
                       "QToolBar { border: none; border-bottom: 1px solid %3; padding: 3px 6px; spacing: 4px; }"
                       "QWidget#captureStrip { background: %4; border-bottom: 1px solid %3; }"
                       "QWidget#trustStrip { border-top: 1px solid %3; }"
                       "QHeaderView::section { background: %5; color: %6; border: none; border-bottom: 1px solid %3; padding: 3px 6px; }"
                       // Above the text: beside it, it would cover the end of a right-aligned title.
                       "QHeaderView::up-arrow, QHeaderView::down-arrow { subcontrol-origin: border; subcontrol-position: top center; "
                       "width: 9px; height: 7px; }")
            .arg(theme.text.name(), theme.palette().color(QPalette::ToolTipBase).name(), border, theme.alternateBase.name(),
                 theme.window.name(), theme.weakText.name()));
}

} // namespace gantry::desktop
