// An OpenSSL provider (provider(7)) for keys that can't sign here: their private halves are elsewhere.
// SPDX-License-Identifier: Apache-2.0
#include "CProvider.h"
#include <openssl/core_dispatch.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/provider.h>
#include <openssl/rsa.h>
#include <string.h>

// MARK: Keys (provider-keymgmt(7))
// There is no export: OpenSSL would sign with a key of its own that has no private half.

enum kind { EC, RSA_ANY, RSA_PSS, ED25519, ED448 };
static const char *const kinds[] = {"EC", "RSA", "RSA-PSS", "ED25519", "ED448"};

struct key {
    enum kind kind;
    // From the default context, which can handle public keys. Null until it is imported.
    EVP_PKEY *public_half;
    // Below 0 for a key that is only a public half.
    int number;
    char curve[32]; // An EC key's: OpenSSL asks for it in each handshake.
};

static void *new_key(enum kind kind)
{
    struct key *key = OPENSSL_malloc(sizeof *key);
    return key ? *key = (struct key){.kind = kind, .number = -1}, key : NULL;
}
#define NEW(name, kind) static void *new_##name(void *provider) { return (void)provider, new_key(kind); }
NEW(ec, EC) NEW(rsa, RSA_ANY) NEW(pss, RSA_PSS) NEW(ed25519, ED25519) NEW(ed448, ED448)

static void free_key(void *data)
{
    struct key *key = data;
    if (key) EVP_PKEY_free(key->public_half);
    OPENSSL_free(key);
}

static int has(const void *data, int selection)
{
    const struct key *key = data;
    return key->public_half && (!(selection & OSSL_KEYMGMT_SELECT_PRIVATE_KEY) || key->number >= 0);
}

static int match(const void *data, const void *other_data, int selection)
{
    EVP_PKEY *one = ((const struct key *)data)->public_half, *other = ((const struct key *)other_data)->public_half;
    if (!one || !other) return 0;
    return (selection & OSSL_KEYMGMT_SELECT_KEYPAIR ? EVP_PKEY_eq : EVP_PKEY_parameters_eq)(one, other) == 1;
}

#define TEXT(name) OSSL_PARAM_utf8_string(name, NULL, 0)
#define NUMBER(name) OSSL_PARAM_int(name, NULL)
// The parts of a key that are accepted: our key number, its public half, and the restrictions of an RSA-PSS key. A
// private half is skipped if OpenSSL offers one in order to compare two keys.
static const OSSL_PARAM importable[] = {
    NUMBER(PARLEY_NUMBER), TEXT(OSSL_PKEY_PARAM_GROUP_NAME), OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, NULL, 0),
    OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_N, NULL, 0), OSSL_PARAM_BN(OSSL_PKEY_PARAM_RSA_E, NULL, 0),
    TEXT(OSSL_PKEY_PARAM_RSA_DIGEST), TEXT(OSSL_PKEY_PARAM_RSA_MASKGENFUNC),
    TEXT(OSSL_PKEY_PARAM_RSA_MGF1_DIGEST), NUMBER(OSSL_PKEY_PARAM_RSA_PSS_SALTLEN), OSSL_PARAM_END};
static const OSSL_PARAM *importable_types(int selection) { return (void)selection, importable; }

// How many there are, and how long one may be in bytes: the modulus of a 16,384-bit RSA key, OpenSSL's longest.
enum { importable_count = sizeof importable / sizeof *importable - 1, longest_parameter = 2048 };

// Whether TLS 1.3 has a signature for a key on this curve and we know its scheme's number; and whether it has a point.
static int take_curve(struct key *key)
{
    EVP_PKEY *half = key->public_half;
    if (EVP_PKEY_get_octet_string_param(half, OSSL_PKEY_PARAM_PUB_KEY, NULL, 0, &(size_t){0}) != 1) return 0;
    int nid = EVP_PKEY_get_group_name(half, key->curve, sizeof key->curve, NULL) ? OBJ_txt2nid(key->curve) : NID_undef;
    return nid == NID_X9_62_prime256v1 || nid == NID_secp384r1 || nid == NID_secp521r1;
}

