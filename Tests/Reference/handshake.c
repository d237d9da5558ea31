// The network's half of a handshake whose key is in another process.
// SPDX-License-Identifier: Apache-2.0
#include "channel.h"
#include <CProvider.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

struct handshake {
    // What of the messages is here: those before the server's signature, and then those after it.
    enum { OPENING, CLOSING, BROKEN } phase;
    int has_nonce;
    uint8_t nonce[NONCE];
    uint32_t handle;
    // The client's Certificate among the messages.
    uint32_t certificate, certificate_length;
    uint32_t length;
    uint8_t messages[LONGEST_MESSAGES];
};

static int channel = -1, is_client_asked;
static uint32_t last_handle;

static int ask(
    const struct handshake *handshake, enum question_kind kind, uint32_t scheme, const uint8_t *bytes, size_t length,
    struct answer *answer)
{
    struct question question = {kind, handshake->handle, scheme};
    struct iovec parts[] = {{&question, sizeof question}, {(void *)bytes, length}};
    struct msghdr packet = {.msg_iov = parts, .msg_iovlen = 2};
    if (sendmsg(channel, &packet, MSG_NOSIGNAL) < 0 || recv(channel, answer, sizeof *answer, 0) <= 0)
        fail("the signer is gone");
    return answer->length > 0;
}

// Nonces.

static uint8_t nonces[MOST_HANDSHAKES][NONCE];
static int nonce_count;

static void keep_nonce(const uint8_t *nonce)
{
    if (nonce_count < MOST_HANDSHAKES) memcpy(nonces[nonce_count++], nonce, NONCE);
}

static int add_nonce(
    SSL *tls, unsigned type, unsigned place, const unsigned char **bytes, size_t *length, X509 *certificate, size_t index,
    int *alert, void *argument)
{
    (void)type, (void)place, (void)certificate, (void)index, (void)alert, (void)argument;
    struct handshake *handshake = SSL_get_app_data(tls);
    struct answer answer;
    if (nonce_count) memcpy(handshake->nonce, nonces[--nonce_count], NONCE);
    else if (ask(handshake, ASK_NONCE, 0, NULL, 0, &answer)) memcpy(handshake->nonce, answer.nonce, NONCE);
    handshake->has_nonce = 1;
    *bytes = handshake->nonce;
    *length = NONCE;
    return 1;
}

// Messages.

static void note(int is_sent, int version, int type, const void *bytes, size_t length, SSL *tls, void *argument)
{
    (void)version, (void)argument;
    struct handshake *handshake = SSL_get_app_data(tls);
    if (type != SSL3_RT_HANDSHAKE || !handshake || length == 0) return;
    enum message_kind kind = *(const uint8_t *)bytes;
    if (kind == CERTIFICATE_VERIFY && is_sent) {
        // The signer has it, since it is the signer's.
        handshake->phase = CLOSING;
        handshake->length = 0;
        return;
    }
    if (kind == FINISHED && !is_sent) return;
    if (handshake->length + length > LONGEST_MESSAGES) {
        handshake->phase = BROKEN;
        return;
    }
    if (kind == CERTIFICATE && !is_sent) {
        handshake->certificate = handshake->length;
        handshake->certificate_length = (uint32_t)length;
    }
    memcpy(handshake->messages + handshake->length, bytes, length);
    handshake->length += (uint32_t)length;
}

static size_t sign(
    void *self, int number, uint16_t scheme, const uint8_t *content, size_t length, uint8_t *signature, size_t room)
{
    (void)number, (void)content, (void)length;
    struct handshake *handshake = self;
    struct answer answer;
    if (handshake->phase != OPENING) return 0;
    // Good for one signature.
    handshake->has_nonce = 0;
    if (!ask(handshake, ASK_SIGNATURE, scheme, handshake->messages, handshake->length, &answer) || answer.length > room)
        return 0;
    if (is_client_asked) keep_nonce(answer.nonce);
    memcpy(signature, answer.signature, answer.length);
    return answer.length;
}

