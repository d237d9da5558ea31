// The reference that Parley is measured against: the command conversation, as fast as one thread of plain C does it.
// SPDX-License-Identifier: Apache-2.0
//
// usage: parley-reference [--plaintext | CERTIFICATE KEY]
//
// It has no limits, deadlines or log, and is for measurements on the loopback only. It says where it listens as
// parleyd does, and ends by a signal.
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LONGEST_MESSAGE = 1024, RECORD = 16384, EVENTS = 256 };

struct reply {
    const char *text;
    int length, ends;
};

struct session {
    SSL *tls; // null: plaintext
    const struct reply *unsent;
    int fd;
    unsigned emptied : 1;     // the last recv came back short, so that the next one would find nothing
    unsigned ended : 1;       // the peer's end is on its way, and no further edge tells of it
    unsigned established : 1;
};

enum result { MOVED, BLOCKED, OVER };

static SSL_CTX *context;
static BIO_METHOD *transport;
static int epoll, listener;
static char room[RECORD];

static void fail(const char *what)
{
    fprintf(stderr, "parley-reference: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    exit(1);
}

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

// Attempts, each of which leaves OpenSSL's error queue empty.

static enum result tls_result(const struct session *session, int returned)
{
    if (returned > 0) return MOVED;
    int reason = SSL_get_error(session->tls, returned);
    if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return BLOCKED;
    ERR_clear_error();
    return OVER;
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
                          closing = REPLY("Closing down", 1), ignorance = REPLY("Unknown command.", 0);

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
        session->unsent = answer(length);
    }
}

static void end(struct session *session)
{
    if (session->tls) {
        if (session->established && SSL_shutdown(session->tls) < 0) ERR_clear_error();
        SSL_free(session->tls);
    }
    close(session->fd);
    free(session);
}

static void go_on(struct session *session, uint32_t events)
{
    session->emptied = 0;
    session->ended = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    enum result result = MOVED;
    if (!session->established) {
        if (session->tls) result = tls_result(session, SSL_do_handshake(session->tls));
        session->established = result == MOVED;
    }
    if (result == MOVED) result = converse(session);
    if (result == OVER) end(session);
}

// Connections.

static struct session *begin(int fd)
{
    struct session *session = calloc(1, sizeof *session);
    if (!session) fail("calloc");
    session->fd = fd;
    if (!context) return session;
    session->tls = SSL_new(context);
    BIO *bio = BIO_new(transport);
    if (!session->tls || !bio) fail("SSL_new");
    BIO_set_data(bio, session);
    BIO_set_init(bio, 1);
    SSL_set_bio(session->tls, bio, bio);
    SSL_set_accept_state(session->tls);
    return session;
}

static void accept_waiting(void)
{
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        // Without it a handshake's last exchange waits for a delayed acknowledgement.
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = begin(fd)};
        if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
    }
}

static void use_tls(const char *certificate, const char *key)
{
    context = SSL_CTX_new(TLS_server_method());
    transport = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "reference");
    if (!context || !transport || SSL_CTX_use_certificate_chain_file(context, certificate) != 1
        || SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1
        || !SSL_CTX_set1_groups_list(context, "X25519:P-256"))
        fail("TLS");
    BIO_meth_set_read(transport, transport_read);
    BIO_meth_set_write(transport, transport_write);
    BIO_meth_set_ctrl(transport, transport_control);
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_read_ahead(context, 1);
}

static void listen_on_loopback(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)
        || getsockname(listener, (struct sockaddr *)&address, &size))
        fail("listen");
    epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event)) fail("epoll_ctl");
    fprintf(stderr, "parley-reference: listening on 127.0.0.1:%d (%s)\n", ntohs(address.sin_port),
            context ? "TLS 1.3" : "plaintext");
}

// So that callgrind, which writes what it counted at a process's end, sees one.
static void stop(int signal)
{
    (void)signal;
    _exit(0);
}

int main(int count, char **arguments)
{
    if (count == 3) use_tls(arguments[1], arguments[2]);
    else if (count != 2 || strcmp(arguments[1], "--plaintext")) {
        fprintf(stderr, "usage: parley-reference [--plaintext | CERTIFICATE KEY]\n");
        return 64;
    }
    struct rlimit files;
    getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files);
    // Record buffers come and go with each record: a heap that is trimmed each time costs page faults.
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, stop);
    listen_on_loopback();
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.ptr) go_on(events[i].data.ptr, events[i].events);
            else accept_waiting();
        }
    }
}
