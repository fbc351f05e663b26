#include "remote_server/proto/remote_write.h"

#include "prometheus/remote_write.pb.h"

#include <gtest/gtest.h>
#include <limits>
#include <snappy.h>

namespace gantry::proto {
namespace {

using Labels = std::map<std::string, std::string>;

RemoteWriteSeries series(const std::string& name, const std::vector<std::int64_t>& times)
{
    RemoteWriteSeries one{remoteWriteLabels(name, {{"gpu", "0"}}), {}};
    for (const std::int64_t time : times)
        one.samples.push_back({time, static_cast<double>(time) / 2});
    return one;
}

TEST(RemoteWrite, NamesAndLabelsAreThoseThatAServerTakes)
{
    EXPECT_EQ(remoteWriteLabels("vllm:tokens", {{"model", "a"}, {"gpu.name", "H100"}, {"le", ""}}),
              (Labels{{"__name__", "vllm:tokens"}, {"gpu_name", "H100"}, {"model", "a"}}));
    EXPECT_EQ(remoteWriteLabels("trtllm.iterLatencyMS", {{"0x", "v"}}), (Labels{{"__name__", "trtllm_iterLatencyMS"}, {"_0x", "v"}}));
    EXPECT_EQ(remoteWriteLabels("", {}), (Labels{{"__name__", "_"}}));
}

TEST(RemoteWrite, RequestsAreBoundedAndInTheOrderOfTimeOverAllSeries)
{
    const auto batches = remoteWriteBatches({series("a", {1, 3, 5, 7}), series("b", {2, 4, 6})}, 3);
    ASSERT_EQ(batches.size(), 3U);
    std::int64_t last = 0;
    std::size_t samples = 0;
    for (const auto& batch : batches) {
        std::int64_t newest = last;
        std::size_t inBatch = 0;
        for (const RemoteWriteSeries& one : batch)
            for (const RemoteWriteSample& sample : one.samples) {
                EXPECT_GT(sample.utcMs, last) << "older than what was sent before";
                newest = std::max(newest, sample.utcMs);
                ++inBatch;
            }
        EXPECT_LE(inBatch, 3U);
        samples += inBatch;
        last = newest;
    }
    EXPECT_EQ(samples, 7U);
    EXPECT_TRUE(remoteWriteBatches({}, 3).empty());
}

TEST(RemoteWrite, OfSeveralSamplesInAMillisecondTheLastIsKept)
{
    RemoteWriteSeries one = series("a", {1, 1, 2});
    one.samples[1].value = 9;
    const auto batches = remoteWriteBatches({one}, 100);
    ASSERT_EQ(batches.size(), 1U);
    ASSERT_EQ(batches[0].at(0).samples.size(), 2U);
    EXPECT_EQ(batches[0][0].samples[0].value, 9);
}

TEST(RemoteWrite, TheBodyIsAWriteRequestInABlockOfSnappy)
{
    std::string plain;
    const std::string body = encodeRemoteWrite({series("power", {1000, 2000})});
    ASSERT_TRUE(snappy::Uncompress(body.data(), body.size(), &plain));
    ::prometheus::WriteRequest request;
    ASSERT_TRUE(request.ParseFromString(plain));
    ASSERT_EQ(request.timeseries_size(), 1);
    const auto& out = request.timeseries(0);
    ASSERT_EQ(out.labels_size(), 2);
    EXPECT_EQ(out.labels(0).name(), "__name__");
    EXPECT_EQ(out.labels(0).value(), "power");
    EXPECT_EQ(out.labels(1).name(), "gpu");
    ASSERT_EQ(out.samples_size(), 2);
    EXPECT_EQ(out.samples(1).timestamp(), 2000);
    EXPECT_EQ(out.samples(1).value(), 1000.0);
}

} // namespace
} // namespace gantry::proto
