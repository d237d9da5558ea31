// Keys of an OpenSSL provider of our own, whose private halves are elsewhere: a callback is asked for each signature.
// SPDX-License-Identifier: Apache-2.0
#ifndef CPROVIDER_H
#define CPROVIDER_H

#include <stddef.h>
#include <stdint.h>

// The provider's name, and the parameter of type int by which EVP_PKEY_fromdata(3) gives a key its number, counted from
// 0, along with the parameters of its public half. A key without one is only its public half. There are EC keys (P-256,
// P-384, P-521), RSA, RSA-PSS, Ed25519 and Ed448.
#define PARLEY_PROVIDER "parley"
#define PARLEY_NUMBER "parley-number"

// The longest content that is signed. TLS 1.3 has 146 bytes, and TLS 1.2 with today's curves 201.
enum { parley_longest_content = 512 };

// Whom to ask for signatures, with its context.
typedef struct parley_asked {
    // Writes a signature by the key with that number to the `room` bytes at `signature`, and returns its length; 0
    // if there is none. `scheme` is RFC 8446's SignatureScheme (4.2.3); `content` is not hashed yet.
    size_t (*sign)(
        void *self, int number, uint16_t scheme, const uint8_t *content, size_t length,
        uint8_t *signature, size_t room);
    void *self;
} parley_asked;

// Makes the keys ask `asked` for everything signed on this thread from now on, or nobody if it is null: then
// they sign nothing. Returns whom they have asked until now, so that it can be restored.
const parley_asked *parley_ask(const parley_asked *asked);

// A library context (OSSL_LIB_CTX) that has this provider and nothing else; null if OpenSSL fails, with its
// reasons in the queue. It lives as long as the process, since whatever holds a key may outlive its creator.
struct ossl_lib_ctx_st *parley_key_context(void);

// A library context with OpenSSL's default provider, without the decoders and kinds of keys that a server of TLS doesn't
// need, which make OpenSSL before 3.2 slow. Null for a newer one, if openssl.cnf asks for another provider or for FIPS,
// and if OpenSSL fails, with its reasons in the queue: the default context is the one to use then. Call once; it lives
// as long as the process.
struct ossl_lib_ctx_st *parley_lean_context(void);

#endif
