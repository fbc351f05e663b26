#pragma once

#include "tests/remote_server/capture/recording_daemon.h"

#include <gtest/gtest.h>
#include <nvtx3/nvToolsExt.h>

#include <cstdlib>
#include <functional>
#include <future>
#include <memory>
#include <thread>

namespace gantry::capture {

/// A thread that does what it is asked, once.
class ParkedThread
{
public:
    ~ParkedThread()
    {
        if (m_thread.joinable())
            run([] {});
    }
    void run(std::function<void()> work)
    {
        m_work.set_value(std::move(work));
        m_thread.join();
    }

private:
    std::promise<std::function<void()>> m_work;
    std::thread m_thread{[this] { m_work.get_future().get()(); }};
};

/// A process has one capture library, which lives as long as it: the tests share it and its daemon, each with a window of its own.
class CaptureLibrary : public testing::Test
{
protected:
    static void SetUpTestSuite()
    {
        s_daemon = std::make_unique<RecordingDaemon>();
        // Before the first NVTX call, which loads the library. Nothing else of this program runs yet.
        setenv("NVTX_INJECTION64_PATH", GANTRY_CAPTURE_LIBRARY, 1);
        setenv(kSocketVariable, s_daemon->socketPath().c_str(), 1);
        setenv(kTargetVariable, "target-of-the-test", 1);
        s_older = std::make_unique<ParkedThread>();
        s_domain = nvtxDomainCreateA("gantry.test");
        s_registered = nvtxDomainRegisterStringA(s_domain, "registered before");
        s_hello = s_daemon->accept();
    }
    static void TearDownTestSuite()
    {
        s_older.reset();
        s_daemon.reset();
    }

    void SetUp() override { m_window = ++s_lastWindow; }

    /// What this window has recorded since the last call.
    std::vector<Event> events() { return s_daemon->read(m_window).events; }

    static nvtxEventAttributes_t attributes(const char* text)
    {
        nvtxEventAttributes_t a{};
        a.version = NVTX_VERSION;
        a.size = NVTX_EVENT_ATTRIB_STRUCT_SIZE;
        a.messageType = NVTX_MESSAGE_TYPE_ASCII;
        a.message.ascii = text;
        return a;
    }

    inline static std::unique_ptr<RecordingDaemon> s_daemon;
    inline static std::unique_ptr<ParkedThread> s_older; ///< than the library in this process
    inline static HelloMessage s_hello{};
    inline static nvtxDomainHandle_t s_domain = nullptr;
    inline static nvtxStringHandle_t s_registered = nullptr;
    inline static std::uint32_t s_lastWindow = 0;
    std::uint32_t m_window = 0;
};

} // namespace gantry::capture
