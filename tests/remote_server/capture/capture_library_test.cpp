#include "tests/remote_server/capture/capture_library_fixture.h"
#include "tests/remote_server/capture/fake_driver.h"

#include <algorithm>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <nvtx3/nvToolsExtCuda.h>
#include <nvtx3/nvToolsExtCudaRt.h>
#include <set>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace gantry::capture {
namespace {

using records::LossCounter;
using records::PayloadType;
using records::RecordType;

std::uint32_t threadId()
{
    return static_cast<std::uint32_t>(syscall(SYS_gettid));
}

std::int64_t monotonicNs()
{
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

TEST_F(CaptureLibrary, SaysWhoItIsAndHandsOutMemoryThatCannotShrink)
{
    EXPECT_EQ(s_hello.type, MessageType::Hello);
    EXPECT_EQ(s_hello.version, kControlVersion);
    EXPECT_EQ(s_hello.pid, getpid());
    EXPECT_EQ(s_hello.cudaLoaded, 0u);
    EXPECT_STREQ(s_hello.targetId, "target-of-the-test");
    EXPECT_EQ(std::string(s_hello.executable), std::filesystem::read_symlink("/proc/self/exe").string());
    EXPECT_EQ(s_daemon->regionSeals() & (F_SEAL_SHRINK | F_SEAL_SEAL), F_SEAL_SHRINK | F_SEAL_SEAL);
}

TEST_F(CaptureLibrary, RecordsRangesAndMarksWithTheirAttributes)
{
    const OpenedMessage opened = s_daemon->open(m_window);
    EXPECT_EQ(opened.windowId, m_window);
    EXPECT_EQ(opened.outcome, OpenOutcome::NvtxOnly);

    nvtxEventAttributes_t a = attributes("outer");
    a.category = 7;
    a.colorType = NVTX_COLOR_ARGB;
    a.color = 0xFF102030;
    a.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64;
    a.payload.ullValue = UINT64_MAX;
    EXPECT_EQ(nvtxDomainRangePushEx(s_domain, &a), 0);
    a = attributes(nullptr);
    a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    a.message.registered = s_registered;
    a.payloadType = NVTX_PAYLOAD_TYPE_INT32;
    a.payload.iValue = -5;
    EXPECT_EQ(nvtxDomainRangePushEx(s_domain, &a), 1);
    a = attributes("mark");
    a.payloadType = NVTX_PAYLOAD_TYPE_DOUBLE;
    a.payload.dValue = 2.5;
    nvtxDomainMarkEx(s_domain, &a);
    EXPECT_EQ(nvtxDomainRangePop(s_domain), 1);
    EXPECT_EQ(nvtxDomainRangePop(s_domain), 0);
    nvtxMarkA("of no domain");
    const ClosedMessage closed = s_daemon->close(m_window);
    EXPECT_EQ(closed.windowId, m_window);

    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 6u);
    const RecordType types[] = {RecordType::NvtxPush, RecordType::NvtxPush, RecordType::NvtxMark,
                                RecordType::NvtxPop,  RecordType::NvtxPop,  RecordType::NvtxMark};
    std::int64_t before = opened.openMonotonicNs - opened.costNs;
    for (std::size_t i = 0; i < recorded.size(); ++i) {
        EXPECT_EQ(recorded[i].type, types[i]);
        EXPECT_EQ(recorded[i].tid, threadId());
        EXPECT_EQ(recorded[i].domain, i == 5 ? "" : "gantry.test");
        EXPECT_GE(recorded[i].timeMonotonicNs, before);
        before = recorded[i].timeMonotonicNs;
    }
    EXPECT_LE(before, closed.closeMonotonicNs);
    EXPECT_EQ(recorded[0].text, "outer");
    EXPECT_EQ(recorded[0].record.category, 7u);
    EXPECT_EQ(recorded[0].record.color, 0xFF102030u);
    EXPECT_EQ(recorded[0].record.payloadType, PayloadType::Unsigned);
    EXPECT_EQ(recorded[0].record.payload, UINT64_MAX);
    EXPECT_EQ(recorded[1].text, "registered before");
    EXPECT_EQ(recorded[1].record.payloadType, PayloadType::Signed);
    EXPECT_EQ(static_cast<std::int64_t>(recorded[1].record.payload), -5);
    double payload = 0;
    std::memcpy(&payload, &recorded[2].record.payload, sizeof payload);
    EXPECT_EQ(recorded[2].record.payloadType, PayloadType::Double);
    EXPECT_EQ(payload, 2.5);
    EXPECT_EQ(recorded[5].text, "of no domain");
    EXPECT_EQ(recorded[5].record.payloadType, PayloadType::None);
}

TEST_F(CaptureLibrary, ARangeMayEndOnAnotherThread)
{
    s_daemon->open(m_window);
    const nvtxEventAttributes_t a = attributes("request");
    const nvtxRangeId_t first = nvtxDomainRangeStartEx(s_domain, &a), second = nvtxDomainRangeStartEx(s_domain, &a);
    EXPECT_NE(first, second);
    std::uint32_t other = 0;
    std::thread([&] {
        other = threadId();
        nvtxDomainRangeEnd(s_domain, first);
    }).join();
    s_daemon->close(m_window);
    std::map<RecordType, std::vector<Event>> byType;
    for (const Event& event : events())
        byType[event.type].push_back(event);
    ASSERT_EQ(byType[RecordType::NvtxStart].size(), 2u);
    EXPECT_EQ(byType[RecordType::NvtxStart][0].record.rangeId, first);
    ASSERT_EQ(byType[RecordType::NvtxEnd].size(), 1u);
    EXPECT_EQ(byType[RecordType::NvtxEnd][0].record.rangeId, first);
    EXPECT_EQ(byType[RecordType::NvtxEnd][0].tid, other);
}

TEST_F(CaptureLibrary, NamesAreToldInEveryWindow)
{
    nvtxDomainNameCategoryA(s_domain, 3, "model:1");
    nvtxNameOsThreadA(threadId(), "named");
    for (int round = 0; round < 2; ++round) {
        m_window = ++s_lastWindow;
        s_daemon->open(m_window);
        nvtxEventAttributes_t a = attributes(nullptr);
        a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
        a.message.registered = s_registered;
        nvtxDomainMarkEx(s_domain, &a);
        a.message.registered = nvtxDomainRegisterStringA(s_domain, "registered meanwhile");
        nvtxDomainMarkEx(s_domain, &a);
        s_daemon->close(m_window);
        const Recording recording = s_daemon->read(m_window);
        ASSERT_EQ(recording.events.size(), 2u);
        EXPECT_EQ(recording.events[0].text, "registered before");
        EXPECT_EQ(recording.events[1].text, "registered meanwhile");
        EXPECT_EQ(recording.threads.at(threadId()), "named");
        EXPECT_EQ(recording.categories.at({"gantry.test", 3}), "model:1");
    }
}

TEST_F(CaptureLibrary, StreamsAreNamedByTheNumbersOfTheDriver)
{
    const CUstream first = fakeStream(1, 13), second = fakeStream(0, 14);
    nvtxNameCudaStreamA(first, "prefill");
    nvtxNameCuStreamW(second, L"copies");
    nvtxNameCudaStreamA(first, "decode");
    nvtxNameCudaStreamA(nullptr, "of no context");
    s_daemon->open(m_window);
    s_daemon->close(m_window);
    const auto streams = s_daemon->read(m_window).streams;
    EXPECT_EQ(streams, (decltype(streams){{{0, 14}, "copies"}, {{1, 13}, "decode"}}));
    EXPECT_EQ(fakeContextsPushed(), 0) << "the thread has the context that it had";
}

// Null went to memcpy, which must not be given any.
TEST_F(CaptureLibrary, ATextThatIsNullIsEmpty)
{
    s_daemon->open(m_window);
    const nvtxStringHandle_t nothing = nvtxDomainRegisterStringA(s_domain, nullptr);
    ASSERT_NE(nothing, nullptr);
    nvtxEventAttributes_t a = attributes(nullptr);
    nvtxDomainMarkEx(s_domain, &a);
    a.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    a.message.registered = nothing;
    nvtxDomainMarkEx(s_domain, &a);
    s_daemon->close(m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 2u);
    EXPECT_EQ(recorded[0].text, "");
    EXPECT_EQ(recorded[1].text, "");
}

TEST_F(CaptureLibrary, ADomainOfTheSameNameIsTheSameDomain)
{
    EXPECT_EQ(nvtxDomainCreateA("gantry.test"), s_domain);
    EXPECT_EQ(nvtxDomainCreateW(L"gantry.test"), s_domain);
    EXPECT_NE(nvtxDomainCreateA("gantry.other"), s_domain);
}

TEST_F(CaptureLibrary, RecordsNothingOutsideOfAWindow)
{
    nvtxMarkA("before");
    s_daemon->open(m_window);
    nvtxMarkA("inside");
    s_daemon->close(m_window);
    nvtxMarkA("after");
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 1u);
    EXPECT_EQ(recorded[0].text, "inside");
    EXPECT_EQ(events().size(), 0u) << "everything is handed out once";
}

