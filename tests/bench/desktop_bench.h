#pragma once

#include <QApplication>

#include <benchmark/benchmark.h>

namespace gantry::bench {

/// The main() of a benchmark that draws: takes Google Benchmark's arguments and runs what is registered in an application, without a
/// display unless one is asked for. Returns the exit status.
[[nodiscard]] inline int runWithApplication(int argc, char** argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv))
        return 64;
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    const QApplication application(argc, argv);
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}

} // namespace gantry::bench
