// Packets between two processes, with descriptors (unix(7), SOCK_SEQPACKET).
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_PACKET_H
#define PARLEY_PACKET_H

#include <stddef.h>

// The descriptors of a packet: the pipes of a program.
enum { PARLEY_PACKET_DESCRIPTORS = 3 };

// Sends one packet, made of two parts, with `count` descriptors, which stay open here. If it does not wait and there is
// no room, the result is -EAGAIN and nothing was sent. The result is 0 or -errno; -EPIPE without a signal.
int parley_send_packet(
    int socket, const void *head, size_t head_size, const void *body, size_t body_size,
    const int *descriptors, int count, int waits);

// Receives one packet. `descriptors` has room for PARLEY_PACKET_DESCRIPTORS; those that came belong to the caller and
// are close-on-exec, and `count` is their number. The result is the packet's size, 0 at the end or for an empty packet,
// or -errno: -EAGAIN if there is none and it does not wait or has waited for SO_RCVTIMEO; -EMSGSIZE if it is larger
// than `size`; -EPROTO if it has more descriptors, or other control messages. Whenever it fails, every descriptor that
// came is closed and the packet is lost. If this process can have no more descriptors, those that came are closed as
// well, but the packet is good, and `count` is -1.
long parley_receive_packet(
    int socket, void *bytes, size_t size, int *descriptors, int *count, int waits);

#endif