TEST_F(CaptureLibrary, RecordsNoNvtxWhenTheWindowDoesNotAskForIt)
{
    s_daemon->open(m_window, ContentKernels);
    nvtxMarkA("unasked");
    s_daemon->close(m_window);
    const Recording recording = s_daemon->read(m_window);
    EXPECT_EQ(recording.events.size(), 0u);
    EXPECT_EQ(recording.clocks.size(), 2u);
}

TEST_F(CaptureLibrary, PairsTheClocksAtBothEndsOfAWindow)
{
    const OpenedMessage opened = s_daemon->open(m_window);
    const ClosedMessage closed = s_daemon->close(m_window);
    const Recording recording = s_daemon->read(m_window);
    ASSERT_EQ(recording.clocks.size(), 2u);
    for (const auto& clock : recording.clocks) {
        EXPECT_GE(clock.monotonicNs, opened.openMonotonicNs - opened.costNs);
        EXPECT_LE(clock.monotonicNs, closed.closeMonotonicNs + closed.costNs);
        EXPECT_GE(clock.bracketNs, 0);
        EXPECT_GT(clock.realtimeNs, 1'600'000'000'000'000'000) << "since 1970";
    }
    EXPECT_LE(recording.clocks[0].monotonicNs, recording.clocks[1].monotonicNs);
}

