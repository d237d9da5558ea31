// The process that has the key: it signs for handshakes, and finds out who their clients are.
// SPDX-License-Identifier: Apache-2.0
//
// It does what Parley's `Notary` does for a handshake of TLS 1.3 without a HelloRetryRequest, by P-256 keys. It doesn't
// refuse what only an attacker would send, but for what costs nothing to look at, and remembers chains for ever.
#define _GNU_SOURCE
#include "channel.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509_vfy.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ECDSA_P256 = 0x0403 };

static const EVP_MD *sha256, *sha384;
static EVP_PKEY_CTX *signing;
static uint8_t *leaf;
static int leaf_length;
static X509_STORE *trust;

static EVP_PKEY_CTX *operation(EVP_PKEY *key, int (*begin)(EVP_PKEY_CTX *))
{
    EVP_PKEY_CTX *context = EVP_PKEY_CTX_new_from_pkey(NULL, key, NULL);
    return context && EVP_PKEY_is_a(key, "EC") && begin(context) == 1 ? context : NULL;
}

// What TLS writes: numbers, and vectors behind their lengths. What runs over its end becomes null, and stays so.

struct slice {
    const uint8_t *at, *end;
};

static struct slice take(struct slice *from, size_t length)
{
    if (!from->at || (size_t)(from->end - from->at) < length) from->at = from->end = NULL;
    struct slice taken = {from->at, from->at ? from->at + length : NULL};
    from->at = taken.end;
    return taken;
}

static unsigned number(struct slice *from, int size)
{
    unsigned value = 0;
    for (struct slice bytes = take(from, (size_t)size); bytes.at < bytes.end; bytes.at++) value = value << 8 | *bytes.at;
    return value;
}

static struct slice vector(struct slice *from, int size) { return take(from, number(from, size)); }

static size_t length(struct slice slice) { return (size_t)(slice.end - slice.at); }

// The next message's body, where it is of that kind; else nothing is left.
static struct slice message(struct slice *from, enum message_kind kind)
{
    if (number(from, 1) != kind) from->at = NULL;
    return vector(from, 3);
}

static struct slice certificates(struct slice body)
{
    vector(&body, 1);
    return vector(&body, 3);
}

// Nonces that were given out.

static uint8_t issued[MOST_HANDSHAKES][NONCE];
static int issued_count;

static void issue(uint8_t *nonce)
{
    if (RAND_bytes(nonce, NONCE) != 1) fail("RAND_bytes");
    if (issued_count == MOST_HANDSHAKES) issued_count = 0;
    memcpy(issued[issued_count++], nonce, NONCE);
}

static int take_back(struct slice nonce)
{
    if (length(nonce) != NONCE) return 0;
    for (int i = 0; i < issued_count; i++) {
        if (memcmp(issued[i], nonce.at, NONCE)) continue;
        memcpy(issued[i], issued[--issued_count], NONCE);
        return 1;
    }
    return 0;
}

// Clients whose chains were verified, by the hash of their messages.

struct client {
    uint8_t hash[32];
    EVP_PKEY_CTX *verifying;
};

static struct client clients[1024];

static EVP_PKEY_CTX *verify_chain(struct slice list)
{
    STACK_OF(X509) *chain = sk_X509_new_null();
    EVP_PKEY_CTX *verifying = NULL;
    while (list.at < list.end) {
        struct slice entry = vector(&list, 3);
        vector(&list, 2);
        X509 *certificate = d2i_X509(NULL, &entry.at, entry.end - entry.at);
        if (certificate) sk_X509_push(chain, certificate);
    }
    X509_STORE_CTX *store = X509_STORE_CTX_new();
    X509 *own = sk_X509_num(chain) > 0 ? sk_X509_value(chain, 0) : NULL;
    if (own && X509_STORE_CTX_init(store, trust, own, chain) == 1 && X509_STORE_CTX_set_default(store, "ssl_client") == 1
        && X509_verify_cert(store) == 1)
        verifying = operation(X509_get0_pubkey(own), EVP_PKEY_verify_init);
    X509_STORE_CTX_free(store);
    sk_X509_pop_free(chain, X509_free);
    return verifying;
}

