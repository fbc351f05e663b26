#include "remote_server/node/payload_schemas.h"
#include "tests/remote_server/capture/recording_daemon.h"

#include <gtest/gtest.h>
#if __has_include(<nvtx3/nvToolsExtPayload.h>)
#include <nvtx3/nvToolsExtPayload.h>

#include <cstddef>
#include <cstdlib>
#include <memory>

namespace gantry::capture {
namespace {

using records::PayloadType;
using records::RecordType;

/// What a program with the header of the payload extension makes the library record, and the node of that.
class NvtxPayload : public testing::Test
{
protected:
    static void SetUpTestSuite()
    {
        s_daemon = std::make_unique<RecordingDaemon>();
        setenv("NVTX_INJECTION64_PATH", GANTRY_CAPTURE_LIBRARY, 1); // before the first NVTX call, which loads the library
        setenv(kSocketVariable, s_daemon->socketPath().c_str(), 1);
        s_domain = nvtxDomainCreateA("payload.test");
        (void)s_daemon->accept();
        s_message = registerMessage(0);
    }
    static void TearDownTestSuite() { s_daemon.reset(); }

    void SetUp() override { m_window = ++s_lastWindow; }

    struct Message
    {
        std::uint64_t communicator;
        int rank;
        std::size_t bytes;
        char name[8];
    };

    static std::uint64_t registerMessage(std::uint64_t schemaId)
    {
        nvtxPayloadSchemaEntry_t entries[4] = {};
        entries[0] = {0, NVTX_PAYLOAD_ENTRY_TYPE_UINT64, "communicator", nullptr, 0, offsetof(Message, communicator), nullptr, nullptr};
        entries[1] = {0, NVTX_PAYLOAD_ENTRY_TYPE_INT, "rank", nullptr, 0, offsetof(Message, rank), nullptr, nullptr};
        entries[2] = {0, NVTX_PAYLOAD_ENTRY_TYPE_SIZE, "message size", nullptr, 0, offsetof(Message, bytes), nullptr, nullptr};
        entries[3] = {0,      NVTX_PAYLOAD_ENTRY_TYPE_CSTRING, "name", nullptr, sizeof(Message::name), offsetof(Message, name), nullptr,
                      nullptr};
        nvtxPayloadSchemaAttr_t schema{};
        schema.fieldMask = NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NAME | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_TYPE |
                           NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_ENTRIES | NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_NUM_ENTRIES |
                           NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_STATIC_SIZE;
        if (schemaId != 0)
            schema.fieldMask |= NVTX_PAYLOAD_SCHEMA_ATTR_FIELD_SCHEMA_ID;
        schema.schemaId = schemaId;
        schema.name = "AllReduce";
        schema.type = NVTX_PAYLOAD_SCHEMA_TYPE_STATIC;
        schema.entries = entries;
        schema.numEntries = 4;
        schema.payloadStaticSize = sizeof(Message);
        return nvtxPayloadSchemaRegister(s_domain, &schema);
    }

    static constexpr Message kMessage{0x1234, -3, 4096, "ring"};
    static constexpr const char* kJson = R"({"communicator":4660,"rank":-3,"message size":4096,"name":"ring"})";

    /// The events of the window, and what the node makes of their payloads.
    std::vector<Event> read()
    {
        Recording recording = s_daemon->read(m_window);
        for (const auto& [domain, schema] : recording.payloadSchemas)
            m_schemas.add(domain, schema);
        return recording.events;
    }
    std::string json(const Event& event) { return m_schemas.json(event.record.domain, event.extendedPayload); }

