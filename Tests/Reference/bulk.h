// Bulk through TLS: one client at a time, one blocking thread at each end.
// SPDX-License-Identifier: Apache-2.0
#ifndef BULK_H
#define BULK_H

#include "reference.h"

// Runs a program for each client of a listener, which blocks. `arguments` begins with its path and ends with a null
// pointer.
_Noreturn void serve_bulk(SSL_CTX *context, int listener, char **arguments);

// Sends standard input to the server on a port of the loopback, which must be `localhost` to the authority in `files`,
// and writes what comes back to standard output. A certificate and key are the client's own, and may be null. Returns
// the exit status.
int move_bulk(const struct files *files, int port);

#endif
