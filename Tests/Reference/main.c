// The reference that Parley is measured against: the command conversation, as fast as one thread of plain C does it.
// SPDX-License-Identifier: Apache-2.0
//
// usage: parley-reference [--plaintext | [--split] [--client-ca FILE] CERTIFICATE KEY]
//        parley-reference --programs SESSIONS SECONDS [--confined GROUPS USER] PROGRAM [ARGUMENT...]
//        parley-reference --served TRAIL [--confined GROUPS USER] [--client-ca FILE] CERTIFICATE KEY
//                         PROGRAM [ARGUMENT...]
//        parley-reference --bulk [--client-ca FILE] CERTIFICATE KEY PROGRAM [ARGUMENT...]
//        parley-reference --client CA PORT [CERTIFICATE KEY]
//        parley-reference --version
//
// With --split the key is in a second process, which is asked for each signature, and with --client-ca for each client:
// what two processes cost at least. It has no limits, deadlines or log, and is for measurements on the loopback only.
// It says where it listens as parleyd does, and ends by a signal.
//
// With --programs it is no server: it runs a program over and over, so many at once, and prints a line as parley-bench
// does; with --confined each has a control group in GROUPS, the user of that number and a domain for its signals, as
// parleyd's have. With --served it runs one for each message of a client's: one process has the connections and reads
// the outputs, and another one starts the programs and writes two lines of TRAIL for each. With --bulk it runs a
// program for each connection, whose input and output go through TLS, and with --client it is the client of that.
#define _GNU_SOURCE
#include "bulk.h"
#include "channel.h"
#include "served.h"
#include "start.h"
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256 };

static int epoll, listener;

_Noreturn void fail(const char *what)
{
    fprintf(stderr, "parley-reference: %s: %s\n", what, strerror(errno));
    ERR_print_errors_fp(stderr);
    _exit(1);
}

void watch(int fd, uint32_t events, struct source *source)
{
    struct epoll_event event = {.events = events, .data.ptr = source};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)) fail("epoll_ctl");
}

void unwatch(int fd)
{
    if (epoll_ctl(epoll, EPOLL_CTL_DEL, fd, NULL)) fail("epoll_ctl");
}

static void accept_waiting(struct source *source, uint32_t events)
{
    (void)source, (void)events;
    int fd, on = 1;
    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        // Without it a handshake's last exchange waits for a delayed acknowledgement.
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        watch(fd, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, begin_session(fd));
    }
}

static void listen_on_loopback(const char *protocol, int flags)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    epoll = epoll_create1(EPOLL_CLOEXEC);
    listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
    if (epoll < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 4096)
        || getsockname(listener, (struct sockaddr *)&address, &size))
        fail("listen");
    fprintf(stderr, "parley-reference: listening on 127.0.0.1:%d (%s)\n", ntohs(address.sin_port), protocol);
}

_Noreturn static void serve_sessions(void)
{
    static struct source accepting = {accept_waiting};
    watch(listener, EPOLLIN, &accepting);
    struct epoll_event events[EVENTS];
    for (;;) {
        int ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            struct source *source = events[i].data.ptr;
            source->go_on(source, events[i].events);
        }
    }
}

// So that callgrind, which writes what it counted at a process's end, sees one.
static void stop(int signal)
{
    (void)signal;
    _exit(0);
}

static int usage(void)
{
    fprintf(stderr, "usage: parley-reference [--plaintext | [--split] [--client-ca FILE] CERTIFICATE KEY]\n"
                    "       parley-reference --programs SESSIONS SECONDS [--confined GROUPS USER] PROGRAM [ARGUMENT...]\n"
                    "       parley-reference --served TRAIL [--confined GROUPS USER] [--client-ca FILE] CERTIFICATE KEY "
                    "PROGRAM [ARGUMENT...]\n"
                    "       parley-reference --bulk [--client-ca FILE] CERTIFICATE KEY PROGRAM [ARGUMENT...]\n"
                    "       parley-reference --client CA PORT [CERTIFICATE KEY]\n"
                    "       parley-reference --version\n");
    return 64;
}

// Options that modes share, each of which takes its words; null, or no file, where it is not there.

