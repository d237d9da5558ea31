// Packets between two processes, with descriptors (unix(7), SOCK_SEQPACKET).
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

// A process's descriptor that the kernel creates for SO_PASSPIDFD (Linux 6.5), which older headers
// lack.
enum { PIDFD_OF_SENDER = 4 };

static int is_descriptors(const struct cmsghdr *control)
{
    return control->cmsg_level == SOL_SOCKET
        && (control->cmsg_type == SCM_RIGHTS || control->cmsg_type == PIDFD_OF_SENDER);
}

int parley_send_packet(
    int socket, const void *head, size_t head_size, const void *body, size_t body_size,
    const int *descriptors, int count, int waits)
{
    if (count < 0 || count > PARLEY_PACKET_DESCRIPTORS) return -EINVAL;
    struct iovec parts[] = {{(void *)head, head_size}, {(void *)body, body_size}};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(PARLEY_PACKET_DESCRIPTORS * sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
    if (count) {
        size_t size = (size_t)count * sizeof(int);
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(size);
        control.header = (struct cmsghdr){
            .cmsg_len = CMSG_LEN(size), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS};
        memcpy(CMSG_DATA(&control.header), descriptors, size);
    }
    ssize_t result;
    do result = sendmsg(socket, &message, MSG_NOSIGNAL | (waits ? 0 : MSG_DONTWAIT));
    while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

// Takes what came along with the bytes: all descriptors are examined, since those that nobody closes stay open
// for ever.
static int take(struct msghdr *message, size_t room, int *descriptors, int *count)
{
    int failure = 0;
    size_t came = 0;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control; control = CMSG_NXTHDR(message, control)) {
        if (!is_descriptors(control)) {
            failure = -EPROTO;
            continue;
        }
        size_t numbers = (control->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        came += numbers;
        for (size_t i = 0; i < numbers; i++) {
            int number;
            memcpy(&number, CMSG_DATA(control) + i * sizeof number, sizeof number);
            if (control->cmsg_type == SCM_RIGHTS && *count < PARLEY_PACKET_DESCRIPTORS) {
                descriptors[(*count)++] = number;
            } else {
                close(number);
                failure = -EPROTO;
            }
        }
    }
    // Cut short although there was room for more: the kernel found no free number.
    if (message->msg_flags & MSG_CTRUNC && !failure)
        failure = came < (room - CMSG_LEN(0)) / sizeof(int) ? -EMFILE : -EPROTO;
    return failure;
}

long parley_receive_packet(
    int socket, void *bytes, size_t size, int *descriptors, int *count, int waits)
{
    // More than may come, so that too many can be distinguished from a cut.
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(64 * sizeof(int))];
    } control;
    struct iovec part = {bytes, size};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    *count = 0;
    ssize_t result;
    do result = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (waits ? 0 : MSG_DONTWAIT));
    while (result < 0 && errno == EINTR);
    if (result < 0) return -errno;
    int failure = take(&message, sizeof control.room, descriptors, count);
    if (message.msg_flags & MSG_TRUNC) failure = -EMSGSIZE;
    if (!failure) return result;
    while (*count) close(descriptors[--*count]);
    if (failure != -EMFILE) return failure;
    *count = -1;
    return result;
}
