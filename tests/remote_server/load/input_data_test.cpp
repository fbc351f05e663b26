#include "remote_server/load/input_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gantry::load {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Optional;

TEST(InputData, AllFormsOfPerfAnalyzersFileAreRead)
{
    const auto entries = parseInputData(R"({"data": [
        {"A": [1, 2], "B": {"content": ["x"], "shape": [1]}, "C": {"b64": "AQI=", "shape": [2]}, "D": {"content": {"b64": "AQ=="}}},
        [{"A": [3]}, {"A": [4]}]], "validation_data": [{"OUT": [1]}]})");
    ASSERT_TRUE(entries) << entries.error().text();
    ASSERT_EQ(entries->size(), 3u) << "the steps of a stream follow each other";
    const InputEntry& first = entries->front();
    EXPECT_EQ(first.at("A").json, "[1,2]");
    EXPECT_FALSE(first.at("A").shape);
    EXPECT_THAT(first.at("B").shape, Optional(ElementsAre(1)));
    EXPECT_THAT(first.at("C").raw, Optional(std::string("\1\2")));
    EXPECT_THAT(first.at("D").raw, Optional(std::string("\1")));
    EXPECT_EQ(entries->back().at("A").json, "[4]");
}

TEST(InputData, WhatIsWrongIsNamedWithItsPlace)
{
    const auto error = [](const std::string& text) {
        const auto entries = parseInputData(text);
        return entries ? "none" : entries.error().text();
    };
    EXPECT_THAT(error("{"), HasSubstr("line 1"));
    EXPECT_THAT(error("[]"), HasSubstr("no list \"data\""));
    EXPECT_THAT(error(R"({"data": []})"), HasSubstr("no list \"data\""));
    EXPECT_THAT(error(R"({"data": [[]]})"), HasSubstr("no entries"));
    EXPECT_THAT(error(R"({"data": [{"A": [1]}, 7]})"), HasSubstr("data[1]"));
    EXPECT_THAT(error(R"({"data": [[{"A": [1]}, {"B": {"shape": [1]}}]]})"), HasSubstr("data[0][1]: input 'B'"));
    EXPECT_THAT(error(R"({"data": [{"A": {"content": [1], "shape": [-1]}}]})"), HasSubstr("\"shape\""));
    EXPECT_THAT(error(R"({"data": [{"A": {"b64": "*"}}]})"), HasSubstr("base64"));
}

TEST(InputData, AFileThatIsNotThereIsNamed)
{
    InputOptions options;
    options.dataFile = "/nowhere/data.json";
    const auto entries = readInputData(options);
    ASSERT_FALSE(entries);
    EXPECT_EQ(entries.error().code, ErrorCode::NotFound);
    EXPECT_THAT(entries.error().message, HasSubstr("/nowhere/data.json"));
}

} // namespace
} // namespace gantry::load
