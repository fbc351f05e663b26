#include "remote_server/load/tensor_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace gantry::load {
namespace {

using testing::HasSubstr;

std::string bytesOf(std::string_view datatype, const std::string& json)
{
    const auto raw = tensorOfJson(datatype, nlohmann::json::parse(json));
    return raw ? *raw : raw.error().message;
}

TEST(TensorData, EveryTypeOfTheProtocolCanBeMadeUp)
{
    std::mt19937_64 random(1);
    for (const char* type :
         {"BOOL", "UINT8", "UINT16", "UINT32", "UINT64", "INT8", "INT16", "INT32", "INT64", "FP16", "BF16", "FP32", "FP64", "BYTES"}) {
        const auto raw = makeUpTensor(type, 5, {false, 3}, random);
        ASSERT_TRUE(raw) << type;
        const auto count = elementCount(type, *raw);
        ASSERT_TRUE(count) << type;
        EXPECT_EQ(*count, 5u) << type;
    }
    EXPECT_EQ(*makeUpTensor("INT16", 2, {true, 3}, random), std::string(4, '\0'));
    EXPECT_EQ(*makeUpTensor("BYTES", 1, {false, 3}, random)->substr(0, 4).data(), 3);
}

TEST(TensorData, WholeNumbersAreMadeUpOfTheRange)
{
    std::mt19937_64 random(1);
    EXPECT_EQ(*makeUpTensor("INT16", 2, {true, 3, IntegerRange{-2, -2}}, random), std::string("\xfe\xff\xfe\xff"));
    EXPECT_TRUE(makeUpTensor("INT64", 9, {false, 3, IntegerRange{INT64_MIN, INT64_MAX}}, random));
    EXPECT_TRUE(makeUpTensor("FP32", 1, {false, 3, IntegerRange{-900, 900}}, random)) << "it is of whole numbers only";
    const auto refused = [&](const char* type, std::int64_t low, std::int64_t high) {
        const auto made = makeUpTensor(type, 1, {false, 3, IntegerRange{low, high}}, random);
        return made ? std::string() : made.error().text();
    };
    EXPECT_THAT(refused("INT8", 0, 128), HasSubstr("type INT8 does not hold all numbers from 0 to 128"));
    EXPECT_THAT(refused("UINT64", -1, 5), HasSubstr("UINT64"));
    EXPECT_THAT(refused("INT32", 5, 4), HasSubstr("INT32"));
    EXPECT_EQ(refused("INT8", -128, 127), "");
}

TEST(TensorData, ValuesOfJsonBecomeLittleEndianRows)
{
    EXPECT_EQ(bytesOf("INT32", "[[1, -2], [3, 4]]"), std::string("\1\0\0\0\xfe\xff\xff\xff\3\0\0\0\4\0\0\0", 16));
    EXPECT_EQ(bytesOf("BYTES", R"(["ab", ""])"), std::string("\2\0\0\0ab\0\0\0\0", 10));
    EXPECT_EQ(bytesOf("BOOL", "[true, 0, 1]"), std::string("\1\0\1", 3));
    EXPECT_EQ(bytesOf("UINT64", "[18446744073709551615]"), std::string(8, '\xff'));
    EXPECT_EQ(bytesOf("INT64", "[-9223372036854775808]"), std::string("\0\0\0\0\0\0\0\x80", 8));
    EXPECT_EQ(bytesOf("FP32", "[1]"), std::string("\0\0\x80\x3f", 4));
    EXPECT_EQ(bytesOf("BF16", "[1, -2.5]"), std::string("\x80\x3f\x20\xc0", 4));
}

// IEEE 754-2019, binary16: one, the largest, just too large, the smallest subnormal, half of that (ties to even), the smallest normal.
TEST(TensorData, HalfPrecisionIsRoundedToTheNearest)
{
    EXPECT_EQ(bytesOf("FP16", "[1]"), std::string("\x00\x3c", 2));
    EXPECT_EQ(bytesOf("FP16", "[-2.5]"), std::string("\x00\xc1", 2));
    EXPECT_EQ(bytesOf("FP16", "[65504]"), std::string("\xff\x7b", 2));
    EXPECT_EQ(bytesOf("FP16", "[65520]"), std::string("\x00\x7c", 2));
    EXPECT_EQ(bytesOf("FP16", "[5.960464477539063e-8]"), std::string("\x01\x00", 2));
    EXPECT_EQ(bytesOf("FP16", "[2.98e-8]"), std::string("\x00\x00", 2));
    EXPECT_EQ(bytesOf("FP16", "[6.103515625e-5]"), std::string("\x00\x04", 2));
    EXPECT_EQ(bytesOf("FP16", "[2047.9]"), std::string("\x00\x68", 2)); // 2048: the carry goes into the exponent
}

TEST(TensorData, AValueThatTheTypeCannotHoldIsNamed)
{
    EXPECT_EQ(bytesOf("INT8", "[1, 128]"), "128 is no value of type INT8");
    EXPECT_EQ(bytesOf("INT8", "[-129]"), "-129 is no value of type INT8");
    EXPECT_EQ(bytesOf("UINT8", "[-1]"), "-1 is no value of type UINT8");
    EXPECT_EQ(bytesOf("INT32", "[1.5]"), "1.5 is no value of type INT32");
    EXPECT_EQ(bytesOf("FP32", R"(["x"])"), "\"x\" is no value of type FP32");
    EXPECT_EQ(bytesOf("BYTES", "[7]"), "7 is no value of type BYTES");
    EXPECT_THAT(bytesOf("FP8", "[1]"), HasSubstr("type FP8"));
}

TEST(TensorData, BytesThatDoNotComeOutEvenAreRefused)
{
    EXPECT_FALSE(elementCount("INT32", "12345"));
    EXPECT_FALSE(elementCount("BYTES", std::string("\5\0\0\0ab", 6)));
    EXPECT_FALSE(elementCount("BYTES", "ab"));
}

TEST(TensorData, Base64IsReadWithAndWithoutPadding)
{
    EXPECT_EQ(*decodeBase64("AQIDBA=="), std::string("\1\2\3\4"));
    EXPECT_EQ(*decodeBase64("AQIDBA"), std::string("\1\2\3\4"));
    EXPECT_EQ(*decodeBase64(""), "");
    EXPECT_FALSE(decodeBase64("A"));
    EXPECT_FALSE(decodeBase64("AQ*="));
}

} // namespace
} // namespace gantry::load