TEST_F(CaptureLibrary, APopOfARangeFromBeforeTheWindowIsCounted)
{
    nvtxRangePushA("before");
    s_daemon->open(m_window);
    nvtxRangePushA("inside");
    nvtxRangePop();
    nvtxRangePop();
    EXPECT_EQ(s_daemon->loss(LossCounter::UnmatchedEnds), 1u);
    s_daemon->close(m_window);
    EXPECT_EQ(events().size(), 2u);
}

TEST_F(CaptureLibrary, CutsLongTextsAndCountsThem)
{
    s_daemon->open(m_window);
    const std::string longest(4096, 'x'), tooLong(4097, 'y');
    nvtxMarkA(longest.c_str());
    EXPECT_EQ(s_daemon->loss(LossCounter::TextTruncated), 0u);
    nvtxMarkA(tooLong.c_str());
    EXPECT_EQ(s_daemon->loss(LossCounter::TextTruncated), 1u);
    nvtxMarkA("");
    nvtxMarkA(nullptr);
    nvtxMarkW(L"wide \u00fc");
    s_daemon->close(m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 5u);
    EXPECT_EQ(recorded[0].text, longest);
    EXPECT_EQ(recorded[1].text, tooLong.substr(1));
    EXPECT_EQ(recorded[2].text, "");
    EXPECT_EQ(recorded[3].text, "");
    EXPECT_EQ(recorded[4].text, "wide ?");
}

