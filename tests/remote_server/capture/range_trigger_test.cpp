#include "tests/remote_server/capture/capture_library_fixture.h"

#include <string>
#include <string_view>

namespace gantry::capture {
namespace {

/// What makes ranges named `message` in `domain` open windows, `window` the first.
OpenMessage rangeTrigger(std::uint32_t window, std::string_view message, std::string_view domain = {})
{
    OpenMessage trigger{};
    trigger.type = MessageType::Open;
    trigger.windowId = window;
    trigger.content = ContentNvtx;
    trigger.trigger = Trigger::NvtxRange;
    trigger.triggerEvery = 1;
    message.copy(trigger.triggerMessage, sizeof trigger.triggerMessage - 1);
    domain.copy(trigger.triggerDomain, sizeof trigger.triggerDomain - 1);
    return trigger;
}

TEST_F(CaptureLibrary, ARangeOfTheTriggersNameIsAWindowFromItsFirstEventToItsLast)
{
    EXPECT_EQ(s_daemon->arm(rangeTrigger(m_window, "step")).windowId, m_window);
    nvtxRangePushA("before");
    nvtxRangePop();
    nvtxRangePushA("step");
    nvtxRangePushA("inside");
    nvtxRangePop();
    nvtxRangePushA("step"); // within itself: of the same window
    nvtxRangePop();
    nvtxRangePop();
    nvtxMarkA("behind");
    EXPECT_EQ(s_daemon->receive<OpenedMessage>(MessageType::Opened).windowId, m_window);
    EXPECT_EQ(s_daemon->receive<ClosedMessage>(MessageType::Closed).windowId, m_window);
    const auto recorded = events();
    ASSERT_EQ(recorded.size(), 6u);
    EXPECT_EQ(recorded.front().text, "step");
    EXPECT_EQ(recorded.back().type, records::RecordType::NvtxPop);
    s_daemon->disarm(m_window);
}

TEST_F(CaptureLibrary, EachRangeOfATriggerIsAWindowOfItsOwnHoweverFastTheyFollow)
{
    auto trigger = rangeTrigger(m_window, "step", "engine");
    trigger.windowCount = 3;
    s_daemon->arm(trigger);
    const nvtxDomainHandle_t domain = nvtxDomainCreateA("engine");
    nvtxEventAttributes_t step{};
    step.version = NVTX_VERSION;
    step.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
    step.messageType = NVTX_MESSAGE_TYPE_REGISTERED;
    step.message.registered = nvtxDomainRegisterStringA(domain, "step");
    for (int i = 0; i < 4; ++i) {
        nvtxDomainRangePushEx(domain, &step);
        for (int k = 0; k <= i; ++k)
            nvtxMarkA("in it");
        nvtxDomainRangePop(domain);
    }
    for (std::uint32_t i = 0; i < 3; ++i) { // all read after all were written
        EXPECT_EQ(s_daemon->receive<OpenedMessage>(MessageType::Opened).windowId, m_window + i);
        EXPECT_EQ(s_daemon->receive<ClosedMessage>(MessageType::Closed).windowId, m_window + i);
    }
    for (std::uint32_t i = 0; i < 3; ++i)
        EXPECT_EQ(s_daemon->read(m_window + i).events.size(), 3u + i) << "window " << i;
    EXPECT_TRUE(s_daemon->read(m_window + 3).events.empty()) << "three were asked for";
    s_lastWindow += 3;
}

TEST_F(CaptureLibrary, ATriggerMayTakeOneOfSeveralRanges)
{
    auto trigger = rangeTrigger(m_window, "step", kAnyDomain);
    trigger.triggerEvery = 3;
    s_daemon->arm(trigger);
    for (int i = 0; i < 6; ++i) {
        const nvtxRangeId_t range = nvtxRangeStartA("step");
        nvtxMarkA(std::to_string(i).c_str());
        nvtxRangeEnd(range);
    }
    for (const char* text : {"0", "3"}) {
        s_daemon->receive<OpenedMessage>(MessageType::Opened);
        s_daemon->receive<ClosedMessage>(MessageType::Closed);
        const auto recorded = s_daemon->read(m_window).events;
        ASSERT_EQ(recorded.size(), 3u);
        EXPECT_EQ(recorded[1].text, text);
        ++m_window;
    }
    s_daemon->disarm(m_window);
    s_lastWindow = m_window;
}

TEST_F(CaptureLibrary, ATriggerMayTakeTheFirstOfEachSoManyRanges)
{
    auto trigger = rangeTrigger(m_window, "step", kAnyDomain);
    trigger.triggerEvery = 4;
    trigger.triggerKept = 2;
    s_daemon->arm(trigger);
    for (int i = 0; i < 6; ++i) {
        const nvtxRangeId_t range = nvtxRangeStartA("step");
        nvtxMarkA(std::to_string(i).c_str());
        nvtxRangeEnd(range);
    }
    for (const char* text : {"0", "1", "4", "5"}) {
        s_daemon->receive<OpenedMessage>(MessageType::Opened);
        s_daemon->receive<ClosedMessage>(MessageType::Closed);
        const auto recorded = s_daemon->read(m_window).events;
        ASSERT_EQ(recorded.size(), 3u);
        EXPECT_EQ(recorded[1].text, text);
        ++m_window;
    }
    s_daemon->disarm(m_window);
    s_lastWindow = m_window;
}

TEST_F(CaptureLibrary, ARangeOfAnotherDomainOrAfterTheTriggerIsOverOpensNothing)
{
    s_daemon->arm(rangeTrigger(m_window, "step", "engine"));
    EXPECT_EQ(nvtxRangePushA("step"), NVTX_NO_PUSH_POP_TRACKING) << "of the default domain";
    nvtxRangePop();
    s_daemon->disarm(m_window);
    ++m_window;
    s_daemon->open(m_window); // is taken after it
    s_daemon->close(m_window);
    EXPECT_EQ(nvtxDomainRangePushEx(nvtxDomainCreateA("engine"), nullptr), NVTX_NO_PUSH_POP_TRACKING);
    s_lastWindow = m_window;
}

TEST_F(CaptureLibrary, ARangeOfTheSameNameInAnotherDomainWithinTheTriggersEndsNothing)
{
    s_daemon->arm(rangeTrigger(m_window, "step", kAnyDomain));
    nvtxEventAttributes_t step = attributes("step");
    nvtxRangePushA("step");
    nvtxDomainRangePushEx(s_domain, &step);
    nvtxDomainRangePop(s_domain);
    nvtxMarkA("still in it");
    nvtxRangePop();
    EXPECT_EQ(s_daemon->receive<OpenedMessage>(MessageType::Opened).windowId, m_window);
    EXPECT_EQ(s_daemon->receive<ClosedMessage>(MessageType::Closed).windowId, m_window);
    EXPECT_EQ(events().size(), 5u);
    s_daemon->disarm(m_window);
}

TEST_F(CaptureLibrary, ARangeEndsTheWindowItOpenedThoughNoFurtherOneIsWanted)
{
    s_daemon->arm(rangeTrigger(m_window, "step"));
    nvtxRangePushA("step");
    s_daemon->disarm(UINT32_MAX); // as the daemon does when a sibling's window was the last
    nvtxRangePop();
    EXPECT_EQ(s_daemon->receive<OpenedMessage>(MessageType::Opened).windowId, m_window);
    EXPECT_EQ(s_daemon->receive<ClosedMessage>(MessageType::Closed).windowId, m_window);
    EXPECT_EQ(nvtxRangePushA("step"), NVTX_NO_PUSH_POP_TRACKING);
    nvtxRangePop();
}

// A sibling's range may have opened a window that this process has opened and closed by itself meanwhile.
TEST_F(CaptureLibrary, AWindowThatIsOverIsNotOpenedAgain)
{
    s_daemon->open(m_window);
    s_daemon->close(m_window);
    s_daemon->order(m_window);
    EXPECT_EQ(nvtxRangePushA("behind it"), NVTX_NO_PUSH_POP_TRACKING);
    const std::uint32_t next = ++s_lastWindow;
    EXPECT_EQ(s_daemon->open(next).windowId, next) << "the first answer is of this one";
    s_daemon->close(next);
}

TEST_F(CaptureLibrary, ANewDaemonLearnsWhichWindowIdsAreUsed)
{
    s_daemon->open(m_window);
    s_daemon->disconnect();
    EXPECT_EQ(s_daemon->accept().lastWindowId, m_window);
}

} // namespace
} // namespace gantry::capture
