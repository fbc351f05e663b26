#pragma once

#include <libssh/libssh.h>
#include <memory>

namespace gantry::app {

/// Owners of what libssh makes. A session and its channels belong to one thread.
struct SshFree
{
    void operator()(ssh_session session) const { ::ssh_free(session); }
    void operator()(ssh_key key) const { ::ssh_key_free(key); }
    void operator()(ssh_event event) const { ::ssh_event_free(event); }
    void operator()(char* text) const { ::ssh_string_free_char(text); }
};
using SshSessionHandle = std::unique_ptr<ssh_session_struct, SshFree>;
using SshKeyHandle = std::unique_ptr<ssh_key_struct, SshFree>;
using SshEventHandle = std::unique_ptr<ssh_event_struct, SshFree>;
using SshText = std::unique_ptr<char, SshFree>;

} // namespace gantry::app