TEST_F(CaptureLibrary, BelievesOfTritonsAttributesOnlyTheMessage)
{
    const nvtxDomainHandle_t triton = nvtxDomainCreateA("Triton");
    s_daemon->open(m_window);
    nvtxEventAttributes_t a = attributes("ModelInfer");
    a.category = 0xDEADBEEF; // what happens to be on its stack
    a.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64;
    a.payload.ullValue = 0xDEADBEEF;
    nvtxDomainMarkEx(triton, &a);
    s_daemon->close(m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 1u);
    EXPECT_EQ(recorded[0].text, "ModelInfer");
    EXPECT_EQ(recorded[0].record.category, 0u);
    EXPECT_EQ(recorded[0].record.payloadType, PayloadType::None);
}

TEST_F(CaptureLibrary, ManyThreadsRecordWithoutLossWhileTheDaemonReads)
{
    constexpr int kThreads = 8, kMarks = 5000; // several chunks for each
    s_daemon->open(m_window);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([t] {
            nvtxEventAttributes_t a = attributes("mark");
            a.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64;
            a.category = static_cast<std::uint32_t>(t);
            for (std::uint64_t i = 0; i < kMarks; ++i) {
                a.payload.ullValue = i;
                nvtxDomainMarkEx(s_domain, &a);
            }
        });
    // Read while they write, as the daemon does.
    std::vector<std::uint64_t> sums(kThreads);
    std::size_t total = 0;
    const auto take = [&] {
        std::map<std::uint32_t, std::vector<std::uint64_t>> payloads;
        for (const Event& event : events())
            payloads[event.record.category].push_back(event.record.payload);
        for (const auto& [t, values] : payloads) {
            for (const std::uint64_t value : values)
                sums[t] += value;
            total += values.size();
        }
    };
    for (int i = 0; i < 20; ++i)
        take();
    for (std::thread& thread : threads)
        thread.join();
    s_daemon->close(m_window);
    take();
    EXPECT_EQ(total, static_cast<std::size_t>(kThreads) * kMarks);
    for (const std::uint64_t sum : sums)
        EXPECT_EQ(sum, std::uint64_t{kMarks} * (kMarks - 1) / 2) << "each once";
    EXPECT_EQ(s_daemon->loss(LossCounter::NvtxNoChunk), 0u);
    EXPECT_EQ(s_daemon->damagedChunks(), 0u);
}

TEST_F(CaptureLibrary, SixtyFourThreadsPushAndPopWithoutLossAndEveryPopNamesItsPush)
{
    constexpr int kThreads = 64;
    constexpr std::size_t kPairs = 2000; // two levels, more than one chunk for each
    s_daemon->open(m_window);
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t)
        threads.emplace_back([t] {
            const std::string outer = "outer of thread " + std::to_string(t);
            for (std::size_t i = 0; i < kPairs; i += 2) {
                nvtxRangePushA(outer.c_str());
                nvtxRangePushA("inner");
                nvtxRangePop();
                nvtxRangePop();
            }
        });
    std::map<std::uint32_t, std::vector<Event>> byThread;
    const auto take = [&] {
        for (Event& event : events())
            byThread[event.tid].push_back(std::move(event));
    };
    for (int i = 0; i < 20; ++i)
        take();
    for (std::thread& thread : threads)
        thread.join();
    s_daemon->close(m_window);
    take();
    EXPECT_EQ(s_daemon->loss(LossCounter::NvtxNoChunk), 0u);
    EXPECT_EQ(s_daemon->loss(LossCounter::UnmatchedEnds), 0u);
    EXPECT_EQ(s_daemon->damagedChunks(), 0u);
    ASSERT_EQ(byThread.size(), std::size_t{kThreads});
    std::set<std::string> outerTexts;
    for (auto& [tid, recorded] : byThread) {
        ASSERT_EQ(recorded.size(), 2 * kPairs);
        // A later chunk of a thread may have been read before an earlier one.
        std::stable_sort(recorded.begin(), recorded.end(), [](const Event& a, const Event& b) { return a.record.time < b.record.time; });
        for (std::size_t i = 0; i < recorded.size(); i += 4) {
            const std::uint64_t outer = recorded[i].record.rangeId, inner = recorded[i + 1].record.rangeId;
            outerTexts.insert(recorded[i].text);
            ASSERT_EQ(recorded[i + 1].text, "inner");
            ASSERT_EQ(recorded[i + 1].record.enclosing, outer);
            ASSERT_EQ(recorded[i + 2].record.rangeId, inner);
            ASSERT_EQ(recorded[i + 3].record.rangeId, outer);
        }
    }
    EXPECT_EQ(outerTexts.size(), std::size_t{kThreads});
}