static EVP_PKEY_CTX *client(struct slice whole)
{
    uint8_t hash[32];
    if (EVP_Digest(whole.at, length(whole), hash, NULL, sha256, NULL) != 1) return NULL;
    struct client *known = &clients[(hash[0] | hash[1] << 8) % (sizeof clients / sizeof *clients)];
    if (known->verifying && memcmp(known->hash, hash, sizeof hash) == 0) return known->verifying;
    struct slice rest = whole;
    EVP_PKEY_CTX *verifying = verify_chain(certificates(message(&rest, CERTIFICATE)));
    if (!verifying) return NULL;
    EVP_PKEY_CTX_free(known->verifying);
    known->verifying = verifying;
    memcpy(known->hash, hash, sizeof hash);
    return verifying;
}

// Handshakes.

struct pending {
    EVP_MD_CTX *hash;
    uint32_t handle;
    int is_signed;
};

static struct pending pending[MOST_HANDSHAKES];
static EVP_MD_CTX *copy;

// What an end signs (RFC 8446, section 4.4.3), hashed.
static int content_hash(const char *context, EVP_MD_CTX *transcript, uint8_t hash[32])
{
    uint8_t content[64 + 34 + 48];
    unsigned size;
    memset(content, ' ', 64);
    memcpy(content + 64, context, 34);
    return EVP_MD_CTX_copy_ex(copy, transcript) == 1 && EVP_DigestFinal_ex(copy, content + 98, &size) == 1
        && EVP_Digest(content, 98 + size, hash, NULL, sha256, NULL) == 1;
}

static const EVP_MD *transcript_hash(struct slice server_hello)
{
    take(&server_hello, 2 + 32);
    vector(&server_hello, 1);
    switch (number(&server_hello, 2)) {
    case 0x1301: case 0x1303: return sha256;
    case 0x1302: return sha384;
    default: return NULL;
    }
}

static struct slice nonce(struct slice request)
{
    vector(&request, 1);
    struct slice extensions = vector(&request, 2);
    while (extensions.at < extensions.end) {
        unsigned type = number(&extensions, 2);
        struct slice content = vector(&extensions, 2);
        if (type == NONCE_EXTENSION) return content;
    }
    return extensions;
}

static void sign(const struct question *question, struct slice messages, struct answer *answer)
{
    struct slice rest = messages;
    message(&rest, CLIENT_HELLO);
    const EVP_MD *digest = transcript_hash(message(&rest, SERVER_HELLO));
    message(&rest, ENCRYPTED_EXTENSIONS);
    if (trust && !take_back(nonce(message(&rest, CERTIFICATE_REQUEST)))) return;
    struct slice list = certificates(message(&rest, CERTIFICATE)), shown = vector(&list, 3);
    if (!digest || !rest.at || rest.at != rest.end || question->scheme != ECDSA_P256 || (int)length(shown) != leaf_length
        || memcmp(shown.at, leaf, (size_t)leaf_length))
        return;
    struct pending *handshake = &pending[question->handle % MOST_HANDSHAKES];
    if (!handshake->hash) handshake->hash = EVP_MD_CTX_new();
    uint8_t hash[32];
    size_t size = LONGEST_SIGNATURE;
    if (EVP_DigestInit_ex(handshake->hash, digest, NULL) != 1
        || EVP_DigestUpdate(handshake->hash, messages.at, length(messages)) != 1
        || !content_hash("TLS 1.3, server CertificateVerify", handshake->hash, hash)
        || EVP_PKEY_sign(signing, answer->signature, &size, hash, sizeof hash) != 1)
        fail("a signature");
    answer->length = (uint32_t)size;
    if (!trust) return;
    // Nobody else can say what this message is.
    uint8_t head[] = {CERTIFICATE_VERIFY, 0, (uint8_t)((size + 4) >> 8), (uint8_t)(size + 4), ECDSA_P256 >> 8,
        ECDSA_P256 & 0xff, (uint8_t)(size >> 8), (uint8_t)size};
    if (EVP_DigestUpdate(handshake->hash, head, sizeof head) != 1
        || EVP_DigestUpdate(handshake->hash, answer->signature, size) != 1)
        fail("EVP_DigestUpdate");
    handshake->handle = question->handle;
    handshake->is_signed = 1;
    issue(answer->nonce);
}

