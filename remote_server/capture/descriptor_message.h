#pragma once

#include <cstring>
#include <sys/socket.h>
#include <sys/uio.h>

namespace gantry::capture {

/// Sends a message of a fixed size together with a file descriptor (SCM_RIGHTS, unix(7)). False: it was not sent.
template <typename Message>
[[nodiscard]] bool sendWithDescriptor(int socket, Message& message, int descriptor)
{
    iovec data{&message, sizeof message};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr envelope{};
    envelope.msg_iov = &data;
    envelope.msg_iovlen = 1;
    envelope.msg_control = control;
    envelope.msg_controllen = sizeof control;
    cmsghdr* header = CMSG_FIRSTHDR(&envelope);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &descriptor, sizeof descriptor);
    return sendmsg(socket, &envelope, MSG_NOSIGNAL) == static_cast<ssize_t>(sizeof message);
}

/// Receives one. `descriptor` is the receiver's to close, -1 when none came. False: what came has another size.
template <typename Message>
[[nodiscard]] bool receiveWithDescriptor(int socket, Message& message, int& descriptor)
{
    iovec data{&message, sizeof message};
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
    msghdr envelope{};
    envelope.msg_iov = &data;
    envelope.msg_iovlen = 1;
    envelope.msg_control = control;
    envelope.msg_controllen = sizeof control;
    const ssize_t size = recvmsg(socket, &envelope, MSG_CMSG_CLOEXEC);
    descriptor = -1;
    if (const cmsghdr* header = size < 0 ? nullptr : CMSG_FIRSTHDR(&envelope); header && header->cmsg_type == SCM_RIGHTS)
        std::memcpy(&descriptor, CMSG_DATA(header), sizeof descriptor);
    return size == static_cast<ssize_t>(sizeof message);
}

} // namespace gantry::capture