// Chains that were accepted: whether one is known decides only whether the question for it can be left out, since the
// signer verifies it with the proof all the same.

static uint64_t accepted[1024];

static uint64_t hash(const uint8_t *bytes, uint32_t length)
{
    uint64_t value = 14695981039346656037u;
    for (uint32_t i = 0; i < length; i++) value = (value ^ bytes[i]) * 1099511628211u;
    return value;
}

static int verify(X509_STORE_CTX *store, void *argument)
{
    (void)argument;
    SSL *tls = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    const struct handshake *handshake = SSL_get_app_data(tls);
    const uint8_t *message = handshake->messages + handshake->certificate;
    uint64_t value = hash(message, handshake->certificate_length);
    uint64_t *place = &accepted[value % (sizeof accepted / sizeof *accepted)];
    struct answer answer;
    if (handshake->phase == CLOSING
        && (*place == value || ask(handshake, ASK_CHAIN, 0, message, handshake->certificate_length, &answer))) {
        *place = value;
        return 1;
    }
    X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
    return 0;
}

int prove(struct handshake *handshake)
{
    struct answer answer;
    return !is_client_asked
        || (handshake->phase == CLOSING
            && ask(handshake, ASK_PROOF, 0, handshake->messages, handshake->length, &answer));
}

// Connections.

static parley_asked asked = {.sign = sign};

struct handshake *begin_handshake(SSL *tls)
{
    if (channel < 0) return NULL;
    struct handshake *handshake = malloc(sizeof *handshake);
    if (!handshake) fail("malloc");
    memset(handshake, 0, offsetof(struct handshake, messages));
    handshake->handle = ++last_handle;
    SSL_set_app_data(tls, handshake);
    return handshake;
}

int shake_hands(SSL *tls, struct handshake *handshake)
{
    asked.self = handshake;
    return SSL_do_handshake(tls);
}

void end_handshake(SSL *tls, struct handshake *handshake)
{
    if (!handshake) return;
    SSL_set_app_data(tls, NULL);
    if (handshake->has_nonce) keep_nonce(handshake->nonce);
    free(handshake);
}

static EVP_PKEY *remote_key(X509 *certificate)
{
    EVP_PKEY *public_half = X509_get0_pubkey(certificate), *key = NULL;
    OSSL_PARAM *parameters = NULL;
    int number = 0;
    OSSL_PARAM own[] = {OSSL_PARAM_construct_int(PARLEY_NUMBER, &number), OSSL_PARAM_construct_end()};
    OSSL_LIB_CTX *context = parley_key_context();
    if (!context || !public_half || EVP_PKEY_todata(public_half, EVP_PKEY_PUBLIC_KEY, &parameters) != 1) fail("key");
    OSSL_PARAM *all = OSSL_PARAM_merge(parameters, own);
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(
        context, EVP_PKEY_get0_type_name(public_half), "provider=" PARLEY_PROVIDER);
    if (!all || !making || EVP_PKEY_fromdata_init(making) != 1
        || EVP_PKEY_fromdata(making, &key, EVP_PKEY_KEYPAIR, all) != 1)
        fail("a key that is elsewhere");
    EVP_PKEY_CTX_free(making);
    OPENSSL_free(all);
    OSSL_PARAM_free(parameters);
    return key;
}

void use_signer(SSL_CTX *context, X509 *certificate, int asks_client, int to)
{
    channel = to;
    is_client_asked = asks_client;
    if (SSL_CTX_use_PrivateKey(context, remote_key(certificate)) != 1) fail("TLS");
    SSL_CTX_set_msg_callback(context, note);
    parley_ask(&asked);
    if (!asks_client) return;
    SSL_CTX_set_cert_verify_callback(context, verify, NULL);
    if (SSL_CTX_add_custom_ext(
            context, NONCE_EXTENSION, SSL_EXT_TLS1_3_CERTIFICATE_REQUEST, add_nonce, NULL, NULL, NULL, NULL)
        != 1)
        fail("the nonce");
}