    inline static std::unique_ptr<RecordingDaemon> s_daemon;
    inline static nvtxDomainHandle_t s_domain = nullptr;
    inline static std::uint64_t s_message = 0;
    inline static std::uint32_t s_lastWindow = 0;
    std::uint32_t m_window = 0;
    node::PayloadSchemas m_schemas;
};

TEST_F(NvtxPayload, GivesSchemasTheIdThatTheProgramChoseOrAnother)
{
    EXPECT_GE(s_message, NVTX_PAYLOAD_SCHEMA_ID_DYNAMIC_START);
    EXPECT_NE(registerMessage(0), s_message);
    EXPECT_EQ(registerMessage(NVTX_PAYLOAD_SCHEMA_ID_STATIC_START + 5), NVTX_PAYLOAD_SCHEMA_ID_STATIC_START + 5u);
    EXPECT_EQ(nvtxDomainIsEnabled(s_domain), 1);
}

TEST_F(NvtxPayload, IsRecordedWithTheRangesThatHaveOneInTheirAttributes)
{
    s_daemon->open(m_window);
    nvtxEventAttributes_t attributes{};
    attributes.version = NVTX_VERSION;
    attributes.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    attributes.messageType = NVTX_MESSAGE_TYPE_ASCII;
    attributes.message.ascii = "odd"; // its bytes are padded
    nvtxPayloadData_t data{s_message, sizeof kMessage, &kMessage};
    attributes.payloadType = NVTX_PAYLOAD_TYPE_EXT;
    attributes.reserved0 = 1;
    attributes.payload.ullValue = NVTX_POINTER_AS_PAYLOAD_ULLVALUE(&data);
    EXPECT_EQ(nvtxDomainRangePushEx(s_domain, &attributes), 0);
    EXPECT_EQ(nvtxDomainRangePop(s_domain), 0);
    attributes.payloadType = NVTX_PAYLOAD_TYPE_UNSIGNED_INT64; // a plain one is as it was
    attributes.payload.ullValue = 77;
    nvtxDomainMarkEx(s_domain, &attributes);
    s_daemon->close(m_window);

    const auto events = read();
    ASSERT_EQ(events.size(), 3u);
    EXPECT_EQ(events[0].text, "odd");
    EXPECT_EQ(events[0].record.payloadType, PayloadType::Extended);
    EXPECT_EQ(json(events[0]), kJson);
    EXPECT_TRUE(events[1].extendedPayload.empty());
    EXPECT_EQ(events[2].record.payloadType, PayloadType::Unsigned);
    EXPECT_EQ(events[2].record.payload, 77u);
    EXPECT_TRUE(events[2].extendedPayload.empty());
}

TEST_F(NvtxPayload, IsRecordedOfEventsThatAreNothingElse)
{
    s_daemon->open(m_window);
    const nvtxPayloadData_t data{s_message, sizeof kMessage, &kMessage};
    EXPECT_EQ(nvtxRangePushPayload(s_domain, &data, 1), 0);
    nvtxMarkPayload(s_domain, &data, 1);
    EXPECT_EQ(nvtxRangePopPayload(s_domain, &data, 1), 0);
    const nvtxRangeId_t range = nvtxRangeStartPayload(s_domain, &data, 1);
    nvtxRangeEndPayload(s_domain, range, &data, 1);
    s_daemon->close(m_window);

    const auto events = read();
    const RecordType types[] = {RecordType::NvtxPush, RecordType::NvtxMark, RecordType::NvtxPop, RecordType::NvtxStart,
                                RecordType::NvtxEnd};
    ASSERT_EQ(events.size(), std::size(types));
    for (std::size_t i = 0; i < std::size(types); ++i) {
        EXPECT_EQ(events[i].type, types[i]);
        EXPECT_EQ(events[i].domain, "payload.test");
        EXPECT_EQ(json(events[i]), kJson) << "event " << i;
    }
    EXPECT_EQ(events[2].record.rangeId, events[0].record.rangeId);
    EXPECT_EQ(events[4].record.rangeId, range);
}

TEST_F(NvtxPayload, OfUnknownSizeHasThatOfItsSchema)
{
    s_daemon->open(m_window);
    const nvtxPayloadData_t data{s_message, SIZE_MAX, &kMessage};
    nvtxMarkPayload(s_domain, &data, 1);
    const nvtxPayloadData_t unknown{12345, SIZE_MAX, &kMessage};
    nvtxMarkPayload(s_domain, &unknown, 1);
    s_daemon->close(m_window);
    const auto events = read();
    ASSERT_EQ(events.size(), 2u);
    EXPECT_EQ(json(events[0]), kJson);
    EXPECT_EQ(json(events[1]), "");
}

TEST_F(NvtxPayload, IsCutWhereItIsTooLongAndThatIsCounted)
{
    s_daemon->open(m_window);
    const std::vector<std::int32_t> many(100'000, 5);
    const nvtxPayloadData_t data[2] = {{NVTX_PAYLOAD_ENTRY_TYPE_INT32, many.size() * sizeof many[0], many.data()},
                                       {s_message, sizeof kMessage, &kMessage}};
    nvtxMarkPayload(s_domain, data, 2);
    const ClosedMessage closed = s_daemon->close(m_window);
    EXPECT_GE(closed.losses[static_cast<std::size_t>(records::LossCounter::TextTruncated)], 1u);
    const auto events = read();
    ASSERT_EQ(events.size(), 1u);
    EXPECT_LE(events[0].extendedPayload.size(), records::kMaxExtendedPayload);
    EXPECT_EQ(json(events[0]).substr(0, 14), R"({"value":[5,5,)");
}

TEST_F(NvtxPayload, CostsNothingAndIsNotLookedAtWithoutAWindow)
{
    const nvtxPayloadData_t nowhere{s_message, sizeof kMessage, reinterpret_cast<const void*>(8)}; // reading it would end the program
    nvtxMarkPayload(s_domain, &nowhere, 1);
    EXPECT_EQ(nvtxRangePushPayload(s_domain, &nowhere, 1), NVTX_NO_PUSH_POP_TRACKING);
    EXPECT_EQ(nvtxRangePopPayload(s_domain, &nowhere, 1), NVTX_NO_PUSH_POP_TRACKING);
}

TEST_F(NvtxPayload, SchemasAreToldToEveryWindow)
{
    for (int i = 0; i < 2; ++i) {
        m_window = ++s_lastWindow;
        s_daemon->open(m_window);
        s_daemon->close(m_window);
        const Recording recording = s_daemon->read(m_window);
        EXPECT_GE(recording.payloadSchemas.size(), 1u) << "window " << i;
    }
}

} // namespace
} // namespace gantry::capture
#else
TEST(NvtxPayload, IsRecorded)
{
    GTEST_SKIP() << "the toolkit's NVTX has no payload extension (3.1 and later have)";
}
#endif
