// OpenSSL's default provider, without what a server of TLS doesn't need of it.
// SPDX-License-Identifier: Apache-2.0
//
// Before 3.2, OpenSSL asks all its decoders and all its kinds of keys whether they fit each time that it reads a public
// key: a client's certificate then costs a server more than the verification of the client's signature.
#include "CProvider.h"
#include <openssl/core_dispatch.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/provider.h>
#include <string.h>

// The provider whose functions these are; it stays loaded.
static OSSL_PROVIDER *whole;

enum { most_algorithms = 32 };

// Those of its algorithms that a predicate accepts, up to an end that `kept` must have from the start.
static void keep(OSSL_ALGORITHM kept[most_algorithms + 1], int operation, int (*is_needed)(const OSSL_ALGORITHM *))
{
    int mustnt_be_kept = 0, count = 0;
    const OSSL_ALGORITHM *all = OSSL_PROVIDER_query_operation(whole, operation, &mustnt_be_kept);
    for (; all && all->algorithm_names && count < most_algorithms; all++)
        if (is_needed(all)) kept[count++] = *all;
}

// The kinds of keys that a certificate of TLS 1.3, or a key exchange of ours, may have (TLSPolicy.swift).
static int is_needed_key(const OSSL_ALGORITHM *algorithm)
{
    static const char *const kinds[] = {"EC", "RSA", "RSA-PSS", "ED25519", "ED448", "X25519", "X448"};
    size_t length = strcspn(algorithm->algorithm_names, ":");
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strlen(kinds[i]) == length && strncmp(algorithm->algorithm_names, kinds[i], length) == 0) return 1;
    return 0;
}

// What reads such a key in a certificate.
static int is_needed_decoder(const OSSL_ALGORITHM *algorithm)
{
    const char *properties = algorithm->property_definition;
    return properties && strstr(properties, "input=der") && strstr(properties, "structure=SubjectPublicKeyInfo")
        && is_needed_key(algorithm);
}

static OSSL_ALGORITHM keys[most_algorithms + 1], decoders[most_algorithms + 1];

static const OSSL_ALGORITHM *algorithms(void *provider, int operation, int *mustnt_be_kept)
{
    (void)provider;
    *mustnt_be_kept = 0;
    switch (operation) {
    case OSSL_OP_KEYMGMT: return keys;
    case OSSL_OP_DECODER: return decoders;
    case OSSL_OP_ENCODER: case OSSL_OP_STORE: return NULL;
    default: return OSSL_PROVIDER_query_operation(whole, operation, mustnt_be_kept);
    }
}

static int capabilities(void *provider, const char *name, OSSL_CALLBACK *callback, void *argument)
{
    return (void)provider, OSSL_PROVIDER_get_capabilities(whole, name, callback, argument);
}

#define FUNCTION(number, function) {number, (void (*)(void))function}

static int start(
    const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *cores, const OSSL_DISPATCH **ours, void **provider)
{
    static const OSSL_DISPATCH functions[] = {FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, algorithms),
        FUNCTION(OSSL_FUNC_PROVIDER_GET_CAPABILITIES, capabilities), {0, NULL}};
    (void)core, (void)cores;
    // Its functions expect its own context.
    *provider = OSSL_PROVIDER_get0_provider_ctx(whole);
    return *ours = functions, *provider != NULL;
}

static int count_others(OSSL_PROVIDER *provider, void *count)
{
    *(int *)count += strcmp(OSSL_PROVIDER_get0_name(provider), "default") != 0;
    return 1;
}

OSSL_LIB_CTX *parley_lean_context(void)
{
    int others = 0;
    if (OPENSSL_version_major() != 3 || OPENSSL_version_minor() >= 2) return NULL;
    // An administrator who has configured another provider means it to be used.
    if (EVP_default_properties_is_fips_enabled(NULL) || OSSL_PROVIDER_do_all(NULL, count_others, &others) != 1 || others)
        return NULL;
    whole = OSSL_PROVIDER_load(NULL, "default");
    if (!whole) return NULL;
    keep(keys, OSSL_OP_KEYMGMT, is_needed_key);
    keep(decoders, OSSL_OP_DECODER, is_needed_decoder);
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    if (context && OSSL_PROVIDER_add_builtin(context, "lean", start) == 1 && OSSL_PROVIDER_load(context, "lean"))
        return context;
    OSSL_LIB_CTX_free(context);
    return NULL;
}