static int take(struct key *key, const OSSL_PARAM parameters[])
{
    OSSL_PARAM taken[importable_count] = {0};
    size_t count = 0;
    for (size_t i = 0; i < importable_count; i++) {
        const OSSL_PARAM *found = OSSL_PARAM_locate_const(parameters, importable[i].key);
        if (found && found->data_size > longest_parameter) return 0;
        if (found && i > 0) taken[count++] = *found;
        if (found && i == 0 && (!OSSL_PARAM_get_int(found, &key->number) || key->number < 0)) return 0;
    }
    taken[count] = OSSL_PARAM_construct_end();
    EVP_PKEY_CTX *making = EVP_PKEY_CTX_new_from_name(NULL, kinds[key->kind], NULL);
    int is_made = making && EVP_PKEY_fromdata_init(making) == 1
        && EVP_PKEY_fromdata(making, &key->public_half, EVP_PKEY_PUBLIC_KEY, taken) == 1;
    EVP_PKEY_CTX_free(making);
    return is_made && (key->kind != EC || take_curve(key));
}

static int import(void *data, int selection, const OSSL_PARAM parameters[])
{
    struct key *key = data;
    // A key with a public half may already be in use.
    if (!(selection & OSSL_KEYMGMT_SELECT_PUBLIC_KEY) || key->public_half) return 0;
    if (take(key, parameters)) return 1;
    EVP_PKEY_free(key->public_half);
    *key = (struct key){.kind = key->kind, .number = -1};
    return ERR_raise(ERR_LIB_EVP, EVP_R_UNSUPPORTED_KEY_TYPE), 0;
}

static int get_params(void *data, OSSL_PARAM parameters[])
{
    const struct key *key = data;
    const char *name = *key->curve ? parameters->key : NULL;
    if (name && strcmp(name, OSSL_PKEY_PARAM_GROUP_NAME) == 0 && !parameters[1].key)
        return OSSL_PARAM_set_utf8_string(parameters, key->curve);
    return key->public_half && EVP_PKEY_get_params(key->public_half, parameters) == 1;
}

static const OSSL_PARAM readable[] = {
    NUMBER(OSSL_PKEY_PARAM_BITS), NUMBER(OSSL_PKEY_PARAM_SECURITY_BITS), NUMBER(OSSL_PKEY_PARAM_MAX_SIZE),
    TEXT(OSSL_PKEY_PARAM_GROUP_NAME), TEXT(OSSL_PKEY_PARAM_DEFAULT_DIGEST),
    TEXT(OSSL_PKEY_PARAM_MANDATORY_DIGEST), OSSL_PARAM_END};
static const OSSL_PARAM *gettable(void *provider) { return (void)provider, readable; }

// The name by which the signatures of a kind of key are found; the others have the kind's own name.
static const char *ecs(int operation) { return operation == OSSL_OP_SIGNATURE ? "ECDSA" : "EC"; }
static const char *psss(int operation) { return operation == OSSL_OP_SIGNATURE ? "RSA" : "RSA-PSS"; }

// MARK: Signatures (provider-signature(7))

struct operation {
    // Owned by OpenSSL's context of the operation.
    const struct key *key;
    // Its number in RFC 8446's schemes: 4 for SHA-256, 5 for SHA-384, 6 for SHA-512; 0 for none.
    int hash;
    int padding;
};

static void *new_operation(void *provider, const char *properties)
{
    return (void)provider, (void)properties, OPENSSL_zalloc(sizeof(struct operation));
}
static void free_operation(void *data) { OPENSSL_free(data); }

// OpenSSL's look-up, which knows more spellings, takes half as long as a signature. SHA-1 and SHA-224, which TLS 1.2
// also had, must not be used (RFC 8446, 4.2.3).
static int hash_number(const char *name)
{
    static const char *const names[] = {"SHA2-256", "SHA2-384", "SHA2-512", "SHA256", "SHA384", "SHA512"};
    for (int i = 0; name && i < 6; i++)
        if (strcmp(name, names[i]) == 0) return 4 + i % 3;
    return 0;
}

