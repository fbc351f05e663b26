#include "tests/support/temporary_folder.h"
#include "tests/widgets/trace_fixture.h"
#include "trace_model/report/report_writer.h"
#include "trace_model/trace/trace_loader.h"
#include "widgets/details/details_panel.h"
#include "widgets/theme/glossary.h"
#include "widgets/theme/theme.h"
#include "widgets/timeline/event_text.h"

#include <QClipboard>
#include <QGuiApplication>
#include <QSignalSpy>
#include <QTest>
#include <QTextBlock>
#include <QTextBrowser>
#include <QTextCursor>
#include <QTextDocument>
#include <QTextLayout>

#include <algorithm>
#include <fstream>

using namespace gantry;
using namespace gantry::widgets;
using namespace gantry::widgets_test;
using trace::EventId;
using trace::EventKind;

namespace {

const DetailSection* sectionOf(const std::vector<DetailSection>& sections, const QString& title)
{
    const auto found = std::find_if(sections.begin(), sections.end(), [&](const DetailSection& section) { return section.title == title; });
    return found == sections.end() ? nullptr : &*found;
}

/// The line of a section, by both names; an empty one where there is none.
DetailLine lineOf(const std::vector<DetailSection>& sections, const char* title, const char* name)
{
    if (const DetailSection* section = sectionOf(sections, QLatin1String(title))) {
        for (const DetailLine& line : section->lines) {
            if (line.name == QLatin1String(name))
                return line;
        }
    }
    return {};
}

QString valueOf(const std::vector<DetailSection>& sections, const char* title, const char* name)
{
    return plain(lineOf(sections, title, name).value);
}

/// Clicks the link whose text is `text`; says whether there was one.
bool clickLink(DetailsPanel& panel, const QString& text)
{
    auto* view = panel.findChild<QTextBrowser*>();
    if (!view->find(text)) // selects it
        return false;
    const QPoint at = view->cursorRect().center() - QPoint(4, 0); // the cursor stands behind the last letter
    if (view->anchorAt(at).isEmpty())
        return false;
    QTest::mouseClick(view->viewport(), Qt::LeftButton, Qt::NoModifier, at);
    return true;
}

} // namespace

class DetailsTest : public QObject
{
    Q_OBJECT

private slots:
    void init() { m_trace = traceOf(kServerScript); }

    // ---- what is written on and beside an event

    void termsAreExplainedWhereTheyStand()
    {
        DetailsPanel panel;
        panel.show(m_trace, event(EventKind::Kernel, "gemm"), {});
        const auto* view = panel.findChild<QTextBrowser*>();
        for (const char* term : {"Launch delay", "Queue time", "Duration"}) {
            const QTextCursor found = view->document()->find(QLatin1String(term));
            QVERIFY2(!found.isNull(), term);
            QCOMPARE(found.charFormat().toolTip(), termToolTip(QLatin1String(term)));
        }
        // And on the event: a phase, and why a copy of pageable memory is slow.
        QVERIFY(eventToolTip(*m_trace, event(EventKind::Phase, "compute_input")).endsWith(termToolTip(QStringLiteral("Compute input"))));
        QVERIFY(
            eventToolTip(*m_trace, event(EventKind::Memcpy, "Memcpy HtoD (Pageable)")).endsWith(termToolTip(QStringLiteral("Pageable"))));
        QVERIFY(!eventToolTip(*m_trace, event(EventKind::Kernel, "gemm")).contains(QStringLiteral("<hr>")));
    }

    void aBoxCarriesItsNameAndARequestsFirstPhaseItsNumber()
    {
        QCOMPARE(eventLabel(*m_trace, event(EventKind::Kernel, "gemm")), QStringLiteral("gemm"));
        QCOMPARE(eventLabel(*m_trace, event(EventKind::Phase, "queue")), QStringLiteral("#7 queue"));
        QCOMPARE(eventLabel(*m_trace, event(EventKind::Phase, "compute_infer")), QStringLiteral("compute_infer"));
    }