TEST_F(CaptureLibrary, AThreadThatIsOlderThanTheLibraryRecords)
{
    s_daemon->open(m_window);
    std::uint32_t tid = 0;
    s_older->run([&] {
        tid = threadId();
        EXPECT_EQ(nvtxRangePushA("first"), 0);
        nvtxRangePop();
        EXPECT_EQ(nvtxRangePushA("second"), 0);
        nvtxRangePop();
    });
    s_daemon->close(m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 4u);
    for (const Event& event : recorded)
        EXPECT_EQ(event.tid, tid);
    EXPECT_EQ(recorded[2].text, "second");
}

TEST_F(CaptureLibrary, PushesAndPopsLieBetweenTheReadingsOfTheMonotonicClockAroundThem)
{
    struct Bounds
    {
        std::int64_t beforePush, afterPush, beforePop, afterPop;
    };
    std::vector<Bounds> bounds;
    s_daemon->open(m_window);
    const std::int64_t start = monotonicNs();
    while (monotonicNs() - start < 1'200'000'000) { // past the sample of each second
        Bounds b{};
        b.beforePush = monotonicNs();
        nvtxRangePushA("timed");
        b.afterPush = monotonicNs();
        timespec pause{0, 2'000'000};
        nanosleep(&pause, nullptr);
        b.beforePop = monotonicNs();
        nvtxRangePop();
        b.afterPop = monotonicNs();
        bounds.push_back(b);
    }
    s_daemon->close(m_window);
    const Recording recording = s_daemon->read(m_window);
    ASSERT_GE(recording.clocks.size(), 2u);
    std::int64_t tolerance = 1;
    for (const records::ClockRecord& clock : recording.clocks)
        tolerance = std::max(tolerance, clock.bracketNs);
    ASSERT_EQ(recording.events.size(), 2 * bounds.size());
    for (std::size_t i = 0; i < bounds.size(); ++i) {
        const std::int64_t push = recording.events[2 * i].timeMonotonicNs, pop = recording.events[2 * i + 1].timeMonotonicNs;
        EXPECT_GE(push, bounds[i].beforePush - tolerance);
        EXPECT_LE(push, bounds[i].afterPush + tolerance);
        EXPECT_GE(pop, bounds[i].beforePop - tolerance);
        EXPECT_LE(pop, bounds[i].afterPop + tolerance);
    }
}

TEST_F(CaptureLibrary, CountsTicksOnlyWhereTheKernelKeepsTimeByThem)
{
    std::string source;
    std::ifstream("/sys/devices/system/clocksource/clocksource0/current_clocksource") >> source;
    s_daemon->open(m_window);
    s_daemon->close(m_window);
    const Recording recording = s_daemon->read(m_window);
    ASSERT_EQ(recording.clocks.size(), 2u);
    const bool countsTicks = recording.clocks[0].ticks != 0;
    EXPECT_TRUE(!countsTicks || source == "tsc" || source == "kvm-clock") << source;
    for (const records::ClockRecord& clock : recording.clocks) {
        EXPECT_EQ(clock.ticks != 0, countsTicks);
        EXPECT_EQ(clock.ticksPerSecond != 0, countsTicks);
    }
}