// A number, or the word that stands for one.
static int read_number(const OSSL_PARAM *parameter, int *number)
{
    static const OSSL_ITEM words[] = {
        {RSA_PKCS1_PADDING, OSSL_PKEY_RSA_PAD_MODE_PKCSV15}, {RSA_PKCS1_PSS_PADDING, OSSL_PKEY_RSA_PAD_MODE_PSS},
        {(unsigned)RSA_PSS_SALTLEN_DIGEST, OSSL_PKEY_RSA_PSS_SALT_LEN_DIGEST}};
    if (parameter->data_type != OSSL_PARAM_UTF8_STRING) return OSSL_PARAM_get_int(parameter, number);
    char text[16], *word = text;
    if (!OSSL_PARAM_get_utf8_string(parameter, &word, sizeof text)) return 0;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i].ptr) == 0) return *number = (int)words[i].id, 1;
    return 0;
}

static int set_params(void *data, const OSSL_PARAM parameters[])
{
    struct operation *operation = data;
    if (!parameters) return 1;
    const OSSL_PARAM *padding = OSSL_PARAM_locate_const(parameters, OSSL_SIGNATURE_PARAM_PAD_MODE);
    if (padding && !read_number(padding, &operation->padding)) return 0;
    // TLS only has salts as long as the hash (RFC 8446, 4.2.3).
    const OSSL_PARAM *salt = OSSL_PARAM_locate_const(parameters, OSSL_SIGNATURE_PARAM_PSS_SALTLEN);
    int length;
    return !salt || (read_number(salt, &length) && length == RSA_PSS_SALTLEN_DIGEST);
}

static const OSSL_PARAM writable[] = {
    TEXT(OSSL_SIGNATURE_PARAM_PAD_MODE), TEXT(OSSL_SIGNATURE_PARAM_PSS_SALTLEN), OSSL_PARAM_END};
static const OSSL_PARAM *settable(void *data, void *provider) { return (void)data, (void)provider, writable; }

// RFC 8446's number for what is about to be signed (4.2.3); 0 for what TLS doesn't have. In TLS 1.2 the number for a
// curve's signature stands only for its hash.
static uint16_t scheme(const struct operation *operation)
{
    unsigned hash = (unsigned)operation->hash, number = 0;
    int is_pkcs1 = operation->padding == RSA_PKCS1_PADDING, is_pss = operation->padding == RSA_PKCS1_PSS_PADDING;
    switch (operation->key->kind) {
    case EC: number = hash << 8 | 3; break;
    case RSA_ANY: number = is_pss ? 0x0800 | hash : is_pkcs1 ? hash << 8 | 1 : 0; break;
    case RSA_PSS: number = is_pss ? 0x0800 | (hash + 5) : 0; break;
    case ED25519: case ED448: return hash ? 0 : operation->key->kind == ED448 ? 0x0808 : 0x0807;
    }
    return hash ? (uint16_t)number : 0;
}

static int begin(void *data, const char *digest, void *key_data, const OSSL_PARAM parameters[])
{
    struct operation *operation = data;
    if (key_data) operation->key = key_data;
    if (!operation->key || !has(operation->key, OSSL_KEYMGMT_SELECT_PRIVATE_KEY)) return 0;
    operation->hash = hash_number(digest);
    if (digest && *digest && !operation->hash) return 0;
    operation->padding = operation->key->kind == RSA_PSS ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING;
    return set_params(operation, parameters) && scheme(operation);
}

static _Thread_local const parley_asked *asked;

const parley_asked *parley_ask(const parley_asked *next)
{
    const parley_asked *before = asked;
    asked = next;
    return before;
}

// The one place where an answer is waited for. Others' handshakes may go on meanwhile, which say whom to ask.
static size_t ask(
    const struct operation *by, const unsigned char *content, size_t length, unsigned char *signature, size_t room)
{
    uint16_t number = scheme(by);
    if (!asked || !number || !content || length == 0 || length > parley_longest_content) return 0;
    // Whatever the callback leaves in the queue would be taken for the next call's.
    ERR_set_mark();
    const parley_asked *whom = parley_ask(NULL);
    size_t count = whom->sign(whom->self, by->key->number, number, content, length, signature, room);
    parley_ask(whom);
    ERR_pop_to_mark();
    return count <= room ? count : 0;
}

static int sign(
    void *data, unsigned char *signature, size_t *length, size_t room, const unsigned char *content,
    size_t content_length)
{
    const struct operation *operation = data;
    if (!operation->key) return 0;
    *length = (size_t)EVP_PKEY_get_size(operation->key->public_half);
    if (!signature) return 1;
    *length = ask(operation, content, content_length, signature, room < *length ? room : *length);
    return *length > 0;
}

