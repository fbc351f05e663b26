#include "remote_server/inference/base64.h"
#include "remote_server/inference/classification.h"
#include "remote_server/inference/json_tensor.h"
#include "remote_server/inference/latency_summaries.h"
#include "remote_server/inference/log_settings.h"
#include "remote_server/inference/metrics_text.h"
#include "remote_server/inference/proto_json.h"

#include "tests/support/temporary_folder.h"

#include "inference/grpc_service.pb.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <sstream>

namespace gantry::inference_server {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(Base64, IsDecodedWithAndWithoutPaddingAndNothingElse)
{
    EXPECT_EQ(fromBase64(""), "");
    EXPECT_EQ(fromBase64("Zg=="), "f");
    EXPECT_EQ(fromBase64("Zm8"), "fo");
    EXPECT_EQ(fromBase64("Zm9vYg=="), "foob");
    EXPECT_EQ(fromBase64("/+8="), "\xFF\xEF");
    for (const char* text : {"A", "Zg===", "Z g=", "Zg-_", "===="})
        EXPECT_FALSE(fromBase64(text)) << text;
}

std::string roundTrip(const json& data, inference::DataType type, const std::vector<std::int64_t>& shape)
{
    const auto bytes = bytesFromJson(data, type, shape);
    if (!bytes)
        return bytes.error().text();
    std::string text;
    const auto written = appendJsonElements(text, *bytes, type);
    return written ? text : written.error().text();
}

TEST(JsonTensor, KeepsTheEdgesOfEachType)
{
    EXPECT_EQ(roundTrip({-128, 127}, inference::TYPE_INT8, {2}), "-128,127");
    EXPECT_EQ(roundTrip({0, 255}, inference::TYPE_UINT8, {2}), "0,255");
    EXPECT_EQ(roundTrip({INT64_MIN, INT64_MAX}, inference::TYPE_INT64, {2}), "-9223372036854775808,9223372036854775807");
    EXPECT_EQ(roundTrip({UINT64_MAX}, inference::TYPE_UINT64, {1}), "18446744073709551615");
    EXPECT_EQ(roundTrip({true, 0, 1}, inference::TYPE_BOOL, {3}), "true,false,true");
    EXPECT_EQ(roundTrip({0.1, 16777217}, inference::TYPE_FP32, {2}), "0.1,16777216");
    EXPECT_EQ(roundTrip({0.1, 1e300}, inference::TYPE_FP64, {2}), "0.1,1e+300");
    EXPECT_EQ(roundTrip({"", "a\"ö"}, inference::TYPE_STRING, {2}), "\"\",\"a\\\"ö\"");
}

TEST(JsonTensor, RefusesWhatDoesNotFit)
{
    for (const auto& [value, type] : {std::pair(json(128), inference::TYPE_INT8), std::pair(json(-1), inference::TYPE_UINT8),
                                      std::pair(json(-1), inference::TYPE_UINT64), std::pair(json(UINT64_MAX), inference::TYPE_INT64)})
        EXPECT_THAT(roundTrip(json::array({value}), type, {1}), HasSubstr("does not fit " + datatypeName(type)));
    EXPECT_THAT(roundTrip({2}, inference::TYPE_BOOL, {1}), HasSubstr("true or false"));
    EXPECT_THAT(roundTrip({1.5}, inference::TYPE_FP16, {1}), HasSubstr("FP16 has no form in JSON"));
    EXPECT_THAT(roundTrip({1, 2}, inference::TYPE_INT32, {INT64_MAX, INT64_MAX}), HasSubstr("there are 2"));
    json deep = json::array({1});
    for (int i = 0; i < 100; ++i)
        deep = json::array({deep});
    EXPECT_THAT(roundTrip(deep, inference::TYPE_INT32, {1}), HasSubstr("nested more than 64 deep"));
    std::string text;
    const auto written = appendJsonElements(text, std::string("\2\0\0\0\xC3\x28", 6), inference::TYPE_STRING);
    ASSERT_FALSE(written);
    EXPECT_THAT(written.error().text(), HasSubstr("ask for it as binary data"));
}

TEST(Classification, SortsNumbersOfEachRowAndPutsWhatIsNoNumberLast)
{
    const float values[] = {1.5f, std::numeric_limits<float>::quiet_NaN(), 9.0f, -2.0f, 0.0f, 7.25f};
    std::string data(sizeof values, '\0');
    std::memcpy(data.data(), values, sizeof values);
    const auto all = classified({"x", inference::TYPE_FP32, {2, 3}, data}, 3, true);
    ASSERT_TRUE(all);
    EXPECT_EQ(all->shape, (std::vector<std::int64_t>{2, 3}));
    std::string text;
    ASSERT_TRUE(appendJsonElements(text, all->data, inference::TYPE_STRING));
    EXPECT_EQ(text, R"("9.000000:2","1.500000:0","nan:1","7.250000:2","0.000000:1","-2.000000:0")");
    EXPECT_EQ(classified({"x", inference::TYPE_FP32, {6}, data}, 99, false)->shape, (std::vector<std::int64_t>{6}))
        << "no more than there are";
    EXPECT_FALSE(classified({"x", inference::TYPE_FP16, {1}, "ab"}, 1, false));
}

TEST(ProtoJson, WritesNumbersAsNumbersEnumsByNameAndLeavesUnsetMessagesOut)
{
    inference::ModelConfig config;
    ASSERT_TRUE(fromJson(
        R"({"name":"m","max_batch_size":8,"input":[{"name":"A","data_type":"TYPE_INT64","dims":[-1,4]}],)"
        R"("dynamic_batching":{"max_queue_delay_microseconds":"18446744073709551615"},"parameters":{"b":{"string_value":"2"},"a":{}}})",
        config));
    const auto object = jsonOf(config);
    EXPECT_EQ(object["input"][0]["data_type"], "TYPE_INT64");
    EXPECT_EQ(object["input"][0]["dims"], json({-1, 4}));
    EXPECT_EQ(object["dynamic_batching"]["max_queue_delay_microseconds"], UINT64_MAX);
    EXPECT_EQ(object["parameters"].dump(), R"({"a":{"string_value":""},"b":{"string_value":"2"}})");
    EXPECT_FALSE(object.contains("response_cache"));
    inference::ModelConfig again;
    ASSERT_TRUE(fromJson(object.dump(), again));
    EXPECT_EQ(again.SerializeAsString().size(), config.SerializeAsString().size());
    EXPECT_FALSE(fromJson(R"({"colour":"red"})", again));
}

class Log : public testing::Test
{
protected:
    Log() : m_before(spdlog::default_logger()) {}
    ~Log() override { spdlog::set_default_logger(m_before); }
    std::string written() const
    {
        std::ostringstream text;
        text << std::ifstream(m_folder / "log").rdbuf();
        return text.str();
    }
    test::TemporaryFolder m_folder;
    std::shared_ptr<spdlog::logger> m_before;
};

TEST_F(Log, KindsAreSwitchedOneByOne)
{
    auto log = LogSettings::create({.file = (m_folder / "log").string()});
    ASSERT_TRUE(log);
    spdlog::debug("no detail");
    ASSERT_TRUE((*log)->change({{"log_info", false}, {"log_verbose_level", std::uint32_t{1}}}));
    spdlog::info("no info");
    spdlog::warn("a warning");
    spdlog::debug("a detail");
    ASSERT_TRUE((*log)->change({{"log_warning", false}, {"log_format", std::string("ISO8601")}}));
    spdlog::warn("no warning");
    spdlog::error("an error");
    spdlog::default_logger()->flush();
    EXPECT_THAT(written(), testing::AllOf(HasSubstr("a warning"), HasSubstr("a detail"), HasSubstr("an error"), Not(HasSubstr("no "))));
    EXPECT_THAT(written(), testing::ContainsRegex("[0-9]+-[0-9]+-[0-9]+T[0-9:]+Z E an error"));
    EXPECT_EQ(std::get<bool>((*log)->values().at("log_info")), false);
}

TEST_F(Log, RefusesWhatIsNoSettingAndChangesNothingThen)
{
    auto log = LogSettings::create({.file = (m_folder / "log").string()});
    ASSERT_TRUE(log);
    const auto refused = [&](const LogSettings::Values& values) { return (*log)->change(values).error().text(); };
    EXPECT_EQ(refused({{"log_info", false}, {"log_warning", std::string("x")}}), "expect boolean for 'log_warning'");
    EXPECT_EQ(std::get<bool>((*log)->values().at("log_info")), true);
    EXPECT_EQ(refused({{"log_format", std::string("X")}}), "invalid argument for log_format, got: X");
    EXPECT_THAT(refused({{"log_file", std::string("/x")}}), HasSubstr("can not be updated"));
    EXPECT_THAT(refused({{"colour", true}}), HasSubstr("there is no log setting 'colour'"));
    EXPECT_FALSE(LogSettings::create({.file = "/dev/null/none/log"}));
}

TEST(RecentDurations, GiveQuantilesOfTheLastMinute)
{
    RecentDurations durations;
    const RecentDurations::Clock::time_point start{std::chrono::seconds(1000)};
    EXPECT_EQ(durations.quantile(0.5, start), std::nullopt);
    for (int us = 1; us <= 1000; ++us)
        durations.add(us, start);
    EXPECT_NEAR(*durations.quantile(0.5, start), 500, 500 * 0.02);
    EXPECT_NEAR(*durations.quantile(0.99, start), 990, 990 * 0.02);
    EXPECT_NEAR(*durations.quantile(1, start), 1000, 1000 * 0.02);
    durations.add(1e12, start + std::chrono::seconds(30)); // far beyond the last bucket
    EXPECT_GT(*durations.quantile(1, start + std::chrono::seconds(30)), 1e8);
    EXPECT_GT(durations.quantile(0.5, start + std::chrono::seconds(70)), 1e8) << "only the late one is left";
    EXPECT_EQ(durations.quantile(0.5, start + std::chrono::seconds(120)), std::nullopt);
}

TEST(MetricsFlags, AreThoseOfTritonserver)
{
    MetricsOptions options;
    for (const char* flag : {"summary_latencies=true", "counter_latencies=false", "summary_quantiles=0.5:0.05,0.99:0.001"})
        ASSERT_TRUE(applyMetricsFlag(flag, options)) << flag;
    EXPECT_TRUE(options.summaryLatencies);
    EXPECT_FALSE(options.counterLatencies);
    EXPECT_EQ(options.quantiles, (std::vector<double>{0.5, 0.99}));
    for (const char* flag :
         {"", "summary_latencies", "summary_latencies=1", "colour=red", "summary_quantiles=2:0.1", "summary_quantiles=x"})
        EXPECT_FALSE(applyMetricsFlag(flag, options)) << flag;
}

} // namespace
} // namespace gantry::inference_server