TEST_F(CaptureLibrary, ShortAndFullRecordsOfOneThreadPair)
{
    const std::string longText(200, 'l');
    nvtxEventAttributes_t payload = attributes("with payload"), colored = attributes("colored"), registered = attributes(nullptr);
    payload.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64;
    payload.payload.ullValue = 5;
    colored.colorType = NVTX_COLOR_ARGB;
    colored.color = 0xFF445566;
    registered.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    registered.message.registered = s_registered;
    s_daemon->open(m_window);
    nvtxRangePushA("joins the window");
    nvtxRangePop();
    EXPECT_EQ(nvtxRangePushA("short"), 0);
    EXPECT_EQ(nvtxRangePushA(longText.c_str()), 1);
    EXPECT_EQ(nvtxRangePushEx(&colored), 2);
    EXPECT_EQ(nvtxRangePushEx(&payload), 3);
    EXPECT_EQ(nvtxDomainRangePushEx(s_domain, &registered), 4);
    EXPECT_EQ(nvtxDomainRangePushEx(s_domain, &registered), 5);
    EXPECT_EQ(nvtxRangePop(), 5) << "of the default domain";
    EXPECT_EQ(nvtxDomainRangePop(s_domain), 4);
    EXPECT_EQ(nvtxDomainRangePop(s_domain), 3);
    for (int depth = 3; depth-- > 0;)
        EXPECT_EQ(nvtxRangePop(), depth);
    s_daemon->close(m_window);
    const Recording recording = s_daemon->read(m_window);
    auto recorded = recording.events;
    ASSERT_EQ(recorded.size(), 14u);
    recorded.erase(recorded.begin(), recorded.begin() + 2);

    const char* const texts[] = {"short", longText.c_str(), "colored", "with payload", "registered before", "registered before"};
    for (std::size_t i = 0; i < std::size(texts); ++i) {
        EXPECT_EQ(recorded[i].type, RecordType::NvtxPush);
        EXPECT_EQ(recorded[i].text, texts[i]);
        EXPECT_EQ(recorded[i].domain, i < 4 ? "" : "gantry.test");
        EXPECT_EQ(recorded[i].record.enclosing, i == 0 || i == 4 ? 0 : recorded[i - 1].record.rangeId);
    }
    EXPECT_EQ(recorded[2].record.color, 0xFF445566u);
    EXPECT_EQ(recorded[3].record.payload, 5u);
    const std::size_t pushes[] = {3, 5, 4, 2, 1, 0}; // in the order of their pops
    for (std::size_t i = 0; i < std::size(pushes); ++i) {
        const Event& push = recorded[pushes[i]];
        const Event& pop = recorded[6 + i];
        EXPECT_EQ(pop.type, RecordType::NvtxPop);
        EXPECT_EQ(pop.record.rangeId, push.record.rangeId);
        EXPECT_EQ(pop.record.enclosing, push.record.enclosing);
        EXPECT_EQ(pop.domain, push.domain);
    }
    EXPECT_FALSE(recorded[1].isShort);
    EXPECT_FALSE(recorded[3].isShort);
    const bool countsTicks = recording.clocks.at(0).ticks != 0;
    for (const std::size_t i : {0, 2, 5, 7, 11})
        EXPECT_EQ(recorded[i].isShort, countsTicks) << "event " << i;
}

TEST_F(CaptureLibrary, KeepsTextsOfEveryLengthAlsoAtTheEndOfMemory)
{
    // The second page must not be touched: a text may end with the last byte before it.
    constexpr std::size_t kPage = 4096, kLongest = 100;
    auto* pages = static_cast<char*>(mmap(nullptr, 2 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    ASSERT_NE(pages, MAP_FAILED);
    ASSERT_EQ(mprotect(pages + kPage, kPage, PROT_NONE), 0);
    std::memset(pages, 'x', kPage);
    s_daemon->open(m_window);
    std::vector<std::string> texts;
    for (const std::size_t end : {kPage / 2, kPage})
        for (std::size_t length = 0; length <= kLongest; ++length) {
            pages[end - 1] = '\0';
            char* text = pages + end - 1 - length;
            for (std::size_t i = 0; i < length; ++i)
                text[i] = static_cast<char>('a' + (length + i) % 26);
            nvtxRangePushA(text);
            nvtxRangePop();
            texts.emplace_back(text);
        }
    s_daemon->close(m_window);
    munmap(pages, 2 * kPage);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 2 * texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i)
        EXPECT_EQ(recorded[2 * i].text, texts[i]);
}

// Its chunk was given back as if nobody wanted it, and what it had recorded was lost without a word.
TEST_F(CaptureLibrary, AThreadThatEndsAfterTheWindowLeavesWhatItRecorded)
{
    s_daemon->open(m_window);
    std::thread([&] {
        nvtxMarkA("last words");
        s_daemon->close(m_window); // the daemon reads a few dozen times a second: not yet
    }).join();
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 1u);
    EXPECT_EQ(recorded[0].text, "last words");
}