static int is_proven(const struct question *question, struct slice messages)
{
    struct pending *handshake = &pending[question->handle % MOST_HANDSHAKES];
    if (!handshake->is_signed || handshake->handle != question->handle) return 0;
    handshake->is_signed = 0;
    struct slice rest = messages, whole;
    message(&rest, FINISHED);
    whole.at = rest.at;
    message(&rest, CERTIFICATE);
    whole.end = rest.at;
    struct slice verify = message(&rest, CERTIFICATE_VERIFY);
    if (!rest.at || rest.at != rest.end || number(&verify, 2) != ECDSA_P256) return 0;
    struct slice signature = vector(&verify, 2);
    EVP_PKEY_CTX *verifying = client(whole);
    uint8_t hash[32];
    return signature.at && verifying
        && EVP_DigestUpdate(handshake->hash, messages.at, (size_t)(whole.end - messages.at)) == 1
        && content_hash("TLS 1.3, client CertificateVerify", handshake->hash, hash)
        && EVP_PKEY_verify(verifying, signature.at, length(signature), hash, sizeof hash) == 1;
}

static void read_files(const struct files *files)
{
    FILE *certificate = fopen(files->certificate, "r"), *key_file = fopen(files->key, "r");
    if (!certificate || !key_file) fail("files");
    X509 *own = PEM_read_X509(certificate, NULL, NULL, NULL);
    EVP_PKEY *key = PEM_read_PrivateKey(key_file, NULL, NULL, NULL);
    fclose(certificate);
    fclose(key_file);
    if (!own || !key || !(signing = operation(key, EVP_PKEY_sign_init))) fail("a key, which must be of P-256,");
    leaf_length = i2d_X509(own, &leaf);
    sha256 = EVP_MD_fetch(NULL, "SHA256", NULL);
    sha384 = EVP_MD_fetch(NULL, "SHA384", NULL);
    copy = EVP_MD_CTX_new();
    if (!files->client_ca) return;
    trust = X509_STORE_new();
    if (!trust || X509_STORE_load_file(trust, files->client_ca) != 1) fail(files->client_ca);
}

static _Noreturn void answer_all(int channel)
{
    static struct {
        struct question head;
        uint8_t messages[LONGEST_MESSAGES];
    } question;
    for (;;) {
        ssize_t count = recv(channel, &question, sizeof question, 0);
        if (count < (ssize_t)sizeof question.head) _exit(0);
        struct slice messages = {question.messages, (uint8_t *)&question + count};
        struct answer answer = {0};
        switch ((enum question_kind)question.head.kind) {
        case ASK_NONCE: issue(answer.nonce), answer.length = 1; break;
        case ASK_SIGNATURE: sign(&question.head, messages, &answer); break;
        case ASK_CHAIN: answer.length = client(messages) != NULL; break;
        case ASK_PROOF: answer.length = is_proven(&question.head, messages); break;
        }
        size_t size = offsetof(struct answer, signature);
        if (question.head.kind == ASK_SIGNATURE) size += answer.length;
        if (send(channel, &answer, size, MSG_NOSIGNAL) < 0) _exit(0);
    }
}

int start_signer(const struct files *files)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends)) fail("socketpair");
    switch (fork()) {
    case -1: fail("fork");
    case 0:
        close(ends[0]);
        read_files(files);
        if (send(ends[1], &(char){0}, 1, MSG_NOSIGNAL) == 1) answer_all(ends[1]);
        _exit(0);
    }
    close(ends[1]);
    // It has said why there is none, if so.
    if (recv(ends[0], &(char){0}, 1, 0) != 1) _exit(1);
    return ends[0];
}
