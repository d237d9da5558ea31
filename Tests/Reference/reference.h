// What the reference's files have in common.
// SPDX-License-Identifier: Apache-2.0
#ifndef REFERENCE_H
#define REFERENCE_H

#include <openssl/ssl.h>
#include <stdint.h>

// PEM files. Without one of CAs a server asks no client for a certificate; a client trusts them.
struct files {
    const char *certificate, *key, *client_ca;
};

struct session;

// Ends the program with what went wrong.
_Noreturn void fail(const char *what);

// A server's context. `channel` leads to a signer, which has the key and verifies clients; below 0 they are here.
SSL_CTX *make_context(const struct files *files, int channel);

// Has the sessions that begin from here on use TLS.
void use_tls(SSL_CTX *context);

// A session over a connection that was accepted, which it closes when it ends.
struct session *begin_session(int fd);

// Does what the events of epoll allow; the session may end.
void go_on(struct session *session, uint32_t events);

#endif
