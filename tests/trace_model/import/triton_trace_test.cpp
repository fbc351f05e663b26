#include "trace_model/import/triton_trace.h"

#include "tests/support/collecting_sink.h"
#include "tests/support/test_files.h"
#include "trace_model/import/json_parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace gantry::importing {
namespace {

using records::RequestPhase;
using test::CollectedRows;
using test::CollectingSink;

/// Fragments as Triton writes them, one for each "NAME@NS" of `times`.
std::string fragments(int id, const std::string& metadata, std::initializer_list<std::pair<const char*, std::int64_t>> times)
{
    std::string text;
    if (!metadata.empty())
        text += "{\"id\":" + std::to_string(id) + "," + metadata + "},";
    for (const auto& [name, ns] : times)
        text += "{\"id\":" + std::to_string(id) + ",\"timestamps\":[{\"name\":\"" + name + "\",\"ns\":" + std::to_string(ns) + "}]},";
    return text;
}

std::string computed(int id, const std::string& metadata, std::int64_t start)
{
    return fragments(id, metadata,
                     {{"REQUEST_START", start},
                      {"QUEUE_START", start + 10},
                      {"INFER_RESPONSE_COMPLETE", start + 95},
                      {"COMPUTE_START", start + 40},
                      {"COMPUTE_INPUT_END", start + 50},
                      {"COMPUTE_OUTPUT_START", start + 80},
                      {"COMPUTE_END", start + 90},
                      {"REQUEST_END", start + 100}});
}

constexpr char kModel[] = R"("model_name":"simple","model_version":1)";

/// Of fragments that each end with a comma.
std::string array(std::string fragments)
{
    if (!fragments.empty())
        fragments.pop_back();
    return "[" + fragments + "]";
}

class ReadingATritonTrace : public testing::Test
{
protected:
    void read(std::string_view text)
    {
        const auto done = parseTritonTrace(text, sink, {});
        ASSERT_TRUE(done) << done.error().text();
    }
    [[nodiscard]] std::uint64_t skipped(std::string_view table, std::string_view reason)
    {
        for (const SkippedRows& rows : sink.report().table(table).skipped)
            if (rows.reason == reason)
                return rows.count;
        return 0;
    }
    [[nodiscard]] std::optional<TimeRange> phase(std::size_t request, RequestPhase phase) const
    {
        return sink.requests.at(request).phases[static_cast<std::size_t>(phase)];
    }
    [[nodiscard]] std::string warnings() const
    {
        std::string all;
        for (const std::string& warning : const_cast<CollectingSink&>(sink).meta().warnings)
            all += warning + "\n";
        return all;
    }

