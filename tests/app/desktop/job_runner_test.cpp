#include "app/jobs/job_runner.h"
#include "app/jobs/job_slot.h"

#include <QTest>
#include <QThread>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <filesystem>
#include <iterator>
#include <memory>
#include <mutex>
#include <semaphore>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include <sys/resource.h>
#include <unistd.h>

using namespace gantry;
using namespace std::chrono_literals;

namespace {

/// Blocks the calling worker until the job is asked to stop.
void waitForStop(const std::stop_token& stop)
{
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    wake.wait(lock, stop, [] { return false; });
}

} // namespace

class JobRunnerTest : public QObject
{
    Q_OBJECT

private slots:
    void deliversTheValueOnTheThreadThatOwnsTheRunner()
    {
        jobs::JobRunner runner(2);
        jobs::JobSlot slot(runner);
        QThread* worker = nullptr;
        QThread* receiver = nullptr;
        int value = 0;
        slot.run(
            [&](const jobs::JobContext&) -> Result<int> {
                worker = QThread::currentThread();
                return 42;
            },
            [&](Result<int> result) {
                receiver = QThread::currentThread();
                value = *result;
            });
        QVERIFY(slot.isRunning());
        QTRY_COMPARE(value, 42);
        QCOMPARE(receiver, QThread::currentThread());
        QVERIFY(worker != receiver);
        QVERIFY(!slot.isRunning());
    }

    // A reader that kept every core busy stopped the window for seconds.
    void jobsAndTheThreadsTheyStartStandBehindTheUiThread()
    {
        const auto niceOfThisThread = [] { return ::getpriority(PRIO_PROCESS, static_cast<id_t>(::gettid())); };
        const int ofUi = niceOfThisThread();
        if (ofUi > 14)
            QSKIP("the test itself runs at the end of all queues");
        jobs::JobRunner runner(1);
        jobs::JobSlot slot(runner);
        std::pair<int, int> nice;
        slot.run(
            [&](const jobs::JobContext&) -> Result<std::pair<int, int>> {
                int ofChild = 0;
                std::jthread([&] { ofChild = niceOfThisThread(); }).join();
                return std::pair(niceOfThisThread(), ofChild);
            },
            [&](Result<std::pair<int, int>> seen) { nice = *seen; });
        QTRY_VERIFY(!slot.isRunning());
        QVERIFY(nice.first > ofUi);
        QCOMPARE(nice.second, nice.first);
        QCOMPARE(niceOfThisThread(), ofUi);
    }

    void jobsThatBlockHoldUpNobodyAsLongAsThereMayBeMoreThreads()
    {
        constexpr int kHosts = 100;
        const auto threads = [] {
            return std::distance(std::filesystem::directory_iterator("/proc/self/task"), std::filesystem::directory_iterator());
        };
        const auto before = threads();
        jobs::JobRunner runner(2 * kHosts);
        QCOMPARE(threads(), before); // none is started for nothing
        std::vector<std::unique_ptr<jobs::JobSlot>> jobsOfHosts;
        std::atomic<int> waiting{0};
        for (int i = 0; i < kHosts; ++i) {
            jobsOfHosts.push_back(std::make_unique<jobs::JobSlot>(runner));
            jobsOfHosts.back()->run(
                [&](const jobs::JobContext& context) -> Result<int> {
                    ++waiting;
                    waitForStop(context.stop());
                    return 0;
                },
                [](Result<int>) {});
        }
        int value = 0;
        jobs::JobSlot quick(runner);
        quick.run([](const jobs::JobContext&) -> Result<int> { return 7; }, [&](Result<int> result) { value = *result; });
        QTRY_COMPARE(value, 7);
        QTRY_COMPARE(waiting.load(), kHosts);
    }

    void numbersRiseFromJobToJob()
    {
        jobs::JobRunner runner(1);
        jobs::JobSlot first(runner), second(runner);
        const auto nothing = [](const jobs::JobContext&) { return Result<void>(); };
        const auto done = [](Result<void>) {};
        const jobs::JobNumber a = first.run(nothing, done);
        const jobs::JobNumber b = second.run(nothing, done);
        QVERIFY(a > 0);
        QVERIFY(b > a);
    }

    void theLatestJobOfASlotWins()
    {
        jobs::JobRunner runner(2);
        jobs::JobSlot slot(runner);
        std::binary_semaphore firstStarted(0);
        std::binary_semaphore firstMayEnd(0);
        std::atomic<bool> firstEnded = false;
        QStringList delivered;
        slot.run(
            [&](const jobs::JobContext&) -> Result<QString> {
                firstStarted.release();
                firstMayEnd.acquire();
                firstEnded = true;
                return QStringLiteral("first");
            },
            [&](Result<QString> text) { delivered << *text; });
        firstStarted.acquire();
        slot.run([&](const jobs::JobContext&) -> Result<QString> { return QStringLiteral("second"); },
                 [&](Result<QString> text) { delivered << *text; });
        QTRY_COMPARE(delivered, QStringList{QStringLiteral("second")});
        firstMayEnd.release();
        QTRY_VERIFY(firstEnded);
        QCoreApplication::processEvents();
        QCOMPARE(delivered, QStringList{QStringLiteral("second")});
    }