TEST_F(CaptureLibrary, WhatDoesNotFitIsCountedAndTheTargetGoesOn)
{
    constexpr std::uint64_t kMarks = 1'100'000; // of 72 bytes, for 64 MiB
    s_daemon->open(m_window);
    const nvtxEventAttributes_t a = attributes("mark");
    for (std::uint64_t i = 0; i < kMarks; ++i)
        nvtxDomainMarkEx(s_domain, &a);
    const std::uint64_t lost = s_daemon->loss(LossCounter::NvtxNoChunk);
    EXPECT_GT(lost, 0u);
    EXPECT_EQ(events().size() + lost, kMarks) << "recorded or counted";
    nvtxMarkA("there is room again");
    s_daemon->close(m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 1u);
    EXPECT_EQ(recorded[0].text, "there is room again");
}

// A pop closed the innermost range that was recorded, which is another one when its own push did not fit.
TEST_F(CaptureLibrary, APopNamesItsPushAlsoWhenThatDidNotFit)
{
    const std::string longest(4096, 'x');
    s_daemon->open(m_window);
    nvtxRangePushA("outer");
    while (s_daemon->loss(LossCounter::NvtxNoChunk) == 0)
        nvtxMarkA(longest.c_str());
    nvtxRangePushA(longest.c_str());
    EXPECT_EQ(s_daemon->loss(LossCounter::NvtxNoChunk), 2u);
    const auto full = events(); // makes room
    nvtxRangePop();
    nvtxRangePop();
    s_daemon->close(m_window);
    const auto outer = std::find_if(full.begin(), full.end(), [](const Event& event) { return event.text == "outer"; });
    ASSERT_NE(outer, full.end());
    const auto pops = events();
    ASSERT_EQ(pops.size(), 2u);
    EXPECT_EQ(pops[0].record.rangeId, outer->record.rangeId + 1) << "of the push that was lost";
    EXPECT_EQ(pops[1].record.rangeId, outer->record.rangeId);
}

TEST_F(CaptureLibrary, APushNamesTheOneAroundItInItsDomain)
{
    s_daemon->open(m_window);
    const nvtxEventAttributes_t a = attributes("range");
    nvtxRangePushA("outer");
    nvtxDomainRangePushEx(s_domain, &a);
    nvtxRangePushA("inner");
    nvtxDomainRangePop(s_domain); // ranges of different domains need not nest
    nvtxRangePop();
    nvtxRangePop();
    s_daemon->close(m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 6u);
    const auto& outer = recorded[0].record;
    const auto& other = recorded[1].record;
    const auto& inner = recorded[2].record;
    EXPECT_EQ(outer.enclosing, 0u);
    EXPECT_EQ(other.enclosing, 0u);
    EXPECT_EQ(inner.enclosing, outer.rangeId);
    EXPECT_EQ(recorded[3].record.rangeId, other.rangeId);
    EXPECT_EQ(recorded[3].record.enclosing, 0u);
    EXPECT_EQ(recorded[4].record.rangeId, inner.rangeId);
    EXPECT_EQ(recorded[4].record.enclosing, outer.rangeId);
    EXPECT_EQ(recorded[5].record.rangeId, outer.rangeId);
}

