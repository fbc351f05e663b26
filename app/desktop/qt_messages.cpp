#include "app/desktop/qt_messages.h"

#include <QString>
#include <QtGlobal>

#include <algorithm>
#include <array>
#include <cstdio>

namespace gantry::desktop {

namespace {

/// How such messages begin, in QPlatformWindow and QStandardPaths (Qt 6.4).
constexpr std::array<QLatin1StringView, 2> kSessionMessages = {QLatin1StringView("This plugin does not support "),
                                                               QLatin1StringView("QStandardPaths: XDG_RUNTIME_DIR not set")};

void printUnlessAboutTheSession(QtMsgType type, const QMessageLogContext& context, const QString& text)
{
    const bool isAboutTheSession =
        std::any_of(kSessionMessages.begin(), kSessionMessages.end(), [&](QLatin1StringView start) { return text.startsWith(start); });
    if (type == QtWarningMsg && isAboutTheSession)
        return;
    std::fprintf(stderr, "%s\n", qPrintable(qFormatLogMessage(type, context, text)));
}

} // namespace

void leaveOutSessionMessages()
{
    qInstallMessageHandler(printUnlessAboutTheSession);
}

} // namespace gantry::desktop
