// Takes a picture of every view and state of the desktop in both themes: gantry_pictures FOLDER [SCENE…]

#include "app/desktop/qt_messages.h"
#include "scenes.h"

#include <QApplication>
#include <QDir>
#include <QFile>
#include <QTemporaryDir>

#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

namespace {

using namespace gantry;
using namespace gantry::desktop_test;

constexpr int kFailed = 1, kUsage = 64;

/// A screen that no window or menu is cut by. `folder` outlives the application.
void useLargeScreen(const QTemporaryDir& folder)
{
    const QString path = folder.filePath(QStringLiteral("screens.json"));
    QFile file(path);
    if (!file.open(QIODevice::WriteOnly))
        throw std::runtime_error("cannot write the description of the screen");
    file.write(R"({"screens":[{"name":"pictures","x":0,"y":0,"width":2600,"height":1500,"logicalDpi":96,"logicalBaseDpi":96,"dpr":1}]})");
    qputenv("QT_QPA_PLATFORM", "offscreen:configfile=" + path.toLocal8Bit());
}

/// Whether it could be played in both themes and saved.
bool take(const Scene& scene, const QDir& folder)
{
    using widgets::ColorScheme;
    try {
        for (const auto& [scheme, theme] : {std::pair(ColorScheme::Light, "light"), std::pair(ColorScheme::Dark, "dark")}) {
            Stage stage(scene.size, scheme, scene.source);
            scene.play(stage);
            const QString path = folder.absoluteFilePath(QString::fromStdString(scene.name + '-' + theme + ".png"));
            if (!stage.picture().save(path, "PNG"))
                throw std::runtime_error("cannot write " + path.toStdString());
            std::printf("%s\n", qPrintable(path));
            std::fflush(stdout);
        }
        return true;
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "gantry_pictures: %s: %s\n", scene.name.c_str(), failure.what());
        return false;
    }
}

int run(int argc, char** argv)
{
    const QTemporaryDir screen;
    useLargeScreen(screen);
    desktop::leaveOutSessionMessages();
    const QApplication application(argc, argv);
    const QStringList arguments = QApplication::arguments().mid(1);
    if (arguments.isEmpty()) {
        std::fputs("usage: gantry_pictures FOLDER [SCENE…]\n", stderr);
        return kUsage;
    }
    if (!QDir().mkpath(arguments.front()))
        throw std::runtime_error("cannot make " + arguments.front().toStdString());
    const QStringList wanted = arguments.mid(1);
    int taken = 0, failed = 0;
    for (const Scene& scene : allScenes()) {
        if (wanted.isEmpty() || wanted.contains(QString::fromStdString(scene.name)))
            ++(take(scene, QDir(arguments.front())) ? taken : failed);
    }
    std::printf("%d scenes in both themes, %d failed\n", taken, failed);
    if (taken + failed < wanted.size()) {
        std::fputs("gantry_pictures: not all of these scenes exist\n", stderr);
        return kUsage;
    }
    return failed == 0 ? 0 : kFailed;
}

} // namespace

int main(int argc, char** argv)
{
    try {
        return run(argc, argv);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "gantry_pictures: %s\n", failure.what());
        return kFailed;
    }
}