TEST_F(CaptureLibrary, RangesDeeperThanItKeepsAccountOfAreCountedAndTheOthersPair)
{
    constexpr int kDeep = static_cast<int>(records::kMaxOpenPushes) + 10;
    s_daemon->open(m_window);
    for (int i = 0; i < kDeep; ++i)
        EXPECT_EQ(nvtxRangePushA("range"), i);
    for (int i = kDeep; i-- > 0;)
        EXPECT_EQ(nvtxRangePop(), i);
    s_daemon->close(m_window);
    EXPECT_EQ(s_daemon->loss(LossCounter::NvtxTooDeep), 10u);
    EXPECT_EQ(s_daemon->loss(LossCounter::UnmatchedEnds), 0u);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 2 * records::kMaxOpenPushes);
    for (std::size_t i = 0; i < records::kMaxOpenPushes; ++i)
        EXPECT_EQ(recorded[i].record.rangeId, recorded[recorded.size() - 1 - i].record.rangeId);
}

TEST_F(CaptureLibrary, AWindowEndsByItselfWhenItsTimeIsOver)
{
    const OpenedMessage opened = s_daemon->open(m_window, ContentNvtx, 20'000'000);
    nvtxMarkA("inside");
    const auto closed = s_daemon->receive<ClosedMessage>(MessageType::Closed);
    EXPECT_EQ(closed.windowId, m_window);
    EXPECT_GE(closed.closeMonotonicNs - opened.openMonotonicNs, 20'000'000);
    nvtxMarkA("after");
    EXPECT_EQ(events().size(), 1u);
}

TEST_F(CaptureLibrary, AForkedChildRecordsNothing)
{
    s_daemon->open(m_window);
    nvtxMarkA("parent");
    const pid_t child = fork();
    if (child == 0) {
        nvtxMarkA("child");
        nvtxRangePushA("child");
        _exit(nvtxDomainCreateA("of the child") == nullptr ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
    nvtxMarkA("parent still");
    s_daemon->close(m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 2u);
    EXPECT_EQ(recorded[0].text, "parent");
    EXPECT_EQ(recorded[1].text, "parent still");
}

TEST_F(CaptureLibrary, ANewDaemonFindsTheTargetAndTheOldOnesWindowIsOver)
{
    s_daemon->open(m_window);
    nvtxMarkA("for the daemon that is killed");
    s_daemon->disconnect();
    const HelloMessage hello = s_daemon->accept(); // the window is closed before the library connects again
    EXPECT_EQ(hello.pid, getpid());
    nvtxMarkA("between the daemons");
    m_window = ++s_lastWindow;
    s_daemon->open(m_window);
    nvtxMarkA("for the new one");
    s_daemon->close(m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 1u);
    EXPECT_EQ(recorded[0].text, "for the new one");
}

// The loss of the daemon was seen while answering it, and there nothing closed the window: the target recorded for ever.
TEST_F(CaptureLibrary, AWindowIsOverWhenTheDaemonDiesBeforeItIsToldThatItIsOpen)
{
    s_daemon->openAndDie(m_window);
    s_daemon->accept(); // the window is closed before the library connects again
    EXPECT_EQ(nvtxRangePushA("for nobody"), NVTX_NO_PUSH_POP_TRACKING);
    m_window = ++s_lastWindow;
    s_daemon->open(m_window);
    EXPECT_EQ(nvtxRangePushA("for the new daemon"), 0);
    nvtxRangePop();
    s_daemon->close(m_window);
    EXPECT_EQ(events().size(), 2u);
}

TEST_F(CaptureLibrary, SaysWhenCudaIsLoaded)
{
    // The CUDA driver calls this in cuInit (CUDA_INJECTION64_PATH).
    void* library = dlopen(GANTRY_CAPTURE_LIBRARY, RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(library, nullptr) << dlerror();
    const auto initialize = reinterpret_cast<int (*)()>(dlsym(library, "InitializeInjection"));
    ASSERT_NE(initialize, nullptr);
    EXPECT_EQ(initialize(), 1);
    EXPECT_EQ(s_daemon->receive<CudaLoadedMessage>(MessageType::CudaLoaded).type, MessageType::CudaLoaded);
}

} // namespace
} // namespace gantry::capture
