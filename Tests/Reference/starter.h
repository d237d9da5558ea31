// The channel between the process that has the connections and the one that starts programs (SOCK_SEQPACKET).
// SPDX-License-Identifier: Apache-2.0
#ifndef STARTER_H
#define STARTER_H

#include <stdint.h>
#include <sys/socket.h>

enum {
    MOST_RUNS = 1024,
    // A program's input, output and errors, which come with STARTED.
    PIPES = 3
};

enum news_kind { STARTED, ENDED };

// Of the run that was asked for by its number alone.
struct news {
    uint32_t kind, number;
};

union passed {
    struct cmsghdr head;
    char bytes[CMSG_SPACE(PIPES * sizeof(int))];
};

#endif