    // The phase begins after the request does, and it is the only one.
    void aRequestServedFromTheCacheCarriesItsNumberToo()
    {
        QCOMPARE(eventLabel(*m_trace, event(EventKind::Phase, "cache")), QStringLiteral("#9 cache"));
    }

    void phasesThatBeginTogetherCarryTheNumberOnce()
    {
        const TracePtr trace =
            traceOf("window 0..1000\nprocess p\nrequest 5 model m:1 0..100 queue 0..0 compute_infer 0..90 compute_output 90..100\n");
        int numbered = 0;
        for (std::uint32_t row = 0; row < trace->phases.size(); ++row)
            numbered += eventLabel(*trace, EventId(EventKind::Phase, row)).startsWith(QLatin1Char('#'));
        QCOMPARE(numbered, 1);
    }

    void aPlaceIsAStreamAThreadOrAModel()
    {
        QCOMPARE(placeText(*m_trace, event(EventKind::Kernel, "softmax")), QStringLiteral("Stream 8"));
        QCOMPARE(placeText(*m_trace, event(EventKind::Memcpy, "Memcpy HtoD (Pageable)")), QStringLiteral("Stream 7"));
        QCOMPARE(placeText(*m_trace, event(EventKind::ApiCall, "cudaLaunchKernel")), QStringLiteral("bert_0 (12)"));
        QCOMPARE(placeText(*m_trace, event(EventKind::Phase, "queue")), QStringLiteral("bert:1"));
        const TracePtr unnamed = traceOf("window 0..100\nprocess p\napi 13 cudaFree 1..2 corr 1\nrequest 1 model plain 0..10 queue 0..5\n");
        QCOMPARE(placeText(*unnamed, EventId(EventKind::ApiCall, 0)), QStringLiteral("Thread 13"));
        QCOMPARE(placeText(*unnamed, EventId(EventKind::Phase, 0)), QStringLiteral("plain"));
    }

    void everyKindOfEventAndPhaseHasATitle()
    {
        for (int kind = 0; kind < trace::kEventKindCount; ++kind)
            QVERIFY(!kindTitle(static_cast<EventKind>(kind)).isEmpty());
        for (int phase = 0; phase < records::kRequestPhaseCount; ++phase)
            QVERIFY(!phaseTitle(static_cast<records::RequestPhase>(phase)).isEmpty());
    }

    void aTooltipEscapesNamesAndSaysWhatItsKindAdds()
    {
        const TracePtr trace = traceOf("window 0..1000\nprocess p\nkernel gpu0/stream7 gemm<float&> 100..150 corr 1\nmark 12 note 70\n");
        const QString kernel = eventToolTip(*trace, EventId(EventKind::Kernel, 0));
        QVERIFY2(kernel.startsWith(QStringLiteral("<b>gemm&lt;float&amp;&gt;</b><br>50 ns · at 100 ns<br>Stream 7<br>grid 1 × 1 × 1")),
                 qPrintable(kernel));
        const QString mark = eventToolTip(*trace, EventId(EventKind::NvtxMark, 0));
        QVERIFY2(mark.contains(QStringLiteral("<br>at 70 ns")), qPrintable(mark)); // an instant has no duration
        const QString copy = eventToolTip(*m_trace, event(EventKind::Memcpy, "Memcpy HtoD (Pageable)"));
        QVERIFY2(copy.contains(QStringLiteral("4.0 KiB · 1.024 GB/s")) && copy.contains(QStringLiteral("Pageable → Device")),
                 qPrintable(copy));
        const QString range = eventToolTip(*m_trace, event(EventKind::NvtxRange, "shutdown"));
        QVERIFY2(range.contains(QStringLiteral("still open at the end of the window")), qPrintable(range));
        const QString phase = eventToolTip(*m_trace, event(EventKind::Phase, "cache"));
        QVERIFY2(phase.contains(QStringLiteral("of request 9 · 20.000 µs in all")), qPrintable(phase));
    }

    // ---- sections

