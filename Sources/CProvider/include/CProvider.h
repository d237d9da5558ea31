// Keys of an OpenSSL provider of our own, whose private halves are elsewhere: for a signature somebody is asked.
// SPDX-License-Identifier: Apache-2.0
#ifndef CPROVIDER_H
#define CPROVIDER_H

#include <stddef.h>
#include <stdint.h>

// The provider's name, and the parameter of type int by which EVP_PKEY_fromdata(3) gives a key its number, from 0 on,
// beside the parameters of its public half. A key without one is only its public half. There are EC keys (P-256, P-384,
// P-521), RSA, RSA-PSS, Ed25519 and Ed448.
#define PARLEY_PROVIDER "parley"
#define PARLEY_NUMBER "parley-number"

// The longest content that is signed. TLS 1.3 has 146 bytes, and TLS 1.2 with the curves of today 201.
enum { parley_longest_content = 512 };

// Who is asked for signatures, and what it finds itself by.
typedef struct parley_asked {
    // Puts a signature by the key of that number into `room` bytes at `signature`, and returns its length; 0 where
    // there is none. `scheme` is RFC 8446's SignatureScheme (4.2.3), of `content` nothing is hashed yet.
    size_t (*sign)(
        void *self, int number, uint16_t scheme, const uint8_t *content, size_t length,
        uint8_t *signature, size_t room);
    void *self;
} parley_asked;

// Has the keys ask `asked` for what is signed on this thread from now on, or nobody where it is null: they sign
// nothing then. Returns whom they have asked until now, to be put back.
const parley_asked *parley_ask(const parley_asked *asked);

// A library context (OSSL_LIB_CTX) that has the provider and nothing else; null where OpenSSL has none, with its
// reasons in the queue. For the life of the process, since whatever holds a key may outlive who made it.
struct ossl_lib_ctx_st *parley_key_context(void);

#endif
