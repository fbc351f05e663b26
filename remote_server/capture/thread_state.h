#pragma once

#include "trace_model/records/chunk_writer.h"

#include <cstdint>

namespace gantry::capture {

/// A thread's pushes in the current window that are still open, over all domains, whether there was room for their records or not: a pop
/// names its push. A pop without one closes a range that began before the window.
struct OpenPushes
{
    struct Push
    {
        std::uint32_t domain;
        std::uint32_t number;
        std::uint32_t enclosing; ///< number of the one around it in its domain, 0: none
    };
    std::uint32_t windowId;
    std::uint32_t lastNumber;
    std::uint32_t size;
    std::uint32_t tooDeep; ///< open beyond `pushes`
    Push pushes[records::kMaxOpenPushes];

    /// The domain's innermost; null: none.
    [[nodiscard]] Push* innermost(std::uint32_t domain)
    {
        for (std::uint32_t i = size; i > 0; --i)
            if (pushes[i - 1].domain == domain) [[likely]]
                return &pushes[i - 1];
        return nullptr;
    }
};

/// A thread's push that opened a window.
struct TriggerPush
{
    std::uint32_t generation;
    std::uint32_t windowId;
    std::uint32_t depth; ///< pushes of its domain that are open inside of it
    const void* domain;
};

/// What a thread needs to record: one page, mapped at its first event and unmapped when it ends.
struct ThreadState
{
    records::ThreadCursor cursor;
    std::uint32_t threadId;
    TriggerPush triggerPush;
    OpenPushes openPushes;
};
inline constexpr std::size_t kThreadStateBytes = 4096;
static_assert(sizeof(ThreadState) <= kThreadStateBytes);

/// This thread's state; null: none yet. A pointer is all that is taken of the static thread-local storage that libraries loaded late
/// must share (glibc keeps 512 bytes for them): a dynamic one costs a call at each event.
extern thread_local constinit ThreadState* t_thread __attribute__((tls_model("initial-exec")));

/// Maps this thread's state. Null: the system has no page for it.
[[nodiscard]] ThreadState* mapThreadState();

[[nodiscard]] inline ThreadState* threadState()
{
    return t_thread ? t_thread : mapThreadState();
}

} // namespace gantry::capture
