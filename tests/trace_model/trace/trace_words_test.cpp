#include "trace_model/trace/trace_words.h"

#include "tests/support/event_script.h"
#include "tests/support/temporary_folder.h"
#include "trace_model/trace/trace_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

namespace gantry::trace {
namespace {

using testing::ElementsAre;

std::shared_ptr<const Trace> chromeTrace(const std::string& events, const std::string& keys = {})
{
    const test::TemporaryFolder folder;
    std::ofstream(folder / "a.json") << "{" + keys + "\"traceEvents\": [" + events + "]}";
    return loadTrace((folder / "a.json").string()).value();
}

std::string slice(const std::string& category, const std::string& name, int tid = 1)
{
    return R"({"ph":"X","cat":")" + category + R"(","name":")" + name + R"(","pid":9,"tid":)" + std::to_string(tid) + R"(,"ts":1,"dur":2})";
}

/// "Thread 1: Operators" of rows that are no groups.
std::vector<std::string> rows(const Trace& trace)
{
    std::vector<std::string> names;
    for (const Track& track : trace.tracks)
        if (track.kind != TrackKind::Group)
            names.push_back(track.detail.empty() ? track.name : track.name + ": " + track.detail);
    return names;
}

TEST(TraceWords, RangesOfPyTorchAreCalledWhatTheyAre)
{
    const auto trace = chromeTrace(slice("cpu_op", "aten::add") + "," + slice("python_function", "main.py(3): run") + "," +
                                   slice("user_annotation", "step", 2) + "," + slice("anything", "span", 3));
    EXPECT_THAT(rows(*trace), ElementsAre("Thread 1: Operators, Python", "Thread 2: Annotations", "Thread 3: Spans"));
    EXPECT_EQ(rangesName(*trace), "Ranges");
}

TEST(TraceWords, MarksOfOtherToolsAreNoNvtx)
{
    const auto trace = chromeTrace(R"({"ph":"i","name":"now","pid":9,"tid":1,"ts":1})");
    EXPECT_THAT(rows(*trace), ElementsAre("Thread 1: Marks"));
}

TEST(TraceWords, WhatGantryExportedIsNvtxAgain)
{
    const auto trace = chromeTrace(slice("nvtx", "a") + "," + slice("NCCL", "b", 2), R"("exportedBy": "Gantry 0.1.0", )");
    EXPECT_THAT(rows(*trace), ElementsAre("Thread 1: NVTX", "Thread 2: NVTX"));
    EXPECT_EQ(rangesName(*trace), "NVTX ranges");
}

TEST(TraceWords, RangesOfReportsAreNvtx)
{
    EXPECT_THAT(rows(*test::traceOf("thread 12 worker\nrange 12 step 0..10\n")), ElementsAre("worker (12): NVTX"));
}

// The traces of AMD's GPUs have the categories of NVIDIA's.
TEST(TraceWords, TheApiIsThatOfTheCalls)
{
    EXPECT_THAT(rows(*chromeTrace(slice("cuda_runtime", "hipLaunchKernel"))), ElementsAre("Thread 1: HIP API"));
    EXPECT_THAT(rows(*chromeTrace(slice("cuda_runtime", "cudaLaunchKernel"))), ElementsAre("Thread 1: CUDA API"));
}

TEST(TraceWords, AnnotationsOnTheGpuAreNoNvtx)
{
    const std::string work =
        R"({"ph":"X","cat":"kernel","name":"k","pid":0,"tid":7,"ts":3,"dur":1,"args":{"device":0,"context":1,"stream":7}})";
    const std::string range = R"({"ph":"X","cat":"gpu_user_annotation","name":"step","pid":0,"tid":7,"ts":2,"dur":5})";
    EXPECT_THAT(rows(*chromeTrace(work + "," + range)), ElementsAre("Stream 7: 100.0 %", "Annotations on the GPU"));
}

// A trace of vLLM has "name": "" for each of its GPUs, and their rows ended in a dot.
TEST(TraceWords, AGpuWithoutANameIsCalledByItsNumber)
{
    const std::string work =
        R"({"ph":"X","cat":"kernel","name":"k","pid":2,"tid":7,"ts":3,"dur":1,"args":{"device":2,"context":1,"stream":7}})";
    const auto trace = chromeTrace(work, R"("deviceProperties": [{"id": 2, "name": ""}], )");
    ASSERT_FALSE(trace->tracks.empty());
    EXPECT_EQ(trace->tracks.front().name, "GPU 2");
}

} // namespace
} // namespace gantry::trace
