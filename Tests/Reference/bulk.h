// Bulk through TLS: one client at a time, one blocking thread at each end.
// SPDX-License-Identifier: Apache-2.0
#ifndef BULK_H
#define BULK_H

#include <openssl/ssl.h>

// Runs a program for each client of a listener, which blocks. `arguments` begins with its path and ends with a null
// pointer.
_Noreturn void serve_bulk(SSL_CTX *context, int listener, char **arguments);

// Sends standard input to the server on a port of the loopback, which must be `localhost` to the authority (a PEM
// file), and writes what comes back to standard output. Returns the exit status.
int move_bulk(const char *authority, int port);

#endif