    CollectingSink sink;
};

TEST_F(ReadingATritonTrace, GivesARequestWithItsPhases)
{
    read(array(computed(7, R"("model_name":"simple","model_version":3,"request_id":"abc")", 5'000'000)));
    ASSERT_EQ(sink.requests.size(), 1u);
    const auto& request = sink.requests[0];
    EXPECT_EQ(request.requestId, 7u);
    EXPECT_EQ(sink.text(request.model), "simple");
    EXPECT_EQ(sink.text(request.version), "3");
    EXPECT_EQ(sink.text(request.clientId.value()), "abc");
    EXPECT_EQ(request.start, 0);
    EXPECT_EQ(request.end, 100);
    EXPECT_FALSE(request.failed);
    EXPECT_FALSE(request.batchId);
    EXPECT_EQ(phase(0, RequestPhase::Queue), (TimeRange{10, 40}));
    EXPECT_EQ(phase(0, RequestPhase::ComputeInput), (TimeRange{40, 50}));
    EXPECT_EQ(phase(0, RequestPhase::ComputeInfer), (TimeRange{50, 80}));
    EXPECT_EQ(phase(0, RequestPhase::ComputeOutput), (TimeRange{80, 90}));
    EXPECT_FALSE(phase(0, RequestPhase::Cache));
    EXPECT_EQ(sink.meta().format, "triton-trace");
    EXPECT_EQ(sink.meta().sessionMonotonicNs, 5'000'000);
    EXPECT_EQ(sink.meta().sessionUtcNs, 0) << "the file has no wall clock";
    EXPECT_EQ(sink.report().time, (TimeRange{0, 100}));
    EXPECT_EQ(sink.report().table("timestamps").kept, 8u);
    EXPECT_EQ(sink.report().table("requests").kept, 1u);
    EXPECT_EQ(warnings(), "");
}

TEST_F(ReadingATritonTrace, TakesFragmentsInAnyOrder)
{
    const std::string first = computed(1, kModel, 1000), second = computed(2, kModel, 1030);
    std::vector<std::string> all;
    const std::string inOrder = array(first + second);
    JsonParts parts(inOrder);
    while (const auto part = parts.next())
        all.emplace_back(part->text);
    std::reverse(all.begin(), all.end());
    std::string text;
    for (const std::string& fragment : all)
        text += fragment + ",";
    read(array(text));
    ASSERT_EQ(sink.requests.size(), 2u);
    const std::size_t one = sink.requests[0].requestId == 1 ? 0 : 1;
    EXPECT_EQ(sink.requests[one].start, 0);
    EXPECT_EQ(phase(1 - one, RequestPhase::ComputeInfer), (TimeRange{80, 110}));
}

TEST_F(ReadingATritonTrace, TakesAllTimestampsInOneFragmentAsOldServersWrite)
{
    read(R"([{"timestamps":[{"name":"request handler start","ns":100},{"name":"queue start","ns":110},{"name":"compute start","ns":120},)"
         R"({"name":"compute end","ns":150},{"name":"request handler end","ns":160}],"id":1,"model_name":"old","model_version":1}])");
    ASSERT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(sink.requests[0].end, 60);
    EXPECT_EQ(phase(0, RequestPhase::Queue), (TimeRange{10, 20}));
    EXPECT_EQ(phase(0, RequestPhase::ComputeInfer), (TimeRange{20, 50})) << "nothing is known of inputs and outputs";
    EXPECT_EQ(sink.text(sink.requests[0].model), "old");
}

TEST_F(ReadingATritonTrace, ReadsAFileWithoutItsClosingBracket)
{
    read("[" + computed(1, kModel, 1000));
    EXPECT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(warnings(), "");
}

TEST_F(ReadingATritonTrace, ReadsAFileThatWasCutInAFragment)
{
    read("[" + computed(1, kModel, 1000) + R"({"id":2,"timestamps":[{"name":"REQUEST_START","ns":12)");
    EXPECT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(skipped("timestamps", "cut off"), 1u);
    EXPECT_NE(warnings().find("1 piece of the file damaged"), std::string::npos);
}

TEST_F(ReadingATritonTrace, ARequestWithoutItsStartHasNone)
{
    read(array(fragments(1, kModel, {{"QUEUE_START", 900}, {"REQUEST_END", 1500}}) + fragments(2, kModel, {{"REQUEST_START", 1000}})));
    ASSERT_EQ(sink.requests.size(), 2u);
    EXPECT_FALSE(sink.requests[0].start);
    EXPECT_EQ(sink.requests[0].end, 600);
    EXPECT_EQ(sink.requests[1].start, 100);
    EXPECT_FALSE(sink.requests[1].end);
}

TEST_F(ReadingATritonTrace, SaysThatAFileThatIsCutOffIsNotComplete)
{
    read("[" + computed(1, kModel, 1000) + R"({"id":2,"timestamps":[{"name":"REQUEST_START","ns":12)");
    EXPECT_FALSE(sink.meta().complete);
    EXPECT_THAT(sink.meta().whyIncomplete, testing::ElementsAre("pieces of the file are damaged or cut off"));
}

TEST_F(ReadingATritonTrace, LinksStepsOfAnEnsembleToTheirParent)
{
    read(array(fragments(1, R"("model_name":"ensemble","model_version":1)", {{"REQUEST_START", 100}, {"REQUEST_END", 400}})
               + computed(2, R"("model_name":"step","model_version":1,"parent_id":1)", 150)));
    ASSERT_EQ(sink.requests.size(), 2u);
    EXPECT_FALSE(sink.requests[0].parentId);
    EXPECT_EQ(sink.requests[1].parentId, 1u);
    EXPECT_FALSE(sink.requests[0].failed) << "its steps were computed";
}

TEST_F(ReadingATritonTrace, BreaksParentsThatRunInCircles)
{
    std::string text;
    for (int id = 1; id <= 5; ++id)
        text += computed(id, std::string(kModel) + ",\"parent_id\":" + std::to_string(id % 5 + 1), 1000 * id);
    read(array(text + computed(6, std::string(kModel) + ",\"parent_id\":6", 9000) + computed(7, std::string(kModel) + ",\"parent_id\":1", 9500)));
    std::map<std::uint64_t, std::uint64_t> parents;
    for (const auto& request : sink.requests)
        if (request.parentId)
            parents[request.requestId] = *request.parentId;
    EXPECT_EQ(parents.size(), 5u) << "four of the circle, and the one outside";
    for (const auto& request : sink.requests) {
        std::uint64_t at = request.requestId;
        int steps = 0;
        for (; parents.contains(at) && steps < 10; ++steps)
            at = parents[at];
        EXPECT_LT(steps, 10) << "from " << request.requestId;
    }
    EXPECT_EQ(skipped("parents", "the parent is, through others, its child"), 2u);
}

TEST_F(ReadingATritonTrace, MakesOneBatchOfRequestsThatComputedTogether)
{
    const auto member = [](int id, std::int64_t start, const char* model) {
        return fragments(id, std::string("\"model_name\":\"") + model + "\",\"model_version\":1",
                         {{"REQUEST_START", start}, {"QUEUE_START", start}, {"COMPUTE_START", 500}, {"COMPUTE_INPUT_END", 510}, {"COMPUTE_OUTPUT_START", 580}, {"COMPUTE_END", 600}, {"REQUEST_END", 610}});
    };
    read(array(member(1, 100, "a") + member(2, 200, "a") + member(3, 300, "b") + computed(4, R"("model_name":"a","model_version":1)", 460)));
    ASSERT_EQ(sink.executions.size(), 1u) << "another model and other times are other batches, and one alone is none";
    EXPECT_EQ(sink.executions[0].start, 400);
    EXPECT_EQ(sink.executions[0].end, 500);
    EXPECT_EQ(sink.text(sink.executions[0].model), "a");
    ASSERT_EQ(sink.requests.size(), 4u);
    EXPECT_EQ(sink.requests[0].batchId, sink.executions[0].batchId);
    EXPECT_EQ(sink.requests[1].batchId, sink.executions[0].batchId);
    EXPECT_FALSE(sink.requests[2].batchId);
    EXPECT_FALSE(sink.requests[3].batchId);
    EXPECT_EQ(sink.requests[0].globalPid, sink.executions[0].globalTid & ~0xFFFFFFull);
}

TEST_F(ReadingATritonTrace, ShowsOtherActivitiesAsRangesAndMarks)
{
    read(array(fragments(1, kModel,
                         {{"HTTP_RECV_START", 10}, {"HTTP_RECV_END", 15}, {"GRPC_SEND_START", 40}, {"GRPC_SEND_END", 45}, {"GRPC_SEND_START", 50}, {"GRPC_SEND_END", 60}, {"TOKENIZE_START", 20}, {"TOKENIZE_END", 22},
                          {"CACHE_HIT", 23}, {"LOST_START", 24}, {"FOUND_END", 25}, {"REQUEST_START", 16}, {"REQUEST_END", 30}})));
    std::vector<std::string> ranges, marks;
    for (const RangeRow& row : sink.all(&CollectedRows::ranges)) {
        ranges.push_back(sink.threadNames.at(row.globalTid) + " " + sink.text(row.textId) + " " + std::to_string(row.start) + ".." + std::to_string(row.end.value()));
        EXPECT_EQ(row.payload, 1u);
        EXPECT_TRUE(row.isStartEnd);
        EXPECT_EQ(sink.processNames.at(row.globalTid & ~0xFFFFFFull), "Triton");
    }
    for (const MarkRow& row : sink.all(&CollectedRows::marks))
        marks.push_back(sink.text(row.textId) + " " + std::to_string(row.time));
    std::sort(marks.begin(), marks.end());
    EXPECT_EQ(ranges, (std::vector<std::string>{"HTTP HTTP_RECV 0..5", "activities TOKENIZE 10..12", "gRPC GRPC_SEND 30..35", "gRPC GRPC_SEND 40..50"}));
    EXPECT_EQ(marks, (std::vector<std::string>{"CACHE_HIT 13", "FOUND_END 15", "LOST_START 14"}));
}

TEST_F(ReadingATritonTrace, TellsCacheHitsFromRejectedRequests)
{
    read(array(fragments(1, kModel, {{"REQUEST_START", 10}, {"QUEUE_START", 12}, {"INFER_RESPONSE_COMPLETE", 18}, {"REQUEST_END", 20}})
               + fragments(2, kModel, {{"REQUEST_START", 30}, {"REQUEST_END", 35}}) + fragments(3, kModel, {{"REQUEST_START", 40}})));
    ASSERT_EQ(sink.requests.size(), 3u);
    EXPECT_FALSE(sink.requests[0].failed);
    EXPECT_FALSE(phase(0, RequestPhase::Queue)) << "nobody says when it left the queue";
    EXPECT_TRUE(sink.requests[1].failed) << "it ended without being queued";
    EXPECT_FALSE(sink.requests[2].failed);
    EXPECT_FALSE(sink.requests[2].end) << "still running when the file ends";
    EXPECT_NE(warnings().find("1 request queued and answered without being computed"), std::string::npos);
}

TEST_F(ReadingATritonTrace, CountsTensorsWithoutShowingThem)
{
    read(array(computed(1, kModel, 100) + R"({"id":1,"activity":"TENSOR_QUEUE_INPUT","tensor":{"name":"INPUT0","data":"0.1,0.2","shape":"1,2","dtype":"FP32"}},)"));
    EXPECT_EQ(skipped("tensors", "the data of tensors is not shown"), 1u);
    EXPECT_EQ(sink.requests.size(), 1u);
}

TEST_F(ReadingATritonTrace, RepairsStringsThatWereNotEscaped)
{
    std::string text;
    const char* ids[] = {R"(a"b)", R"(say "hi" now)", R"(C:\temp\)", R"({"json":[1]})", "}{][", "\","};
    int number = 0;
    for (const char* id : ids) {
        ++number;
        text += computed(number, std::string(kModel) + ",\"request_id\":\"" + id + "\"", 1000 * number);
    }
    text += computed(7, R"("model_name":"mo"del","model_version":2,"request_id":"x"y","parent_id":1)", 7000);
    read(array(text));
    ASSERT_EQ(sink.requests.size(), 7u);
    for (std::size_t i = 0; i < std::size(ids); ++i) {
        EXPECT_EQ(sink.text(sink.requests[i].clientId.value()), ids[i]);
        EXPECT_EQ(sink.requests[i].end.value() - sink.requests[i].start.value(), 100);
    }
    EXPECT_EQ(sink.text(sink.requests[6].model), "mo\"del");
    EXPECT_EQ(sink.text(sink.requests[6].version), "2");
    EXPECT_EQ(sink.text(sink.requests[6].clientId.value()), "x\"y");
    EXPECT_EQ(sink.requests[6].parentId, 1u);
    EXPECT_NE(warnings().find("which was repaired"), std::string::npos);
    EXPECT_EQ(warnings().find("damaged"), std::string::npos) << warnings();
}

