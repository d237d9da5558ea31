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

// What epoll watches, at the head of what the events are for.
struct source {
    void (*go_on)(struct source *, uint32_t events);
};

// Ends the program with what went wrong.
_Noreturn void fail(const char *what);

// A server's context. `channel` leads to a signer, which has the key and verifies clients; below 0 they are here.
SSL_CTX *make_context(const struct files *files, int channel);

// Has the sessions that begin from here on use TLS.
void use_tls(SSL_CTX *context);

// Has epoll watch a descriptor for the source, which must stay until it is closed.
void watch(int fd, uint32_t events, struct source *source);
void unwatch(int fd);

// A session over a connection that was accepted, which it closes when it ends; the source is its own.
struct source *begin_session(int fd);

// Has each message of a client's begin something that `end_wait` ends, rather than be answered at once.
void answer_later(void (*begin)(struct session *));

// Answers the message of a session that has waited.
void end_wait(struct session *session);

#endif
