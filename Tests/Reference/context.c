// The server's SSL_CTX.
// SPDX-License-Identifier: Apache-2.0
#include "channel.h"
#include <openssl/err.h>

// Of OpenSSL 3.2 (RFC 8879), which turns compression on: the other process reads certificates as they are.
#ifndef SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
#define SSL_OP_NO_TX_CERTIFICATE_COMPRESSION 0
#define SSL_OP_NO_RX_CERTIFICATE_COMPRESSION 0
#endif

static void verify_clients(SSL_CTX *context, const char *client_ca, int is_elsewhere)
{
    STACK_OF(X509_NAME) *names = SSL_load_client_CA_file(client_ca);
    if (!names || (!is_elsewhere && SSL_CTX_load_verify_locations(context, client_ca, NULL) != 1))
        fail(client_ca);
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
}

SSL_CTX *make_context(const struct files *files, int channel)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (!context || SSL_CTX_use_certificate_chain_file(context, files->certificate) != 1
        || (SSL_CTX_set1_groups_list(context, "X25519MLKEM768:X25519:P-256") != 1
            && SSL_CTX_set1_groups_list(context, "X25519:P-256") != 1))
        fail("TLS");
    // Of a library without the first one, which parleyd prefers.
    ERR_clear_error();
    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
    SSL_CTX_set_options(
        context,
        SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_TX_CERTIFICATE_COMPRESSION
            | SSL_OP_NO_RX_CERTIFICATE_COMPRESSION);
    SSL_CTX_set_num_tickets(context, 0);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE);
    SSL_CTX_set_read_ahead(context, 1);
    if (files->client_ca) verify_clients(context, files->client_ca, channel >= 0);
    if (channel >= 0)
        use_signer(context, SSL_CTX_get0_certificate(context), files->client_ca != NULL, channel);
    else if (SSL_CTX_use_PrivateKey_file(context, files->key, SSL_FILETYPE_PEM) != 1) fail(files->key);
    return context;
}
