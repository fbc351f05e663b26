#include "remote_server/node/payload_schemas.h"

#include "trace_model/records/event_records.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstring>
#include <random>
#include <vector>

namespace gantry::node {
namespace {

constexpr std::uint32_t kDomain = 3;
constexpr std::uint64_t kSchema = (1 << 24) + 1, kInner = (1 << 24) + 2, kColor = (1 << 24) + 3;
// nvToolsExtPayload.h
constexpr std::uint64_t kInt = 5, kShort = 3, kChar = 1, kUint8 = 12, kInt64 = 17, kUint64 = 18, kFloat = 19, kDouble = 20, kAddress = 23,
                        kHalf = 42, kBfloat = 50, kText = 75, kWide = 77;
constexpr std::uint64_t kPointer = 1 << 1, kFixed = 1 << 4, kZeroTerminated = 2 << 4, kLengthIndex = 3 << 4, kHide = 1 << 9;

std::string padded(std::string text)
{
    text.resize((text.size() + 7) & ~std::size_t{7});
    return text;
}

template <typename Value>
std::string bytesOf(const Value& value)
{
    return {reinterpret_cast<const char*>(&value), sizeof value};
}

struct Entry
{
    std::string name;
    std::uint64_t type = 0, flags = 0, detail = 0, offset = 0;
};

std::string schema(std::uint64_t id, const std::string& name, const std::vector<Entry>& entries, std::uint64_t staticSize = 0,
                   std::uint32_t type = 1, bool isEnum = false, std::uint32_t packAlign = 0)
{
    std::string text = bytesOf(records::PayloadSchemaHeader{
        id, staticSize, type, isEnum, packAlign, static_cast<std::uint32_t>(name.size()), static_cast<std::uint32_t>(entries.size()), 0});
    text += padded(name);
    for (const Entry& entry : entries)
        text += bytesOf(records::PayloadSchemaEntry{entry.flags, entry.type, entry.detail, entry.offset,
                                                    static_cast<std::uint32_t>(entry.name.size()), 0}) +
                padded(entry.name);
    return text;
}

std::string payload(std::uint64_t schemaId, const std::string& bytes)
{
    return bytesOf(records::ExtendedPayloadHeader{schemaId, static_cast<std::uint32_t>(bytes.size()), 0}) + padded(bytes);
}

/// What becomes of one payload of one schema.
std::string jsonOf(const std::vector<Entry>& entries, const std::string& bytes)
{
    PayloadSchemas schemas;
    schemas.add(kDomain, schema(kSchema, "S", entries));
    return schemas.json(kDomain, payload(kSchema, bytes));
}

TEST(PayloadSchemas, PlaceMembersByTheirOffsetsOrByNaturalAlignment)
{
    struct
    {
        char c = 'x';
        short s = -2;
        int i = 70'000;
        double d = 0.5;
        std::uint8_t u = 200;
    } value;
    EXPECT_EQ(jsonOf({{"c", kChar}, {"s", kShort}, {"i", kInt}, {"d", kDouble}, {"u", kUint8}}, bytesOf(value)),
              R"({"c":"x","s":-2,"i":70000,"d":0.5,"u":200})");
    EXPECT_EQ(jsonOf({{"d", kDouble, 0, 0, 8}, {"i", kInt, 0, 0, 4}}, bytesOf(value)), R"({"d":0.5,"i":70000})");
}

TEST(PayloadSchemas, TakePackedStructsAsTheyArePacked)
{
    PayloadSchemas schemas;
    schemas.add(kDomain, schema(kSchema, "S", {{"c", kUint8}, {"i", kInt}}, 5, 1, false, 1));
    EXPECT_EQ(schemas.json(kDomain, payload(kSchema, std::string(1, 7) + bytesOf(9))), R"({"c":7,"i":9})");
}

TEST(PayloadSchemas, KeepWhatReadersOfJsonWouldRound)
{
    EXPECT_EQ(jsonOf({{"u", kUint64}, {"i", kInt64}, {"n", kInt64}}, bytesOf(UINT64_MAX) + bytesOf(INT64_MIN) + bytesOf(std::int64_t{-4})),
              R"({"u":"18446744073709551615","i":"-9223372036854775808","n":-4})");
    EXPECT_EQ(jsonOf({{"nan", kDouble}, {"f", kFloat}}, bytesOf(std::numeric_limits<double>::quiet_NaN()) + bytesOf(0.1f)),
              R"({"nan":"nan","f":0.1})");
    EXPECT_EQ(jsonOf({{"half", kHalf}, {"bf", kBfloat}}, bytesOf(std::uint16_t{0x3E00}) + bytesOf(std::uint16_t{0xC040})),
              R"({"half":1.5,"bf":-3})");
    EXPECT_EQ(jsonOf({{"p", kAddress}, {"q", kInt, kPointer}}, bytesOf(std::uint64_t{0x10}) + bytesOf(std::uint64_t{0x20})),
              R"({"p":"0x10","q":"0x20"})");
}

TEST(PayloadSchemas, ReadTextsAndArraysOfEveryKind)
{
    EXPECT_EQ(jsonOf({{"t", kText, 0, 6}, {"z", kText, kZeroTerminated}, {"n", kUint8}},
                     std::string("ab\"\0\0\0", 6) + std::string("line\n\0", 6) + '\5'),
              R"({"t":"ab\"","z":"line\u000a","n":5})");
    EXPECT_EQ(jsonOf({{"w", kWide, kZeroTerminated}}, std::string("h\0i\0\0\0", 6)), R"({"w":"hi"})");
    EXPECT_EQ(jsonOf({{"a", kInt, kFixed, 3}}, bytesOf(1) + bytesOf(2) + bytesOf(3)), R"({"a":[1,2,3]})");
    EXPECT_EQ(jsonOf({{"n", kInt}, {"a", kInt, kLengthIndex, 0}, {"end", kInt}}, bytesOf(2) + bytesOf(8) + bytesOf(9) + bytesOf(10)),
              R"({"n":2,"a":[8,9],"end":10})");
    EXPECT_EQ(jsonOf({{"a", kInt, kZeroTerminated}, {"end", kInt}}, bytesOf(8) + bytesOf(9) + bytesOf(0) + bytesOf(1)),
              R"({"a":[8,9],"end":1})");
    EXPECT_EQ(jsonOf({{"hidden", kInt, kHide}, {"b", kInt}}, bytesOf(1) + bytesOf(2)), R"({"b":2})");
}

TEST(PayloadSchemas, ReadNestedSchemasAndEnumerations)
{
    PayloadSchemas schemas;
    schemas.add(kDomain, schema(kColor, "Color", {{"red", 0, 0, 1}, {"green", 0, 0, 2}}, 4, 0, true));
    schemas.add(kDomain, schema(kInner, "Point", {{"x", kInt}, {"y", kInt}}, 8));
    schemas.add(kDomain, schema(kSchema, "Shape",
                                {{"n", kUint8}, {"at", kInner}, {"all", kInner, kFixed, 2}, {"color", kColor}, {"other", kColor}}));
    EXPECT_EQ(schemas.json(kDomain, payload(kSchema, padded(std::string(1, 4)).substr(0, 4) + bytesOf(1) + bytesOf(2) + bytesOf(3) +
                                                         bytesOf(4) + bytesOf(5) + bytesOf(6) + bytesOf(2) + bytesOf(9))),
              R"({"n":4,"at":{"x":1,"y":2},"all":[{"x":3,"y":4},{"x":5,"y":6}],"color":"green","other":9})");
    EXPECT_EQ(schemas.name(kDomain, payload(kSchema, "x")), "Shape");
    EXPECT_EQ(schemas.json(kDomain + 1, payload(kSchema, "x")), R"({"value":"78"})") << "of another domain";
}

TEST(PayloadSchemas, ReadArraysOfAPlainTypeAndBytes)
{
    const PayloadSchemas schemas;
    EXPECT_EQ(schemas.json(kDomain, payload(kInt, bytesOf(7))), R"({"value":7})");
    EXPECT_EQ(schemas.json(kDomain, payload(kInt, bytesOf(7) + bytesOf(8))), R"({"value":[7,8]})");
    EXPECT_EQ(schemas.json(kDomain, payload(kText, "hello")), R"({"value":"hello"})");
    EXPECT_EQ(schemas.json(kDomain, payload(1023, "\xDE\xAD")), R"({"value":"dead"})");
    EXPECT_EQ(schemas.json(kDomain, payload(1022, "referenced")), "");
}

TEST(PayloadSchemas, NameThePayloadsWhereAnEventHasSeveral)
{
    PayloadSchemas schemas;
    schemas.add(kDomain, schema(kSchema, "First", {{"a", kInt}}));
    const std::string two = payload(kSchema, bytesOf(1)) + payload(kInt, bytesOf(2));
    EXPECT_EQ(schemas.json(kDomain, two), R"({"First":{"a":1},"payload 2":{"value":2}})");
    EXPECT_EQ(schemas.json(kDomain, payload(kSchema, bytesOf(1)), payload(kSchema, bytesOf(5))), R"({"begin":{"a":1},"end":{"a":5}})");
    EXPECT_EQ(schemas.json(kDomain, {}, payload(kSchema, bytesOf(5))), R"({"a":5})");
}

TEST(PayloadSchemas, EndWhereThePayloadEnds)
{
    EXPECT_EQ(jsonOf({{"a", kInt}, {"b", kInt}}, bytesOf(1) + "\2"), R"({"a":1})");
    EXPECT_EQ(jsonOf({{"a", kInt, kFixed, UINT64_MAX}, {"b", kInt}}, bytesOf(1)), "{}");
    EXPECT_EQ(jsonOf({{"a", kInt, 0, 0, 4000}}, bytesOf(1)), R"({"a":1})") << "an offset that cannot be";
    EXPECT_EQ(jsonOf({{"a", kSchema}}, bytesOf(1)), "{}") << "a schema in itself";
    EXPECT_EQ(jsonOf({{"many", kUint8, kFixed, 3000}}, std::string(3000, 1)).size(),
              std::string_view(R"({"many":[]})").size() + 256 * 2 + 11);
}

/// Whatever a target writes, what comes of it is JSON and not large. Sanitizers see to the rest.
TEST(PayloadSchemas, ReadAnyBytesWithinTheirBounds)
{
    std::mt19937_64 random(20261121);
    const auto any = [&](std::uint64_t below) { return random() % below; };
    constexpr std::uint64_t kTypes[] = {0,  1,  5,  12, 18, 20,  21,   24,   32,      42,     50,
                                        69, 75, 77, 78, 80, 100, 1022, 1023, kSchema, kInner, kColor};
    for (int round = 0; round < 20'000; ++round) {
        PayloadSchemas schemas;
        for (const std::uint64_t id : {kColor, kInner, kSchema}) {
            std::vector<Entry> entries(any(6));
            for (Entry& entry : entries)
                entry = {std::string(any(4), '"'), kTypes[any(std::size(kTypes))], any(2) ? any(1 << 10) : 0, any(3) ? any(9) : random(),
                         any(4)   ? 0
                         : any(3) ? any(64)
                                  : random()};
            std::string text = schema(id, "S", entries, any(3) ? any(40) : random(), static_cast<std::uint32_t>(any(6)), id == kColor,
                                      static_cast<std::uint32_t>(any(4) ? 0 : any(20)));
            if (any(3) == 0 && !text.empty())
                text[any(text.size())] = static_cast<char>(any(256));
            if (any(5) == 0)
                text.resize(any(text.size() + 1));
            schemas.add(kDomain, text);
        }
        std::string bytes(any(80), '\0');
        for (char& c : bytes)
            c = static_cast<char>(any(3) ? any(256) : any(4));
        std::string all = payload(kTypes[any(std::size(kTypes))], bytes) + payload(kSchema, bytes);
        if (any(4) == 0)
            all.resize(any(all.size() + 1));
        const std::string json = schemas.json(kDomain, all, any(2) ? all : std::string());
        EXPECT_LE(json.size(), 3u * 17 * 1024);
        if (!json.empty()) {
            EXPECT_TRUE(nlohmann::json::accept(json)) << json;
        }
    }
}

} // namespace
} // namespace gantry::node
