// OpenSSL's headers for Swift, and functions in place of the macros that Swift can't import.
// SPDX-License-Identifier: Apache-2.0
#ifndef PARLEY_COPENSSL_H
#define PARLEY_COPENSSL_H

#include <openssl/bio.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/params.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

static inline int parley_SSL_CTX_set_min_proto_version(SSL_CTX *ctx, int version)
{
    return (int)SSL_CTX_set_min_proto_version(ctx, version);
}
static inline int parley_SSL_CTX_set_max_proto_version(SSL_CTX *ctx, int version)
{
    return (int)SSL_CTX_set_max_proto_version(ctx, version);
}
static inline void parley_SSL_CTX_set_mode(SSL_CTX *ctx, long mode) { SSL_CTX_set_mode(ctx, mode); }
static inline void parley_SSL_CTX_set_read_ahead(SSL_CTX *ctx, int on) { SSL_CTX_set_read_ahead(ctx, on); }
static inline void parley_SSL_CTX_session_cache_off(SSL_CTX *ctx)
{
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
}
static inline int parley_SSL_CTX_set1_groups_list(SSL_CTX *ctx, const char *list)
{
    return (int)SSL_CTX_set1_groups_list(ctx, list);
}
static inline int parley_SSL_CTX_set1_sigalgs_list(SSL_CTX *ctx, const char *list)
{
    return (int)SSL_CTX_set1_sigalgs_list(ctx, list);
}
static inline int parley_SSL_CTX_add0_chain_cert(SSL_CTX *ctx, X509 *certificate)
{
    return (int)SSL_CTX_add0_chain_cert(ctx, certificate);
}
static inline void parley_SSL_CTX_set_max_cert_list(SSL_CTX *ctx, long bytes)
{
    SSL_CTX_set_max_cert_list(ctx, bytes);
}
static inline int parley_SSL_set_tlsext_host_name(SSL *ssl, const char *name)
{
    return (int)SSL_set_tlsext_host_name(ssl, name);
}
static const uint64_t parley_SSL_OP_NO_TICKET = SSL_OP_NO_TICKET;
static const uint64_t parley_SSL_OP_NO_RENEGOTIATION = SSL_OP_NO_RENEGOTIATION;
static const uint64_t parley_SSL_OP_NO_COMPRESSION = SSL_OP_NO_COMPRESSION;
static const uint64_t parley_SSL_OP_CIPHER_SERVER_PREFERENCE = SSL_OP_CIPHER_SERVER_PREFERENCE;
static const uint64_t parley_SSL_OP_IGNORE_UNEXPECTED_EOF = SSL_OP_IGNORE_UNEXPECTED_EOF;
// Both ways. OpenSSL 3.2 has them; older ones don't mind the bits, and what is built with such a
// one may run with a newer.
static const uint64_t parley_SSL_OP_NO_CERTIFICATE_COMPRESSION = (1ULL << 32) | (1ULL << 33);
static const int parley_EVP_PKEY_PUBLIC_KEY = EVP_PKEY_PUBLIC_KEY;
static const int parley_EVP_PKEY_KEYPAIR = EVP_PKEY_KEYPAIR;
// The flags that escape control characters and bytes above ASCII.
static inline unsigned long parley_XN_FLAG_ONELINE(void) { return XN_FLAG_ONELINE; }
static inline void parley_BIO_set_retry_read(BIO *bio) { BIO_set_retry_read(bio); }
static inline void parley_BIO_set_retry_write(BIO *bio) { BIO_set_retry_write(bio); }
static inline void parley_BIO_clear_retry_flags(BIO *bio) { BIO_clear_retry_flags(bio); }
static inline int parley_ERR_GET_LIB(unsigned long code) { return ERR_GET_LIB(code); }
static inline int parley_ERR_GET_REASON(unsigned long code) { return ERR_GET_REASON(code); }
static inline int parley_ERR_R_MALLOC_FAILURE(void) { return ERR_R_MALLOC_FAILURE; }
static inline int parley_SSL_verify_ex_data_index(void) { return SSL_get_ex_data_X509_STORE_CTX_idx(); }
static inline int parley_GENERAL_NAMES_count(const GENERAL_NAMES *names) { return sk_GENERAL_NAME_num(names); }
static inline GENERAL_NAME *parley_GENERAL_NAMES_at(const GENERAL_NAMES *names, int index)
{
    return sk_GENERAL_NAME_value(names, index);
}
// The string of a name of type dNSName, rfc822Name, uniformResourceIdentifier or iPAddress.
static inline const ASN1_STRING *parley_GENERAL_NAME_string(const GENERAL_NAME *name)
{
    return name->d.ia5;
}
static inline STACK_OF(X509) *parley_X509_stack(X509 *certificate)
{
    STACK_OF(X509) *stack = sk_X509_new_null();
    if (stack && !sk_X509_push(stack, certificate)) {
        sk_X509_free(stack);
        return NULL;
    }
    return stack;
}
// Adds a copy of a name to a list; 0, or -1 without memory.
static inline int parley_X509_NAME_stack_add(STACK_OF(X509_NAME) *names, const X509_NAME *name)
{
    X509_NAME *copy = X509_NAME_dup(name);
    if (!copy || !sk_X509_NAME_push(names, copy)) {
        X509_NAME_free(copy);
        return -1;
    }
    return 0;
}
static inline STACK_OF(X509_NAME) *parley_X509_NAME_stack(void) { return sk_X509_NAME_new_null(); }
static inline void parley_X509_NAME_stack_free(STACK_OF(X509_NAME) *names)
{
    sk_X509_NAME_pop_free(names, X509_NAME_free);
}
static inline void parley_X509_stack_free(STACK_OF(X509) *stack) { sk_X509_free(stack); }

#endif