    void aKernelSaysWhereItRanWhatLaunchedItAndForWhom()
    {
        const auto sections = eventDetails(*m_trace, event(EventKind::Kernel, "gemm"));
        QCOMPARE(valueOf(sections, "Kernel", "Name"), QStringLiteral("gemm"));
        QCOMPARE(valueOf(sections, "Kernel", "Start"), QStringLiteral("100.00 µs"));
        QCOMPARE(valueOf(sections, "Kernel", "Duration"), QStringLiteral("30.000 µs"));
        QCOMPARE(valueOf(sections, "Kernel", "Stream"), QStringLiteral("7"));
        QCOMPARE(valueOf(sections, "Kernel", "Correlation id"), QStringLiteral("1"));
        QVERIFY(lineOf(sections, "Kernel", "Full name").value.isEmpty()); // the same as the short one
        const DetailLine launch = lineOf(sections, "Launched by", "cudaLaunchKernel");
        QCOMPARE(launch.value, QStringLiteral("4.000 µs"));
        QVERIFY(launch.link == DetailLink(event(EventKind::ApiCall, "cudaLaunchKernel")));
        QCOMPARE(valueOf(sections, "Launched by", "Launch delay"), QStringLiteral("5.000 µs from the call's start"));
        QCOMPARE(valueOf(sections, "Launched by", "Queue time"), QStringLiteral("1.000 µs from the call's end"));
        QVERIFY(lineOf(sections, "Shared by the batch of 2 requests", "Request 8").link == DetailLink(requestNumbered(*m_trace, 8)));
    }

    void aKernelOfNobodyNamesNoLaunchAndNoRequest()
    {
        const auto sections = eventDetails(*m_trace, event(EventKind::Kernel, "softmax"));
        QCOMPARE(sections.size(), std::size_t{1});
    }

    void aMemcpySaysDirectionMemorySizeAndThroughput()
    {
        const auto sections = eventDetails(*m_trace, event(EventKind::Memcpy, "Memcpy DtoH (Pinned)"));
        QCOMPARE(valueOf(sections, "Memcpy", "Direction"), QStringLiteral("DtoH"));
        QCOMPARE(valueOf(sections, "Memcpy", "Memory"), QStringLiteral("Device → Pinned"));
        QCOMPARE(valueOf(sections, "Memcpy", "Size"), QStringLiteral("1.0 MiB"));
        QCOMPARE(valueOf(sections, "Memcpy", "Throughput"), QStringLiteral("104.9 GB/s"));
    }

    void anApiCallSaysItsResultAndWhatItLaunched()
    {
        const auto sections = eventDetails(*m_trace, event(EventKind::ApiCall, "cudaMemcpyAsync"));
        QCOMPARE(valueOf(sections, "CUDA API call", "API"), QStringLiteral("runtime"));
        QCOMPARE(valueOf(sections, "CUDA API call", "Result"), QStringLiteral("success"));
        QCOMPARE(valueOf(sections, "CUDA API call", "Thread"), QStringLiteral("bert_0 (12)"));
        QCOMPARE(valueOf(sections, "CUDA API call", "Process"), QStringLiteral("1000"));
        QVERIFY(lineOf(sections, "Launched", "Memcpy HtoD (Pageable)").link ==
                DetailLink(event(EventKind::Memcpy, "Memcpy HtoD (Pageable)")));
    }