// MARK: The provider

#define FUNCTION(number, function) {number, (void (*)(void))function}
#define KEY_MANAGER(new_one) \
    FUNCTION(OSSL_FUNC_KEYMGMT_NEW, new_one), FUNCTION(OSSL_FUNC_KEYMGMT_FREE, free_key), \
        FUNCTION(OSSL_FUNC_KEYMGMT_HAS, has), FUNCTION(OSSL_FUNC_KEYMGMT_MATCH, match), \
        FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT, import), FUNCTION(OSSL_FUNC_KEYMGMT_IMPORT_TYPES, importable_types), \
        FUNCTION(OSSL_FUNC_KEYMGMT_GET_PARAMS, get_params), FUNCTION(OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS, gettable)
#define END {0, NULL}

static const OSSL_DISPATCH ec[] = {KEY_MANAGER(new_ec), FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, ecs), END};
static const OSSL_DISPATCH rsa[] = {KEY_MANAGER(new_rsa), END};
static const OSSL_DISPATCH pss[] = {KEY_MANAGER(new_pss), FUNCTION(OSSL_FUNC_KEYMGMT_QUERY_OPERATION_NAME, psss), END};
static const OSSL_DISPATCH ed25519[] = {KEY_MANAGER(new_ed25519), END}, ed448[] = {KEY_MANAGER(new_ed448), END};
static const OSSL_DISPATCH signing[] = {
    FUNCTION(OSSL_FUNC_SIGNATURE_NEWCTX, new_operation), FUNCTION(OSSL_FUNC_SIGNATURE_FREECTX, free_operation),
    FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN_INIT, begin), FUNCTION(OSSL_FUNC_SIGNATURE_DIGEST_SIGN, sign),
    FUNCTION(OSSL_FUNC_SIGNATURE_SET_CTX_PARAMS, set_params),
    FUNCTION(OSSL_FUNC_SIGNATURE_SETTABLE_CTX_PARAMS, settable), END};

#define RSA_NAMES "RSA:rsaEncryption:1.2.840.113549.1.1.1"
#define ED25519_NAMES "ED25519:1.3.101.112"
#define OURS "provider=" PARLEY_PROVIDER
static const OSSL_ALGORITHM key_managers[] = {
    {"EC:id-ecPublicKey:1.2.840.10045.2.1", OURS, ec, NULL}, {RSA_NAMES, OURS, rsa, NULL},
    {"RSA-PSS:RSASSA-PSS:1.2.840.113549.1.1.10", OURS, pss, NULL}, {ED25519_NAMES, OURS, ed25519, NULL},
    {"ED448:1.3.101.113", OURS, ed448, NULL}, {0}};
static const OSSL_ALGORITHM signatures[] = {{"ECDSA", OURS, signing, NULL}, {RSA_NAMES, OURS, signing, NULL},
    {ED25519_NAMES, OURS, signing, NULL}, {"ED448:1.3.101.113", OURS, signing, NULL}, {0}};

static const OSSL_ALGORITHM *algorithms(void *provider, int operation, int *mustnt_be_kept)
{
    *mustnt_be_kept = 0;
    if (operation == OSSL_OP_SIGNATURE) return signatures;
    return (void)provider, operation == OSSL_OP_KEYMGMT ? key_managers : NULL;
}

static int start(
    const OSSL_CORE_HANDLE *core, const OSSL_DISPATCH *cores, const OSSL_DISPATCH **ours, void **provider)
{
    static const OSSL_DISPATCH functions[] = {FUNCTION(OSSL_FUNC_PROVIDER_QUERY_OPERATION, algorithms), END};
    // The context is not used, and must not be null, which would mean failure.
    *provider = (void *)core;
    return (void)cores, *ours = functions, 1;
}

OSSL_LIB_CTX *parley_key_context(void)
{
    OSSL_LIB_CTX *context = OSSL_LIB_CTX_new();
    // Loaded by name, so that the default provider doesn't load by itself.
    if (context && OSSL_PROVIDER_add_builtin(context, PARLEY_PROVIDER, start) == 1
        && OSSL_PROVIDER_load(context, PARLEY_PROVIDER))
        return context;
    OSSL_LIB_CTX_free(context);
    return NULL;
}
