// A program's input and output through TLS, as fast as one blocking thread at each end moves them: the limit of bulk.
// SPDX-License-Identifier: Apache-2.0
//
// The client sends its standard input and then close_notify; after that the server sends what the program has written
// to its standard output, and close_notify.
#define _GNU_SOURCE
#include "bulk.h"
#include "start.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { RECORD = 16384, ROOM = 16 * RECORD, WIRE = 17 * RECORD, PIPE = 1 << 20 };

static char room[ROOM];

// The transport: many records in one send, and as many in one recv.

struct transport {
    int fd;
    size_t gathered;
    char bytes[WIRE];
};

static void send_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = send(fd, bytes, size, MSG_NOSIGNAL);
        if (count < 0) fail("send");
        bytes += count;
        size -= (size_t)count;
    }
}

static void flush(struct transport *transport)
{
    send_all(transport->fd, transport->bytes, transport->gathered);
    transport->gathered = 0;
}

static int transport_read(BIO *bio, char *bytes, int size)
{
    struct transport *transport = BIO_get_data(bio);
    ssize_t count = recv(transport->fd, bytes, (size_t)size, 0);
    if (count < 0) fail("recv");
    return (int)count;
}

static int transport_write(BIO *bio, const char *bytes, int size)
{
    struct transport *transport = BIO_get_data(bio);
    if (transport->gathered + (size_t)size > sizeof transport->bytes) flush(transport);
    memcpy(transport->bytes + transport->gathered, bytes, (size_t)size);
    transport->gathered += (size_t)size;
    return size;
}

// OpenSSL flushes its handshakes, and we the rest.
static long transport_control(BIO *bio, int command, long number, void *pointer)
{
    (void)number, (void)pointer;
    if (command == BIO_CTRL_FLUSH) flush(BIO_get_data(bio));
    return command == BIO_CTRL_FLUSH;
}

static SSL *open_tls(SSL_CTX *context, struct transport *transport, int fd)
{
    int on = 1;
    if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) fail("TCP_NODELAY");
    static BIO_METHOD *method;
    if (!method) method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "bulk");
    if (!method || !BIO_meth_set_read(method, transport_read) || !BIO_meth_set_write(method, transport_write)
        || !BIO_meth_set_ctrl(method, transport_control))
        fail("BIO_meth_new");
    transport->fd = fd;
    transport->gathered = 0;
    SSL_CTX_set_default_read_buffer_len(context, WIRE);
    SSL_CTX_set_read_ahead(context, 1);
    // The buffers stay, unlike those of idle sessions.
    SSL_CTX_clear_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL *tls = SSL_new(context);
    BIO *bio = BIO_new(method);
    if (!tls || !bio) fail("SSL_new");
    BIO_set_data(bio, transport);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls, bio, bio);
    return tls;
}

// Moving.

static void write_all(int fd, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t count = write(fd, bytes, size);
        if (count < 0) fail("write");
        bytes += count;
        size -= (size_t)count;
    }
}

// Until the file's end; close_notify follows.
static void send_file(SSL *tls, int fd)
{
    for (;;) {
        ssize_t count = read(fd, room, sizeof room);
        if (count < 0) fail("read");
        if (count == 0) break;
        if (SSL_write(tls, room, (int)count) != count) fail("SSL_write");
        if (BIO_flush(SSL_get_wbio(tls)) != 1) fail("BIO_flush");
    }
    if (SSL_shutdown(tls) < 0 || BIO_flush(SSL_get_wbio(tls)) != 1) fail("SSL_shutdown");
}

// Until close_notify. Records that are there are written together.
static void receive_file(SSL *tls, int fd)
{
    for (;;) {
        size_t length = 0;
        int count = 1;
        while (length + RECORD <= sizeof room && (length == 0 || SSL_has_pending(tls))) {
            count = SSL_read(tls, room + length, RECORD);
            if (count <= 0) break;
            length += (size_t)count;
        }
        if (length > 0) write_all(fd, room, length);
        if (count > 0) continue;
        if (SSL_get_error(tls, count) != SSL_ERROR_ZERO_RETURN) fail("SSL_read");
        return;
    }
}

static void serve(SSL_CTX *context, int fd, char **arguments)
{
    static struct transport transport;
    struct program program;
    SSL *tls = open_tls(context, &transport, fd);
    if (SSL_accept(tls) != 1) fail("SSL_accept");
    start_program(&program, arguments, NULL);
    // A program on the same core then has fewer turns; where users may not, a pipe stays as it is.
    if ((fcntl(program.input, F_SETPIPE_SZ, PIPE) < 0 || fcntl(program.output, F_SETPIPE_SZ, PIPE) < 0)
        && errno != EPERM)
        fail("F_SETPIPE_SZ");
    receive_file(tls, program.input);
    if (close(program.input)) fail("close");
    program.input = -1;
    send_file(tls, program.output);
    end_program(&program, NULL);
    SSL_free(tls);
    if (close(fd)) fail("close");
}

_Noreturn void serve_bulk(SSL_CTX *context, int listener, char **arguments)
{
    for (;;) {
        int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) fail("accept4");
        serve(context, fd, arguments);
    }
}

int move_bulk(const struct files *files, int port)
{
    static struct transport transport;
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (!context || SSL_CTX_load_verify_locations(context, files->client_ca, NULL) != 1
        || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
        fail(files->client_ca);
    if (files->certificate
        && (SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1
            || SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1))
        fail(files->certificate);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof address)) fail("connect");
    SSL *tls = open_tls(context, &transport, fd);
    if (SSL_set1_host(tls, "localhost") != 1 || SSL_connect(tls) != 1) fail("SSL_connect");
    send_file(tls, 0);
    receive_file(tls, 1);
    SSL_free(tls);
    SSL_CTX_free(context);
    return close(fd) ? 1 : 0;
}