    // PyTorch's operators were NVTX ranges, and the calls of AMD's GPUs of CUDA's API.
    void whatIsNoNvtxAndNoCudaIsCalledWhatItIs()
    {
        const test::TemporaryFolder folder;
        std::ofstream(folder / "a.json") << R"({"traceEvents": [
            {"ph":"X","cat":"cpu_op","name":"aten::add","pid":9,"tid":9,"ts":0,"dur":9},
            {"ph":"i","cat":"x","name":"now","pid":9,"tid":9,"ts":1},
            {"ph":"X","cat":"cuda_runtime","name":"hipLaunchKernel","pid":9,"tid":9,"ts":2,"dur":1}]})";
        const auto trace = *trace::loadTrace((folder / "a.json").string());
        const auto titleOf = [&](EventKind kind) { return eventDetails(*trace, EventId(kind, 0)).front().title; };
        QCOMPARE(titleOf(EventKind::NvtxRange), QStringLiteral("Operator"));
        QCOMPARE(titleOf(EventKind::NvtxMark), QStringLiteral("Mark"));
        QCOMPARE(titleOf(EventKind::ApiCall), QStringLiteral("HIP API call"));
        const auto sections = reportDetails(*trace);
        QCOMPARE(valueOf(sections, "Events", "Ranges"), QStringLiteral("1"));
        QCOMPARE(valueOf(sections, "Events", "Marks"), QStringLiteral("1"));
        QCOMPARE(valueOf(sections, "Events", "HIP API calls"), QStringLiteral("1"));
    }

    void anNvtxRangeSaysDomainPayloadAndWhetherItEnded()
    {
        const auto infer = eventDetails(*m_trace, event(EventKind::NvtxRange, "compute_infer"));
        QCOMPARE(valueOf(infer, "NVTX range", "Domain"), QStringLiteral("gantry.serve"));
        QCOMPARE(valueOf(infer, "NVTX range", "Payload"), QStringLiteral("3"));
        QCOMPARE(valueOf(infer, "NVTX range", "Kind"), QStringLiteral("push/pop"));
        QVERIFY(lineOf(infer, "NVTX range", "End").value.isEmpty());
        QVERIFY(sectionOf(infer, QStringLiteral("Shared by the batch of 2 requests")));
        const auto open = eventDetails(*m_trace, event(EventKind::NvtxRange, "shutdown"));
        QCOMPARE(valueOf(open, "NVTX range", "End"), QStringLiteral("not before the window closed"));
        QVERIFY(lineOf(open, "NVTX range", "Payload").value.isEmpty());
    }

    void anExtendedPayloadIsShownMemberByMember()
    {
        const test::TemporaryFolder folder;
        auto writer = report::ReportWriter::create(folder / "a.gantry");
        QVERIFY(writer);
        report::NvtxRow range;
        range.start = 10;
        range.end = 20;
        range.globalTid = 1 << 24 | 2;
        range.textId = writer->intern("allreduce");
        range.jsonTextId = writer->intern(R"({"bytes":4096,"ranks":[0,1],"name":"ring"})");
        writer->add(range);
        range.start = 30;
        range.end = 40;
        range.textId = writer->intern("values");
        range.jsonTextId = writer->intern("[1,2]"); // of another tool
        writer->add(range);
        QVERIFY(writer->finish({}));
        const auto trace = *trace::loadTrace(folder / "a.gantry");
        const auto sections = eventDetails(*trace, EventId(EventKind::NvtxRange, 0));
        QCOMPARE(valueOf(sections, "NVTX range", "Payload: bytes"), QStringLiteral("4096"));
        QCOMPARE(valueOf(sections, "NVTX range", "Payload: ranks"), QStringLiteral("[0,1]"));
        QCOMPARE(valueOf(sections, "NVTX range", "Payload: name"), QStringLiteral("ring"));
        QCOMPARE(valueOf(eventDetails(*trace, EventId(EventKind::NvtxRange, 1)), "NVTX range", "Payload"), QStringLiteral("[1,2]"));
    }

    void aRequestSaysWhereItsTimeWentAndWhoSharedItsBatch()
    {
        const auto sections = requestDetails(*m_trace, requestNumbered(*m_trace, 7));
        QCOMPARE(valueOf(sections, "Request 7", "Model"), QStringLiteral("bert, version 1"));
        QCOMPARE(valueOf(sections, "Request 7", "Latency in the server"), QStringLiteral("200.000 µs"));
        QCOMPARE(valueOf(sections, "Request 7", "Outcome"), QStringLiteral("complete"));
        QCOMPARE(valueOf(sections, "Where the time went (rank among peers)", "Queue"), QStringLiteral("80.000 µs · 40.0 % · p100"));
        QVERIFY(lineOf(sections, "Where the time went (rank among peers)", "Cache").value.isEmpty());
        QCOMPARE(valueOf(sections, "Where the time went (rank among peers)", "Outside the phases"), QStringLiteral("50.000 µs · 25.0 %"));
        QCOMPARE(valueOf(sections, "Executed in a batch of 2", "Instance"), QStringLiteral("bert_0"));
        QCOMPARE(valueOf(sections, "Executed in a batch of 2", "Execution"), QStringLiteral("70.000 µs"));
        const DetailLine calls = lineOf(sections, "Executed in a batch of 2", "CUDA API calls");
        QCOMPARE(calls.value, QStringLiteral("6.000 µs in 2, longest 4.000 µs"));
        QVERIFY(calls.link == DetailLink(event(EventKind::ApiCall, "cudaLaunchKernel"))); // the longest
        QVERIFY(lineOf(sections, "Batch peers", "Request 8").link == DetailLink(requestNumbered(*m_trace, 8)));
    }

    void aRequestServedFromTheCacheHasNoBatch()
    {
        const auto sections = requestDetails(*m_trace, requestNumbered(*m_trace, 9));
        QCOMPARE(valueOf(sections, "Where the time went (rank among peers)", "Cache"), QStringLiteral("9.000 µs · 45.0 % · p100"));
        QVERIFY(!sectionOf(sections, QStringLiteral("Batch peers")));
        QCOMPARE(sections.size(), std::size_t{2});
        QVERIFY(requestDetails(*m_trace, trace::RequestIndex()).empty());
    }

    void whatIsDifferentFromTheMedianRequestIsSaid()
    {
        QString script = QStringLiteral("window 0..100000\nprocess p\n");
        for (int i = 1; i <= 6; ++i) // the last one waits 1000 ns instead of 200 ns
            script += QStringLiteral("request %1 model m:1 %2..%3 queue %2..%4 compute_infer %4..%3\n")
                          .arg(i)
                          .arg(i * 3000)
                          .arg(i * 3000 + (i == 6 ? 1800 : 1000))
                          .arg(i * 3000 + (i == 6 ? 1000 : 200));
        const TracePtr trace = traceOf(script.toUtf8().constData());
        const auto sections = requestDetails(*trace, requestNumbered(*trace, 6));
        QCOMPARE(valueOf(sections, "Different from the median", "Queue"), QStringLiteral("5× (median 200 ns)"));
        QCOMPARE(valueOf(sections, "Different from the median", "Latency"), QStringLiteral("1.8× (median 1.000 µs)"));
        const auto usual = requestDetails(*trace, requestNumbered(*trace, 2));
        QVERIFY(std::none_of(usual.begin(), usual.end(),
                             [](const DetailSection& section) { return section.title == QStringLiteral("Different from the median"); }));
    }

    void aRequestSaysWhetherItFailedOrWasCut()
    {
        const TracePtr trace =
            traceOf("window 0..1000\nprocess p\nrequest 1 model m:1 0..100 queue 0..50 failed\nrequest 2 model m:1 200.. queue 200..300\n");
        QCOMPARE(valueOf(requestDetails(*trace, requestNumbered(*trace, 1)), "Request 1", "Outcome"), QStringLiteral("failed"));
        QCOMPARE(valueOf(requestDetails(*trace, requestNumbered(*trace, 2)), "Request 2", "Outcome"), QStringLiteral("cut by the window"));
    }

    void aReportSaysWhatItHoldsAndWhatItLost()
    {
        auto trace = std::make_shared<trace::Trace>(*m_trace);
        trace->losses = {{"cupti_dropped_records", LossSeverity::Error, 1234, "Records CUPTI dropped."},
                         {"looked_none", LossSeverity::Warning, 0, "None."}};
        trace->meta.warnings = {"One table was skipped."};
        trace->meta.settings = {{"GANTRY_CUDA_DRIVER_VERSION", "13.0"}, {"nsys.option", "x"}};
        trace->meta.openCost = 2'000'000;
        trace->meta.sessionUtcNs = 1'700'000'000'123'000'000;
        const auto sections = reportDetails(*trace);
        QCOMPARE(valueOf(sections, "Report", "Length"), QStringLiteral("1.000 ms"));
        QCOMPARE(valueOf(sections, "Report", "Recorded"), QStringLiteral("2023-11-14 22:13:20.123 UTC"));
        QCOMPARE(valueOf(sections, "Events", "Requests"), QStringLiteral("≥ 3")); // something is missing
        QCOMPARE(valueOf(sections, "Events", "NVTX ranges"), QStringLiteral("≥ 3"));
        QVERIFY(lineOf(sections, "Events", "NVTX marks").value.isEmpty());
        QCOMPARE(valueOf(sections, "Losses", "cupti dropped records"), QStringLiteral("1 234 · Records CUPTI dropped."));
        QCOMPARE(sectionOf(sections, QStringLiteral("Losses"))->lines.size(), std::size_t{1});
        QCOMPARE(valueOf(sections, "Report", "Window opened in"), QStringLiteral("2.000 ms"));
        QVERIFY(lineOf(sections, "Report", "Window closed in").value.isEmpty());
        QCOMPARE(valueOf(sections, "Settings", "CUDA driver version"), QStringLiteral("13.0"));
        QCOMPARE(valueOf(sections, "Settings", "nsys.option"), QStringLiteral("x"));
        QCOMPARE(valueOf(sections, "Warnings", "Reader"), QStringLiteral("One table was skipped."));
    }

    // A report of eight processes said the same eight times, and what mattered was below it.
    void aWarningIsToldOnceWithItsTimes()
    {
        auto trace = std::make_shared<trace::Trace>(*m_trace);
        trace->meta.warnings = {"No NVTX events collected.", "One table was skipped.", "No NVTX events collected."};
        const auto sections = reportDetails(*trace);
        QCOMPARE(sectionOf(sections, QStringLiteral("Warnings"))->lines.size(), std::size_t{2});
        QCOMPARE(valueOf(sections, "Warnings", "Reader, 2 times"), QStringLiteral("No NVTX events collected."));
        QCOMPARE(valueOf(sections, "Warnings", "Reader"), QStringLiteral("One table was skipped."));
    }

    void aKernelSaysInWhichRangesItWasLaunched()
    {
        const TracePtr trace = traceOf("window 0..1000\nprocess p\nrange 12 forward 0..500\nrange 12 linear 10..200\n"
                                       "api 12 cudaLaunchKernel 20..30 corr 1\nkernel gpu0/stream7 gemm 600..700 corr 1\n");
        const auto kernel = eventDetails(*trace, eventNamed(*trace, EventKind::Kernel, "gemm"));
        const DetailSection* ranges = sectionOf(kernel, QStringLiteral("Launched in, outermost first"));
        QVERIFY(ranges && ranges->lines.size() == 2);
        QCOMPARE(ranges->lines[0].name, QStringLiteral("forward"));
        QCOMPARE(ranges->lines[1].name, QStringLiteral("linear"));
        QVERIFY(std::get<EventId>(ranges->lines[1].link) == eventNamed(*trace, EventKind::NvtxRange, "linear"));
        QVERIFY(sectionOf(eventDetails(*trace, eventNamed(*trace, EventKind::NvtxRange, "linear")),
                          QStringLiteral("Inside of, outermost first")));
    }

    void aDemoReportSaysTheGpuItRanOn()
    {
        const auto sections = reportDetails(*demoTrace("bert-pageable"));
        QVERIFY2(valueOf(sections, "Report", "GPU 0").contains(QStringLiteral("NVIDIA")), qPrintable(valueOf(sections, "Report", "GPU 0")));
    }

    // ---- panel

    void thePanelShowsTheEventThenItsRequestElseTheReport()
    {
        DetailsPanel panel;
        const trace::RequestIndex request = requestNumbered(*m_trace, 7);
        panel.show(m_trace, event(EventKind::Kernel, "gemm"), request);
        const QString both = panel.text();
        QVERIFY(both.indexOf(QStringLiteral("Launched by")) >= 0);
        QVERIFY(both.indexOf(QStringLiteral("Launched by")) < both.indexOf(QStringLiteral("Where the time went (rank among peers)")));
        panel.show(m_trace, event(EventKind::Phase, "queue"), request);
        QVERIFY(panel.text().startsWith(QStringLiteral("Request 7")));
        panel.show(m_trace, {}, {});
        QVERIFY(panel.text().startsWith(QStringLiteral("Report")));
        panel.clear();
        QVERIFY(panel.text().isEmpty());
    }

    void namesWithMarkupAreShownAsTheyAre()
    {
        const TracePtr trace = traceOf("window 0..1000\nprocess p\nkernel gpu0/stream7 <b>gemm</b> 100..150 corr 1\n");
        DetailsPanel panel;
        panel.show(trace, EventId(EventKind::Kernel, 0), {});
        QVERIFY(panel.text().contains(QStringLiteral("<b>gemm</b>")));
    }

    void clickingALinkAsksForTheEventOrTheRequest()
    {
        DetailsPanel panel;
        panel.resize(500, 700);
        panel.show(m_trace, event(EventKind::Kernel, "gemm"), {});
        static_cast<QWidget&>(panel).show();
        QVERIFY(QTest::qWaitForWindowExposed(&panel));
        QSignalSpy events(&panel, &DetailsPanel::eventRequested), requests(&panel, &DetailsPanel::requestRequested);
        QVERIFY(clickLink(panel, QStringLiteral("4.000 µs")));
        QCOMPARE(events.count(), 1);
        QVERIFY(events.at(0).at(0).value<EventId>() == event(EventKind::ApiCall, "cudaLaunchKernel"));
        QVERIFY(clickLink(panel, QStringLiteral("190.000 µs"))); // latency of request 8
        QCOMPARE(requests.count(), 1);
        QVERIFY(requests.at(0).at(0).value<trace::RequestIndex>() == requestNumbered(*m_trace, 8));
        QVERIFY(!clickLink(panel, QStringLiteral("5.000 µs"))); // the wait leads nowhere
    }

    void thePanelFollowsTheTheme()
    {
        DetailsPanel panel;
        panel.resize(400, 500);
        panel.show(m_trace, event(EventKind::Kernel, "gemm"), {});
        for (const ColorScheme scheme : {ColorScheme::Light, ColorScheme::Dark}) {
            const Theme& theme = Theme::of(scheme);
            panel.setPalette(theme.palette());
            const QImage image = imageOf(panel);
            QVERIFY(pixelsOf(image, theme.base) > 100'000);
            QVERIFY(pixelsOf(image, theme.accent) > 5);   // links
            QVERIFY(pixelsOf(image, theme.weakText) > 5); // names
        }
    }

    // They were broken wherever the column ended: OS_RUNTIME_OPTIO / NS:DURATION.
    void longKeysEndLinesBehindTheirWordsAndAreCopiedAsTheyAre()
    {
        auto trace = std::make_shared<trace::Trace>();
        trace->meta.settings = {{"OS_RUNTIME_OPTIONS:DURATION_THRESHOLD_NS", "1000"}};
        DetailsPanel panel;
        panel.resize(280, 500);
        panel.show(trace, {}, {});
        QVERIFY(panel.text().contains(QStringLiteral("OS_RUNTIME_OPTIONS:DURATION_THRESHOLD_NS")));
        auto* view = panel.findChild<QTextBrowser*>();
        panel.QWidget::show();
        QTextBlock block = view->document()->begin();
        while (block.isValid() && !block.text().startsWith(QStringLiteral("OS_")))
            block = block.next();
        QVERIFY(block.isValid() && block.layout()->lineCount() > 1);
        for (int i = 0; i + 1 < block.layout()->lineCount(); ++i) {
            const QTextLine line = block.layout()->lineAt(i);
            QString text = block.text().mid(line.textStart(), line.textLength());
            text.remove(QChar(0x200B));
            QVERIFY2(text.endsWith(QLatin1Char('_')) || text.endsWith(QLatin1Char(':')), qPrintable(text));
        }
        view->selectAll();
        view->copy();
        QVERIFY(QGuiApplication::clipboard()->text().contains(QStringLiteral("OS_RUNTIME_OPTIONS:DURATION_THRESHOLD_NS")));
    }

private:
    [[nodiscard]] EventId event(EventKind kind, std::string_view name) const { return eventNamed(*m_trace, kind, name); }

    TracePtr m_trace;
};

QTEST_MAIN(DetailsTest)
#include "details_test.moc"
