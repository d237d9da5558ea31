// One client's connection: its transport, its handshake and its conversation.
// SPDX-License-Identifier: Apache-2.0
#define _GNU_SOURCE
#include "channel.h"
#include <errno.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST_MESSAGE = 1024, RECORD = 16384 };

struct reply {
    const char *text;
    int length, ends;
};

struct session {
    struct source source;
    SSL *tls; // null: plaintext
    struct handshake *handshake; // null: done, or nobody else is asked
    const struct reply *unsent;
    int fd;
    unsigned emptied : 1;     // the last recv came back short, so that the next one would find nothing
    unsigned ended : 1;       // the peer's end is on its way, and no further edge tells of it
    unsigned established : 1;
    unsigned is_waiting : 1;
};

enum result { MOVED, BLOCKED, OVER };

static SSL_CTX *context;
static BIO_METHOD *transport;
static void (*begin_answer)(struct session *);
static char room[RECORD];

// The transport: one recv and one send a record. OpenSSL's socket BIO costs two, and locks.

static ssize_t receive(struct session *session, void *bytes, size_t size)
{
    if (session->emptied) {
        errno = EAGAIN;
        return -1;
    }
    ssize_t count = recv(session->fd, bytes, size, 0);
    session->emptied = count > 0 && (size_t)count < size && !session->ended;
    return count;
}

static int transport_read(BIO *bio, char *bytes, int size)
{
    ssize_t count = receive(BIO_get_data(bio), bytes, (size_t)size);
    BIO_clear_retry_flags(bio);
    if (count < 0 && errno == EAGAIN) BIO_set_retry_read(bio);
    return (int)count;
}

static int transport_write(BIO *bio, const char *bytes, int size)
{
    const struct session *session = BIO_get_data(bio);
    ssize_t count = send(session->fd, bytes, (size_t)size, MSG_NOSIGNAL);
    BIO_clear_retry_flags(bio);
    if (count < 0 && errno == EAGAIN) BIO_set_retry_write(bio);
    return (int)count;
}

static long transport_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

void use_tls(SSL_CTX *made)
{
    context = made;
    transport = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "reference");
    if (!transport) fail("BIO_meth_new");
    BIO_meth_set_read(transport, transport_read);
    BIO_meth_set_write(transport, transport_write);
    BIO_meth_set_ctrl(transport, transport_control);
}

// Attempts, each of which leaves OpenSSL's error queue empty.

static enum result tls_result(const struct session *session, int returned)
{
    if (returned > 0) return MOVED;
    int reason = SSL_get_error(session->tls, returned);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return BLOCKED;
    ERR_clear_error();
    return OVER;
}

static enum result attempt_handshake(struct session *session)
{
    if (!session->handshake) return tls_result(session, SSL_do_handshake(session->tls));
    enum result result = tls_result(session, shake_hands(session->tls, session->handshake));
    if (result != MOVED) return result;
    result = prove(session->handshake) ? MOVED : OVER;
    end_handshake(session->tls, session->handshake);
    session->handshake = NULL;
    return result;
}

static enum result attempt_read(struct session *session, int *length)
{
    if (session->tls) {
        *length = SSL_read(session->tls, room, sizeof room);
        return tls_result(session, *length);
    }
    *length = (int)receive(session, room, LONGEST_MESSAGE);
    return *length > 0 ? MOVED : *length < 0 && errno == EAGAIN ? BLOCKED : OVER;
}

// A reply is far smaller than a socket's buffer, so that it goes whole or not at all.
static enum result attempt_write(struct session *session, const struct reply *reply)
{
    if (session->tls) return tls_result(session, SSL_write(session->tls, reply->text, reply->length));
    ssize_t count = send(session->fd, reply->text, (size_t)reply->length, MSG_NOSIGNAL);
    return count == reply->length ? MOVED : count < 0 && errno == EAGAIN ? BLOCKED : OVER;
}

// The conversation.

#define REPLY(text, ends) {text, sizeof text - 1, ends}
static const struct reply greeting = REPLY("Greetings!", 0), presence = REPLY("Yes, I am here!", 0),
                          closing = REPLY("Closing down", 1), ignorance = REPLY("Unknown command.", 0),
                          done = REPLY("Done", 0);

static int is(const char *text, size_t size, int length)
{
    return (size_t)length == size && memcmp(room, text, size) == 0;
}

static const struct reply *answer(int length)
{
    if (is("Hello", 5, length)) return &greeting;
    if (is("Are you there?", 14, length)) return &presence;
    if (is("quit", 4, length)) return &closing;
    return &ignorance;
}

static enum result converse(struct session *session)
{
    for (;;) {
        enum result result;
        if (session->unsent) {
            result = attempt_write(session, session->unsent);
            if (result != MOVED) return result;
            if (session->unsent->ends) return OVER;
            session->unsent = NULL;
        }
        int length;
        result = attempt_read(session, &length);
        if (result != MOVED) return result;
        if (begin_answer) {
            session->is_waiting = 1;
            begin_answer(session);
            return BLOCKED;
        }
        session->unsent = answer(length);
    }
}

static void go_on(struct source *source, uint32_t events);

struct source *begin_session(int fd)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session) fail("calloc");
    session->source.go_on = go_on;
    session->fd = fd;
    if (!context) return &session->source;
    session->tls = SSL_new(context);
    BIO *bio = BIO_new(transport);
    if (!session->tls || !bio) fail("SSL_new");
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->tls, bio, bio);
    SSL_set_accept_state(session->tls);
    session->handshake = begin_handshake(session->tls);
    return &session->source;
}

static void end(struct session *session)
{
    if (session->tls) {
        if (session->established && SSL_shutdown(session->tls) < 0) ERR_clear_error();
        end_handshake(session->tls, session->handshake);
        SSL_free(session->tls);
    }
    close(session->fd);
    free(session);
}

static void go_on(struct source *source, uint32_t events)
{
    struct session *session = (struct session *)source;
    session->emptied = 0;
    session->ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    if (session->is_waiting) return;
    enum result result = MOVED;
    if (!session->established) {
        if (session->tls) result = attempt_handshake(session);
        session->established = result == MOVED;
    }
    if (result == MOVED) result = converse(session);
    if (result == OVER) end(session);
}

void answer_later(void (*begin)(struct session *)) { begin_answer = begin; }

void end_wait(struct session *session)
{
    session->is_waiting = 0;
    session->unsent = &done;
    if (converse(session) == OVER) end(session);
}