    void cancelStopsARunningJobAndDropsItsResult()
    {
        jobs::JobRunner runner(1);
        jobs::JobSlot slot(runner);
        std::binary_semaphore started(0);
        std::atomic<bool> ended = false;
        bool delivered = false;
        slot.run(
            [&](const jobs::JobContext& context) -> Result<void> {
                started.release();
                waitForStop(context.stop());
                ended = true;
                return {};
            },
            [&](Result<void>) { delivered = true; });
        started.acquire();
        slot.cancel();
        QVERIFY(!slot.isRunning());
        QTRY_VERIFY(ended);
        QCoreApplication::processEvents();
        QVERIFY(!delivered);
    }

    void aDestroyedSlotReceivesNothing()
    {
        jobs::JobRunner runner(1);
        std::binary_semaphore mayEnd(0);
        bool delivered = false;
        {
            jobs::JobSlot slot(runner);
            slot.run(
                [&](const jobs::JobContext&) -> Result<void> {
                    mayEnd.acquire();
                    return {};
                },
                [&](Result<void>) { delivered = true; });
        }
        mayEnd.release();
        // On one worker the next job's result comes after whatever the first one delivered (it may never have started).
        jobs::JobSlot after(runner);
        bool nextDone = false;
        after.run([](const jobs::JobContext&) { return Result<void>(); }, [&](Result<void>) { nextDone = true; });
        QTRY_VERIFY(nextDone);
        QVERIFY(!delivered);
    }

    void progressArrivesBeforeTheResultAndEndsWithTheNewestValue()
    {
        jobs::JobRunner runner(1);
        jobs::JobSlot slot(runner);
        std::vector<double> fractions;
        std::string lastStage;
        bool done = false;
        slot.run(
            [](const jobs::JobContext& context) -> Result<void> {
                for (int i = 0; i <= 1000; ++i)
                    context.progress(i / 1000.0, "row " + std::to_string(i));
                return {};
            },
            [&](Result<void>) {
                QVERIFY(!fractions.empty());
                done = true;
            },
            [&](double fraction, const std::string& stage) {
                fractions.push_back(fraction);
                lastStage = stage;
            });
        QTRY_VERIFY(done);
        QCOMPARE(fractions.back(), 1.0);
        QCOMPARE(lastStage, std::string("row 1000"));
        QVERIFY(std::is_sorted(fractions.begin(), fractions.end()));
    }

    void postedValuesAllArriveInOrder()
    {
        jobs::JobRunner runner(1);
        jobs::JobSlot slot(runner);
        std::vector<int> seen;
        bool done = false;
        slot.run(
            [&](const jobs::JobContext& context) -> Result<void> {
                for (int i = 0; i < 100; ++i)
                    context.post([&seen, i] { seen.push_back(i); });
                return {};
            },
            [&](Result<void>) { done = true; });
        QTRY_VERIFY(done);
        QCOMPARE(seen.size(), std::size_t{100});
        QVERIFY(std::is_sorted(seen.begin(), seen.end()));
    }

    void anExceptionOfALibraryBecomesAnError()
    {
        jobs::JobRunner runner(1);
        jobs::JobSlot slot(runner);
        std::string message;
        slot.run([](const jobs::JobContext&) -> Result<int> { throw std::runtime_error("broken page"); },
                 [&](Result<int> result) { message = result.error().message; });
        QTRY_VERIFY(!message.empty());
        QVERIFY(message.find("broken page") != std::string::npos);
    }

    void shutdownStopsRunningJobsAndForgetsWaitingOnes()
    {
        std::binary_semaphore started(0);
        std::atomic<bool> stopped = false;
        std::atomic<bool> waitingRan = false;
        bool delivered = false;
        auto runner = std::make_unique<jobs::JobRunner>(1);
        auto busy = std::make_unique<jobs::JobSlot>(*runner);
        auto waiting = std::make_unique<jobs::JobSlot>(*runner);
        busy->run(
            [&](const jobs::JobContext& context) -> Result<void> {
                started.release();
                waitForStop(context.stop());
                stopped = true;
                return {};
            },
            [&](Result<void>) { delivered = true; });
        waiting->run(
            [&](const jobs::JobContext&) -> Result<void> {
                waitingRan = true;
                return {};
            },
            [&](Result<void>) { delivered = true; });
        started.acquire();
        runner.reset(); // returns only when the worker has ended
        QVERIFY(stopped);
        QVERIFY(!waitingRan);
        QCoreApplication::processEvents();
        QVERIFY(!delivered);
    }

    void aJobStartedFromAResultRunsInTheSameSlot()
    {
        jobs::JobRunner runner(1);
        jobs::JobSlot slot(runner);
        QStringList steps;
        slot.run([](const jobs::JobContext&) { return Result<int>(1); },
                 [&](Result<int>) {
                     steps << QStringLiteral("first");
                     slot.run([](const jobs::JobContext&) { return Result<int>(2); }, [&](Result<int>) { steps << QStringLiteral("second"); });
                 });
        QTRY_COMPARE(steps, (QStringList{QStringLiteral("first"), QStringLiteral("second")}));
    }
};

QTEST_GUILESS_MAIN(JobRunnerTest)
#include "job_runner_test.moc"