TEST_F(ReadingATritonTrace, SeparatesRunsOfTheServerWhoseIdsStartAgain)
{
    read(array(computed(1, R"("model_name":"before","model_version":1)", 1000) + computed(2, kModel, 2000)
               + computed(1, R"("model_name":"after","model_version":1)", 900'000)));
    ASSERT_EQ(sink.requests.size(), 3u);
    EXPECT_EQ(sink.text(sink.requests[0].model), "before");
    EXPECT_EQ(sink.text(sink.requests[1].model), "after");
    EXPECT_EQ(sink.requests[0].end, 100);
    EXPECT_EQ(sink.requests[1].start, 899'000);
    EXPECT_NE(sink.requests[0].globalPid, sink.requests[1].globalPid);
    EXPECT_EQ(sink.requests[0].globalPid, sink.requests[2].globalPid);
    EXPECT_NE(warnings().find("2 runs of the server are in the file"), std::string::npos);
}

TEST_F(ReadingATritonTrace, CountsWhatIsWrittenTwiceOnce)
{
    const std::string once = computed(1, kModel, 1000);
    read(array(once) + array(once));
    EXPECT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(skipped("timestamps", "written twice"), 8u);
}

TEST_F(ReadingATritonTrace, CountsAndSkipsMalformedFragments)
{
    read(R"([17,"x",null,{},{"id":"no"},{"id":3},{"id":4,"timestamps":7},{"id":5,"timestamps":[{"name":"REQUEST_START"},{"ns":1},{"name":5,"ns":1},{"name":"REQUEST_START","ns":"x"},3]},)"
         + array(computed(1, kModel, 1000)).substr(1));
    EXPECT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(skipped("fragments", "no id"), 2u);
    EXPECT_EQ(skipped("fragments", "neither model, timestamps nor tensor"), 1u);
    EXPECT_EQ(skipped("timestamps", "no name or no number of nanoseconds"), 5u);
}

TEST_F(ReadingATritonTrace, SurvivesTimesThatMakeNoSense)
{
    read(array(computed(1, kModel, 5'000'000'000) + fragments(2, kModel, {{"REQUEST_START", 5'000'000'100}, {"REQUEST_END", 5'000'000'050}})
               + fragments(3, kModel, {{"REQUEST_START", 5'000'000'000}, {"QUEUE_START", 5'000'000'010}, {"COMPUTE_START", 5'000'000'005}, {"REQUEST_END", INT64_MAX}})
               + fragments(4, kModel, {{"REQUEST_START", INT64_MIN}, {"REQUEST_END", 5'000'000'020}})));
    EXPECT_EQ(sink.meta().sessionMonotonicNs, 5'000'000'000) << "a few impossible times do not move time 0";
    EXPECT_EQ(skipped("timestamps", "too far from all others"), 2u);
    EXPECT_EQ(skipped("requests", "ends before it starts"), 1u);
    EXPECT_EQ(skipped("phases", "ends before it starts"), 1u);
    for (const auto& request : sink.requests) {
        EXPECT_TRUE(!request.start || !request.end || areEventTimes(*request.start, *request.end));
        for (const auto& range : request.phases)
            EXPECT_TRUE(!range || areEventTimes(range->start, range->end));
    }
}

TEST_F(ReadingATritonTrace, ReadsNulBytesAndBytesOfNoEncoding)
{
    read(array(computed(1, "\"model_name\":\"a" + std::string(1, '\0') + "b\xFF\",\"model_version\":-1", 1000)));
    ASSERT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(sink.text(sink.requests[0].model), "a" + std::string(1, '\0') + "b\xFF");
    EXPECT_EQ(sink.requests[0].version, 0) << "-1 is no version";
}

TEST_F(ReadingATritonTrace, SaysThatAFileHasNoRequests)
{
    for (const char* text : {"", "[]", "[", "no json", "[{\"id\":1}]", "[{\"id\":1,\"activity\":\"TENSOR_QUEUE_INPUT\",\"tensor\":{}}]"}) {
        CollectingSink empty;
        const auto done = parseTritonTrace(text, empty, {});
        ASSERT_FALSE(done) << text;
        EXPECT_EQ(done.error().code, ErrorCode::BadInput);
        EXPECT_NE(done.error().message.find("--trace-config"), std::string::npos);
    }
}

TEST_F(ReadingATritonTrace, IsCancelled)
{
    std::stop_source stop;
    stop.request_stop();
    const auto done = parseTritonTrace(array(computed(1, kModel, 1000)), sink, {{}, stop.get_token()});
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::Cancelled);
}

TEST_F(ReadingATritonTrace, AMillionIdsAndNamesStayBounded)
{
    std::string text = "[";
    for (int id = 0; id < 1'000'000; ++id)
        text += "{\"id\":" + std::to_string(id) + ",\"timestamps\":[{\"name\":\"ACTIVITY_" + std::to_string(id) + "\",\"ns\":" + std::to_string(1000 + id) + "}]},";
    read(text + computed(1'000'001, kModel, 1000));
    EXPECT_EQ(sink.requests.size(), 1u);
    EXPECT_EQ(skipped("requests", "no times of its own"), 65'536u - 7u) << "of the ids that have an activity";
    EXPECT_EQ(sink.report().table("timestamps").rows, 1'000'008u);
    EXPECT_LE(sink.all(&CollectedRows::marks).size(), 65'536u);
    EXPECT_GT(skipped("timestamps", "more than 65,536 kinds of activities"), 900'000u);
}

TEST_F(ReadingATritonTrace, OneIdWithAMillionActivitiesTakesNoLongerThanItsBytes)
{
    std::string text = "[{\"id\":1,\"timestamps\":[";
    for (int i = 0; i < 500'000; ++i)
        text += "{\"name\":\"A" + std::to_string(i % 60'000) + "_START\",\"ns\":" + std::to_string(1000 + i) + "},{\"name\":\"REQUEST_START\",\"ns\":" + std::to_string(2000 + i) + "},";
    read(text + "]}]");
    EXPECT_LE(sink.processNames.size(), 4096u);
    EXPECT_EQ(sink.report().table("timestamps").kept, 1'000'000u);
}

TEST_F(ReadingATritonTrace, TheRealTraceIsReadWhole)
{
    const auto files = test::sharedFiles("triton_trace");
    if (files.empty())
        GTEST_SKIP() << "the shared traces are not here";
    const auto done = readTritonTrace(files[0], sink, {});
    ASSERT_TRUE(done) << done.error().text();
    ASSERT_EQ(sink.requests.size(), 50u);
    for (std::size_t i = 0; i < 50; ++i) {
        EXPECT_EQ(sink.text(sink.requests[i].model), "resnet50");
        EXPECT_FALSE(sink.requests[i].failed);
        ASSERT_TRUE(sink.requests[i].start && sink.requests[i].end);
        DurationNs inPhases = 0;
        for (const auto& range : sink.requests[i].phases)
            inPhases += range ? range->duration() : 0;
        EXPECT_GT(inPhases, (*sink.requests[i].end - *sink.requests[i].start) * 9 / 10);
    }
    EXPECT_EQ(sink.meta().sessionMonotonicNs, 5294383183578);
    EXPECT_EQ(phase(0, RequestPhase::ComputeInfer), (TimeRange{5294384177375 - 5294383183578, 5294387800446 - 5294383183578}));
    EXPECT_EQ(sink.all(&CollectedRows::ranges).size(), 100u) << "50 received and 50 sent";
    EXPECT_EQ(sink.all(&CollectedRows::marks).size(), 50u);
    EXPECT_EQ(sink.report().table("timestamps").kept, 600u);
    EXPECT_EQ(sink.report().fileBytes, std::filesystem::file_size(files[0]));
    EXPECT_EQ(warnings(), "");
}

TEST_F(ReadingATritonTrace, TheRealTraceCutAnywhereGivesTheRequestsBeforeTheCut)
{
    const auto files = test::sharedFiles("triton_trace");
    if (files.empty())
        GTEST_SKIP() << "the shared traces are not here";
    std::size_t before = 0;
    test::forEachTruncation(test::readFile(files[0]), [&](std::string_view text) {
        CollectingSink cut;
        if (parseTritonTrace(text, cut, {})) {
            EXPECT_GE(cut.requests.size(), before);
            before = cut.requests.size();
        } else {
            EXPECT_EQ(before, 0u);
        }
    });
    EXPECT_EQ(before, 50u);
}

} // namespace
} // namespace gantry::importing