static const struct confinement *take_confinement(int *count, char ***arguments)
{
    static struct confinement confinement;
    if (*count < 3 || strcmp(**arguments, "--confined")) return NULL;
    char **words = *arguments;
    confinement = (struct confinement){open(words[1], O_PATH | O_DIRECTORY | O_CLOEXEC), (unsigned)atoi(words[2])};
    if (confinement.groups < 0) fail(words[1]);
    *count -= 3, *arguments += 3;
    return &confinement;
}

// Returns whether a certificate and a key were there, and a word after them.
static int take_files(int *count, char ***arguments, struct files *files)
{
    *files = (struct files){0};
    if (*count > 1 && strcmp(**arguments, "--client-ca") == 0)
        files->client_ca = (*arguments)[1], *count -= 2, *arguments += 2;
    if (*count < 3) return 0;
    files->certificate = (*arguments)[0];
    files->key = (*arguments)[1];
    *count -= 2, *arguments += 2;
    return 1;
}

static int programs(int count, char **arguments)
{
    if (count < 3) return usage();
    int sessions = atoi(arguments[0]);
    double seconds = atof(arguments[1]);
    if (sessions < 1 || sessions > 1000 || !(seconds > 0 && seconds <= 600)) return usage();
    count -= 2, arguments += 2;
    const struct confinement *confinement = take_confinement(&count, &arguments);
    return count ? run_programs(sessions, seconds, arguments, confinement) : usage();
}

static int served(int count, char **arguments)
{
    if (count < 1) return usage();
    int trail = open(arguments[0], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (trail < 0) fail(arguments[0]);
    count--, arguments++;
    const struct confinement *confinement = take_confinement(&count, &arguments);
    struct files files;
    if (!take_files(&count, &arguments, &files)) return usage();
    int channel = begin_starter(arguments, confinement, trail);
    use_tls(make_context(&files, -1));
    listen_on_loopback("TLS 1.3", SOCK_NONBLOCK);
    use_starter(channel);
    serve_sessions();
}

static int bulk(int count, char **arguments)
{
    struct files files;
    if (!take_files(&count, &arguments, &files)) return usage();
    SSL_CTX *context = make_context(&files, -1);
    listen_on_loopback("TLS 1.3", 0);
    serve_bulk(context, listener, arguments);
}

static int client(int count, char **arguments)
{
    int port = count == 2 || count == 4 ? atoi(arguments[1]) : 0;
    if (port < 1 || port > 65535) return usage();
    struct files files = {.client_ca = arguments[0]};
    if (count == 4) files.certificate = arguments[2], files.key = arguments[3];
    return move_bulk(&files, port);
}

// What a program takes at least that has OpenSSL's libraries.
static int version(int count, char **arguments)
{
    (void)arguments;
    if (count) return usage();
    printf("parley-reference (%s)\n", OpenSSL_version(OPENSSL_VERSION));
    return fflush(stdout) ? 1 : 0;
}

int main(int count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    const struct {
        const char *option;
        int (*run)(int count, char **arguments);
    } others[] = {{"--programs", programs}, {"--served", served}, {"--bulk", bulk}, {"--client", client},
                {"--version", version}};
    for (unsigned i = 0; count > 1 && i < sizeof others / sizeof *others; i++)
        if (strcmp(arguments[1], others[i].option) == 0) return others[i].run(count - 2, arguments + 2);
    int is_plaintext = count == 2 && strcmp(arguments[1], "--plaintext") == 0, is_split = 0, next = 1;
    struct files files = {0};
    if (!is_plaintext) {
        if (next < count && strcmp(arguments[next], "--split") == 0) is_split = 1, next++;
        if (next + 1 < count && strcmp(arguments[next], "--client-ca") == 0)
            files.client_ca = arguments[next + 1], next += 2;
        if (count != next + 2) return usage();
        files.certificate = arguments[next];
        files.key = arguments[next + 1];
    }
    signal(SIGTERM, stop);
    // Record buffers come and go with each record: a heap that is trimmed each time costs page faults.
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
    mallopt(M_TOP_PAD, 1 << 20);
    if (!is_plaintext) use_tls(make_context(&files, is_split ? start_signer(&files) : -1));
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    listen_on_loopback(is_plaintext ? "plaintext" : "TLS 1.3", SOCK_NONBLOCK);
    serve_sessions();
}
